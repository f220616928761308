/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/listing.h"
#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/human.h"

#define SHORT_ID         12
#define CREATED_BY_WIDTH 45
/* Times before 2000 are what builders write that want no time in their images. */
#define EPOCH 946684800

enum field { COMMENT, CREATED_AT, CREATED_BY, CREATED_SINCE, ID, SIZE, N_FIELDS };

static const struct listing_field fields[] = {
	[COMMENT] = { "Comment", "COMMENT" },
	[CREATED_AT] = { "CreatedAt", "CREATED AT" },
	[CREATED_BY] = { "CreatedBy", "CREATED BY" },
	[CREATED_SINCE] = { "CreatedSince", "CREATED" },
	[ID] = { "ID", "IMAGE" },
	[SIZE] = { "Size", "SIZE" },
	[N_FIELDS] = { 0 },
};

static const struct listing_kind human_kind = {
	fields, "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
};
static const struct listing_kind exact_kind = {
	fields, "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
};

struct options {
	bool human, quiet, whole;
	const char *format;
};

/* A step of the image's making: what the history tells of it, and the size of the files its layer adds. */
struct step {
	const struct image_history *told; /* NULL: a layer of which the history does not tell */
	uint64_t size;
};

/* The steps, oldest first; the caller frees. Layers and history are two lists that need not agree: layers that the history
 * does not reach come last, so that the sizes add up to the image's, and entries beyond the last layer have none. */
static struct step *steps_of(const struct store *st, const struct image *img, size_t *n,
			     struct error *err)
{
	struct step *steps autofree = xcalloc(img->n_history + img->n_diffids + 1, sizeof(*steps));
	size_t layer = 0;

	*n = 0;
	for (size_t i = 0; i < img->n_history || layer < img->n_diffids; i++) {
		struct step *step = &steps[(*n)++];
		struct layer_info info;

		step->told = i < img->n_history ? &img->history[i] : NULL;
		if ((step->told && step->told->empty_layer) || layer == img->n_diffids)
			continue;
		if (layer_stat(st, &img->diffids[layer++], &info, err) < 0)
			return NULL;
		step->size = info.size;
	}
	return STEAL_PTR(steps);
}

static void id_text(const struct image *img, bool newest, bool whole, char buf[DIGEST_TEXT_MAX])
{
	char hex[DIGEST_HEX_MAX];

	/* The steps below have no image of their own here. */
	if (!newest)
		snprintf(buf, DIGEST_TEXT_MAX, "<missing>");
	else if (whole)
		digest_text(&img->id, buf);
	else
		snprintf(buf, SHORT_ID + 1, "%s", digest_hex(&img->id, hex));
}

/* RFC 3339 in the machine's zone. */
static void exact_time(time_t t, char buf[TIME_TEXT_MAX])
{
	struct tm tm = { 0 };
	size_t len;

	localtime_r(&t, &tm);
	if (tm.tm_gmtoff == 0) {
		strftime(buf, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
		return;
	}
	len = strftime(buf, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S%z", &tm);
	if (len > 2 && len + 1 < TIME_TEXT_MAX) { /* +0100 -> +01:00 */
		memmove(buf + len - 1, buf + len - 2, 3);
		buf[len - 2] = ':';
	}
}

static void list_step(struct listing *l, const struct image *img, const struct step *step,
		      bool newest, const struct options *o)
{
	const struct image_history *told = step->told;
	char *by autofree = NULL;
	char id[DIGEST_TEXT_MAX], size[HUMAN_MAX], at[TIME_TEXT_MAX],
		since[HUMAN_MAX + 8] = "N/A", span[HUMAN_MAX];
	struct timespec created = { 0 };

	if (told && told->created && time_parse(told->created, &created) < 0)
		created = (struct timespec){ 0 };
	id_text(img, newest, o->whole, id);
	exact_time(created.tv_sec, at);
	if (!o->human)
		snprintf(since, sizeof(since), "%s", at);
	else if (created.tv_sec > EPOCH)
		snprintf(since, sizeof(since), "%s ago",
			 human_duration(time_now().tv_sec - created.tv_sec, span));
	if (o->human)
		human_size(step->size, size);
	else
		snprintf(size, sizeof(size), "%" PRIu64, step->size);
	by = xstrdup(told && told->created_by ? told->created_by : "");
	for (char *c = by; *c; c++)
		if (*c == '\t')
			*c = ' ';
	if (!o->whole) {
		char *cut = text_cut(by, CREATED_BY_WIDTH);

		free(by);
		by = cut;
	}
	const char *values[N_FIELDS] = {
		[COMMENT] = told ? told->comment : NULL,
		[CREATED_AT] = at,
		[CREATED_BY] = by,
		[CREATED_SINCE] = since,
		[ID] = id,
		[SIZE] = size,
	};
	listing_row(l, values, NULL);
}

static int history(const struct store *st, const char *name, const struct options *o,
		   struct error *err)
{
	bool table = !o->format || !*o->format || strcmp(o->format, "table") == 0;
	struct listing *l autolisting = listing_new(o->human ? &human_kind : &exact_kind,
						    table && o->quiet ? "{{.ID}}" : o->format, err);
	struct strbuf out autostrbuf = STRBUF_INIT;
	struct image *img autoimage = NULL;
	struct step *steps autofree = NULL;
	struct digest id;
	size_t n;

	if (!l || image_resolve(st, name, &id, err) < 0)
		return -1;
	img = image_open(st, &id, err);
	if (!img)
		return -1;
	steps = steps_of(st, img, &n, err);
	if (!steps)
		return -1;
	for (size_t i = n; i > 0; i--)
		list_step(l, img, &steps[i - 1], i == n, o);
	if (listing_print(l, &out, err) < 0)
		return -1;
	if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return command_done(0);
}

int cmd_history(struct command_context *ctx, int argc, char **argv)
{
	struct options o = { .human = true };
	const struct cli_option options[] = {
		{ "format", 0, CLI_STRING, &o.format, "string", LISTING_FORMAT_HELP },
		{ "human", 'H', CLI_BOOL, &o.human, NULL,
		  "Print sizes and dates in human readable format (default true)" },
		{ "no-trunc", 0, CLI_BOOL, &o.whole, NULL, "Don't truncate output" },
		{ "quiet", 'q', CLI_BOOL, &o.quiet, NULL, "Only show image IDs" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "history [OPTIONS] IMAGE",
		.summary = "Show the history of an image",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, r = command_begin(ctx, &cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	r = history(ctx->store, argv[first], &o, &err);
	return r < 0 ? command_fail(&err) : r;
}
