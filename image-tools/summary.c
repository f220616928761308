/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/summary.h"

#include <stdlib.h>
#include <string.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/str.h"

#define FILE_NAME "summaries"
#define FILE_MAX  (64U << 20) /* bytes; a million images */

/* The file is this machine's own and read by nobody else: integers are as the CPU has them. */
struct header {
	char magic[16];
};

struct record {
	struct digest id;
	int64_t seconds;
	uint32_t nanoseconds;
	uint32_t has_created;
	uint64_t size;
};

static const struct header header = { "knarr-summary-1" };

struct records {
	struct record *items; /* sorted by ID */
	size_t n;
};

/* The records of the last time; none where the file is not there or not whole. */
static struct records read_records(const struct store *st)
{
	struct records records = { 0 };
	struct digest sum;
	size_t len, body;
	char *data autofree = fs_read_file(st->run_fd, FILE_NAME, FILE_MAX, &len, NULL);

	if (!data || len < sizeof(header) + sizeof(sum) ||
	    memcmp(data, &header, sizeof(header)) != 0)
		return records;
	body = len - sizeof(sum);
	digest_of(data, body, &sum);
	if (memcmp(data + body, &sum, sizeof(sum)) != 0)
		return records;
	records.n = (body - sizeof(header)) / sizeof(struct record);
	records.items = xcalloc(records.n + 1, sizeof(struct record));
	memcpy(records.items, data + sizeof(header), records.n * sizeof(struct record));
	return records;
}

/* Best effort: without it the next list takes longer. */
static void write_records(const struct store *st, const struct image_summaries *s)
{
	struct strbuf data autostrbuf = STRBUF_INIT;
	struct digest sum;

	strbuf_add(&data, &header, sizeof(header));
	for (size_t i = 0; i < s->n; i++) {
		const struct image_summary *from = &s->items[i];
		struct record r = { .id = from->id,
				    .seconds = from->created.tv_sec,
				    .nanoseconds = (uint32_t)from->created.tv_nsec,
				    .has_created = from->has_created,
				    .size = from->size };

		if (!from->damage)
			strbuf_add(&data, &r, sizeof(r));
	}
	digest_of(data.data, data.len, &sum);
	strbuf_add(&data, &sum, sizeof(sum));
	fs_write_file(st->run_fd, FILE_NAME, data.data, data.len, 0600, FS_VOLATILE, NULL);
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

/* Reads the image itself. False: it was removed meanwhile. */
static bool look(const struct store *st, struct image_summary *s)
{
	struct error why = ERROR_INIT;
	struct image *img autoimage = image_open(st, &s->id, &why);

	if (!img && !image_exists(st, &s->id))
		return false;
	if (!img) {
		s->damage = xstrdup(why.message);
		return true;
	}
	s->size = img->size;
	s->has_created = img->created && time_parse(img->created, &s->created) == 0;
	return true;
}

static void recall(struct image_summary *s, const struct record *r)
{
	s->has_created = r->has_created;
	s->created = (struct timespec){ .tv_sec = r->seconds, .tv_nsec = r->nanoseconds };
	s->size = r->size;
}

int image_summaries(const struct store *st, struct image_summaries *out, struct error *err)
{
	struct digest *ids autofree = NULL;
	struct records known;
	bool news = false;
	size_t n;

	*out = (struct image_summaries)IMAGE_SUMMARIES_INIT;
	if (image_list(st, &ids, &n, err) < 0)
		return -1;
	if (n)
		qsort(ids, n, sizeof(*ids), compare_ids);
	known = read_records(st);
	out->items = xcalloc(n + 1, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		struct image_summary *s = &out->items[out->n];
		const struct record *r = NULL;

		*s = (struct image_summary){ .id = ids[i] };
		if (known.n)
			r = bsearch(&ids[i], known.items, known.n, sizeof(*known.items),
				    compare_ids);
		if (r)
			recall(s, r);
		else if (!look(st, s))
			continue;
		news |= !r && !s->damage;
		out->n++;
	}
	free(known.items);
	if (news)
		write_records(st, out);
	return 0;
}

struct image_summary *image_summaries_find(const struct image_summaries *s, const struct digest *id)
{
	if (!s->n)
		return NULL;
	return bsearch(id, s->items, s->n, sizeof(*s->items), compare_ids);
}

void image_summaries_free(struct image_summaries *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i].damage);
	free(s->items);
	*s = (struct image_summaries)IMAGE_SUMMARIES_INIT;
}
