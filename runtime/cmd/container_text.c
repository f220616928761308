/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/container_text.h"

#include <string.h>

#include "image-tools/reference.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/engine/ports.h"

#define COMMAND_WIDTH 20 /* characters, the ellipsis being one */
#define MOUNT_WIDTH   15

/* One byte as Go's strconv.Quote has it. */
static void quote(struct strbuf *out, unsigned char byte)
{
	static const char plain[] = "\a\b\t\n\v\f\r\"\\", letters[] = "abtnvfr\"\\";
	const char *at = byte ? strchr(plain, byte) : NULL;

	if (at)
		strbuf_printf(out, "\\%c", letters[at - plain]);
	else if (byte < ' ' || byte == 0x7f)
		strbuf_printf(out, "\\x%02x", byte);
	else
		strbuf_putc(out, (char)byte);
}

/* The command as Docker shows it: words with a space in them in single quotes, all of it in double ones. */
void container_text_command(const struct container_config *c, bool whole, struct strbuf *out)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	struct strv autostrv command = STRV_INIT;
	size_t width = 0, cut = 0;

	config_command(c, &command);
	for (size_t i = 0; i < command.len; i++)
		strbuf_printf(&text, strchr(command.items[i], ' ') && i > 0 ? "%s'%s'" : "%s%s",
			      i ? " " : "", command.items[i]);
	/* Cut between characters of UTF-8, at the last place from which an ellipsis still fits. */
	for (size_t i = 0; i < text.len; i++) {
		if (((unsigned char)text.data[i] & 0xc0) == 0x80)
			continue;
		if (++width == COMMAND_WIDTH)
			cut = i;
	}
	strbuf_putc(out, '"');
	for (size_t i = 0; i < text.len && (whole || width <= COMMAND_WIDTH || i < cut); i++)
		quote(out, (unsigned char)text.data[i]);
	strbuf_puts(out, !whole && width > COMMAND_WIDTH ? "…\"" : "\"");
}

void container_text_ago(struct timespec then, struct strbuf *out)
{
	char span[HUMAN_MAX];

	strbuf_printf(out, "%s ago", human_duration(time_now().tv_sec - then.tv_sec, span));
}

/* How long it has been up, and what else there is to say of it. */
static void text_running(const struct container_state *s, struct strbuf *out)
{
	char span[HUMAN_MAX];

	if (s->restarting) {
		strbuf_printf(out, "Restarting (%d) ", s->exit_code);
		container_text_ago(s->finished, out);
		return;
	}
	strbuf_printf(out, "Up %s", human_duration(time_now().tv_sec - s->started.tv_sec, span));
	if (s->paused)
		strbuf_puts(out, " (Paused)");
	else if (s->health == HEALTH_STARTING)
		strbuf_puts(out, " (health: starting)");
	else if (s->health != HEALTH_NONE)
		strbuf_printf(out, " (%s)", health_name(s->health));
}

void container_text_status(const struct container_state *s, struct strbuf *out)
{
	switch (s->status) {
	case STATUS_CREATED:
		strbuf_puts(out, "Created");
		break;
	case STATUS_RUNNING:
		text_running(s, out);
		break;
	case STATUS_EXITED:
		strbuf_printf(out, "Exited (%d) ", s->exit_code);
		container_text_ago(s->finished, out);
		break;
	}
}

void container_text_image(const struct container_config *c, const struct tags *tags,
			  struct strbuf *out)
{
	struct reference autoreference ref = REFERENCE_INIT;
	const struct digest *now = NULL;
	char hex[DIGEST_HEX_MAX];
	const char *typed = str_starts(c->image, "sha256:") ? c->image + 7 : c->image;

	digest_hex(&c->image_id, hex);
	if (*typed && str_starts(hex, typed)) {
		strbuf_puts(out, c->image);
		return;
	}
	if (reference_parse(c->image, &ref, NULL) == 0) {
		if (ref.has_digest) {
			strbuf_puts(out, c->image);
			return;
		}
		reference_default_tag(&ref);
		autofree char *name = reference_text(&ref, false);
		now = tags_find(tags, name);
	}
	hex[12] = '\0';
	strbuf_puts(out, now && digest_equal(now, &c->image_id) ? c->image : hex);
}

size_t container_text_mounts(const struct host_config *h, bool whole, struct strbuf *out)
{
	size_t volumes = 0;

	for (size_t i = 0; i < h->n_mounts; i++) {
		const struct host_mount *m = &h->mounts[i];
		char *name autofree = NULL;

		/* What --tmpfs gives is no mount of this list, as with Docker. */
		if (m->type == HOST_MOUNT_TMPFS && !m->by_mount)
			continue;
		volumes += m->type == HOST_MOUNT_VOLUME;
		name = whole ? xstrdup(m->source ? m->source : "")
			     : text_cut(m->source ? m->source : "", MOUNT_WIDTH);
		strbuf_printf(out, "%s%s", out->len ? "," : "", name);
	}
	return volumes;
}

/* ---- Ports */

static int compare_ports(const void *a, const void *b)
{
	const struct ports *x = a, *y = b;
	int protocol = strcmp(x->protocol, y->protocol);

	if (protocol)
		return protocol;
	return x->first < y->first ? -1 : x->first > y->first;
}

void container_text_ports(const struct strv *exposed, struct strbuf *out)
{
	struct ports *list autofree = xcalloc(exposed->len + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < exposed->len; i++)
		n += ports_parse(exposed->items[i], &list[n]);
	if (n)
		qsort(list, n, sizeof(*list), compare_ports);
	for (size_t i = 0, next; i < n; i = next) {
		unsigned long long last = list[i].last;

		for (next = i + 1; next < n && list[next].first <= last + 1 &&
				   strcmp(list[next].protocol, list[i].protocol) == 0;
		     next++)
			last = list[next].last > last ? list[next].last : last;
		strbuf_printf(out, "%s%llu", out->len ? ", " : "", list[i].first);
		if (last > list[i].first)
			strbuf_printf(out, "-%llu", last);
		strbuf_printf(out, "/%s", list[i].protocol);
	}
}
