/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/cmd/command.h"
#include "image-tools/image.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/log.h"
#include "lib/table.h"

#define SHORT_ID 12

struct row {
	struct digest id;
	char *repository; /* familiar; NULL: none */
	char *tag;
	struct timespec created;
	bool has_created;
	uint64_t size;
};

struct rows {
	struct row *items;
	size_t n;
};

static void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->items[i].repository);
		free(rows->items[i].tag);
	}
	free(rows->items);
}

/* Newest first; of one age by name. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r;

	if (x->created.tv_sec != y->created.tv_sec)
		return x->created.tv_sec < y->created.tv_sec ? 1 : -1;
	if (x->created.tv_nsec != y->created.tv_nsec)
		return x->created.tv_nsec < y->created.tv_nsec ? 1 : -1;
	r = strcmp(x->repository ? x->repository : "", y->repository ? y->repository : "");
	return r ? r : strcmp(x->tag ? x->tag : "", y->tag ? y->tag : "");
}

/* Whether pattern, which may have the shell's wildcards, is the name with or without its tag, short or whole. */
static bool matches(const char *pattern, const struct reference *ref)
{
	struct reference bare = { .repository = ref->repository };

	for (int i = 0; i < 4; i++) {
		char *text autofree = reference_text(i & 1 ? ref : &bare, i & 2);

		if (fnmatch(pattern, text, 0) == 0)
			return true;
	}
	return false;
}

static void add_row(struct rows *rows, const struct row *like, const struct reference *ref)
{
	struct row *row;

	rows->items = xreallocarray(rows->items, rows->n + 1, sizeof(*rows->items));
	row = &rows->items[rows->n++];
	*row = *like;
	row->repository = ref ? xstrdup(reference_familiar(ref)) : NULL;
	row->tag = ref ? xstrdup(ref->tag) : NULL;
}

/* One row a name, or one without a name. */
static int add_rows(struct rows *rows, const struct image *img, const struct tags *tags,
		    const char *pattern, struct error *err)
{
	struct row like = { .id = img->id, .size = img->size };
	bool named = false;

	like.has_created = img->created && time_parse(img->created, &like.created) == 0;
	for (size_t i = 0; i < tags->n; i++) {
		struct reference ref autoreference = REFERENCE_INIT;

		if (!digest_equal(&tags->items[i].id, &img->id))
			continue;
		if (reference_parse(tags->items[i].name, &ref, err) < 0)
			return error_prefix(err, "tags.json");
		reference_default_tag(&ref);
		named = true;
		if (!pattern || matches(pattern, &ref))
			add_row(rows, &like, &ref);
	}
	if (!named && !pattern)
		add_row(rows, &like, NULL);
	return 0;
}

/* An image that cannot be read is told of and left out: the others are still wanted. */
static int gather(const struct store *st, const char *pattern, struct rows *rows, bool *damaged,
		  struct error *err)
{
	struct tags tags autotags = TAGS_INIT;
	struct digest *ids autofree = NULL;
	size_t n;

	if (tags_read(st, &tags, err) < 0 || image_list(st, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct error why = ERROR_INIT;
		struct image *img autoimage = image_open(st, &ids[i], &why);

		if (!img && !image_exists(st, &ids[i]))
			continue; /* removed meanwhile */
		if (!img) {
			log_error(&why);
			*damaged = true;
		} else if (add_rows(rows, img, &tags, pattern, err) < 0) {
			return -1;
		}
	}
	if (rows->n)
		qsort(rows->items, rows->n, sizeof(*rows->items), compare_rows);
	return 0;
}

static void created_text(const struct row *row, char *buf, size_t len)
{
	char span[HUMAN_MAX];

	if (row->has_created)
		snprintf(buf, len, "%s ago",
			 human_duration(time_now().tv_sec - row->created.tv_sec, span));
	else
		snprintf(buf, len, "N/A");
}

static const char *id_text(const struct row *row, bool whole, char buf[DIGEST_TEXT_MAX])
{
	if (whole)
		return digest_text(&row->id, buf);
	digest_hex(&row->id, buf);
	buf[SHORT_ID] = '\0';
	return buf;
}

static void print_table(const struct rows *rows, bool whole, bool digests)
{
	struct table *t autotable = table_new(digests ? 6 : 5);
	struct strbuf out autostrbuf = STRBUF_INIT;

	table_cell(t, "REPOSITORY");
	table_cell(t, "TAG");
	if (digests)
		table_cell(t, "DIGEST");
	table_cell(t, "IMAGE ID");
	table_cell(t, "CREATED");
	table_cell(t, "SIZE");
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->items[i];
		char id[DIGEST_TEXT_MAX], size[HUMAN_MAX], created[HUMAN_MAX + 8];

		table_cell(t, row->repository ? row->repository : "<none>");
		table_cell(t, row->tag ? row->tag : "<none>");
		if (digests)
			table_cell(t, "<none>");
		table_cell(t, id_text(row, whole, id));
		created_text(row, created, sizeof(created));
		table_cell(t, created);
		table_cell(t, human_size(row->size, size));
	}
	table_print(t, &out);
	fwrite(out.data, 1, out.len, stdout);
}

int cmd_images(struct command_context *ctx, int argc, char **argv)
{
	bool all = false, quiet = false, whole = false, digests = false, damaged = false;
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &all, NULL,
		  "Show all images (none are hidden here without it)" },
		{ "digests", 0, CLI_BOOL, &digests, NULL, "Show digests" },
		{ "no-trunc", 0, CLI_BOOL, &whole, NULL, "Don't truncate output" },
		{ "quiet", 'q', CLI_BOOL, &quiet, NULL, "Only show image IDs" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "images [OPTIONS] [REPOSITORY[:TAG]]",
		.summary = "List images",
		.options = options,
		.options_anywhere = true,
		.max_args = 1,
	};
	struct rows rows __attribute__((cleanup(rows_free))) = { 0 };
	struct error err = ERROR_INIT;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	if (!command_store(ctx, &err) || gather(ctx->store, argv[first], &rows, &damaged, &err) < 0)
		return command_fail(&err);
	if (quiet) {
		char id[DIGEST_TEXT_MAX];

		for (size_t i = 0; i < rows.n; i++)
			printf("%s\n", id_text(&rows.items[i], whole, id));
	} else {
		print_table(&rows, whole, digests);
	}
	return command_done(damaged ? 1 : 0);
}
