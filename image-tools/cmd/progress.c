/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/human.h"

#define REDRAW_NS  100000000
#define NAME_SHOWN 32

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

static void draw(struct drawn_progress *p, const char *what, uint64_t done, uint64_t total,
		 const struct timespec *now, const char *end)
{
	char name[NAME_SHOWN + 1], have[HUMAN_MAX], all[HUMAN_MAX], rate[HUMAN_MAX];
	int64_t ns = ns_since(&p->begun, now);

	short_name(what, name);
	human_size(done, have);
	human_size(total, all);
	human_size(ns > 0 ? (uint64_t)((double)done * 1e9 / (double)ns) : done, rate);
	fprintf(stderr, "\r%s: %s%s%s  %s/s\033[K%s", name, have, total ? "/" : "",
		total ? all : "", rate, end);
	fflush(stderr);
	p->drawn = *now;
	p->shown = true;
}

static void begin(struct drawn_progress *p, const struct timespec *now)
{
	if (!p->busy)
		p->begun = p->drawn = *now;
	p->busy = true;
}

static void step(struct progress *base, const char *what, uint64_t done, uint64_t total)
{
	struct drawn_progress *p = (struct drawn_progress *)base;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	begin(p, &now);
	if (ns_since(&p->drawn, &now) >= REDRAW_NS)
		draw(p, what, done, total, &now, "");
}

static void finish(struct progress *base, const char *what, uint64_t done)
{
	struct drawn_progress *p = (struct drawn_progress *)base;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	begin(p, &now);
	draw(p, what, done, 0, &now, "\n");
	p->busy = p->shown = false;
}

struct progress *drawn_progress_init(struct drawn_progress *p, bool quiet)
{
	*p = (struct drawn_progress){ .progress = { .step = step, .finish = finish } };
	return !quiet && isatty(STDERR_FILENO) ? &p->progress : NULL;
}

void drawn_progress_end(struct drawn_progress *p)
{
	if (p->shown)
		fputs("\n", stderr);
	p->busy = p->shown = false;
}
