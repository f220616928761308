/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/cmd/listing.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"
#include "runtime/cmd/container_text.h"
#include "runtime/cmd/ps_filter.h"
#include "runtime/command.h"
#include "runtime/engine/inspect.h"

#define SHORT_ID 12

enum field {
	COMMAND,
	CREATED_AT,
	ID,
	IMAGE,
	LABELS,
	LOCAL_VOLUMES,
	MOUNTS,
	NAMES,
	NETWORKS,
	PORTS,
	RUNNING_FOR,
	SIZE,
	STATE,
	STATUS,
	N_FIELDS
};

static const struct listing_field fields[] = {
	[COMMAND] = { "Command", "COMMAND" },
	[CREATED_AT] = { "CreatedAt", "CREATED AT" },
	[ID] = { "ID", "CONTAINER ID" },
	[IMAGE] = { "Image", "IMAGE" },
	[LABELS] = { "Labels", "LABELS" },
	[LOCAL_VOLUMES] = { "LocalVolumes", "LOCAL VOLUMES" },
	[MOUNTS] = { "Mounts", "MOUNTS" },
	[NAMES] = { "Names", "NAMES" },
	[NETWORKS] = { "Networks", "NETWORKS" },
	[PORTS] = { "Ports", "PORTS" },
	[RUNNING_FOR] = { "RunningFor", "CREATED" },
	[SIZE] = { "Size", "SIZE" },
	[STATE] = { "State", "STATE" },
	[STATUS] = { "Status", "STATUS" },
	[N_FIELDS] = { 0 },
};

#define COLUMNS \
	"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

static const struct listing_kind usual = { fields, COLUMNS };
static const struct listing_kind with_size = { fields, COLUMNS "\t{{.Size}}" };

struct ps {
	bool all, quiet, whole, latest, size;
	long last; /* -1: no limit */
	const char *format;
	struct strv filter_words;
	struct filters filters;
};

/* ---- Rows */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *labels_text(const struct strv *labels)
{
	struct strv sorted autostrv = STRV_INIT;

	strv_extend(&sorted, labels);
	if (sorted.len)
		qsort(sorted.items, sorted.len, sizeof(*sorted.items), compare_texts);
	return strv_join(&sorted, ",");
}

static int size_text(const struct store *st, const struct container *c, bool wanted,
		     char buf[2 * HUMAN_MAX], struct error *err)
{
	char own_text[HUMAN_MAX], all_text[HUMAN_MAX];
	uint64_t own, all;

	snprintf(buf, 2 * HUMAN_MAX, "0B");
	if (!wanted)
		return 0;
	if (container_sizes(st, c, &own, &all, err) < 0) {
		if (err->code != ENOENT) /* removed meanwhile */
			return -1;
		error_clear(err);
		return 0;
	}
	snprintf(buf, 2 * HUMAN_MAX, all ? "%s (virtual %s)" : "%s", human_size(own, own_text),
		 human_size(all, all_text));
	return 0;
}

static int list_row(struct listing *l, const struct store *st, const struct container *c,
		    const struct ps *ps, const struct tags *tags, struct error *err)
{
	struct strbuf command autostrbuf = STRBUF_INIT, image autostrbuf = STRBUF_INIT,
			      ago autostrbuf = STRBUF_INIT, status autostrbuf = STRBUF_INIT;
	char *labels autofree = labels_text(&c->config.run.labels);
	struct strbuf mounts autostrbuf = STRBUF_INIT, ports autostrbuf = STRBUF_INIT;
	char *volumes autofree =
		str_format("%zu", container_text_mounts(&c->config.host, ps->whole, &mounts));
	char id[ID_LEN + 1], at[TIME_TEXT_MAX], size[2 * HUMAN_MAX];

	if (size_text(st, c, ps->size, size, err) < 0)
		return -1;
	snprintf(id, sizeof(id), "%.*s", ps->whole ? ID_LEN : SHORT_ID, c->config.id);
	container_text_command(&c->config, ps->whole, &command);
	container_text_image(&c->config, tags, &image);
	container_text_ago(c->config.created, &ago);
	container_text_status(&c->state, &status);
	if (c->state.status == STATUS_RUNNING)
		container_text_ports(&c->config.run.exposed_ports, &ports);
	const char *values[N_FIELDS] = {
		[COMMAND] = command.data,
		[CREATED_AT] = time_local_text(c->config.created.tv_sec, at),
		[ID] = id,
		[IMAGE] = image.data,
		[LABELS] = labels,
		[LOCAL_VOLUMES] = volumes,
		[MOUNTS] = mounts.data,
		[NAMES] = c->config.name,
		[NETWORKS] = c->config.network,
		[PORTS] = ports.data,
		[RUNNING_FOR] = ago.data,
		[SIZE] = size,
		[STATE] = state_name(&c->state),
		[STATUS] = status.data,
	};
	listing_row(l, values, &c->config.run.labels);
	return 0;
}

static int list_all(struct listing *l, const struct store *st, const struct container *list,
		    size_t n, const struct ps *ps, struct error *err)
{
	struct tags autotags tags = TAGS_INIT;
	size_t from, to;
	long shown = 0;

	if (ps_filters_bounds(&ps->filters, list, n, &from, &to, err) < 0 ||
	    (n && tags_read(st, &tags, err) < 0))
		return -1;
	for (size_t i = from; i < to && (ps->last < 0 || shown < ps->last); i++) {
		/* -n and -l look at all containers, as with Docker. */
		if (ps->last < 0 && !ps->all && list[i].state.status != STATUS_RUNNING)
			continue;
		if (!ps_filters_fit(&ps->filters, st, &list[i]))
			continue;
		if (list_row(l, st, &list[i], ps, &tags, err) < 0)
			return -1;
		shown++;
	}
	return 0;
}

static int ps(const struct store *st, struct ps *ps, struct error *err)
{
	struct listing *l autolisting = listing_new(ps->size ? &with_size : &usual,
						    ps->quiet ? "{{.ID}}" : ps->format, err);
	struct strbuf out autostrbuf = STRBUF_INIT;
	struct container *list = NULL;
	size_t n = 0;
	int r;

	if (!l || container_list(st, &list, &n, err) < 0)
		return -1;
	/* Sizes are counted file by file: only where somebody wants to see them. */
	ps->size = (ps->size || listing_wants(l, "Size")) && !ps->quiet;
	r = list_all(l, st, list, n, ps, err);
	container_list_free(list, n);
	if (r < 0 || listing_print(l, &out, err) < 0)
		return -1;
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return command_done(0);
}

static int run(struct command_context *ctx, struct ps *options, struct error *err)
{
	if (options->latest && options->last < 0)
		options->last = 1;
	if (options->last == 0)
		options->last = -1; /* no limit, and only what runs */
	if (options->quiet && options->format && *options->format)
		log_line(
			"WARNING: Ignoring custom format, because both --format and --quiet are set.");
	if (filters_parse(&options->filter_words, ps_filter_keys, &options->filters, err) < 0 ||
	    ps_filters_check(&options->filters, err) < 0 || !command_store(ctx, err))
		return -1;
	/* Who asks for a state asks for it wherever it is met, as with Docker. */
	options->all = options->all || filters_has(&options->filters, "status");
	return ps(ctx->store, options, err);
}

int cmd_ps(struct command_context *ctx, int argc, char **argv)
{
	struct ps options = { .last = -1 };
	const struct cli_option table[] = {
		{ "all", 'a', CLI_BOOL, &options.all, NULL,
		  "Show all containers (default shows just running)" },
		{ "filter", 'f', CLI_LIST, &options.filter_words, "filter",
		  "Filter output based on conditions provided" },
		{ "format", 0, CLI_STRING, &options.format, "string", LISTING_FORMAT_HELP },
		{ "last", 'n', CLI_INT, &options.last, "int",
		  "Show n last created containers (includes all states) (default -1)" },
		{ "latest", 'l', CLI_BOOL, &options.latest, NULL,
		  "Show the latest created container (includes all states)" },
		{ "no-trunc", 0, CLI_BOOL, &options.whole, NULL, "Don't truncate output" },
		{ "quiet", 'q', CLI_BOOL, &options.quiet, NULL, "Only display container IDs" },
		{ "size", 's', CLI_BOOL, &options.size, NULL, "Display total file sizes" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "ps [OPTIONS]",
		.summary = "List containers",
		.options = table,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status;

	status = command_parse(&cmd, argc, argv, &first);
	if (status < 0)
		status = run(ctx, &options, &err);
	if (status < 0)
		status = command_fail(&err);
	filters_free(&options.filters);
	strv_free(&options.filter_words);
	return status;
}
