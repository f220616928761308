/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended headers (pax(1), "pax Interchange Format"). */
#include "image-tools/tar_private.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

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

/* URL escapes in place, as libarchive writes them in names of attributes. Returns the new length. */
static size_t unescape(char *s)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	char *to = s;

	for (const char *p = s; *p; p++) {
		const char *hi, *lo;

		if (*p == '%' && p[1] && p[2] && (hi = strchr(digits, p[1])) &&
		    (lo = strchr(digits, p[2]))) {
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
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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

static int add_xattr(struct tar *t, const char *name, const char *value, size_t len,
		     struct error *err)
{
	size_t name_at = t->pax.len, value_at, i;

	if (!*name || strlen(name) > 255)
		return tar_broken(t, err, "an extended attribute's name is empty or too long");
	if (len > UINT16_MAX)
		return tar_broken(t, err, "an extended attribute is too large");
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
			return tar_broken(t, err, "a file has too many extended attributes");
		t->n_xattrs++;
	}
	t->xattrs[i] = (struct tar_xattr){ (const char *)(uintptr_t)name_at,
					   (const uint8_t *)(uintptr_t)value_at, len };
	return 0;
}

/* One record of an extended header. value is followed by a NUL, and may be changed. */
static int pax_record(struct tar *t, char *key, char *value, size_t len, struct error *err)
{
	uint64_t n;

	/* An empty value takes back what an earlier record or the header said. */
	if (strcmp(key, "path") == 0) /* GNU.sparse.name is the real one where there are both */
		return t->sparse && t->has_path
			       ? 0
			       : tar_set_text(t, &t->path, value, len, &t->has_path, err);
	if (strcmp(key, "linkpath") == 0)
		return tar_set_text(t, &t->link, value, len, &t->has_link, err);
	if (strcmp(key, "size") == 0) {
		if (tar_text_number(value, INT64_MAX, &t->size) < 0)
			return tar_broken(t, err, "a size is no number");
		t->has_size = true;
	} else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
		if (tar_text_number(value, UINT32_MAX - 1, &n) < 0)
			return tar_broken(t, err, "an owner is no number that Linux knows");
		*(*key == 'u' ? &t->entry.uid : &t->entry.gid) = (uint32_t)n;
		*(*key == 'u' ? &t->has_uid : &t->has_gid) = true;
	} else if (strcmp(key, "mtime") == 0) {
		if (text_time(value, &t->entry.mtime, &t->entry.mtime_nsec) < 0)
			return tar_broken(t, err, "a time is no number");
		t->has_mtime = true;
	} else if (str_starts(key, "SCHILY.xattr.")) {
		return add_xattr(t, key + strlen("SCHILY.xattr."), value, len, err);
	} else if (str_starts(key, "LIBARCHIVE.xattr.")) {
		ssize_t decoded = unbase64(value, len);

		key += strlen("LIBARCHIVE.xattr.");
		if (unescape(key) != strlen(key) || decoded < 0)
			return tar_broken(t, err,
					  "an extended attribute is not encoded as it should be");
		return add_xattr(t, key, value, (size_t)decoded, err);
	} else if (str_starts(key, "GNU.sparse.")) {
		return tar_sparse_record(t, key + strlen("GNU.sparse."), value, len, err);
	}
	return 0;
}

/* Records "LENGTH KEY=VALUE\n", LENGTH counting all of it (pax(1), "pax Extended Header"). */
int tar_pax_header(struct tar *t, struct error *err)
{
	char *p = t->extended.data, *end = p ? p + t->extended.len : NULL;

	while (p < end) {
		char *record = p, *value;
		size_t len = 0;

		for (; p < end && *p >= '0' && *p <= '9' && len <= TAR_EXTENDED_MAX; p++)
			len = 10 * len + (size_t)(*p - '0');
		if (p == record || p == end || *p != ' ' || len > (size_t)(end - record) ||
		    record + len < p + 3 || record[len - 1] != '\n')
			return tar_broken(t, err,
					  "an extended header has a record of the wrong length");
		p++;
		record[len - 1] = '\0';
		value = memchr(p, '=', (size_t)(record + len - 1 - p));
		if (!value || value == p)
			return tar_broken(t, err, "an extended header has a record without a key");
		*value++ = '\0';
		if (pax_record(t, p, value, (size_t)(record + len - 1 - value), err) < 0)
			return -1;
		p = record + len;
	}
	return 0;
}

int tar_read_extended(struct tar *t, uint64_t size, struct error *err)
{
	char block[TAR_BLOCK];

	if (size > TAR_EXTENDED_MAX)
		return tar_broken(t, err, "an extended header is too large");
	strbuf_reset(&t->extended);
	while (t->extended.len < size) {
		size_t n = size - t->extended.len < TAR_BLOCK ? (size_t)size - t->extended.len
							      : TAR_BLOCK;
		int r = tar_take(t, block, TAR_BLOCK, err);

		if (r <= 0)
			return r < 0 ? -1 : tar_broken(t, err, "it ends too early");
		strbuf_add(&t->extended, block, n);
	}
	return 0;
}
