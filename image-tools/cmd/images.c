/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/filter.h"
#include "image-tools/cmd/listing.h"
#include "image-tools/image.h"
#include "image-tools/summary.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"

#define SHORT_ID 12

enum field {
	CONTAINERS,
	CREATED_AT,
	CREATED_SINCE,
	DIGEST,
	ID,
	REPOSITORY,
	SHARED_SIZE,
	SIZE,
	TAG,
	UNIQUE_SIZE,
	VIRTUAL_SIZE,
	N_FIELDS
};

static const struct listing_field fields[] = {
	[CONTAINERS] = { "Containers", "CONTAINERS" },
	[CREATED_AT] = { "CreatedAt", "CREATED AT" },
	[CREATED_SINCE] = { "CreatedSince", "CREATED" },
	[DIGEST] = { "Digest", "DIGEST" },
	[ID] = { "ID", "IMAGE ID" },
	[REPOSITORY] = { "Repository", "REPOSITORY" },
	[SHARED_SIZE] = { "SharedSize", "SHARED SIZE" },
	[SIZE] = { "Size", "SIZE" },
	[TAG] = { "Tag", "TAG" },
	[UNIQUE_SIZE] = { "UniqueSize", "UNIQUE SIZE" },
	[VIRTUAL_SIZE] = { "VirtualSize", "SIZE" },
	[N_FIELDS] = { 0 },
};

static const struct listing_kind usual = {
	fields, "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
};
static const struct listing_kind with_digests = {
	fields, "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
};

struct options {
	bool all, quiet, whole, digests;
	const char *format;
	struct strv filter_words;
	struct filters filters;
	bool dangling; /* only those without a name; counts where filters have the key */
	bool has_before, has_since;
	struct timespec before, since; /* both excluded */
};

struct row {
	const struct image_summary *image;
	char *repository; /* familiar; NULL: none */
	char *tag;
};

struct rows {
	struct row *items;
	size_t n, room;
};

static void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->items[i].repository);
		free(rows->items[i].tag);
	}
	free(rows->items);
}

static int compare_times(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

/* Newest first; of one age by name. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = compare_times(&y->image->created, &x->image->created);

	if (r)
		return r;
	r = strcmp(x->repository ? x->repository : "", y->repository ? y->repository : "");
	return r ? r : strcmp(x->tag ? x->tag : "", y->tag ? y->tag : "");
}

/* ---- Filters */

/* The time of the image that before= or since= names. */
static int named_time(const struct store *st, const char *name, bool *has, struct timespec *created,
		      struct error *err)
{
	struct image *img autoimage = NULL;
	struct digest id;

	if (image_resolve(st, name, &id, err) < 0)
		return -1;
	img = image_open(st, &id, err);
	if (!img)
		return -1;
	*has = img->created && time_parse(img->created, created) == 0;
	return 0;
}

/* before= means the oldest of its images, since= the newest. */
static int set_bounds(const struct store *st, struct options *o, struct error *err)
{
	struct timespec t;
	const char *value;
	bool has;

	for (size_t i = 0; (value = filters_next(&o->filters, "before", &i));) {
		if (named_time(st, value, &has, &t, err) < 0)
			return -1;
		if (has && (!o->has_before || compare_times(&t, &o->before) < 0))
			o->before = t;
		o->has_before |= has;
	}
	for (size_t i = 0; (value = filters_next(&o->filters, "until", &i));) {
		if (time_moment(value, &t) < 0)
			return error_set(err, EINVAL,
					 "invalid value for 'until' filter: \"%.100s\"", value);
		if (!o->has_before || compare_times(&t, &o->before) < 0)
			o->before = t;
		o->has_before = true;
	}
	for (size_t i = 0; (value = filters_next(&o->filters, "since", &i));) {
		if (named_time(st, value, &has, &t, err) < 0)
			return -1;
		if (has && (!o->has_since || compare_times(&t, &o->since) > 0))
			o->since = t;
		o->has_since |= has;
	}
	return 0;
}

static bool in_bounds(const struct options *o, const struct image_summary *s)
{
	if (o->has_before && (!s->has_created || compare_times(&s->created, &o->before) >= 0))
		return false;
	return !o->has_since || (s->has_created && compare_times(&s->created, &o->since) > 0);
}

static bool has_labels(const struct store *st, const struct options *o,
		       const struct image_summary *s)
{
	struct image *img autoimage = NULL;

	if (!filters_has(&o->filters, "label"))
		return true;
	img = image_open(st, &s->id, NULL);
	return img && filters_match_labels(&o->filters, &img->config.labels);
}

/* Whether a pattern, which may have the shell's wildcards, is the name with or without its tag, short or whole. */
static bool has_name(const struct options *o, const struct reference *ref)
{
	struct reference bare = { .repository = ref->repository };
	const char *pattern;

	for (size_t i = 0; (pattern = filters_next(&o->filters, "reference", &i));) {
		for (int form = 0; form < 4; form++) {
			char *text autofree = reference_text(form & 1 ? ref : &bare, form & 2);

			if (fnmatch(pattern, text, FNM_PATHNAME) == 0)
				return true;
		}
	}
	return !filters_has(&o->filters, "reference");
}

/* ---- Rows */

static struct row *add_row(struct rows *rows, const struct image_summary *image)
{
	if (rows->n == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 64;
		rows->items = xreallocarray(rows->items, rows->room, sizeof(*rows->items));
	}
	rows->items[rows->n] = (struct row){ .image = image };
	return &rows->items[rows->n++];
}

/* One row a name. shown tells, by position in images, which images may be listed; those with a name have none after. */
static int add_named(struct rows *rows, const struct options *o,
		     const struct image_summaries *images, bool *shown, const struct tags *tags,
		     struct error *err)
{
	bool *named autofree = xcalloc(images->n + 1, sizeof(*named));

	for (size_t i = 0; i < tags->n; i++) {
		const struct image_summary *image =
			image_summaries_find(images, &tags->items[i].id);
		struct reference ref autoreference = REFERENCE_INIT;
		struct row *row;

		if (!image)
			continue;
		named[image - images->items] = true;
		if (!shown[image - images->items] || o->dangling)
			continue;
		if (reference_parse(tags->items[i].name, &ref, err) < 0)
			return error_prefix(err, "tags.json");
		reference_default_tag(&ref);
		if (!has_name(o, &ref))
			continue;
		row = add_row(rows, image);
		row->repository = xstrdup(reference_familiar(&ref));
		row->tag = xstrdup(ref.tag ? ref.tag : "<none>");
	}
	for (size_t i = 0; i < images->n; i++)
		shown[i] &= !named[i];
	return 0;
}

static int gather(const struct store *st, const struct options *o,
		  const struct image_summaries *images, struct rows *rows, struct error *err)
{
	struct tags tags autotags = TAGS_INIT;
	bool *shown autofree = xcalloc(images->n + 1, sizeof(*shown));
	bool nameless = !filters_has(&o->filters, "reference") &&
			(o->dangling || !filters_has(&o->filters, "dangling"));

	if (tags_read(st, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < images->n; i++)
		shown[i] = !images->items[i].damage && in_bounds(o, &images->items[i]) &&
			   has_labels(st, o, &images->items[i]);
	if (add_named(rows, o, images, shown, &tags, err) < 0)
		return -1;
	for (size_t i = 0; nameless && i < images->n; i++)
		if (shown[i])
			add_row(rows, &images->items[i]);
	if (rows->n)
		qsort(rows->items, rows->n, sizeof(*rows->items), compare_rows);
	return 0;
}

static void list_row(struct listing *l, const struct row *row, bool whole, time_t now)
{
	const struct image_summary *image = row->image;
	char size[HUMAN_MAX], total[HUMAN_MAX], id[DIGEST_TEXT_MAX], span[HUMAN_MAX],
		ago[HUMAN_MAX + 8] = "N/A", at[TIME_TEXT_MAX] = "N/A";
	const char *values[N_FIELDS] = {
		[CONTAINERS] = "N/A",
		[CREATED_AT] = at,
		[CREATED_SINCE] = ago,
		[DIGEST] = "<none>",
		[ID] = id,
		[REPOSITORY] = row->repository ? row->repository : "<none>",
		[SHARED_SIZE] = "N/A",
		[SIZE] = human_size(image->size, size),
		[TAG] = row->tag ? row->tag : "<none>",
		[UNIQUE_SIZE] = "N/A",
		[VIRTUAL_SIZE] = human_total(image->size, total),
	};

	if (whole) {
		digest_text(&image->id, id);
	} else {
		digest_hex(&image->id, id);
		id[SHORT_ID] = '\0';
	}
	if (image->has_created) {
		snprintf(ago, sizeof(ago), "%s ago",
			 human_duration(now - image->created.tv_sec, span));
		time_local_text(image->created.tv_sec, at);
	}
	listing_row(l, values, NULL);
}

/* `images ls` for `image ls` is a mistake that finds nothing. */
static void hint(const char *name)
{
	static const char *const verbs =
		"build,history,import,inspect,list,load,ls,prune,pull,push,rm,save,tag";

	if (str_in_list(name, verbs))
		log_line("No images found matching \"%s\": did you mean \"%s image %s\"?", name,
			 log_program(), name);
}

static int list(const struct store *st, struct options *o, const char *mistake, struct error *err)
{
	struct rows rows __attribute__((cleanup(rows_free))) = { 0 };
	struct image_summaries images autoimagesummaries = IMAGE_SUMMARIES_INIT;
	struct strbuf out autostrbuf = STRBUF_INIT;
	bool table = !o->format || !*o->format || strcmp(o->format, "table") == 0;
	struct listing *l autolisting = listing_new(o->digests ? &with_digests : &usual,
						    table && o->quiet ? "{{.ID}}" : o->format, err);
	bool damaged = false;
	time_t now = time_now().tv_sec;

	if (!l || set_bounds(st, o, err) < 0 || image_summaries(st, &images, err) < 0 ||
	    gather(st, o, &images, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < images.n; i++) {
		/* The others are still wanted. */
		if (images.items[i].damage)
			log_line("%s", images.items[i].damage);
		damaged |= images.items[i].damage != NULL;
	}
	for (size_t i = 0; i < rows.n; i++)
		list_row(l, &rows.items[i], o->whole, now);
	if (listing_print(l, &out, err) < 0)
		return -1;
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	if (!rows.n && mistake)
		hint(mistake);
	return command_done(damaged ? 1 : 0);
}

int cmd_images(struct command_context *ctx, int argc, char **argv)
{
	static const char *const keys[] = { "before", "dangling", "label", "reference",
					    "since",  "until",    NULL };
	struct options o = { 0 };
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &o.all, NULL,
		  "Show all images (none are hidden here without it)" },
		{ "digests", 0, CLI_BOOL, &o.digests, NULL, "Show digests" },
		{ "filter", 'f', CLI_LIST, &o.filter_words, "filter",
		  "Filter output based on conditions provided" },
		{ "format", 0, CLI_STRING, &o.format, "string", LISTING_FORMAT_HELP },
		{ "no-trunc", 0, CLI_BOOL, &o.whole, NULL, "Don't truncate output" },
		{ "quiet", 'q', CLI_BOOL, &o.quiet, NULL, "Only show image IDs" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "images [OPTIONS] [REPOSITORY[:TAG]]",
		.summary = "List images",
		.options = options,
		.options_anywhere = true,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r < 0) {
		if (filters_parse(&o.filter_words, keys, &o.filters, &err) == 0 && argv[first])
			filters_add(&o.filters, "reference", argv[first]);
		if (err.code || filters_bool(&o.filters, "dangling", &o.dangling, &err) < 0 ||
		    !command_store(ctx, &err))
			r = command_fail(&err);
		else
			r = list(ctx->store, &o,
				 strcmp(argv[0], "images") == 0 ? argv[first] : NULL, &err);
		if (r < 0)
			r = command_fail(&err);
	}
	filters_free(&o.filters);
	strv_free(&o.filter_words);
	return r;
}
