/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tar_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image-tools/tar_private.h"
#include "lib/cleanup.h"

#define BUFFER ((size_t)256 << 10)
/* Less room than this is no good for reading a file into. */
#define ROOM_MIN ((size_t)16 << 10)

#define OCTAL_7  UINT64_C(07777777)
#define OCTAL_11 UINT64_C(077777777777)

struct tar_writer {
	tar_write_fn write;
	void *context;
	uint8_t *buffer;
	size_t used;
	uint64_t missing; /* bytes of the current file's data */
	size_t padding;   /* bytes behind them up to the next block */
	struct strbuf records, path, map;
	bool ended;
};

struct tar_writer *tar_writer_new(tar_write_fn write, void *context)
{
	struct tar_writer *w = xcalloc(1, sizeof(*w));

	w->write = write;
	w->context = context;
	w->buffer = xmalloc(BUFFER);
	return w;
}

void tar_writer_free(struct tar_writer *w)
{
	if (!w)
		return;
	strbuf_free(&w->records);
	strbuf_free(&w->path);
	strbuf_free(&w->map);
	free(w->buffer);
	free(w);
}

/* ---- Bytes */

static int flush(struct tar_writer *w, struct error *err)
{
	size_t used = w->used;

	w->used = 0;
	return used ? w->write(w->context, w->buffer, used, err) : 0;
}

/* data may be NULL: zeros. */
static int put(struct tar_writer *w, const void *data, size_t len, struct error *err)
{
	const uint8_t *p = data;

	while (len) {
		size_t n = BUFFER - w->used;

		if (!n) {
			if (flush(w, err) < 0)
				return -1;
			continue;
		}
		if (n > len)
			n = len;
		if (p) {
			memcpy(w->buffer + w->used, p, n);
			p += n;
		} else {
			memset(w->buffer + w->used, 0, n);
		}
		w->used += n;
		len -= n;
	}
	return 0;
}

static int put_blocks(struct tar_writer *w, const void *data, size_t len, struct error *err)
{
	return put(w, data, len, err) < 0 ? -1 : put(w, NULL, -len % TAR_BLOCK, err);
}

/* ---- Fields */

/* Digits up to the last byte, which is a NUL. What is too large is left 0: a record says it. */
static void octal(char *field, size_t len, uint64_t v)
{
	if (len < 22 && v >> (3 * (len - 1)))
		v = 0;
	field[len - 1] = '\0';
	for (size_t i = len - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
}

static void checksum(struct tar_header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	unsigned sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += p[i];
	octal(h->checksum, 7, sum);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* As RFC 3629 has it: no surrogates, no overlong forms. */
static bool is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		unsigned lead = *p++, more, min, v;

		if (lead < 0x80)
			continue;
		if (lead < 0xc2 || lead > 0xf4)
			return false;
		more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
		min = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
		v = lead & (0x3fU >> more);
		for (; more; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			v = v << 6 | (*p & 0x3f);
		}
		if (v < min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return false;
	}
	return true;
}

/* Puts path into name and prefix, divided at a slash; false where it does not fit. */
static bool put_name(struct tar_header *h, const char *path, size_t len)
{
	size_t cut;

	if (len <= sizeof(h->name)) {
		memcpy(h->name, path, len);
		return true;
	}
	if (len > sizeof(h->prefix) + 1 + sizeof(h->name))
		return false;
	/* The longest prefix that fits; the final slash of a folder divides nothing. */
	cut = len - 2 < sizeof(h->prefix) ? len - 2 : sizeof(h->prefix);
	while (cut && path[cut] != '/')
		cut--;
	if (!cut || len - cut - 1 > sizeof(h->name))
		return false;
	memcpy(h->prefix, path, cut);
	memcpy(h->name, path + cut + 1, len - cut - 1);
	return true;
}

/* ---- Extended headers */

/* "LENGTH KEY=VALUE\n", LENGTH counting its own digits too. */
static void record(struct strbuf *b, const char *key, const char *name, const void *value,
		   size_t len)
{
	size_t total = strlen(key) + strlen(name) + len + 4;

	for (size_t limit = 10; total >= limit; limit *= 10)
		total++;
	strbuf_printf(b, "%zu %s%s=", total, key, name);
	strbuf_add(b, value, len);
	strbuf_putc(b, '\n');
}

static void text_record(struct strbuf *b, const char *key, const char *value)
{
	record(b, key, "", value, strlen(value));
}

static void number_record(struct strbuf *b, const char *key, uint64_t v)
{
	char text[24];

	record(b, key, "", text,
	       (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)v));
}

static void time_record(struct strbuf *b, int64_t seconds, uint32_t nsec)
{
	char text[40];
	bool negative = seconds < 0;
	uint64_t whole = negative ? -(uint64_t)seconds : (uint64_t)seconds;
	size_t len;

	if (negative && nsec) { /* -2 s and 0.25 s are -1.75 s */
		whole--;
		nsec = 1000000000 - nsec;
	}
	len = (size_t)snprintf(text, sizeof(text), "%s%llu.%09u", negative ? "-" : "",
			       (unsigned long long)whole, nsec);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	record(b, "mtime", "", text, len);
}

/* In libarchive's words: a name with escapes, a value in base64 (without padding, as it writes it itself). */
static void escaped_xattr(struct strbuf *b, const struct tar_xattr *x)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct strbuf name autostrbuf = STRBUF_INIT, value autostrbuf = STRBUF_INIT;

	for (const char *p = x->name; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c == '%' || c == '=' || c >= 0x7f)
			strbuf_printf(&name, "%%%02X", c);
		else
			strbuf_putc(&name, (char)c);
	}
	for (size_t i = 0; i < x->len; i += 3) {
		size_t n = x->len - i < 3 ? x->len - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? x->value[i + k] : 0U);
		for (size_t k = 0; k < n + 1; k++)
			strbuf_putc(&value, alphabet[v >> (18 - 6 * k) & 63]);
	}
	record(b, "LIBARCHIVE.xattr.", name.data ? name.data : "", value.data ? value.data : "",
	       value.len);
}

static void xattr_records(struct strbuf *b, const struct tar_entry *e)
{
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		if (strchr(x->name, '='))
			escaped_xattr(b, x);
		else
			record(b, "SCHILY.xattr.", x->name, x->value, x->len);
	}
}

static void sparse_records(struct strbuf *b, const char *path, uint64_t size)
{
	text_record(b, "GNU.sparse.major", "1");
	text_record(b, "GNU.sparse.minor", "0");
	text_record(b, "GNU.sparse.name", path);
	number_record(b, "GNU.sparse.realsize", size);
}

/* As much of a name as a field of 100 bytes holds, for programs that know no extended headers, or take an empty
 * field for none. */
static void substitute(char field[100], const char *folder, const char *name, size_t len)
{
	size_t n = strlen(folder);

	memcpy(field, folder, n);
	for (size_t i = 0; i < len && n < 99; i++, n++)
		field[n] = (unsigned char)name[i] < 0x80 ? name[i] : '_';
}

/* The same for the last part of a path. */
static void substitute_base(char field[100], const char *folder, const char *path)
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/';)
		start--;
	substitute(field, folder, path + start, end - start);
}

static int put_extended(struct tar_writer *w, struct error *err)
{
	struct tar_header h = { .typeflag = 'x', .magic = "ustar", .version = { '0', '0' } };
	const struct strbuf *b = &w->records;

	if (!b->len)
		return 0;
	if (b->len > TAR_EXTENDED_MAX)
		return error_set(err, E2BIG,
				 "%.200s: its extended attributes are too large for a tar",
				 w->path.data);
	substitute_base(h.name, "PaxHeaders/", w->path.data);
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), b->len);
	octal(h.mtime, sizeof(h.mtime), 0);
	octal(h.major, sizeof(h.major), 0);
	octal(h.minor, sizeof(h.minor), 0);
	checksum(&h);
	return put(w, &h, sizeof(h), err) < 0 ? -1 : put_blocks(w, b->data, b->len, err);
}

/* ---- Entries */

static char type_flag(enum tar_type type)
{
	switch (type) {
	case TAR_FILE:
		return '0';
	case TAR_HARDLINK:
		return '1';
	case TAR_SYMLINK:
		return '2';
	case TAR_CHARDEV:
		return '3';
	case TAR_BLOCKDEV:
		return '4';
	case TAR_DIRECTORY:
		return '5';
	case TAR_FIFO:
		return '6';
	case TAR_OTHER:
		break;
	}
	return '\0';
}

/* The map of a sparse file as it stands in front of its data, and the sum of the pieces. */
static int make_map(struct tar_writer *w, const struct tar_entry *e, uint64_t *stored,
		    struct error *err)
{
	uint64_t end = 0;

	strbuf_reset(&w->map);
	strbuf_printf(&w->map, "%zu\n", e->n_pieces);
	*stored = 0;
	for (size_t i = 0; i < e->n_pieces; i++) {
		const struct tar_piece *p = &e->pieces[i];

		if (p->offset < end || __builtin_add_overflow(p->offset, p->length, &end) ||
		    end > e->size)
			return error_set(err, EINVAL, "%.200s: a sparse map contradicts itself",
					 w->path.data);
		*stored += p->length;
		strbuf_printf(&w->map, "%llu\n%llu\n", (unsigned long long)p->offset,
			      (unsigned long long)p->length);
	}
	while (w->map.len % TAR_BLOCK)
		strbuf_putc(&w->map, '\0');
	return 0;
}

/* Says in records what h's fields cannot, and in h what they can. size is what follows the header. */
static void describe(struct tar_writer *w, struct tar_header *h, const struct tar_entry *e,
		     const char *link, uint64_t size)
{
	struct strbuf *b = &w->records;
	const char *path = w->path.data;
	bool sparse = e->type == TAR_FILE && e->pieces, ascii = is_ascii(path);

	strbuf_reset(b);
	if ((!ascii && !is_utf8(path)) || !is_utf8(link))
		text_record(b, "hdrcharset", "BINARY");
	if (sparse) {
		substitute_base(h->name, "GNUSparseFile.0/", path);
	} else if (!ascii || !put_name(h, path, w->path.len)) {
		substitute(h->name, "", path, w->path.len);
		text_record(b, "path", path);
	}
	if (strlen(link) > sizeof(h->linkname) || !is_ascii(link)) {
		substitute(h->linkname, "", link, strlen(link));
		text_record(b, "linkpath", link);
	} else {
		memcpy(h->linkname, link, strlen(link));
	}
	if (size > OCTAL_11)
		number_record(b, "size", size);
	if (e->uid > OCTAL_7)
		number_record(b, "uid", e->uid);
	if (e->gid > OCTAL_7)
		number_record(b, "gid", e->gid);
	if (e->mtime_nsec || e->mtime < 0 || (uint64_t)e->mtime > OCTAL_11)
		time_record(b, e->mtime, e->mtime_nsec);
	xattr_records(b, e);
	if (sparse)
		sparse_records(b, path, e->size);

	octal(h->mode, sizeof(h->mode), e->mode & 07777);
	octal(h->uid, sizeof(h->uid), e->uid);
	octal(h->gid, sizeof(h->gid), e->gid);
	octal(h->size, sizeof(h->size), size);
	octal(h->mtime, sizeof(h->mtime), e->mtime < 0 ? 0 : (uint64_t)e->mtime);
	octal(h->major, sizeof(h->major),
	      e->type == TAR_CHARDEV || e->type == TAR_BLOCKDEV ? e->major : 0);
	octal(h->minor, sizeof(h->minor),
	      e->type == TAR_CHARDEV || e->type == TAR_BLOCKDEV ? e->minor : 0);
	checksum(h);
}

int tar_writer_entry(struct tar_writer *w, const struct tar_entry *e, struct error *err)
{
	struct tar_header h = { .typeflag = type_flag(e->type),
				.magic = "ustar",
				.version = { '0', '0' } };
	bool sparse = e->type == TAR_FILE && e->pieces;
	bool linked = e->type == TAR_HARDLINK || e->type == TAR_SYMLINK;
	uint64_t stored = e->type == TAR_FILE ? e->size : 0;

	if (!h.typeflag || !e->path || !*e->path)
		return error_set(err, EINVAL, "a tar's entry needs a name and a type");
	if (w->missing || w->ended)
		return error_set(err, EINVAL, "%.200s: the file before it is not whole", e->path);
	strbuf_reset(&w->path);
	strbuf_puts(&w->path, e->path);
	if (e->type == TAR_DIRECTORY && w->path.data[w->path.len - 1] != '/')
		strbuf_putc(&w->path, '/');
	if (sparse && make_map(w, e, &stored, err) < 0)
		return -1;
	if (stored > INT64_MAX / 2)
		return error_set(err, EINVAL, "%.200s: larger than any file", e->path);
	describe(w, &h, e, linked && e->link ? e->link : "", sparse ? w->map.len + stored : stored);
	if (put_extended(w, err) < 0 || put(w, &h, sizeof(h), err) < 0 ||
	    (sparse && put(w, w->map.data, w->map.len, err) < 0))
		return -1;
	w->missing = stored;
	w->padding = -stored % TAR_BLOCK;
	return 0;
}

/* len bytes of data are in the buffer. */
static int taken(struct tar_writer *w, uint64_t len, struct error *err)
{
	size_t padding = w->padding;

	w->missing -= len;
	if (w->missing)
		return 0;
	w->padding = 0;
	return put(w, NULL, padding, err);
}

int tar_writer_data(struct tar_writer *w, const void *data, size_t len, struct error *err)
{
	if (len > w->missing)
		return error_set(err, EINVAL, "%.200s: more data than its size", w->path.data);
	return put(w, data, len, err) < 0 ? -1 : taken(w, len, err);
}

void *tar_writer_space(struct tar_writer *w, size_t *room, struct error *err)
{
	if (!w->missing) {
		error_set(err, EINVAL, "no file is being written");
		return NULL;
	}
	/* The padding, too, must fit in behind it: tar_writer_filled cannot fail. */
	if (BUFFER - w->used < ROOM_MIN && flush(w, err) < 0)
		return NULL;
	*room = BUFFER - w->used - TAR_BLOCK;
	if (*room > w->missing)
		*room = (size_t)w->missing;
	return w->buffer + w->used;
}

void tar_writer_filled(struct tar_writer *w, size_t len)
{
	w->used += len;
	(void)taken(w, len, NULL);
}

uint64_t tar_writer_missing(const struct tar_writer *w)
{
	return w->missing;
}

int tar_writer_pad(struct tar_writer *w, struct error *err)
{
	while (w->missing) {
		size_t n = w->missing < BUFFER ? (size_t)w->missing : BUFFER;

		if (put(w, NULL, n, err) < 0 || taken(w, n, err) < 0)
			return -1;
	}
	return 0;
}

int tar_writer_end(struct tar_writer *w, struct error *err)
{
	if (w->missing || w->ended)
		return error_set(err, EINVAL, "the last file is not whole");
	w->ended = true;
	return put(w, NULL, 2 * (size_t)TAR_BLOCK, err) < 0 ? -1 : flush(w, err);
}
