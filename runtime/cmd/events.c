/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/events.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "image-tools/cmd/filter.h"
#include "image-tools/cmd/listing.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/template.h"
#include "runtime/command.h"

struct events {
	const char *since_text, *until_text, *format;
	bool has_since, has_until;
	int64_t since, until; /* nanoseconds since 1970 */
	struct strv filter_words;
	struct filters filters;
	struct template *template; /* NULL: Docker's line */
	bool json;
};

static const char *const filter_keys[] = { "container", "daemon", "event", "image",  "label",
					   "network",   "scope",  "type",  "volume", NULL };

/* ---- Filters */

struct event {
	const char *type, *action, *id, *scope;
	yyjson_val *attributes;
	int64_t nanoseconds;
};

static const char *attribute(const struct event *e, const char *key)
{
	const char *value = NULL;

	json_get_str(e->attributes, key, &value, NULL);
	return value;
}

/* Whether one of key's values is text or begins it, as Docker looks for containers and images by. */
static bool begins(const struct filters *f, const char *key, const char *text)
{
	const char *value;

	for (size_t i = 0; text && (value = filters_next(f, key, &i));)
		if (str_starts(text, value))
			return true;
	return false;
}

static bool is_action(const struct filters *f, const char *action)
{
	static const char *const spoken[] = { "health_status", "exec_create", "exec_start" };
	const char *colon = strchr(action, ':');
	char *word autofree = NULL;

	if (filters_allow(f, "event", action))
		return true;
	/* "health_status: healthy" and its kin are meant by their first word, too. */
	word = xstrndup(action, colon ? (size_t)(colon - action) : 0);
	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++)
		if (strcmp(word, spoken[i]) == 0)
			return filters_allow(f, "event", word);
	return false;
}

/* Events of other things have no object of the kind, and so do not fit. */
static bool is_object(const struct filters *f, const struct event *e, const char *kind)
{
	if (!filters_has(f, kind))
		return true;
	return strcmp(e->type, kind) == 0 &&
	       (begins(f, kind, e->id) || begins(f, kind, attribute(e, "name")));
}

static bool is_image(const struct filters *f, const struct event *e)
{
	if (!filters_has(f, "image"))
		return true;
	if (strcmp(e->type, "image") == 0)
		return begins(f, "image", e->id) || begins(f, "image", attribute(e, "name"));
	return begins(f, "image", attribute(e, "image"));
}

static bool has_labels(const struct filters *f, const struct event *e)
{
	struct strv labels autostrv = STRV_INIT;
	yyjson_obj_iter iter = yyjson_obj_iter_with(e->attributes);
	yyjson_val *key;

	if (!filters_has(f, "label"))
		return true;
	while ((key = yyjson_obj_iter_next(&iter)))
		strv_addf(&labels, "%s=%s", yyjson_get_str(key),
			  yyjson_get_str(yyjson_obj_iter_get_val(key)));
	return filters_match_labels(f, &labels);
}

static bool fits(const struct filters *f, const struct event *e)
{
	return filters_allow(f, "type", e->type) && filters_allow(f, "scope", e->scope) &&
	       is_action(f, e->action) && is_object(f, e, "container") &&
	       is_object(f, e, "volume") && is_object(f, e, "network") &&
	       is_object(f, e, "daemon") && is_image(f, e) && has_labels(f, e);
}

/* ---- Printing */

static int read_event(yyjson_val *root, struct event *e)
{
	yyjson_val *actor = NULL;

	*e = (struct event){ .scope = "local" };
	if (json_get_str(root, "Type", &e->type, NULL) < 0 ||
	    json_get_str(root, "Action", &e->action, NULL) < 0 ||
	    json_get_str(root, "scope", &e->scope, NULL) < 0 ||
	    json_get_i64(root, "timeNano", &e->nanoseconds, NULL) < 0 ||
	    json_get_obj(root, "Actor", &actor, NULL) < 0 ||
	    json_get_str(actor, "ID", &e->id, NULL) < 0 ||
	    json_get_obj(actor, "Attributes", &e->attributes, NULL) < 0)
		return -1;
	return e->type && e->action && e->id && e->attributes ? 0 : -1;
}

static void print_line(const struct event *e)
{
	struct timespec t = { .tv_sec = e->nanoseconds / 1000000000,
			      .tv_nsec = e->nanoseconds % 1000000000 };
	struct strbuf out autostrbuf = STRBUF_INIT;
	yyjson_obj_iter iter = yyjson_obj_iter_with(e->attributes);
	char time[TIME_TEXT_MAX];
	const char *before = " (";
	yyjson_val *key;

	strbuf_printf(&out, "%s %s %s %s", time_text(t, time), e->type, e->action, e->id);
	while ((key = yyjson_obj_iter_next(&iter))) {
		strbuf_printf(&out, "%s%s=%s", before, yyjson_get_str(key),
			      yyjson_get_str(yyjson_obj_iter_get_val(key)));
		before = ", ";
	}
	if (before[0] == ',')
		strbuf_putc(&out, ')');
	str_one_line(out.data);
	puts(out.data);
}

/* The members that templates know by Go's names. */
static int print_template(const struct events *o, yyjson_val *root, const struct event *e,
			  struct error *err)
{
	static const char *const maps[] = { "Attributes", NULL };
	const struct template_types types = { .maps = maps };
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o2 = yyjson_mut_obj(doc);
	struct strbuf out autostrbuf = STRBUF_INIT;
	const char *from = attribute(e, "image");
	bool container = strcmp(e->type, "container") == 0;

	yyjson_mut_obj_add_str(doc, o2, "Status", container ? e->action : "");
	yyjson_mut_obj_add_str(doc, o2, "ID", container ? e->id : "");
	yyjson_mut_obj_add_str(doc, o2, "From", container && from ? from : "");
	yyjson_mut_obj_add_str(doc, o2, "Type", e->type);
	yyjson_mut_obj_add_str(doc, o2, "Action", e->action);
	yyjson_mut_obj_add_val(doc, o2, "Actor",
			       yyjson_val_mut_copy(doc, yyjson_obj_get(root, "Actor")));
	yyjson_mut_obj_add_str(doc, o2, "Scope", e->scope);
	yyjson_mut_obj_add_int(doc, o2, "Time", e->nanoseconds / 1000000000);
	yyjson_mut_obj_add_int(doc, o2, "TimeNano", e->nanoseconds);
	yyjson_mut_doc_set_root(doc, o2);
	autojson yyjson_doc *data = yyjson_mut_doc_imut_copy(doc, NULL);
	if (template_run_typed(o->template, yyjson_doc_get_root(data), &types, &out, err) < 0)
		return -1;
	puts(out.data ? out.data : "");
	return 0;
}

/* One line of the file. Returns 1 when it is behind --until, else 0, or -1 with err set. */
static int show(const struct events *o, const char *line, size_t len, struct error *err)
{
	autojson yyjson_doc *doc = json_parse(line, len, "event", NULL);
	yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
	struct event e;

	/* What a full memory has cut off is passed over. */
	if (!root || read_event(root, &e) < 0)
		return 0;
	if (o->has_until && e.nanoseconds > o->until)
		return 1;
	if ((o->has_since && e.nanoseconds < o->since) || !fits(&o->filters, &e))
		return 0;
	if (o->template)
		return print_template(o, root, &e, err);
	if (o->json)
		puts(line);
	else
		print_line(&e);
	return 0;
}

/* ---- The command */

static int moment(const char *text, bool *has, int64_t *out, struct error *err)
{
	struct timespec t;

	if (!text || !*text)
		return 0;
	if (time_moment(text, &t) < 0)
		return error_set(err, EINVAL,
				 "invalid time \"%s\": give one like 2026-11-24T02:03:04Z, seconds "
				 "since 1970, or a span like 10m",
				 text);
	*has = true;
	*out = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	return 0;
}

static int prepare(struct events *o, struct error *err)
{
	if (moment(o->since_text, &o->has_since, &o->since, err) < 0 ||
	    moment(o->until_text, &o->has_until, &o->until, err) < 0 ||
	    filters_parse(&o->filter_words, filter_keys, &o->filters, err) < 0)
		return -1;
	if (!o->format || !*o->format)
		return 0;
	o->json = strcmp(o->format, "json") == 0 || strcmp(o->format, "{{json .}}") == 0;
	if (!o->json) {
		char *text autofree = listing_template_text(o->format);

		o->template = template_parse(text, err);
		if (!o->template)
			return error_prefix(err, "template parsing error");
	}
	return 0;
}

/* Milliseconds until --until; -1: there is none. */
static int time_left(const struct events *o)
{
	struct timespec now = time_now();
	int64_t left;

	if (!o->has_until)
		return -1;
	left = (o->until - (int64_t)now.tv_sec * 1000000000 - now.tv_nsec) / 1000000;
	return left < 0 ? 0 : left > INT_MAX - 1 ? INT_MAX : (int)left + 1;
}

static int follow(const struct store *st, const struct events *o, struct error *err)
{
	bool past = o->has_since || o->has_until;
	struct events_reader r;
	int status = 0;

	if ((past ? events_open(&r, st, err) : events_open_now(&r, st, err)) < 0)
		return -1;
	while (status == 0) {
		/* Asked before the look: what happens up to --until is shown. */
		int left = time_left(o);
		const char *line;
		size_t len;

		while (status == 0 && (line = events_next(&r, &len)))
			status = show(o, line, len, err);
		if (fflush(stdout) != 0 || left == 0)
			break;
		if (status == 0)
			events_wait(&r, left);
	}
	events_close(&r);
	return status < 0 ? -1 : command_done(0);
}

int cmd_events(struct command_context *ctx, int argc, char **argv)
{
	struct events o = { 0 };
	const struct cli_option options[] = {
		{ "filter", 'f', CLI_LIST, &o.filter_words, "filter",
		  "Filter output based on conditions provided" },
		{ "format", 0, CLI_STRING, &o.format, "string",
		  "Format output using a custom template: 'json', or 'TEMPLATE' (a Go template)" },
		{ "since", 0, CLI_STRING, &o.since_text, "string",
		  "Show all events created since timestamp" },
		{ "until", 0, CLI_STRING, &o.until_text, "string",
		  "Stream events until this timestamp" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "events [OPTIONS]",
		.summary = "Get real time events from the server",
		.options = options,
		.options_anywhere = true,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status < 0) {
		status = prepare(&o, &err) == 0 ? follow(ctx->store, &o, &err) : -1;
		if (status < 0)
			status = command_fail(&err);
	}
	template_free(o.template);
	filters_free(&o.filters);
	strv_free(&o.filter_words);
	return status;
}
