/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `state` and `list`. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/table.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"

static void put_owner(yyjson_mut_doc *doc, yyjson_mut_val *state, const char *owner)
{
	yyjson_mut_obj_add_strcpy(doc, state, "owner", owner);
}

int oci_cmd_state(struct oci_context *ctx, int argc, char **argv)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	const struct cli_command cmd = {
		.usage = "state ID",
		.summary = "Show the state of a container",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (oci_container_open(ctx->root, argv[first], &c, &err) < 0)
		return oci_fail(ctx, &err);
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *state = oci_container_state(&c, oci_container_status(&c), true, doc);
	yyjson_mut_doc_set_root(doc, state);
	put_owner(doc, state, "");
	autofree char *text = json_write(doc, true, NULL);
	puts(text);
	return oci_done(ctx, 0);
}

/* ---- list */

struct list {
	bool quiet;
	const char *format;
	yyjson_mut_doc *doc;
	yyjson_mut_val *array;
	struct table *table;
};

/* The name of who owns the container's folder, as runc calls it. */
static char *owner_of(const struct oci_container *c)
{
	struct stat st;
	const struct passwd *user;

	if (fstat(c->dir_fd, &st) < 0)
		return xstrdup("");
	user = getpwuid(st.st_uid);
	return user ? xstrdup(user->pw_name) : str_format("#%u", (unsigned int)st.st_uid);
}

static void add_container(struct list *l, const struct oci_container *c)
{
	enum oci_status status = oci_container_status(c);
	autofree char *owner = owner_of(c);
	autofree char *pid = str_format("%d", status == OCI_STOPPED ? 0 : (int)c->pid);

	if (l->quiet) {
		puts(c->id);
	} else if (l->doc) {
		yyjson_mut_val *state = oci_container_state(c, status, true, l->doc);
		/* The document outlives c. */
		put_owner(l->doc, state, owner);
		yyjson_mut_arr_append(l->array, yyjson_mut_val_mut_copy(l->doc, state));
	} else {
		table_cell(l->table, c->id);
		table_cell(l->table, pid);
		table_cell(l->table, oci_status_name(status));
		table_cell(l->table, c->bundle);
		table_cell(l->table, c->created);
		table_cell(l->table, owner);
	}
}

static int print(const struct oci_context *ctx, struct list *l)
{
	autostrbuf struct strbuf out = STRBUF_INIT;

	if (l->doc) {
		autofree char *text = json_write(l->doc, false, NULL);
		puts(text);
	} else if (!l->quiet) {
		table_print(l->table, &out);
		fputs(out.data, stdout);
	}
	return oci_done(ctx, 0);
}

static int list(const struct oci_context *ctx, struct list *l)
{
	static const char *const heading[] = {
		"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"
	};
	automutjson yyjson_mut_doc *doc =
		strcmp(l->format, "json") == 0 ? yyjson_mut_doc_new(NULL) : NULL;
	autotable struct table *table = table_new(6);
	autostrv struct strv ids = STRV_INIT;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 6; i++)
		table_cell(table, heading[i]);
	l->table = table;
	l->doc = l->quiet ? NULL : doc;
	l->array = doc ? yyjson_mut_arr(doc) : NULL;
	if (doc)
		yyjson_mut_doc_set_root(doc, l->array);
	if (oci_container_list(ctx->root, &ids, &err) < 0)
		return oci_fail(ctx, &err);
	for (size_t i = 0; i < ids.len; i++) {
		struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;

		if (oci_container_open(ctx->root, ids.items[i], &c, &err) == 0)
			add_container(l, &c);
		else if (err.code != ENOENT) /* it went, or is not yet there */
			log_line("warning: %s", err.message);
	}
	return print(ctx, l);
}

int oci_cmd_list(struct oci_context *ctx, int argc, char **argv)
{
	struct list l = { .format = "table" };
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &l.format, "string",
		  "\"table\" or \"json\" (default \"table\")" },
		{ "quiet", 'q', CLI_BOOL, &l.quiet, NULL, "Show the IDs alone" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "list [OPTIONS]",
		.summary = "List the containers below --root",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (strcmp(l.format, "table") != 0 && strcmp(l.format, "json") != 0) {
		error_set(&err, EINVAL, "invalid format option \"%s\"", l.format);
		return oci_fail(ctx, &err);
	}
	return list(ctx, &l);
}
