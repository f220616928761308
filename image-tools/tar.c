/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/tar_private.h"

int tar_broken(const struct tar *t, struct error *err, const char *what)
{
	return error_set(err, EINVAL, "damaged tar archive: %s, near byte %llu", what,
			 (unsigned long long)t->position);
}

/* ---- Bytes */

/* Makes t->run hold something, or leaves it empty at the end of the source. */
static int refill(struct tar *t, struct error *err)
{
	return t->run_len ? 0 : t->from->next(t->from, &t->run, &t->run_len, err);
}

int tar_take(struct tar *t, void *buf, size_t len, struct error *err)
{
	uint8_t *p = buf;
	size_t want = len;

	while (want) {
		size_t n;

		if (refill(t, err) < 0)
			return -1;
		if (!t->run_len)
			return want == len ? 0 : tar_broken(t, err, "it ends too early");
		n = t->run_len < want ? t->run_len : want;
		memcpy(p, t->run, n);
		p += n;
		want -= n;
		t->run += n;
		t->run_len -= n;
		t->position += n;
	}
	return 1;
}

static int pass(struct tar *t, uint64_t n, struct error *err)
{
	while (n) {
		size_t step;

		if (!t->run_len && t->from->skip) {
			t->position += n;
			return t->from->skip(t->from, n, err);
		}
		if (refill(t, err) < 0)
			return -1;
		if (!t->run_len)
			return tar_broken(t, err, "it ends too early");
		step = t->run_len < n ? t->run_len : (size_t)n;
		t->run += step;
		t->run_len -= step;
		t->position += step;
		n -= step;
	}
	return 0;
}

static int data_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct tar *t = (struct tar *)src;
	size_t n;

	*len = 0;
	if (!t->remaining)
		return 0;
	if (refill(t, err) < 0)
		return -1;
	if (!t->run_len)
		return tar_broken(t, err, "it ends too early");
	n = t->run_len < t->remaining ? t->run_len : (size_t)t->remaining;
	*data = t->run;
	*len = n;
	t->run += n;
	t->run_len -= n;
	t->position += n;
	t->remaining -= n;
	return 0;
}

/* ---- Fields */

int tar_field_number(const char *field, size_t len, int64_t *out)
{
	const uint8_t *p = (const uint8_t *)field;
	uint64_t v = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		bool negative = p[0] & 0x40;
		int64_t n = negative ? -1 : 0;

		for (i = 0; i < len; i++) {
			uint8_t byte = i ? p[i] : (uint8_t)(negative ? p[0] : p[0] & 0x3f);

			if (n > (INT64_MAX >> 8) || n < (INT64_MIN >> 8))
				return -1;
			n = (int64_t)((uint64_t)n << 8 | byte);
		}
		*out = n;
		return 0;
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(p[i] - '0'); /* 12 digits at most: 36 bits */
	while (i < len && p[i] == ' ')
		i++;
	if (i < len && p[i] != '\0')
		return -1;
	*out = (int64_t)v;
	return 0;
}

int tar_text_number(const char *s, uint64_t max, uint64_t *out)
{
	unsigned long long v;

	if (str_to_u64(s, max, &v) < 0)
		return -1;
	*out = v;
	return 0;
}

int tar_set_text(struct tar *t, struct strbuf *to, const char *value, size_t len, bool *has,
		 struct error *err)
{
	if (memchr(value, '\0', len))
		return tar_broken(t, err, "a name has a NUL in it");
	strbuf_reset(to);
	strbuf_add(to, value, len);
	*has = len > 0;
	return 0;
}

static bool all_zero(const uint8_t block[TAR_BLOCK])
{
	return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* The sum of all bytes with the checksum's own taken for spaces; old programs summed signed bytes. */
static bool checksum_right(const struct tar_header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	int64_t said, sum = 0, sum_signed = 0;

	if (tar_field_number(h->checksum, sizeof(h->checksum), &said) < 0)
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool own = i >= offsetof(struct tar_header, checksum) &&
			   i < offsetof(struct tar_header, typeflag);
		uint8_t byte = own ? ' ' : p[i];

		sum += byte;
		sum_signed += (int8_t)byte;
	}
	return said == sum || said == sum_signed;
}

bool tar_sniff(const uint8_t block[TAR_BLOCK])
{
	return all_zero(block) || checksum_right((const struct tar_header *)block);
}

/* ---- Entries */

/* GNU's long names end at the first NUL. */
static int long_name(struct tar *t, uint64_t size, struct strbuf *to, bool *has, struct error *err)
{
	if (tar_read_extended(t, size, err) < 0)
		return -1;
	return t->extended.len ? tar_set_text(t, to, t->extended.data,
					      strnlen(t->extended.data, t->extended.len), has, err)
			       : 0;
}

static void forget_extended(struct tar *t)
{
	t->has_path = t->has_link = t->has_size = t->has_uid = t->has_gid = t->has_mtime =
		t->has_real_size = false;
	t->sparse = t->sparse_1_0 = t->half_piece = false;
	t->n_pieces = t->n_xattrs = 0;
	strbuf_reset(&t->pax);
}

static void add_field(struct strbuf *b, const char *field, size_t len)
{
	strbuf_add(b, field, strnlen(field, len));
}

static enum tar_type type_of(const struct tar *t, const struct tar_header *h)
{
	switch (h->typeflag) {
	case '\0':
	case '0':
	case '7': /* a contiguous file: nobody has kept them so since the seventies */
		return t->path.len && t->path.data[t->path.len - 1] == '/' ? TAR_DIRECTORY
									   : TAR_FILE;
	case 'S':
		return TAR_FILE;
	case '1':
		return TAR_HARDLINK;
	case '2':
		return TAR_SYMLINK;
	case '3':
		return TAR_CHARDEV;
	case '4':
		return TAR_BLOCKDEV;
	case '5':
		return TAR_DIRECTORY;
	case '6':
		return TAR_FIFO;
	default:
		return TAR_OTHER;
	}
}

static int numbers(struct tar *t, const struct tar_header *h, struct error *err)
{
	struct tar_entry *e = &t->entry;
	int64_t mode, uid, gid, mtime, major = 0, minor = 0;

	if (tar_field_number(h->mode, sizeof(h->mode), &mode) < 0 ||
	    tar_field_number(h->uid, sizeof(h->uid), &uid) < 0 ||
	    tar_field_number(h->gid, sizeof(h->gid), &gid) < 0 ||
	    tar_field_number(h->mtime, sizeof(h->mtime), &mtime) < 0)
		return tar_broken(t, err, "a header's field is no number");
	if ((e->type == TAR_CHARDEV || e->type == TAR_BLOCKDEV) &&
	    (tar_field_number(h->major, sizeof(h->major), &major) < 0 ||
	     tar_field_number(h->minor, sizeof(h->minor), &minor) < 0 || major < 0 ||
	     major > 0xfff || minor < 0 || minor > 0xfffff))
		return tar_broken(t, err, "a device has a number that Linux does not know");
	if ((!t->has_uid && (uid < 0 || uid >= UINT32_MAX)) ||
	    (!t->has_gid && (gid < 0 || gid >= UINT32_MAX)))
		return tar_broken(t, err, "an owner is no number that Linux knows");
	e->mode = (uint32_t)mode & 07777;
	if (!t->has_uid)
		e->uid = (uint32_t)uid;
	if (!t->has_gid)
		e->gid = (uint32_t)gid;
	if (!t->has_mtime) {
		e->mtime = mtime;
		e->mtime_nsec = 0;
	}
	e->major = (uint32_t)major;
	e->minor = (uint32_t)minor;
	return 0;
}

/* Fills the entry from its header and what the extended headers before it said. */
static int finish_entry(struct tar *t, const struct tar_header *h, uint64_t size, struct error *err)
{
	struct tar_entry *e = &t->entry;

	if (!t->has_path) {
		strbuf_reset(&t->path);
		if (memcmp(h->magic, "ustar", 6) == 0 && h->prefix[0]) {
			add_field(&t->path, h->prefix, sizeof(h->prefix));
			strbuf_putc(&t->path, '/');
		}
		add_field(&t->path, h->name, sizeof(h->name));
	}
	if (!t->has_link) {
		strbuf_reset(&t->link);
		add_field(&t->link, h->linkname, sizeof(h->linkname));
	}
	e->typeflag = h->typeflag;
	e->type = type_of(t, h);
	if (numbers(t, h, err) < 0)
		return -1;
	/* Only files have data, whatever the size says of others: so does Go's archive/tar, Docker's reader. */
	t->remaining = e->type == TAR_FILE || e->type == TAR_OTHER ? size : 0;
	if (h->typeflag == 'S' && tar_old_sparse(t, h, err) < 0)
		return -1;
	t->padding = -t->remaining % TAR_BLOCK;
	if (t->sparse && e->type == TAR_FILE) {
		if (t->sparse_1_0 && tar_new_sparse(t, err) < 0)
			return -1;
		e->size = t->has_real_size ? t->real_size : size;
		if (tar_check_pieces(t, err) < 0)
			return -1;
	} else {
		e->size = t->remaining;
	}
	e->pieces = t->sparse && e->type == TAR_FILE ? t->pieces : NULL;
	e->n_pieces = e->pieces ? t->n_pieces : 0;
	e->offset = t->position;
	e->stored = t->remaining;
	for (size_t i = 0; i < t->n_xattrs; i++) {
		t->xattrs[i].name = t->pax.data + (uintptr_t)t->xattrs[i].name;
		t->xattrs[i].value = (const uint8_t *)t->pax.data + (uintptr_t)t->xattrs[i].value;
	}
	e->xattrs = t->xattrs;
	e->n_xattrs = t->n_xattrs;
	e->path = t->path.data ? t->path.data : "";
	e->link = t->link.data ? t->link.data : "";
	return 0;
}

/* The next header block: 1, 0 at the end mark or the end of the source (which old writers leave it at), -1. */
static int next_header(struct tar *t, struct tar_header *h, struct error *err)
{
	int r = tar_take(t, h, sizeof(*h), err);

	if (r <= 0)
		return r;
	if (!all_zero((const uint8_t *)h))
		return checksum_right(h) ? 1 : tar_broken(t, err, "a header's checksum is wrong");
	r = tar_take(t, h, sizeof(*h), err);
	if (r > 0 && !all_zero((const uint8_t *)h))
		return tar_broken(t, err, "a single block of zeros stands in the middle");
	return r < 0 ? -1 : 0;
}

int tar_next(struct tar *t, const struct tar_entry **entry, struct error *err)
{
	struct tar_header h;
	bool began = false;

	if (pass(t, t->remaining + t->padding, err) < 0)
		return -1;
	t->remaining = t->padding = 0;
	forget_extended(t);
	for (;;) {
		int r = next_header(t, &h, err);
		int64_t said;
		uint64_t size;

		if (r < 0)
			return -1;
		if (r == 0)
			return began ? tar_broken(t, err, "it ends behind an extended header") : 0;
		if (tar_field_number(h.size, sizeof(h.size), &said) < 0 || said < 0)
			return tar_broken(t, err, "a size is no number");
		size = (uint64_t)said;
		began = true;
		switch (h.typeflag) {
		case 'x':
		case 'X': /* Sun's spelling of it */
			if (tar_read_extended(t, size, err) < 0 || tar_pax_header(t, err) < 0)
				return -1;
			continue;
		case 'L':
			if (long_name(t, size, &t->path, &t->has_path, err) < 0)
				return -1;
			continue;
		case 'K':
			if (long_name(t, size, &t->link, &t->has_link, err) < 0)
				return -1;
			continue;
		case 'g':
		case 'V': /* GNU: the archive's label */
			if (tar_read_extended(t, size, err) < 0)
				return -1;
			began = false;
			continue;
		default:
			break;
		}
		if (t->has_size)
			size = t->size;
		if (size > INT64_MAX - 2 * TAR_BLOCK - t->position)
			return tar_broken(t, err, "a size is larger than any file");
		if (finish_entry(t, &h, size, err) < 0)
			return -1;
		*entry = &t->entry;
		return 1;
	}
}

struct source *tar_data(struct tar *t)
{
	return &t->data;
}

struct tar *tar_open(struct source *from)
{
	struct tar *t = xcalloc(1, sizeof(*t));

	t->from = from;
	t->data.next = data_next;
	/* Never NULL, so that a sparse file that is one hole can be told from one that is not sparse. */
	t->room_pieces = 16;
	t->pieces = xcalloc(t->room_pieces, sizeof(*t->pieces));
	return t;
}

void tar_close(struct tar *t)
{
	if (!t)
		return;
	strbuf_free(&t->path);
	strbuf_free(&t->link);
	strbuf_free(&t->pax);
	strbuf_free(&t->extended);
	free(t->pieces);
	free(t->xattrs);
	free(t);
}
