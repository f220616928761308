/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/human.h"
#include "lib/str.h"

#define REDRAW_NS  100000000
#define NAME_SHOWN 32
#define BAR_MIN    10
#define BAR_MAX    50

static int64_t ns_since(const struct timespec *then, const struct timespec *now)
{
	return (int64_t)(now->tv_sec - then->tv_sec) * 1000000000 + (now->tv_nsec - then->tv_nsec);
}

/* Twelve digits of a digest in the name, as Docker shows layers; else the name's end. Bytes that could mean something to
 * the terminal are not passed on: the name comes from outside. */
static void short_name(const char *what, char out[NAME_SHOWN + 1])
{
	const char *base = strrchr(what, '/');
	size_t n = 0;

	for (const char *p = what; *p; p++) {
		size_t digits = strspn(p, "0123456789abcdef");

		if (digits == 64) {
			snprintf(out, NAME_SHOWN + 1, "%.12s", p);
			return;
		}
		if (digits)
			p += digits - 1;
	}
	for (base = base ? base + 1 : what; *base && n < NAME_SHOWN; base++)
		out[n++] = *base < ' ' || *base > '~' ? '?' : *base;
	out[n] = '\0';
}

static unsigned terminal_width(void)
{
	struct winsize w;

	/* A serial console may not know; 80 is what it then has. */
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

/* The bar fills what the words leave of the line, up to Docker's 50. */
static void add_bar(struct strbuf *line, uint64_t done, uint64_t total, size_t room)
{
	size_t filled;

	if (room > BAR_MAX)
		room = BAR_MAX;
	if (room < BAR_MIN || !total)
		return;
	filled = done >= total ? room : (size_t)((double)done / (double)total * (double)room);
	strbuf_putc(line, '[');
	for (size_t i = 0; i < room; i++)
		strbuf_putc(line, i < filled ? '=' : i == filled ? '>' : ' ');
	strbuf_puts(line, "] ");
}

static void draw(struct drawn_progress *p, const char *what, uint64_t done, uint64_t total,
		 const char *end)
{
	struct strbuf line autostrbuf = STRBUF_INIT;
	char name[NAME_SHOWN + 1], have[HUMAN_MAX], all[HUMAN_MAX], figures[2 * HUMAN_MAX + 4];
	size_t width = terminal_width(), words;

	short_name(what, name);
	human_size(done, have);
	human_size(total, all);
	snprintf(figures, sizeof(figures), total ? "%8s/%s" : "%8s", have, all);
	strbuf_printf(&line, "%s: %s ", name, p->verb);
	words = line.len + strlen(figures) + strlen("[] ") + 1;
	add_bar(&line, done, total, width > words ? width - words : 0);
	strbuf_puts(&line, figures);
	if (line.len >= width) /* it must not wrap: it could not be drawn over */
		line.data[width > 1 ? width - 1 : 0] = '\0';
	fprintf(stderr, "\r%s\033[K%s", line.data, end);
	fflush(stderr);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &p->drawn);
	p->shown = true;
}

static void step(struct progress *base, const char *what, uint64_t done, uint64_t total)
{
	struct drawn_progress *p = (struct drawn_progress *)base;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (!p->busy)
		p->drawn = now;
	p->busy = true;
	p->total = total;
	if (ns_since(&p->drawn, &now) >= REDRAW_NS)
		draw(p, what, done, total, "");
}

static void finish(struct progress *base, const char *what, uint64_t done)
{
	struct drawn_progress *p = (struct drawn_progress *)base;

	draw(p, what, done, p->busy ? p->total : done, "\n");
	p->busy = p->shown = false;
}

struct progress *drawn_progress_init(struct drawn_progress *p, bool quiet)
{
	*p = (struct drawn_progress){ .progress = { .step = step, .finish = finish }, .verb = "" };
	return !quiet && isatty(STDERR_FILENO) ? &p->progress : NULL;
}

void drawn_progress_end(struct drawn_progress *p)
{
	if (p->shown)
		fputs("\n", stderr);
	p->busy = p->shown = false;
}

void drawn_progress_erase(struct drawn_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->busy = p->shown = false;
}
