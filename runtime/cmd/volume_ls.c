/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `volume ls` and `volume inspect`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image-tools/cmd/filter.h"
#include "image-tools/cmd/inspecting.h"
#include "image-tools/cmd/listing.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/command.h"
#include "runtime/container/volume.h"
#include "runtime/engine/inspect_volume.h"

/* ---- ls */

static const struct listing_field fields[] = {
	{ "Availability", "AVAILABILITY" },
	{ "Driver", "DRIVER" },
	{ "Group", "GROUP" },
	{ "Labels", "LABELS" },
	{ "Links", "LINKS" },
	{ "Mountpoint", "MOUNTPOINT" },
	{ "Name", "VOLUME NAME" },
	{ "Scope", "SCOPE" },
	{ "Size", "SIZE" },
	{ "Status", "STATUS" },
	{ 0 },
};

static const struct listing_kind kind = {
	.fields = fields,
	.columns = "{{.Driver}}\t{{.Name}}",
};

static const char *const filter_keys[] = { "dangling", "driver", "label", "name", NULL };

struct volume_ls {
	bool quiet;
	const char *format;
	struct strv words;
	struct filters filters;
};

/* Any of the values of name is a part of it. */
static bool has_name(const struct filters *f, const char *name)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "name", &i));)
		if (strstr(name, value))
			return true;
	return !filters_has(f, "name");
}

static void add_row(struct listing *l, const struct store *st, const struct volume *v)
{
	char *path autofree = volume_path(st, v->name);
	char *labels autofree = strv_join(&v->labels, ",");

	listing_row(l,
		    (const char *const[]){ "N/A", "local", "N/A", labels, "N/A", path, v->name,
					   "local", "N/A", "N/A" },
		    &v->labels);
}

static int list(const struct store *st, const struct volume_ls *o, struct error *err)
{
	struct listing *l autolisting = listing_new(&kind, o->quiet ? "{{.Name}}" : o->format, err);
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	struct strbuf out autostrbuf = STRBUF_INIT;
	struct volume *volumes = NULL;
	bool dangling = false, by_use = filters_has(&o->filters, "dangling");
	size_t n = 0;

	if (!l || filters_bool(&o->filters, "dangling", &dangling, err) < 0 ||
	    (by_use && volume_uses_read(st, &uses, err) < 0) ||
	    volume_list(st, &volumes, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct volume *v = &volumes[i];

		if (has_name(&o->filters, v->name) &&
		    filters_allow(&o->filters, "driver", "local") &&
		    filters_match_labels(&o->filters, &v->labels) &&
		    (!by_use || dangling == (volume_uses_count(&uses, v->name) == 0)))
			add_row(l, st, v);
	}
	volume_list_free(volumes, n);
	if (listing_print(l, &out, err) < 0)
		return -1;
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return 0;
}

int cmd_volume_ls(struct command_context *ctx, int argc, char **argv)
{
	struct volume_ls o = { .filters = FILTERS_INIT };
	const struct cli_option options[] = {
		{ "filter", 'f', CLI_LIST, &o.words, "filter",
		  "Provide filter values (e.g. \"dangling=true\")" },
		{ "format", 0, CLI_STRING, &o.format, "string", LISTING_FORMAT_HELP },
		{ "quiet", 'q', CLI_BOOL, &o.quiet, NULL, "Only display volume names" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "volume ls [OPTIONS]",
		.summary = "List volumes",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status < 0) {
		if (filters_parse(&o.words, filter_keys, &o.filters, &err) < 0 ||
		    !command_store(ctx, &err) || list(ctx->store, &o, &err) < 0)
			status = command_fail(&err);
		else
			status = command_done(0);
	}
	filters_free(&o.filters);
	strv_free(&o.words);
	return status;
}

/* ---- inspect */

int cmd_volume_inspect(struct command_context *ctx, int argc, char **argv)
{
	const char *format = NULL;
	const struct cli_option options[] = {
		{ "format", 'f', CLI_STRING, &format, "string", INSPECTING_FORMAT_HELP },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "volume inspect [OPTIONS] VOLUME [VOLUME...]",
		.summary = "Display detailed information on one or more volumes",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	struct inspecting *i autoinspecting = inspecting_new(format, &err);
	if (!i || !command_store(ctx, &err))
		return command_fail(&err);
	for (char **name = argv + first; *name; name++) {
		struct error why = ERROR_INIT;
		yyjson_mut_val *object = inspect_volume(inspecting_doc(i), ctx->store, *name, &why);

		if (object)
			inspecting_add(i, object);
		else
			inspecting_fail(i, &why);
	}
	return inspecting_print(i);
}
