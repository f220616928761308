/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maps of sparse files, in the four forms GNU tar has written them. */
#include "image-tools/tar_private.h"

#include <errno.h>
#include <string.h>

/* Where GNU tar keeps the pieces of a sparse file in the old format: in the header, and in blocks behind it. */
#define OLD_SPARSE_AT          386
#define OLD_SPARSE_IN_HEADER   4
#define OLD_SPARSE_IN_BLOCK    21
#define OLD_SPARSE_MORE_HEADER 482
#define OLD_SPARSE_SIZE        483
#define OLD_SPARSE_MORE_BLOCK  504

static int add_piece(struct tar *t, uint64_t offset, uint64_t length, struct error *err)
{
	if (t->n_pieces == TAR_SPARSE_MAX)
		return tar_broken(t, err, "a sparse file has too many pieces");
	if (t->n_pieces == t->room_pieces) {
		t->room_pieces *= 2;
		t->pieces = xreallocarray(t->pieces, t->room_pieces, sizeof(*t->pieces));
	}
	t->pieces[t->n_pieces++] = (struct tar_piece){ offset, length };
	return 0;
}

/* "offset,length,offset,length,...": the whole map in one value (sparse format 0.1). */
static int sparse_map(struct tar *t, char *map, struct error *err)
{
	uint64_t offset = 0, n;
	bool length = false;
	char *word;

	t->n_pieces = 0;
	while ((word = strsep(&map, ","))) {
		if (!*word && !map && !length)
			break;
		if (tar_text_number(word, INT64_MAX, &n) < 0)
			return tar_broken(t, err, "a sparse map is no list of numbers");
		if (length && add_piece(t, offset, n, err) < 0)
			return -1;
		offset = n;
		length = !length;
	}
	return length ? tar_broken(t, err, "a sparse map is cut short") : 0;
}

int tar_sparse_record(struct tar *t, const char *key, char *value, size_t len, struct error *err)
{
	uint64_t n = 0;

	t->sparse = true;
	if (strcmp(key, "name") == 0)
		return tar_set_text(t, &t->path, value, len, &t->has_path, err);
	if (strcmp(key, "map") == 0)
		return sparse_map(t, value, err);
	if (tar_text_number(value, INT64_MAX, &n) < 0)
		return tar_broken(t, err, "a sparse file's record is no number");
	if (strcmp(key, "size") == 0 || strcmp(key, "realsize") == 0) {
		t->real_size = n;
		t->has_real_size = true;
	} else if (strcmp(key, "major") == 0) {
		if (n > 1)
			return tar_broken(t, err, "a sparse file is of an unknown version");
		t->sparse_1_0 = n == 1;
	} else if (strcmp(key, "offset") == 0) {
		if (t->half_piece)
			return tar_broken(t, err, "a sparse map is cut short");
		t->half_piece = true;
		return add_piece(t, n, 0, err);
	} else if (strcmp(key, "numbytes") == 0) {
		if (!t->half_piece)
			return tar_broken(t, err, "a sparse map is out of order");
		t->half_piece = false;
		t->pieces[t->n_pieces - 1].length = n;
	}
	return 0;
}

static int old_sparse_pieces(struct tar *t, const uint8_t *block, size_t at, size_t count,
			     struct error *err)
{
	for (size_t i = 0; i < count; i++, at += 24) {
		int64_t offset, length;

		if (block[at] == 0) /* the rest of the table is unused */
			return 0;
		if (tar_field_number((const char *)block + at, 12, &offset) < 0 ||
		    tar_field_number((const char *)block + at + 12, 12, &length) < 0 ||
		    offset < 0 || length < 0)
			return tar_broken(t, err, "a sparse map is no list of numbers");
		if (add_piece(t, (uint64_t)offset, (uint64_t)length, err) < 0)
			return -1;
	}
	return 0;
}

int tar_old_sparse(struct tar *t, const struct tar_header *h, struct error *err)
{
	uint8_t block[TAR_BLOCK];
	int64_t size;
	bool more;

	memcpy(block, h, sizeof(block));
	t->n_pieces = 0;
	if (tar_field_number((const char *)block + OLD_SPARSE_SIZE, 12, &size) < 0 || size < 0)
		return tar_broken(t, err, "a sparse file's size is no number");
	t->sparse = t->has_real_size = true;
	t->real_size = (uint64_t)size;
	if (old_sparse_pieces(t, block, OLD_SPARSE_AT, OLD_SPARSE_IN_HEADER, err) < 0)
		return -1;
	for (more = block[OLD_SPARSE_MORE_HEADER]; more; more = block[OLD_SPARSE_MORE_BLOCK]) {
		int r = tar_take(t, block, sizeof(block), err);

		if (r <= 0)
			return r < 0 ? -1 : tar_broken(t, err, "it ends too early");
		if (old_sparse_pieces(t, block, 0, OLD_SPARSE_IN_BLOCK, err) < 0)
			return -1;
	}
	return 0;
}

/* Format 1.0: the map stands before the data, decimal numbers a line each, filled up to a block. */
struct map_reader {
	uint8_t block[TAR_BLOCK];
	size_t at;
};

static int map_number(struct tar *t, struct map_reader *m, uint64_t *out, struct error *err)
{
	char digits[24];
	size_t n = 0;

	for (;;) {
		char c;

		if (m->at == TAR_BLOCK) {
			if (t->remaining < TAR_BLOCK)
				return tar_broken(t, err, "a sparse map is cut short");
			if (tar_take(t, m->block, TAR_BLOCK, err) <= 0)
				return tar_broken(t, err, "it ends too early");
			t->remaining -= TAR_BLOCK;
			m->at = 0;
		}
		c = (char)m->block[m->at++];
		if (c == '\n')
			break;
		if (n + 1 == sizeof(digits))
			return tar_broken(t, err, "a sparse map is no list of numbers");
		digits[n++] = c;
	}
	digits[n] = '\0';
	return tar_text_number(digits, INT64_MAX, out) < 0
		       ? tar_broken(t, err, "a sparse map is no list of numbers")
		       : 0;
}

int tar_new_sparse(struct tar *t, struct error *err)
{
	struct map_reader m = { .at = TAR_BLOCK };
	uint64_t count = 0, offset = 0, length = 0;

	t->n_pieces = 0;
	if (map_number(t, &m, &count, err) < 0)
		return -1;
	for (; count; count--)
		if (map_number(t, &m, &offset, err) < 0 || map_number(t, &m, &length, err) < 0 ||
		    add_piece(t, offset, length, err) < 0)
			return -1;
	return 0;
}

int tar_check_pieces(struct tar *t, struct error *err)
{
	uint64_t end = 0, stored = 0;

	if (t->half_piece)
		return tar_broken(t, err, "a sparse map is cut short");
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct tar_piece *p = &t->pieces[i];

		if (p->offset < end || __builtin_add_overflow(p->offset, p->length, &end) ||
		    end > t->entry.size || __builtin_add_overflow(stored, p->length, &stored))
			return tar_broken(t, err, "a sparse map contradicts itself");
	}
	if (stored != t->remaining)
		return tar_broken(t, err, "a sparse map contradicts the file's size");
	return 0;
}
