/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/cmd/filter.h"
#include "image-tools/cmd/listing.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"
#include "runtime/cmd/container_text.h"
#include "runtime/command.h"
#include "runtime/inspect.h"

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

/* ---- Filters */

static const char *const filter_keys[] = { "ancestor", "before",  "exited", "expose", "id", "label",
					   "name",     "network", "since",  "status", NULL };

/* exited= and status= are looked at before any container is. */
static int check_filters(struct ps *ps, struct error *err)
{
	static const char *const states = "created,running,paused,restarting,removing,exited,dead";
	const char *value;
	char *end;

	for (size_t i = 0; (value = filters_next(&ps->filters, "exited", &i));) {
		strtol(value, &end, 10);
		if (!*value || *end)
			return error_set(err, EINVAL, "invalid filter 'exited=%.100s'", value);
	}
	for (size_t i = 0; (value = filters_next(&ps->filters, "status", &i));) {
		if (strchr(value, ',') || !str_in_list(value, states))
			return error_set(
				err, EINVAL,
				"invalid filter 'status=%.100s': must be one of created, running, "
				"paused, restarting, removing, exited, dead",
				value);
		ps->all = true;
	}
	for (size_t i = 0; (value = filters_next(&ps->filters, "name", &i));) {
		regex_t pattern;

		if (regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
			return error_set(err, EINVAL, "invalid filter 'name=%.100s'", value);
		regfree(&pattern);
	}
	return 0;
}

/* A name is a regular expression that may fit anywhere, with or without the slash before the name. */
static bool has_name(const struct filters *f, const char *name)
{
	char *slashed autofree = str_format("/%s", name);
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "name", &i));) {
		regex_t pattern;
		bool fits;

		if (regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
			continue;
		fits = regexec(&pattern, name, 0, NULL, 0) == 0 ||
		       regexec(&pattern, slashed, 0, NULL, 0) == 0;
		regfree(&pattern);
		if (fits)
			return true;
	}
	return !filters_has(f, "name");
}

static bool has_id(const struct filters *f, const char *id)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "id", &i));)
		if (str_starts(id, value))
			return true;
	return !filters_has(f, "id");
}

static bool has_ended_with(const struct filters *f, const struct container_state *s)
{
	char code[16];

	if (!filters_has(f, "exited"))
		return true;
	snprintf(code, sizeof(code), "%d", s->exit_code);
	return s->status == STATUS_EXITED && filters_allow(f, "exited", code);
}

struct ports {
	unsigned long long first, last;
	const char *protocol;
};

/* "80", "80/tcp" or "80-90/tcp"; without a protocol, tcp is meant. */
static bool ports_parse(const char *text, struct ports *p)
{
	const char *slash = strchr(text, '/');
	char *range autofree = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	char *dash = strchr(range, '-');

	p->protocol = slash && slash[1] ? slash + 1 : "tcp";
	if (dash)
		*dash = '\0';
	return str_to_u64(range, 65535, &p->first) == 0 &&
	       str_to_u64(dash ? dash + 1 : range, 65535, &p->last) == 0;
}

static bool port_fits(const char *wanted, const char *port)
{
	struct ports w, p;

	return ports_parse(wanted, &w) && ports_parse(port, &p) && p.first >= w.first &&
	       p.first <= w.last && strcmp(p.protocol, w.protocol) == 0;
}

static bool exposes(const struct filters *f, const struct strv *ports)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "expose", &i));)
		for (size_t p = 0; p < ports->len; p++)
			if (port_fits(value, ports->items[p]))
				return true;
	return !filters_has(f, "expose");
}

/* An image that does not exist is nobody's ancestor. */
static bool descends(const struct store *st, const struct filters *f, const struct digest *image)
{
	const char *value;
	struct digest id;

	for (size_t i = 0; (value = filters_next(f, "ancestor", &i));)
		if (image_resolve(st, value, &id, NULL) == 0 && digest_equal(&id, image))
			return true;
	return !filters_has(f, "ancestor");
}

static bool fits(const struct store *st, const struct ps *ps, const struct container *c)
{
	const struct filters *f = &ps->filters;

	return has_name(f, c->config.name) && has_id(f, c->config.id) &&
	       filters_match_labels(f, &c->config.run.labels) && has_ended_with(f, &c->state) &&
	       filters_allow(f, "status", state_name(&c->state)) &&
	       filters_allow(f, "network", c->config.network) &&
	       exposes(f, &c->config.run.exposed_ports) && descends(st, f, &c->config.image_id);
}

/* Where the container that a filter names stands in list. -1 with err set. */
static int position(const struct container *list, size_t n, const char *word, size_t *out,
		    struct error *err)
{
	const char *name = *word == '/' ? word + 1 : word;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].config.name, name) == 0 ||
		    (*word && str_starts(list[i].config.id, word))) {
			*out = i;
			return 0;
		}
	}
	return error_set(err, ENOENT, "No such container: %.100s", word);
}

/* Containers are listed newest first: before= lets those behind one pass, since= those before it. Of several the last
 * counts. */
static int set_bounds(const struct container *list, size_t n, const struct filters *f, size_t *from,
		      size_t *to, struct error *err)
{
	const char *value;
	size_t at;

	*from = 0;
	*to = n;
	for (size_t i = 0; (value = filters_next(f, "before", &i));) {
		if (position(list, n, value, &at, err) < 0)
			return -1;
		*from = at + 1;
	}
	for (size_t i = 0; (value = filters_next(f, "since", &i));) {
		if (position(list, n, value, &at, err) < 0)
			return -1;
		*to = at;
	}
	return 0;
}

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
	char *ports autofree = strv_join(&c->config.run.exposed_ports, ", ");
	char id[ID_LEN + 1], at[TIME_TEXT_MAX], size[2 * HUMAN_MAX];

	if (size_text(st, c, ps->size, size, err) < 0)
		return -1;
	snprintf(id, sizeof(id), "%.*s", ps->whole ? ID_LEN : SHORT_ID, c->config.id);
	container_text_command(&c->config, ps->whole, &command);
	container_text_image(&c->config, tags, &image);
	container_text_ago(c->config.created, &ago);
	container_text_status(&c->state, &status);
	const char *values[N_FIELDS] = {
		[COMMAND] = command.data,
		[CREATED_AT] = time_local_text(c->config.created.tv_sec, at),
		[ID] = id,
		[IMAGE] = image.data,
		[LABELS] = labels,
		[LOCAL_VOLUMES] = "0",
		[MOUNTS] = "",
		[NAMES] = c->config.name,
		[NETWORKS] = c->config.network,
		[PORTS] = c->state.status == STATUS_RUNNING ? ports : "",
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

	if (set_bounds(list, n, &ps->filters, &from, &to, err) < 0 ||
	    (n && tags_read(st, &tags, err) < 0))
		return -1;
	for (size_t i = from; i < to && (ps->last < 0 || shown < ps->last); i++) {
		/* -n and -l look at all containers, as with Docker. */
		if (ps->last < 0 && !ps->all && list[i].state.status != STATUS_RUNNING)
			continue;
		if (!fits(st, ps, &list[i]))
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
	if (filters_parse(&options->filter_words, filter_keys, &options->filters, err) < 0 ||
	    check_filters(options, err) < 0 || !command_store(ctx, err))
		return -1;
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
