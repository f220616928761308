/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/table.h"
#include "runtime/cmd/container_text.h"
#include "runtime/command.h"
#include "runtime/container.h"

struct ps {
	bool all, quiet, whole, latest;
	long last; /* -1: no limit */
};

static void add_row(const struct container *c, const struct ps *ps, const struct tags *tags,
		    struct table *t)
{
	struct strbuf image autostrbuf = STRBUF_INIT, command autostrbuf = STRBUF_INIT,
			    created autostrbuf = STRBUF_INIT, status autostrbuf = STRBUF_INIT;
	autofree char *ports = strv_join(&c->config.run.exposed_ports, ", ");
	char id[ID_LEN + 1];

	snprintf(id, sizeof(id), "%.*s", ps->whole ? ID_LEN : 12, c->config.id);
	table_cell(t, id);
	container_text_image(&c->config, tags, &image);
	table_cell(t, image.data);
	container_text_command(&c->config, ps->whole, &command);
	table_cell(t, command.data);
	container_text_ago(c->config.created, &created);
	table_cell(t, created.data);
	container_text_status(&c->state, &status);
	table_cell(t, status.data);
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
