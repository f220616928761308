/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second pass over the tree: what erofs_layout.c placed is written, from the front to the back. */
#include "image-tools/erofs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image-tools/erofs_private.h"
#include "lib/fs.h"
#include "lib/str.h"

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
	size_t n = erofs_dir_entries(dir), bytes, count;

	for (size_t i = 0; i < n; i += count) {
		uint8_t block[EROFS_BLOCK] = { 0 };
		size_t name_at;

		count = erofs_fit_block(dir, i, n, &bytes);
		name_at = count * sizeof(struct disk_dirent);
		for (size_t k = 0; k < count; k++) {
			const struct tree_dentry *d = dir->folder->sorted[i + k];
			struct disk_dirent e = { .nid = d->inode->slot,
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

static int copy(struct writer *w, int fd, uint64_t from, uint64_t to, uint64_t len,
		struct error *err)
{
	uint8_t buf[16 << 10];

	while (len) {
		ssize_t n =
			pread(fd, buf, len < sizeof(buf) ? (size_t)len : sizeof(buf), (off_t)from);

		if (n <= 0 || pwrite(w->fd, buf, (size_t)n, (off_t)to) != n)
			return n == 0 ? error_set(err, EINVAL, "the tar ends inside a file")
				      : error_errno(err, "cannot copy a file into a layer's index");
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
	const struct tree_extent *extents, *e;
	int from_fd = inode->below ? w->in->below_fd : w->in->tar_fd;
	struct tree_extent one;
	uint64_t at;
	uint32_t i, n;

	extents = erofs_extents(inode, &one, &n);
	while (*next < n && extents[*next].offset + extents[*next].length <= start)
		++*next;
	*out = (struct disk_chunk){ .block = NULL_BLOCK };
	if (*next == n || extents[*next].offset >= end)
		return 0;
	e = &extents[*next];
	at = e->tar_offset + (start - e->offset);
	if (!inode->below && e->offset <= start && e->offset + e->length >= end &&
	    at % EROFS_BLOCK == 0) {
		if (at >> BLOCK_BITS >= NULL_BLOCK)
			return error_set(err, EFBIG, "the layer is larger than EROFS can address");
		*out = (struct disk_chunk){ .device = DEVICE_TAR,
					    .block = (uint32_t)(at >> BLOCK_BITS) };
		return 0;
	}
	if ((w->copy_at + (end - start)) >> BLOCK_BITS >= NULL_BLOCK)
		return error_set(err, EFBIG, "the layer is larger than EROFS can address");
	out->block = (uint32_t)(w->copy_at >> BLOCK_BITS);
	for (i = *next; i < n && extents[i].offset < end; i++) {
		uint64_t from, to;

		e = &extents[i];
		from = e->offset > start ? e->offset : start;
		to = e->offset + e->length < end ? e->offset + e->length : end;
		if (copy(w, from_fd, e->tar_offset + (from - e->offset),
			 w->copy_at + (from - start), to - from, err) < 0)
			return -1;
		w->totals->copied += to - from;
	}
	w->copy_at += erofs_round_up(end - start, EROFS_BLOCK);
	return 0;
}

static int emit_chunks(struct writer *w, const struct tree_inode *inode, struct error *err)
{
	uint64_t chunk = UINT64_C(1) << (inode->chunk_bits + BLOCK_BITS);
	uint32_t next = 0;

	if (emit_to(w, erofs_round_up(w->position, sizeof(struct disk_chunk)), err) < 0)
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

/* block is where the blocks of a folder or link are that does not fit behind its inode. */
static int emit_inode(struct writer *w, const struct tree_inode *inode, uint32_t number,
		      uint64_t block, struct error *err)
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

	if (inode->xattrs)
		d.xattr_count = (uint16_t)(1 + inode->xattrs->len / 4);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		d.u = (inode->rdev_minor & 0xff) | inode->rdev_major << 8 |
		      (inode->rdev_minor & ~0xffU) << 12;
	else if (inode->layout == LAYOUT_CHUNKS)
		d.u = CHUNK_INDEXES | inode->chunk_bits;
	else if (erofs_has_blocks(inode))
		d.u = (uint32_t)(block >> BLOCK_BITS);
	if (emit_to(w, (uint64_t)inode->slot * SLOT, err) < 0 || emit(w, &d, sizeof(d), err) < 0)
		return -1;
	if (inode->xattrs && (emit(w, header, sizeof(header), err) < 0 ||
			      emit(w, inode->xattrs->data, inode->xattrs->len, err) < 0))
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
	uint64_t block = w->block_at;
	uint32_t number = 1;

	for (const struct tree_inode *i = w->first; i; i = i->next) {
		if (emit_inode(w, i, number++, block, err) < 0)
			return -1;
		if (erofs_has_blocks(i))
			block += erofs_round_up(i->size, EROFS_BLOCK);
	}
	for (const struct tree_inode *i = w->first; i; i = i->next) {
		if (!erofs_has_blocks(i))
			continue;
		if (emit_to(w, erofs_round_up(w->position, EROFS_BLOCK), err) < 0 ||
		    (S_ISDIR(i->mode) ? emit_dir(w, i, err) : emit(w, i->target, i->size, err)) < 0)
			return -1;
	}
	if (emit_to(w, erofs_round_up(w->position, EROFS_BLOCK), err) < 0)
		return -1;
	return flush(w, err);
}

/* Last, when the number of blocks is known. */
static int write_super(struct writer *w, struct error *err)
{
	struct erofs_head both = {
		.super = {
			.magic = MAGIC,
			.feature_compat = COMPAT_MTIME,
			.block_bits = BLOCK_BITS,
			.root_nid = (uint16_t)w->t->root->slot,
			.inodes = w->totals->entries,
			.blocks = (uint32_t)(w->copy_at >> BLOCK_BITS),
			.feature_incompat = INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE,
			.extra_devices = 1,
			.device_slot = (SUPER_AT + 128U) / DEVICE_SLOT,
		},
		.slot = {
			.blocks = (uint32_t)(erofs_round_up(w->in->tar_size, EROFS_BLOCK) >> BLOCK_BITS),
			.mapped_block = (uint32_t)(w->copy_at >> BLOCK_BITS),
		},
	};

	memcpy(both.super.uuid, w->in->uuid, sizeof(both.super.uuid));
	if (pwrite(w->fd, &both, sizeof(both), SUPER_AT) != (ssize_t)sizeof(both) ||
	    ftruncate(w->fd, (off_t)w->copy_at) < 0)
		return error_errno(err, "cannot write a layer's index");
	return 0;
}

int erofs_write(struct tree *t, int fd, const struct erofs_input *in, struct erofs_totals *totals,
		struct error *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	int r = -1;

	*totals = (struct erofs_totals){ 0 };
	w->t = t;
	w->totals = totals;
	w->fd = fd;
	w->in = in;
	if (erofs_lay_out(w, err) < 0)
		goto out;
	if (w->copy_at >> BLOCK_BITS >= NULL_BLOCK || in->tar_size >> BLOCK_BITS >= NULL_BLOCK) {
		error_set(err, EFBIG, "the layer is larger than EROFS can address");
		goto out;
	}
	r = emit_all(w, err) < 0 ? -1 : write_super(w, err);
out:
	free(w);
	return r;
}

bool erofs_matches(int fd, uint64_t size, uint64_t tar_size, const uint8_t uuid[16])
{
	struct erofs_head head;

	return pread(fd, &head, sizeof(head), SUPER_AT) == (ssize_t)sizeof(head) &&
	       head.super.magic == MAGIC && head.super.block_bits == BLOCK_BITS &&
	       memcmp(head.super.uuid, uuid, sizeof(head.super.uuid)) == 0 &&
	       (uint64_t)head.super.blocks << BLOCK_BITS == size && head.super.extra_devices == 1 &&
	       (uint64_t)head.slot.blocks << BLOCK_BITS == erofs_round_up(tar_size, EROFS_BLOCK);
}
