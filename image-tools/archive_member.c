/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one member of an archive holds: a document, a layer, or neither. */
#include <errno.h>
#include <string.h>

#include "image-tools/archive.h"
#include "image-tools/stream.h"
#include "image-tools/tar.h"
#include "lib/cleanup.h"
#include "lib/str.h"

#define BLOBS "blobs/sha256/"

static bool looks_like_json(const uint8_t *head, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", head[i]) && head[i])
		i++;
	return i < len && (head[i] == '{' || head[i] == '[');
}

static int read_document(struct archive *a, struct archive_member *m, struct source *src,
			 struct error *err)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	const uint8_t *data;
	size_t len;

	for (;;) {
		if (src->next(src, &data, &len, err) < 0)
			return -1;
		if (!len)
			break;
		/* A folder's file may grow while it is read. */
		if (text.len + len > ARCHIVE_DOCUMENT_MAX ||
		    a->documents + text.len + len > ARCHIVE_DOCUMENTS_MAX)
			return error_set(err, EINVAL, "it has more than %u MiB of JSON documents",
					 ARCHIVE_DOCUMENTS_MAX >> 20);
		strbuf_add(&text, data, len);
	}
	a->documents += text.len;
	digest_of(text.data ? text.data : "", text.len, &m->digest);
	m->kind = ARCHIVE_DOCUMENT;
	m->size = text.len;
	m->text = strbuf_steal(&text);
	return 0;
}

/* Counts what a decompressor takes from the archive, for the progress. */
struct counted_source {
	struct source src;
	struct source *from;
	uint64_t taken;
};

static int counted_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct counted_source *s = (struct counted_source *)src;

	if (s->from->next(s->from, data, len, err) < 0)
		return -1;
	s->taken += *len;
	return 0;
}

static int stage_layer(struct archive *a, struct archive_member *m, struct source *src,
		       const struct counted_source *in, uint64_t total, struct error *err)
{
	struct layer_writer *w autolayer = layer_create(a->st, err);

	if (!w)
		return -1;
	for (;;) {
		const uint8_t *data;
		size_t len;

		if (src->next(src, &data, &len, err) < 0)
			return -1;
		if (!len)
			break;
		if (layer_append(w, data, len, err) < 0)
			return -1;
		progress_step(a->progress, m->name, in->taken, total);
	}
	if (layer_seal(w, NULL, &m->info, err) < 0)
		return -1;
	progress_finish(a->progress, m->name, total);
	m->kind = ARCHIVE_LAYER;
	m->layer = STEAL_PTR(w);
	return 0;
}

/* Looks at the member's first bytes and keeps what an image may be made of. hashed, where not NULL, is what src passes
 * through: a layer that is not compressed is hashed once, as a layer. */
static int take_contents(struct archive *a, struct archive_member *m, struct source *src,
			 struct hash_source *hashed, uint64_t size, struct error *err)
{
	struct counted_source counted = { .src = { .next = counted_next }, .from = src };
	enum stream_format format;
	const uint8_t *head;
	size_t len;
	struct error why = ERROR_INIT;
	struct stream *s autostream = stream_open(&counted.src, &format, &why);

	if (!s || stream_head(s, &head, &len, &why) < 0) {
		/* What cannot be decompressed is no matter until something names it as a layer. */
		if (why.code != EINVAL || str_starts(m->name, BLOBS) || str_ends(m->name, ".tar"))
			return error_set(err, why.code, "\"%.150s\": %s", m->name, why.message);
		m->why = xstrdup(why.message);
		return 0;
	}
	if (len >= TAR_BLOCK && tar_sniff(head)) {
		if (hashed)
			hashed->idle = format == STREAM_PLAIN;
		return stage_layer(a, m, stream_source(s), &counted, size, err) < 0
			       ? error_prefix(err, "layer \"%.150s\"", m->name)
			       : 0;
	}
	if (format != STREAM_PLAIN || !looks_like_json(head, len))
		return 0;
	if (size <= ARCHIVE_DOCUMENT_MAX)
		return read_document(a, m, stream_source(s), err);
	m->why = str_format("it has more than %u MiB", ARCHIVE_DOCUMENT_MAX >> 20);
	return 0;
}

/* The digest that a blob's name promises. */
static bool promised_digest(const char *name, struct digest *out)
{
	return str_starts(name, BLOBS) && digest_from_hex(name + strlen(BLOBS), out) == 0;
}

int archive_take(struct archive *a, struct archive_member *m, struct source *src, uint64_t size,
		 struct error *err)
{
	struct digest promised;
	struct hash_source hashed;
	char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

	m->size = size;
	if (!promised_digest(m->name, &promised))
		return take_contents(a, m, src, NULL, size, err);
	hash_source_init(&hashed, src);
	if (take_contents(a, m, &hashed.src, &hashed, size, err) < 0 ||
	    hash_source_finish(&hashed, &m->digest, err) < 0)
		return -1;
	if (hashed.idle)
		m->digest = m->info.diffid;
	m->size = hashed.length;
	if (!digest_equal(&m->digest, &promised))
		return error_set(err, EBADMSG, "blob %s is damaged: its digest is %s",
				 digest_text(&promised, want), digest_text(&m->digest, got));
	return 0;
}
