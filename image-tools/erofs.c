/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two passes over the tree: lay_out gives every inode and every block its place, emit writes them in the same order.
 * Numbers are little-endian on disk and, as everywhere in Knarr, in memory. */
#include "image-tools/erofs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/str.h"

#define MAGIC                 0xE0F5E1E2U
#define COMPAT_MTIME          0x2U
#define INCOMPAT_CHUNKED_FILE 0x4U
#define INCOMPAT_DEVICE_TABLE 0x8U
#define LAYOUT_PLAIN          0
#define LAYOUT_INLINE         2
#define LAYOUT_CHUNKS         4
#define CHUNK_INDEXES         0x20U
#define CHUNK_BITS_MAX        31U
#define NULL_BLOCK            0xffffffffU
#define BLOCK_BITS            9U
#define SLOT                  32U /* inodes are numbered by the 32-byte slot they start in */
#define SUPER_AT              1024U
#define DEVICE_SLOT           128U
#define INODES_AT             (SUPER_AT + 128U + DEVICE_SLOT)
#define XATTRS_MAX            ((UINT16_MAX - 1U) * 4U)
#define DEVICE_TAR            1
#define CHUNKS_OF_SPARSE_MAX \
	65536U /* beyond this, larger chunks are taken and those with data copied */

struct superblock {
	uint32_t magic, checksum, feature_compat;
	uint8_t block_bits, extra_slots;
	uint16_t root_nid;
	uint64_t inodes, build_time;
	uint32_t build_time_nsec, blocks, meta_block, xattr_block;
	uint8_t uuid[16], volume_name[16];
	uint32_t feature_incompat;
	uint16_t algorithms, extra_devices, device_slot;
	uint8_t dir_block_bits, xattr_prefixes;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t reserved[24];
} __attribute__((packed));
_Static_assert(sizeof(struct superblock) == 128, "on-disk format");

struct device_slot {
	uint8_t tag[64];
	uint32_t blocks, mapped_block;
	uint8_t reserved[56];
} __attribute__((packed));
_Static_assert(sizeof(struct device_slot) == DEVICE_SLOT, "on-disk format");

struct disk_inode { /* the "extended" form */
	uint16_t format, xattr_count, mode, reserved;
	uint64_t size;
	uint32_t u, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_nsec, nlink;
	uint8_t reserved2[16];
} __attribute__((packed));
_Static_assert(sizeof(struct disk_inode) == 64, "on-disk format");

struct disk_dirent {
	uint64_t nid;
	uint16_t name_at;
	uint8_t file_type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct disk_dirent) == 12, "on-disk format");

struct disk_xattr {
	uint8_t name_len, prefix;
	uint16_t value_len;
} __attribute__((packed));

struct disk_chunk {
	uint16_t advise, device;
	uint32_t block;
} __attribute__((packed));

#define XATTR_HEADER 12U

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* ---- Attributes */

/* The namespaces EROFS knows, by number; the last of one beginning would win, but none begins another. */
static const struct {
	const char *prefix;
	uint8_t number;
	bool whole; /* the prefix is the whole name */
} namespaces[] = {
	{ "user.", 1, false },
	{ "system.posix_acl_access", 2, true },
	{ "system.posix_acl_default", 3, true },
	{ "trusted.", 4, false },
	{ "security.", 6, false },
};

int erofs_add_xattr(struct tree *t, struct tree_inode *inode, const char *name, const void *value,
		    size_t len, struct error *err)
{
	const char *rest = NULL;
	struct disk_xattr x = { .value_len = (uint16_t)len };
	size_t size;
	uint8_t *p;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]) && !rest; i++)
		if (str_starts(name, namespaces[i].prefix)) {
			rest = name + strlen(namespaces[i].prefix);
			x.prefix = namespaces[i].number;
			if (namespaces[i].whole != (*rest == '\0'))
				return 0;
		}
	if (!rest)
		return 0;
	if (strlen(rest) > UINT8_MAX || len > UINT16_MAX)
		return error_set(err, E2BIG, "an extended attribute is too large");
	x.name_len = (uint8_t)strlen(rest);
	size = round_up(sizeof(x) + x.name_len + len, 4);
	if (inode->xattrs_len + size > XATTRS_MAX)
		return error_set(err, E2BIG, "its extended attributes are too large");
	p = tree_alloc(t, inode->xattrs_len + size, err);
	if (!p)
		return -1;
	if (inode->xattrs_len)
		memcpy(p, inode->xattrs, inode->xattrs_len);
	inode->xattrs = p;
	p += inode->xattrs_len;
	memcpy(p, &x, sizeof(x));
	memcpy(p + sizeof(x), rest, x.name_len);
	if (len)
		memcpy(p + sizeof(x) + x.name_len, value, len);
	inode->xattrs_len += (uint32_t)size;
	return 0;
}

static uint32_t xattr_area(const struct tree_inode *inode)
{
	return inode->xattrs_len ? XATTR_HEADER + inode->xattrs_len : 0;
}

/* ---- Laying out */

struct writer {
	struct tree *t;
	struct erofs_totals *totals;
	struct tree_inode *first,
		*last; /* all inodes in the order they are written: folders by depth */
	int fd, tar_fd;
	uint64_t position; /* of the next byte emit puts out */
	size_t filled;
	uint8_t buf[64 << 10];
	uint64_t copy_at; /* where the next copied chunk goes */
};

static int compare_names(const void *a, const void *b)
{
	const struct tree_dentry *x = *(struct tree_dentry *const *)a,
				 *y = *(struct tree_dentry *const *)b;
	int r = memcmp(x->name, y->name, x->name_len < y->name_len ? x->name_len : y->name_len);

	return r ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* How many of the entries from sorted[i] on fit into one block; *bytes becomes what they fill of it. */
static size_t fit_block(const struct tree_inode *dir, size_t i, size_t n, size_t *bytes)
{
	size_t count = 0, used = 0;

	for (; i + count < n; count++) {
		size_t more = sizeof(struct disk_dirent) + dir->sorted[i + count]->name_len;

		if (used + more > EROFS_BLOCK)
			break;
		used += more;
	}
	*bytes = used;
	return count;
}

static size_t dir_entries(const struct tree_inode *dir)
{
	return (size_t)dir->n_children + 2;
}

static void enqueue(struct writer *w, struct tree_inode *inode)
{
	if (w->last)
		w->last->next = inode;
	else
		w->first = inode;
	w->last = inode;
	w->totals->entries++;
}

/* Sorts the folder's entries, "." and ".." among them, sizes it, and queues what it holds. */
static int lay_out_dir(struct writer *w, struct tree_inode *dir, struct error *err)
{
	struct tree_dentry *dots = tree_alloc(w->t, 2 * sizeof(*dots), err);
	size_t n = 0, bytes;

	if (!dots)
		return -1;
	dir->sorted = tree_alloc(w->t, dir_entries(dir) * sizeof(struct tree_dentry *), err);
	if (!dir->sorted)
		return -1;
	dots[0] = (struct tree_dentry){ .name = ".", .name_len = 1, .inode = dir };
	dots[1] = (struct tree_dentry){ .name = "..", .name_len = 2, .inode = dir->parent };
	dir->sorted[n++] = &dots[0];
	dir->sorted[n++] = &dots[1];
	for (struct tree_dentry *d = dir->children; d; d = d->next_sibling)
		dir->sorted[n++] = d;
	qsort(dir->sorted, n, sizeof(struct tree_dentry *), compare_names);
	dir->nlink += 2;
	dir->size = 0;
	for (size_t i = 0; i < n; i += fit_block(dir, i, n, &bytes)) {
		fit_block(dir, i, n, &bytes);
		dir->size = round_up(dir->size, EROFS_BLOCK) + bytes;
	}
	for (size_t i = 0; i < n; i++) {
		struct tree_inode *inode = dir->sorted[i]->inode;

		if (dir->sorted[i] == &dots[0] || dir->sorted[i] == &dots[1])
			continue;
		if (S_ISDIR(inode->mode)) {
			inode->parent = dir;
			dir->nlink++;
			enqueue(w, inode);
		} else if (inode->nlink++ == 0) {
			enqueue(w, inode);
		}
	}
	/* Overlayfs looks for whiteouts in a folder that exists in one layer only if the folder carries this mark, and
	 * would list them otherwise (kernel commit b79e05aaa166). */
	if (dir->whiteouts && erofs_add_xattr(w->t, dir, "trusted.overlay.origin", "", 0, err) < 0)
		return -1;
	if (dir->opaque && erofs_add_xattr(w->t, dir, "trusted.overlay.opaque", "y", 1, err) < 0)
		return -1;
	return 0;
}

static uint64_t chunk_count(const struct tree_inode *inode)
{
	unsigned int bits = inode->chunk_bits + BLOCK_BITS;

	return (inode->size >> bits) + ((inode->size & ((UINT64_C(1) << bits) - 1)) != 0);
}

/* The chunk size: all of the file in one where it is one piece; else the largest that cuts holes from data. */
static void choose_chunks(struct tree_inode *inode)
{
	uint64_t edges = 0;
	unsigned int bits = 0;

	for (uint32_t i = 0; i < inode->n_extents; i++) {
		uint64_t end = inode->extents[i].offset + inode->extents[i].length;

		edges |= inode->extents[i].offset | (end == inode->size ? 0 : end);
	}
	if (edges) {
		bits = (unsigned int)__builtin_ctzll(edges);
		bits = bits < BLOCK_BITS ? 3 : bits - BLOCK_BITS;
	} else {
		while (bits < CHUNK_BITS_MAX && (inode->size - 1) >> (bits + BLOCK_BITS))
			bits++;
	}
	inode->chunk_bits = (uint8_t)(bits > CHUNK_BITS_MAX ? CHUNK_BITS_MAX : bits);
	while (chunk_count(inode) > CHUNKS_OF_SPARSE_MAX && inode->chunk_bits < CHUNK_BITS_MAX)
		inode->chunk_bits++;
}

static void lay_out_inode(struct tree_inode *inode, uint64_t *at)
{
	uint64_t size = sizeof(struct disk_inode) + xattr_area(inode);
	uint64_t start = round_up(*at, SLOT), room;

	inode->layout = LAYOUT_PLAIN;
	if (S_ISREG(inode->mode) && inode->size) {
		inode->layout = LAYOUT_CHUNKS;
		choose_chunks(inode);
		size = round_up(size, sizeof(struct disk_chunk)) +
		       chunk_count(inode) * sizeof(struct disk_chunk);
	} else if ((S_ISDIR(inode->mode) || S_ISLNK(inode->mode)) &&
		   size + inode->size <= EROFS_BLOCK) {
		/* Inline data must lie in one block (the kernel refuses it otherwise). */
		inode->layout = LAYOUT_INLINE;
		size += inode->size;
	}
	room = EROFS_BLOCK - start % EROFS_BLOCK;
	if (room < (inode->layout == LAYOUT_INLINE ? size : sizeof(struct disk_inode)))
		start += room;
	inode->position = start;
	*at = start + size;
}

static int lay_out(struct writer *w, struct error *err)
{
	uint64_t at = INODES_AT;

	w->t->root->parent = w->t->root;
	enqueue(w, w->t->root);
	for (struct tree_inode *i = w->first; i; i = i->next) {
		if (S_ISDIR(i->mode) && lay_out_dir(w, i, err) < 0)
			return -1;
		if (S_ISREG(i->mode))
			w->totals->size += i->size;
		lay_out_inode(i, &at);
	}
	at = round_up(at, EROFS_BLOCK);
	for (struct tree_inode *i = w->first; i; i = i->next)
		if ((S_ISDIR(i->mode) || S_ISLNK(i->mode)) && i->layout == LAYOUT_PLAIN) {
			i->data_position = at;
			at += round_up(i->size, EROFS_BLOCK);
		}
	w->copy_at = at;
	return 0;
}

/* ---- Writing */

static int flush(struct writer *w, struct error *err)
{
	if (pwrite(w->fd, w->buf, w->filled, (off_t)(w->position - w->filled)) !=
	    (ssize_t)w->filled)
		return error_errno(err, "cannot write a layer's index");
	w->filled = 0;
	return 0;
}

/* data NULL: zeros. */
static int emit(struct writer *w, const void *data, uint64_t len, struct error *err)
{
	const uint8_t *p = data;

	while (len) {
		size_t n = sizeof(w->buf) - w->filled;

		n = n < len ? n : (size_t)len;
		if (p)
			memcpy(w->buf + w->filled, p, n);
		else
			memset(w->buf + w->filled, 0, n);
		w->filled += n;
		w->position += n;
		len -= n;
		p = p ? p + n : NULL;
		if (w->filled == sizeof(w->buf) && flush(w, err) < 0)
			return -1;
	}
	return 0;
}

static int emit_to(struct writer *w, uint64_t position, struct error *err)
{
	return emit(w, NULL, position - w->position, err);
}

static uint8_t file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFIFO:
		return 5;
	case S_IFLNK:
		return 7;
	default:
		return 0;
	}
}

static int emit_dir(struct writer *w, const struct tree_inode *dir, struct error *err)
{
	size_t n = dir_entries(dir), bytes, count;

	for (size_t i = 0; i < n; i += count) {
		uint8_t block[EROFS_BLOCK] = { 0 };
		size_t name_at;

		count = fit_block(dir, i, n, &bytes);
		name_at = count * sizeof(struct disk_dirent);
		for (size_t k = 0; k < count; k++) {
			const struct tree_dentry *d = dir->sorted[i + k];
			struct disk_dirent e = { .nid = d->inode->position / SLOT,
						 .name_at = (uint16_t)name_at,
						 .file_type = file_type(d->inode->mode) };

			memcpy(block + k * sizeof(e), &e, sizeof(e));
			memcpy(block + name_at, d->name, d->name_len);
			name_at += d->name_len;
		}
		if (emit(w, block, i + count < n ? EROFS_BLOCK : bytes, err) < 0)
			return -1;
	}
	return 0;
}

static int copy(struct writer *w, uint64_t from, uint64_t to, uint64_t len, struct error *err)
{
	uint8_t buf[16 << 10];

	while (len) {
		ssize_t n = pread(w->tar_fd, buf, len < sizeof(buf) ? (size_t)len : sizeof(buf),
				  (off_t)from);

		if (n <= 0 || pwrite(w->fd, buf, (size_t)n, (off_t)to) != n)
			return n == 0 ? error_set(err, EINVAL, "the tar ends inside a file")
				      : error_errno(
						err,
						"cannot copy a sparse file into a layer's index");
		from += (uint64_t)n;
		to += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

/* The chunk's bytes from start to end of the file; *next is the first extent that may still matter. */
static int place_chunk(struct writer *w, const struct tree_inode *inode, uint64_t start,
		       uint64_t end, uint32_t *next, struct disk_chunk *out, struct error *err)
{
	const struct tree_extent *e;
	uint64_t at;
	uint32_t i;

	while (*next < inode->n_extents &&
	       inode->extents[*next].offset + inode->extents[*next].length <= start)
		++*next;
	e = &inode->extents[*next];
	*out = (struct disk_chunk){ .block = NULL_BLOCK };
	if (*next == inode->n_extents || e->offset >= end)
		return 0;
	at = e->tar_offset + (start - e->offset);
	if (e->offset <= start && e->offset + e->length >= end && at % EROFS_BLOCK == 0) {
		if (at >> BLOCK_BITS >= NULL_BLOCK)
			return error_set(err, EFBIG, "the layer is larger than EROFS can address");
		*out = (struct disk_chunk){ .device = DEVICE_TAR,
					    .block = (uint32_t)(at >> BLOCK_BITS) };
		return 0;
	}
	if ((w->copy_at + (end - start)) >> BLOCK_BITS >= NULL_BLOCK)
		return error_set(err, EFBIG, "the layer is larger than EROFS can address");
	out->block = (uint32_t)(w->copy_at >> BLOCK_BITS);
	for (i = *next; i < inode->n_extents && inode->extents[i].offset < end; i++) {
		uint64_t from, to;

		e = &inode->extents[i];
		from = e->offset > start ? e->offset : start;
		to = e->offset + e->length < end ? e->offset + e->length : end;
		if (copy(w, e->tar_offset + (from - e->offset), w->copy_at + (from - start),
			 to - from, err) < 0)
			return -1;
		w->totals->copied += to - from;
	}
	w->copy_at += round_up(end - start, EROFS_BLOCK);
	return 0;
}

static int emit_chunks(struct writer *w, const struct tree_inode *inode, struct error *err)
{
	uint64_t chunk = UINT64_C(1) << (inode->chunk_bits + BLOCK_BITS);
	uint32_t next = 0;

	if (emit_to(w, round_up(w->position, sizeof(struct disk_chunk)), err) < 0)
		return -1;
	for (uint64_t start = 0; start < inode->size; start += chunk) {
		uint64_t end = inode->size - start < chunk ? inode->size : start + chunk;
		struct disk_chunk c;

		if (place_chunk(w, inode, start, end, &next, &c, err) < 0 ||
		    emit(w, &c, sizeof(c), err) < 0)
			return -1;
	}
	return 0;
}

static int emit_inode(struct writer *w, const struct tree_inode *inode, uint32_t number,
		      struct error *err)
{
	const uint8_t header[XATTR_HEADER] = { 0 };
	struct disk_inode d = {
		.format = (uint16_t)(1 | inode->layout << 1),
		.mode = (uint16_t)inode->mode,
		.size = inode->size,
		.ino = number,
		.uid = inode->uid,
		.gid = inode->gid,
		.mtime = (uint64_t)inode->mtime,
		.mtime_nsec = inode->mtime_nsec,
		.nlink = inode->nlink,
	};

	if (inode->xattrs_len)
		d.xattr_count = (uint16_t)(1 + inode->xattrs_len / 4);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		d.u = (inode->rdev_minor & 0xff) | inode->rdev_major << 8 |
		      (inode->rdev_minor & ~0xffU) << 12;
	else if (inode->layout == LAYOUT_CHUNKS)
		d.u = CHUNK_INDEXES | inode->chunk_bits;
	else if (inode->data_position)
		d.u = (uint32_t)(inode->data_position >> BLOCK_BITS);
	if (emit_to(w, inode->position, err) < 0 || emit(w, &d, sizeof(d), err) < 0)
		return -1;
	if (inode->xattrs_len && (emit(w, header, sizeof(header), err) < 0 ||
				  emit(w, inode->xattrs, inode->xattrs_len, err) < 0))
		return -1;
	if (inode->layout == LAYOUT_CHUNKS)
		return emit_chunks(w, inode, err);
	if (inode->layout == LAYOUT_INLINE)
		return S_ISDIR(inode->mode) ? emit_dir(w, inode, err)
					    : emit(w, inode->target, inode->size, err);
	return 0;
}

static int emit_all(struct writer *w, struct error *err)
{
	uint32_t number = 1;

	for (const struct tree_inode *i = w->first; i; i = i->next)
		if (emit_inode(w, i, number++, err) < 0)
			return -1;
	for (const struct tree_inode *i = w->first; i; i = i->next) {
		if (!i->data_position)
			continue;
		if (emit_to(w, i->data_position, err) < 0 ||
		    (S_ISDIR(i->mode) ? emit_dir(w, i, err) : emit(w, i->target, i->size, err)) < 0)
			return -1;
	}
	if (emit_to(w, round_up(w->position, EROFS_BLOCK), err) < 0)
		return -1;
	return flush(w, err);
}

/* Last, when the number of blocks is known. */
static int write_super(struct writer *w, uint64_t tar_size, const uint8_t uuid[16],
		       struct error *err)
{
	struct {
		struct superblock super;
		struct device_slot slot;
	} both = {
		.super = {
			.magic = MAGIC,
			.feature_compat = COMPAT_MTIME,
			.block_bits = BLOCK_BITS,
			.root_nid = (uint16_t)(w->t->root->position / SLOT),
			.inodes = w->totals->entries,
			.blocks = (uint32_t)(w->copy_at >> BLOCK_BITS),
			.feature_incompat = INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE,
			.extra_devices = 1,
			.device_slot = (SUPER_AT + 128U) / DEVICE_SLOT,
		},
		.slot = {
			.blocks = (uint32_t)(round_up(tar_size, EROFS_BLOCK) >> BLOCK_BITS),
			.mapped_block = (uint32_t)(w->copy_at >> BLOCK_BITS),
		},
	};

	memcpy(both.super.uuid, uuid, sizeof(both.super.uuid));
	if (pwrite(w->fd, &both, sizeof(both), SUPER_AT) != (ssize_t)sizeof(both) ||
	    ftruncate(w->fd, (off_t)w->copy_at) < 0)
		return error_errno(err, "cannot write a layer's index");
	return 0;
}

int erofs_write(struct tree *t, int fd, int tar_fd, uint64_t tar_size, const uint8_t uuid[16],
		struct erofs_totals *totals, struct error *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	int r = -1;

	*totals = (struct erofs_totals){ 0 };
	w->t = t;
	w->totals = totals;
	w->fd = fd;
	w->tar_fd = tar_fd;
	if (lay_out(w, err) < 0)
		goto out;
	if (w->copy_at >> BLOCK_BITS >= NULL_BLOCK || tar_size >> BLOCK_BITS >= NULL_BLOCK) {
		error_set(err, EFBIG, "the layer is larger than EROFS can address");
		goto out;
	}
	r = emit_all(w, err) < 0 ? -1 : write_super(w, tar_size, uuid, err);
out:
	free(w);
	return r;
}
