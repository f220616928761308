/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "image-tools/reference.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/table.h"
#include "runtime/command.h"
#include "runtime/container.h"

struct ps {
	bool all, quiet, whole, latest;
	long last; /* -1: no limit */
};

#define COMMAND_WIDTH 20 /* characters, the ellipsis being one */

/* The command as Docker shows it: words with a space in them in single quotes, all of it in double ones. */
static void add_command(const struct container_config *c, bool whole, struct table *t)
{
	struct strbuf text autostrbuf = STRBUF_INIT, cell autostrbuf = STRBUF_INIT;
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
	strbuf_putc(&cell, '"');
	for (size_t i = 0; i < text.len && (whole || width <= COMMAND_WIDTH || i < cut); i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			strbuf_putc(&cell, '\\');
		strbuf_putc(&cell, text.data[i]);
	}
	strbuf_puts(&cell, !whole && width > COMMAND_WIDTH ? "…\"" : "\"");
	table_cell(t, cell.data);
}

static void add_ago(struct timespec then, struct strbuf *out)
{
	char span[HUMAN_MAX];

	strbuf_printf(out, "%s ago", human_duration(time_now().tv_sec - then.tv_sec, span));
}

static void add_status(const struct container_state *s, struct table *t)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	char span[HUMAN_MAX];

	switch (s->status) {
	case STATUS_CREATED:
		strbuf_puts(&text, "Created");
		break;
	case STATUS_RUNNING:
		strbuf_printf(&text, "Up %s",
			      human_duration(time_now().tv_sec - s->started.tv_sec, span));
		break;
	case STATUS_EXITED:
		strbuf_printf(&text, "Exited (%d) ", s->exit_code);
		add_ago(s->finished, &text);
		break;
	}
	table_cell(t, text.data);
}

/* The image as it was named, unless that name means another image by now: then its ID. */
static void add_image(const struct container_config *c, const struct tags *tags, struct table *t)
{
	struct reference autoreference ref = REFERENCE_INIT;
	const struct digest *now = NULL;
	char hex[DIGEST_HEX_MAX];
	const char *typed = str_starts(c->image, "sha256:") ? c->image + 7 : c->image;

	digest_hex(&c->image_id, hex);
	if (*typed && str_starts(hex, typed)) {
		table_cell(t, c->image);
		return;
	}
	if (reference_parse(c->image, &ref, NULL) == 0) {
		if (ref.has_digest) {
			table_cell(t, c->image);
			return;
		}
		reference_default_tag(&ref);
		autofree char *name = reference_text(&ref, false);
		now = tags_find(tags, name);
	}
	hex[12] = '\0';
	table_cell(t, now && digest_equal(now, &c->image_id) ? c->image : hex);
}

static void add_row(const struct container *c, const struct ps *ps, const struct tags *tags,
		    struct table *t)
{
	struct strbuf created autostrbuf = STRBUF_INIT;
	autofree char *ports = strv_join(&c->config.run.exposed_ports, ", ");
	char id[ID_LEN + 1];

	snprintf(id, sizeof(id), "%.*s", ps->whole ? ID_LEN : 12, c->config.id);
	table_cell(t, id);
	add_image(&c->config, tags, t);
	add_command(&c->config, ps->whole, t);
	add_ago(c->config.created, &created);
	table_cell(t, created.data);
	add_status(&c->state, t);
	table_cell(t, c->state.status == STATUS_RUNNING ? ports : "");
	table_cell(t, c->config.name);
}

static void print_ids(const struct container *list, size_t n, const struct ps *ps)
{
	for (size_t i = 0; i < n; i++)
		printf("%.*s\n", ps->whole ? ID_LEN : 12, list[i].config.id);
}

static int print_table(const struct store *st, const struct container *list, size_t n,
		       const struct ps *ps, struct error *err)
{
	static const char *const heads[] = { "CONTAINER ID", "IMAGE", "COMMAND", "CREATED",
					     "STATUS",       "PORTS", "NAMES" };
	struct table autotable *t = table_new(sizeof(heads) / sizeof(heads[0]));
	struct strbuf out autostrbuf = STRBUF_INIT;
	struct tags autotags tags = TAGS_INIT;

	if (n && tags_read(st, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(t, heads[i]);
	for (size_t i = 0; i < n; i++)
		add_row(&list[i], ps, &tags, t);
	table_print(t, &out);
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static int ps(const struct store *st, const struct ps *ps)
{
	struct container *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0, shown = 0;
	int status = 0;

	if (container_list(st, &list, &n, &err) < 0)
		return command_fail(&err);
	/* -n and -l look at all containers, as with Docker. */
	for (size_t i = 0; i < n; i++) {
		bool wanted = ps->last >= 0 ? (long)shown < ps->last
					    : ps->all || list[i].state.status == STATUS_RUNNING;
		struct container swap = list[shown];

		if (!wanted)
			continue;
		list[shown++] = list[i];
		list[i] = swap;
	}
	if (ps->quiet)
		print_ids(list, shown, ps);
	else
		status = print_table(st, list, shown, ps, &err);
	container_list_free(list, n);
	return status < 0 ? command_fail(&err) : command_done(0);
}

int cmd_ps(struct command_context *ctx, int argc, char **argv)
{
	struct ps options = { .last = -1 };
	const struct cli_option table[] = {
		{ "all", 'a', CLI_BOOL, &options.all, NULL,
		  "Show all containers (default shows just running)" },
		{ "last", 'n', CLI_INT, &options.last, "int",
		  "Show n last created containers (includes all states) (default -1)" },
		{ "latest", 'l', CLI_BOOL, &options.latest, NULL,
		  "Show the latest created container (includes all states)" },
		{ "no-trunc", 0, CLI_BOOL, &options.whole, NULL, "Don't truncate output" },
		{ "quiet", 'q', CLI_BOOL, &options.quiet, NULL, "Only display container IDs" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "ps [OPTIONS]",
		.summary = "List containers",
		.options = table,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status;

	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	if (options.latest)
		options.last = 1;
	st = command_store(ctx, &err);
	return st ? ps(st, &options) : command_fail(&err);
}
