/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/archive.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "image-tools/stream.h"
#include "image-tools/tar.h"
#include "lib/cleanup.h"
#include "lib/str.h"

#define READ_SIZE ((size_t)256 << 10)
#define LINKS_MAX 8
#define BLOBS     "blobs/sha256/"

struct reader {
	const struct store *st;
	struct progress *progress;
	struct archive *archive;
	size_t documents; /* bytes of them so far */
};

/* ---- Names */

static const char *bare_name(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

/* What a symbolic link at name means: target seen from name's folder, textually, for there are no folders. NULL where it
 * leads out of the archive. */
static char *link_target(const char *name, const char *target)
{
	struct strv parts autostrv = STRV_INIT;
	const char *sources[2] = { name, target };

	for (int i = target[0] == '/' ? 1 : 0; i < 2; i++) {
		const char *p = sources[i];

		while (*p) {
			size_t len = strcspn(p, "/");

			if (i == 0 && !p[len])
				break; /* the link's own name */
			if (len == 2 && p[0] == '.' && p[1] == '.') {
				if (!parts.len)
					return NULL;
				free(parts.items[--parts.len]);
				parts.items[parts.len] = NULL;
			} else if (len && !(len == 1 && p[0] == '.')) {
				strv_take(&parts, xstrndup(p, len));
			}
			p += len + (p[len] == '/');
		}
	}
	return strv_join(&parts, "/");
}

static const struct archive_member *find_exact(const struct archive *a, const char *name)
{
	/* Of two by the same name the later one counts, as in extraction. */
	for (size_t i = a->n; i-- > 0;)
		if (strcmp(a->members[i].name, name) == 0)
			return &a->members[i];
	return NULL;
}

const struct archive_member *archive_find(const struct archive *a, const char *name)
{
	const struct archive_member *m = find_exact(a, bare_name(name));

	for (int i = 0; m && m->kind == ARCHIVE_LINK; i++)
		m = i < LINKS_MAX && m->target ? find_exact(a, m->target) : NULL;
	return m;
}

/* ---- Members */

static struct archive_member *add_member(struct reader *r, const char *name, struct error *err)
{
	struct archive *a = r->archive;

	if (a->n == ARCHIVE_MEMBERS_MAX) {
		error_set(err, EINVAL, "it has more than %u files: that is no image archive",
			  ARCHIVE_MEMBERS_MAX);
		return NULL;
	}
	if ((a->n & (a->n - 1)) == 0)
		a->members = xreallocarray(a->members, a->n ? 2 * a->n : 1, sizeof(*a->members));
	a->members[a->n] = (struct archive_member){ .name = xstrdup(bare_name(name)) };
	return &a->members[a->n++];
}

static bool looks_like_json(const uint8_t *head, size_t len)
{
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", head[i]) && head[i])
		i++;
	return i < len && (head[i] == '{' || head[i] == '[');
}

static int read_document(struct reader *r, struct archive_member *m, struct source *src,
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
		strbuf_add(&text, data, len);
	}
	r->documents += text.len;
	if (r->documents > ARCHIVE_DOCUMENTS_MAX)
		return error_set(err, EINVAL, "it has more than %u MiB of JSON documents",
				 ARCHIVE_DOCUMENTS_MAX >> 20);
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

static int stage_layer(struct reader *r, struct archive_member *m, struct source *src,
		       const struct counted_source *in, uint64_t total, struct error *err)
{
	struct layer_writer *w autolayer = layer_create(r->st, err);

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
		progress_step(r->progress, m->name, in->taken, total);
	}
	if (layer_seal(w, NULL, &m->info, err) < 0)
		return -1;
	progress_finish(r->progress, m->name, total);
	m->kind = ARCHIVE_LAYER;
	m->layer = STEAL_PTR(w);
	return 0;
}

/* Looks at the member's first bytes and keeps what an image may be made of. */
static int read_contents(struct reader *r, struct archive_member *m, struct source *src,
			 uint64_t size, struct error *err)
{
	struct counted_source counted = { .src = { .next = counted_next }, .from = src };
	enum stream_format format;
	const uint8_t *head;
	size_t len;
	struct error why = ERROR_INIT;
	struct stream *s autostream = stream_open(&counted.src, &format, &why);

	/* What cannot be decompressed is no matter until something names it as a layer. */
	if (!s || stream_head(s, &head, &len, &why) < 0)
		return why.code == EINVAL && !str_starts(m->name, BLOBS) &&
				       !str_ends(m->name, ".tar")
			       ? 0
			       : error_set(err, why.code, "\"%.150s\": %s", m->name, why.message);
	if (len >= TAR_BLOCK && tar_sniff(head))
		return stage_layer(r, m, stream_source(s), &counted, size, err) < 0
			       ? error_prefix(err, "layer \"%.150s\"", m->name)
			       : 0;
	if (format == STREAM_PLAIN && size <= ARCHIVE_DOCUMENT_MAX && looks_like_json(head, len))
		return read_document(r, m, stream_source(s), err);
	return 0;
}

/* The digest that a blob's name promises. */
static bool promised_digest(const char *name, struct digest *out)
{
	return str_starts(name, BLOBS) && digest_from_hex(name + strlen(BLOBS), out) == 0;
}

static int read_file(struct reader *r, struct tar *tar, const struct tar_entry *e,
		     struct error *err)
{
	struct archive_member *m = add_member(r, e->path, err);
	struct digest promised;
	struct hash_source hashed;
	char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

	if (!m)
		return -1;
	m->size = e->stored;
	if (!promised_digest(m->name, &promised))
		return read_contents(r, m, tar_data(tar), e->stored, err);
	hash_source_init(&hashed, tar_data(tar));
	if (read_contents(r, m, &hashed.src, e->stored, err) < 0 ||
	    hash_source_finish(&hashed, &m->digest, err) < 0)
		return -1;
	if (!digest_equal(&m->digest, &promised))
		return error_set(err, EBADMSG, "blob %s is damaged: its digest is %s",
				 digest_text(&promised, want), digest_text(&m->digest, got));
	return 0;
}

static int read_entry(struct reader *r, struct tar *tar, const struct tar_entry *e,
		      struct error *err)
{
	struct archive_member *m;

	switch (e->type) {
	case TAR_FILE:
		return read_file(r, tar, e, err);
	case TAR_SYMLINK:
	case TAR_HARDLINK:
		m = add_member(r, e->path, err);
		if (!m)
			return -1;
		m->kind = ARCHIVE_LINK;
		m->target = e->type == TAR_SYMLINK ? link_target(m->name, e->link)
						   : xstrdup(bare_name(e->link));
		return 0;
	default:
		return 0;
	}
}

/* To the end of the compressed data, so that its checksum is looked at and who writes into a pipe can finish. */
static int drain(struct source *src, struct error *err)
{
	const uint8_t *data;
	size_t len;

	do
		if (src->next(src, &data, &len, err) < 0)
			return -1;
	while (len);
	return 0;
}

static int read_archive(struct reader *r, int fd, const char *name, struct error *err)
{
	struct fd_source src;
	struct stream *s autostream = NULL;
	struct tar *tar autotar = NULL;
	const struct tar_entry *e;
	const uint8_t *head;
	size_t len;
	int result = -1, more;

	fd_source_init(&src, fd, "the archive", READ_SIZE);
	s = stream_open(&src.src, NULL, err);
	if (!s || stream_head(s, &head, &len, err) < 0)
		goto out;
	if (len < TAR_BLOCK || !tar_sniff(head)) {
		error_set(err, EINVAL, "it is no tar archive");
		goto out;
	}
	tar = tar_open(stream_source(s));
	while ((more = tar_next(tar, &e, err)) > 0)
		if (read_entry(r, tar, e, err) < 0)
			break;
	if (more == 0)
		result = drain(stream_source(s), err);
out:
	fd_source_free(&src);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}

int archive_read(const struct store *st, int fd, const char *name, struct progress *progress,
		 struct archive *out, struct error *err)
{
	struct reader r = { .st = st, .progress = progress, .archive = out };
	struct rlimit files;

	/* A staged layer is two descriptors. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	*out = (struct archive)ARCHIVE_INIT;
	if (read_archive(&r, fd, name, err) == 0)
		return 0;
	archive_free(out);
	return -1;
}

void archive_free(struct archive *a)
{
	for (size_t i = 0; i < a->n; i++) {
		layer_abandon(a->members[i].layer);
		free(a->members[i].name);
		free(a->members[i].text);
		free(a->members[i].target);
	}
	free(a->members);
	*a = (struct archive)ARCHIVE_INIT;
}
