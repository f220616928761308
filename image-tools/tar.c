/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* A header block (POSIX ustar interchange format). GNU tar's own archives use the prefix for other things. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], typeflag, linkname[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

/* Where GNU tar keeps the pieces of a sparse file in the old format: in the header, and in blocks behind it. */
#define OLD_SPARSE_AT 386
#define OLD_SPARSE_IN_HEADER 4
#define OLD_SPARSE_IN_BLOCK 21
#define OLD_SPARSE_MORE_HEADER 482
#define OLD_SPARSE_SIZE 483
#define OLD_SPARSE_MORE_BLOCK 504

struct tar {
	struct source data; /* what tar_data returns; first, so that it casts */
	struct source *from;
	const uint8_t *run; /* what is left of the source's last run */
	size_t run_len;
	uint64_t position;
	uint64_t remaining; /* bytes of the current entry's data not yet taken */
	uint64_t padding;   /* bytes behind them up to the next block */

	struct tar_entry entry;
	struct strbuf path, link;
	/* What extended headers said about the next entry. */
	struct strbuf pax;       /* texts that path, link and xattrs point into, by offset until they are complete */
	struct strbuf extended;  /* the header being read */
	bool has_path, has_link, has_size, has_uid, has_gid, has_mtime, has_real_size;
	bool sparse, sparse_1_0;
	uint64_t size, real_size;
	struct tar_piece *pieces;
	size_t n_pieces, room_pieces;
	bool half_piece; /* an offset of format 0.0 still lacks its length */
	struct tar_xattr *xattrs; /* name and value hold offsets into pax until tar_next is through */
	size_t n_xattrs, room_xattrs;
};

static int broken(const struct tar *t, struct error *err, const char *what)
{
	return error_set(err, EINVAL, "damaged tar archive: %s, near byte %llu", what, (unsigned long long)t->position);
}

/* ---- Bytes */

/* Makes t->run hold something, or leaves it empty at the end of the source. */
static int refill(struct tar *t, struct error *err)
{
	return t->run_len ? 0 : t->from->next(t->from, &t->run, &t->run_len, err);
}

/* Copies exactly len bytes. Returns 1; 0 when the source ended before the first; -1. */
static int take(struct tar *t, void *buf, size_t len, struct error *err)
{
	uint8_t *p = buf;
	size_t want = len;

	while (want) {
		size_t n;

		if (refill(t, err) < 0)
			return -1;
		if (!t->run_len)
			return want == len ? 0 : broken(t, err, "it ends too early");
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
			return broken(t, err, "it ends too early");
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
		return broken(t, err, "it ends too early");
	n = t->run_len < t->remaining ? t->run_len : (size_t)t->remaining;
	*data = t->run;
	*len = n;
	t->run += n;
	t->run_len -= n;
	t->position += n;
	t->remaining -= n;
	return 0;
}

/* ---- Numbers */

/* A field of octal digits between spaces, ended by a space, a NUL or the field; or, with the top bit set, a big-endian
 * two's complement number (GNU). An empty field is 0. Returns 0 or -1. */
static int field_number(const char *field, size_t len, int64_t *out)
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

static int text_number(const char *s, uint64_t max, uint64_t *out)
{
	unsigned long long v;

	if (str_to_u64(s, max, &v) < 0)
		return -1;
	*out = v;
	return 0;
}

/* Seconds with an optional sign and fraction; digits behind the ninth are dropped. */
static int text_time(const char *s, int64_t *seconds, uint32_t *nsec)
{
	bool negative = *s == '-';
	uint64_t whole = 0;
	uint32_t frac = 0, unit = 100000000;
	const char *p = s + negative;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		whole = 10 * whole + (uint64_t)(*p - '0');
		if (whole > INT64_MAX / 16)
			return -1;
	}
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			frac += unit * (uint32_t)(*p - '0');
	if (*p)
		return -1;
	*seconds = negative ? -(int64_t)whole : (int64_t)whole;
	if (negative && frac) {
		*seconds -= 1;
		frac = 1000000000 - frac;
	}
	*nsec = frac;
	return 0;
}

static bool all_zero(const uint8_t block[TAR_BLOCK])
{
	return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* The sum of all bytes with the checksum's own taken for spaces; old programs summed signed bytes. */
static bool checksum_right(const struct header *h)
{
	const uint8_t *p = (const uint8_t *)h;
	int64_t said, sum = 0, sum_signed = 0;

	if (field_number(h->checksum, sizeof(h->checksum), &said) < 0)
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool own = i >= offsetof(struct header, checksum) && i < offsetof(struct header, typeflag);
		uint8_t byte = own ? ' ' : p[i];

		sum += byte;
		sum_signed += (int8_t)byte;
	}
	return said == sum || said == sum_signed;
}

bool tar_sniff(const uint8_t block[TAR_BLOCK])
{
	return all_zero(block) || checksum_right((const struct header *)block);
}

/* ---- Extended headers */

static int add_piece(struct tar *t, uint64_t offset, uint64_t length, struct error *err)
{
	if (t->n_pieces == TAR_SPARSE_MAX)
		return broken(t, err, "a sparse file has too many pieces");
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
		if (text_number(word, INT64_MAX, &n) < 0)
			return broken(t, err, "a sparse map is no list of numbers");
		if (length && add_piece(t, offset, n, err) < 0)
			return -1;
		offset = n;
		length = !length;
	}
	return length ? broken(t, err, "a sparse map is cut short") : 0;
}

/* URL escapes in place, as libarchive writes them in names of attributes. Returns the new length. */
static size_t unescape(char *s)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	char *to = s;

	for (const char *p = s; *p; p++) {
		const char *hi, *lo;

		if (*p == '%' && p[1] && p[2] && (hi = strchr(digits, p[1])) && (lo = strchr(digits, p[2]))) {
			*to++ = (char)((hi - digits) % 16 * 16 + (lo - digits) % 16);
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

/* Base64 in place. Returns the new length, or -1. */
static ssize_t unbase64(char *s, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned int n = 0;
	size_t to = 0;

	while (len && s[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *p = s[i] ? strchr(alphabet, s[i]) : NULL;

		if (!p)
			return -1;
		bits = (bits << 6 | (uint32_t)(p - alphabet)) & 0xffff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			s[to++] = (char)(bits >> n);
		}
	}
	return (ssize_t)to;
}

static int add_xattr(struct tar *t, const char *name, const char *value, size_t len, struct error *err)
{
	size_t name_at = t->pax.len, value_at, i;

	if (!*name || strlen(name) > 255)
		return broken(t, err, "an extended attribute's name is empty or too long");
	if (len > UINT16_MAX)
		return broken(t, err, "an extended attribute is too large");
	strbuf_add(&t->pax, name, strlen(name) + 1);
	value_at = t->pax.len;
	strbuf_add(&t->pax, value, len);
	for (i = 0; i < t->n_xattrs; i++)
		if (strcmp(t->pax.data + (uintptr_t)t->xattrs[i].name, name) == 0)
			break;
	if (i == t->n_xattrs) {
		if (t->n_xattrs == t->room_xattrs) {
			t->room_xattrs = t->room_xattrs ? 2 * t->room_xattrs : 8;
			t->xattrs = xreallocarray(t->xattrs, t->room_xattrs, sizeof(*t->xattrs));
		}
		if (t->n_xattrs == 1024)
			return broken(t, err, "a file has too many extended attributes");
		t->n_xattrs++;
	}
	t->xattrs[i] = (struct tar_xattr){ (const char *)(uintptr_t)name_at, (const uint8_t *)(uintptr_t)value_at, len };
	return 0;
}

static int set_text(struct tar *t, struct strbuf *to, const char *value, size_t len, bool *has, struct error *err)
{
	if (memchr(value, '\0', len))
		return broken(t, err, "a name has a NUL in it");
	strbuf_reset(to);
	strbuf_add(to, value, len);
	*has = len > 0;
	return 0;
}

static int sparse_record(struct tar *t, const char *key, char *value, size_t len, struct error *err)
{
	uint64_t n = 0;

	t->sparse = true;
	if (strcmp(key, "name") == 0)
		return set_text(t, &t->path, value, len, &t->has_path, err);
	if (strcmp(key, "map") == 0)
		return sparse_map(t, value, err);
	if (text_number(value, INT64_MAX, &n) < 0)
		return broken(t, err, "a sparse file's record is no number");
	if (strcmp(key, "size") == 0 || strcmp(key, "realsize") == 0) {
		t->real_size = n;
		t->has_real_size = true;
	} else if (strcmp(key, "major") == 0) {
		if (n > 1)
			return broken(t, err, "a sparse file is of an unknown version");
		t->sparse_1_0 = n == 1;
	} else if (strcmp(key, "offset") == 0) {
		if (t->half_piece)
			return broken(t, err, "a sparse map is cut short");
		t->half_piece = true;
		return add_piece(t, n, 0, err);
	} else if (strcmp(key, "numbytes") == 0) {
		if (!t->half_piece)
			return broken(t, err, "a sparse map is out of order");
		t->half_piece = false;
		t->pieces[t->n_pieces - 1].length = n;
	}
	return 0;
}

/* One record of an extended header. value is followed by a NUL, and may be changed. */
static int pax_record(struct tar *t, char *key, char *value, size_t len, struct error *err)
{
	uint64_t n;

	/* An empty value takes back what an earlier record or the header said. */
	if (strcmp(key, "path") == 0) /* GNU.sparse.name is the real one where there are both */
		return t->sparse && t->has_path ? 0 : set_text(t, &t->path, value, len, &t->has_path, err);
	if (strcmp(key, "linkpath") == 0)
		return set_text(t, &t->link, value, len, &t->has_link, err);
	if (strcmp(key, "size") == 0) {
		if (text_number(value, INT64_MAX, &t->size) < 0)
			return broken(t, err, "a size is no number");
		t->has_size = true;
	} else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
		if (text_number(value, UINT32_MAX - 1, &n) < 0)
			return broken(t, err, "an owner is no number that Linux knows");
		*(*key == 'u' ? &t->entry.uid : &t->entry.gid) = (uint32_t)n;
		*(*key == 'u' ? &t->has_uid : &t->has_gid) = true;
	} else if (strcmp(key, "mtime") == 0) {
		if (text_time(value, &t->entry.mtime, &t->entry.mtime_nsec) < 0)
			return broken(t, err, "a time is no number");
		t->has_mtime = true;
	} else if (str_starts(key, "SCHILY.xattr.")) {
		return add_xattr(t, key + strlen("SCHILY.xattr."), value, len, err);
	} else if (str_starts(key, "LIBARCHIVE.xattr.")) {
		ssize_t decoded = unbase64(value, len);

		key += strlen("LIBARCHIVE.xattr.");
		if (unescape(key) != strlen(key) || decoded < 0)
			return broken(t, err, "an extended attribute is not encoded as it should be");
		return add_xattr(t, key, value, (size_t)decoded, err);
	} else if (str_starts(key, "GNU.sparse.")) {
		return sparse_record(t, key + strlen("GNU.sparse."), value, len, err);
	}
	return 0;
}

/* Records "LENGTH KEY=VALUE\n", LENGTH counting all of it (pax(1), "pax Extended Header"). */
static int pax_header(struct tar *t, struct error *err)
{
	char *p = t->extended.data, *end = p ? p + t->extended.len : NULL;

	while (p < end) {
		char *record = p, *value;
		size_t len = 0;

		for (; p < end && *p >= '0' && *p <= '9' && len <= TAR_EXTENDED_MAX; p++)
			len = 10 * len + (size_t)(*p - '0');
		if (p == record || p == end || *p != ' ' || len > (size_t)(end - record) ||
		    record + len < p + 3 || record[len - 1] != '\n')
			return broken(t, err, "an extended header has a record of the wrong length");
		p++;
		record[len - 1] = '\0';
		value = memchr(p, '=', (size_t)(record + len - 1 - p));
		if (!value || value == p)
			return broken(t, err, "an extended header has a record without a key");
		*value++ = '\0';
		if (pax_record(t, p, value, (size_t)(record + len - 1 - value), err) < 0)
			return -1;
		p = record + len;
	}
	return 0;
}

/* Reads the data of an extended header or long name whole. */
static int read_extended(struct tar *t, uint64_t size, struct error *err)
{
	char block[TAR_BLOCK];

	if (size > TAR_EXTENDED_MAX)
		return broken(t, err, "an extended header is too large");
	strbuf_reset(&t->extended);
	while (t->extended.len < size) {
		size_t n = size - t->extended.len < TAR_BLOCK ? (size_t)size - t->extended.len : TAR_BLOCK;
		int r = take(t, block, TAR_BLOCK, err);

		if (r <= 0)
			return r < 0 ? -1 : broken(t, err, "it ends too early");
		strbuf_add(&t->extended, block, n);
	}
	return 0;
}

/* GNU's long names end at the first NUL. */
static int long_name(struct tar *t, uint64_t size, struct strbuf *to, bool *has, struct error *err)
{
	if (read_extended(t, size, err) < 0)
		return -1;
	return t->extended.len ? set_text(t, to, t->extended.data, strnlen(t->extended.data, t->extended.len), has, err)
			       : 0;
}

/* ---- Sparse files */

static int old_sparse_pieces(struct tar *t, const uint8_t *block, size_t at, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++, at += 24) {
		int64_t offset, length;

		if (block[at] == 0) /* the rest of the table is unused */
			return 0;
		if (field_number((const char *)block + at, 12, &offset) < 0 ||
		    field_number((const char *)block + at + 12, 12, &length) < 0 || offset < 0 || length < 0)
			return broken(t, err, "a sparse map is no list of numbers");
		if (add_piece(t, (uint64_t)offset, (uint64_t)length, err) < 0)
			return -1;
	}
	return 0;
}

static int old_sparse(struct tar *t, const struct header *h, struct error *err)
{
	uint8_t block[TAR_BLOCK];
	int64_t size;
	bool more;

	memcpy(block, h, sizeof(block));
	t->n_pieces = 0;
	if (field_number((const char *)block + OLD_SPARSE_SIZE, 12, &size) < 0 || size < 0)
		return broken(t, err, "a sparse file's size is no number");
	t->sparse = t->has_real_size = true;
	t->real_size = (uint64_t)size;
	if (old_sparse_pieces(t, block, OLD_SPARSE_AT, OLD_SPARSE_IN_HEADER, err) < 0)
		return -1;
	for (more = block[OLD_SPARSE_MORE_HEADER]; more; more = block[OLD_SPARSE_MORE_BLOCK]) {
		int r = take(t, block, sizeof(block), err);

		if (r <= 0)
			return r < 0 ? -1 : broken(t, err, "it ends too early");
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
				return broken(t, err, "a sparse map is cut short");
			if (take(t, m->block, TAR_BLOCK, err) <= 0)
				return broken(t, err, "it ends too early");
			t->remaining -= TAR_BLOCK;
			m->at = 0;
		}
		c = (char)m->block[m->at++];
		if (c == '\n')
			break;
		if (n + 1 == sizeof(digits))
			return broken(t, err, "a sparse map is no list of numbers");
		digits[n++] = c;
	}
	digits[n] = '\0';
	return text_number(digits, INT64_MAX, out) < 0 ? broken(t, err, "a sparse map is no list of numbers") : 0;
}

static int new_sparse(struct tar *t, struct error *err)
{
	struct map_reader m = { .at = TAR_BLOCK };
	uint64_t count, offset, length;

	t->n_pieces = 0;
	if (map_number(t, &m, &count, err) < 0)
		return -1;
	for (; count; count--)
		if (map_number(t, &m, &offset, err) < 0 || map_number(t, &m, &length, err) < 0 ||
		    add_piece(t, offset, length, err) < 0)
			return -1;
	return 0;
}

/* Pieces must stand in order, apart from each other, inside the file, and be as long together as what is stored. */
static int check_pieces(struct tar *t, struct error *err)
{
	uint64_t end = 0, stored = 0;

	if (t->half_piece)
		return broken(t, err, "a sparse map is cut short");
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct tar_piece *p = &t->pieces[i];

		if (p->offset < end || __builtin_add_overflow(p->offset, p->length, &end) ||
		    end > t->entry.size || __builtin_add_overflow(stored, p->length, &stored))
			return broken(t, err, "a sparse map contradicts itself");
	}
	if (stored != t->remaining)
		return broken(t, err, "a sparse map contradicts the file's size");
	return 0;
}

/* ---- Entries */

static void forget_extended(struct tar *t)
{
	t->has_path = t->has_link = t->has_size = t->has_uid = t->has_gid = t->has_mtime = t->has_real_size = false;
	t->sparse = t->sparse_1_0 = t->half_piece = false;
	t->n_pieces = t->n_xattrs = 0;
	strbuf_reset(&t->pax);
}

static void add_field(struct strbuf *b, const char *field, size_t len)
{
	strbuf_add(b, field, strnlen(field, len));
}

static enum tar_type type_of(const struct tar *t, const struct header *h)
{
	switch (h->typeflag) {
	case '\0':
	case '0':
	case '7': /* a contiguous file: nobody has kept them so since the seventies */
		return t->path.len && t->path.data[t->path.len - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
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

static int numbers(struct tar *t, const struct header *h, struct error *err)
{
	struct tar_entry *e = &t->entry;
	int64_t mode, uid, gid, mtime, major = 0, minor = 0;

	if (field_number(h->mode, sizeof(h->mode), &mode) < 0 || field_number(h->uid, sizeof(h->uid), &uid) < 0 ||
	    field_number(h->gid, sizeof(h->gid), &gid) < 0 || field_number(h->mtime, sizeof(h->mtime), &mtime) < 0)
		return broken(t, err, "a header's field is no number");
	if ((e->type == TAR_CHARDEV || e->type == TAR_BLOCKDEV) &&
	    (field_number(h->major, sizeof(h->major), &major) < 0 ||
	     field_number(h->minor, sizeof(h->minor), &minor) < 0 || major < 0 || major > 0xfff || minor < 0 ||
	     minor > 0xfffff))
		return broken(t, err, "a device has a number that Linux does not know");
	if ((!t->has_uid && (uid < 0 || uid >= UINT32_MAX)) || (!t->has_gid && (gid < 0 || gid >= UINT32_MAX)))
		return broken(t, err, "an owner is no number that Linux knows");
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
static int finish_entry(struct tar *t, const struct header *h, uint64_t size, struct error *err)
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
	/* Only files have data, whatever the size says of others (Go's archive/tar, which Docker reads with, likewise). */
	t->remaining = e->type == TAR_FILE || e->type == TAR_OTHER ? size : 0;
	if (h->typeflag == 'S' && old_sparse(t, h, err) < 0)
		return -1;
	t->padding = -t->remaining % TAR_BLOCK;
	if (t->sparse && e->type == TAR_FILE) {
		if (t->sparse_1_0 && new_sparse(t, err) < 0)
			return -1;
		e->size = t->has_real_size ? t->real_size : size;
		if (check_pieces(t, err) < 0)
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
static int next_header(struct tar *t, struct header *h, struct error *err)
{
	int r = take(t, h, sizeof(*h), err);

	if (r <= 0)
		return r;
	if (!all_zero((const uint8_t *)h))
		return checksum_right(h) ? 1 : broken(t, err, "a header's checksum is wrong");
	r = take(t, h, sizeof(*h), err);
	if (r > 0 && !all_zero((const uint8_t *)h))
		return broken(t, err, "a single block of zeros stands in the middle");
	return r < 0 ? -1 : 0;
}

int tar_next(struct tar *t, const struct tar_entry **entry, struct error *err)
{
	struct header h;
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
			return began ? broken(t, err, "it ends behind an extended header") : 0;
		if (field_number(h.size, sizeof(h.size), &said) < 0 || said < 0)
			return broken(t, err, "a size is no number");
		size = (uint64_t)said;
		began = true;
		switch (h.typeflag) {
		case 'x':
		case 'X': /* Sun's spelling of it */
			if (read_extended(t, size, err) < 0 || pax_header(t, err) < 0)
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
			if (read_extended(t, size, err) < 0)
				return -1;
			began = false;
			continue;
		default:
			break;
		}
		if (t->has_size)
			size = t->size;
		if (size > INT64_MAX - 2 * TAR_BLOCK - t->position)
			return broken(t, err, "a size is larger than any file");
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
