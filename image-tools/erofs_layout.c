/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes in EROFS's form, and where everything goes: the first of the two passes over the tree. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/erofs_private.h"
#include "lib/str.h"

/* Beyond this, larger chunks are taken and those with data copied. */
#define CHUNKS_OF_SPARSE_MAX 65536U

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
	size_t size, old = inode->xattrs ? inode->xattrs->len : 0;
	struct tree_xattrs *all;
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
	size = erofs_round_up(sizeof(x) + x.name_len + len, 4);
	if (old + size > XATTRS_MAX)
		return error_set(err, E2BIG, "its extended attributes are too large");
	all = tree_alloc(t, sizeof(*all) + old + size, err);
	if (!all)
		return -1;
	if (old)
		memcpy(all->data, inode->xattrs->data, old);
	p = all->data + old;
	memcpy(p, &x, sizeof(x));
	memcpy(p + sizeof(x), rest, x.name_len);
	if (len)
		memcpy(p + sizeof(x) + x.name_len, value, len);
	all->len = (uint32_t)(old + size);
	inode->xattrs = all;
	return 0;
}

static uint32_t xattr_area(const struct tree_inode *inode)
{
	return inode->xattrs ? XATTR_HEADER + inode->xattrs->len : 0;
}

/* ---- Laying out */

static int compare_names(const void *a, const void *b)
{
	const struct tree_dentry *x = *(struct tree_dentry *const *)a,
				 *y = *(struct tree_dentry *const *)b;
	int r = memcmp(x->name, y->name, x->name_len < y->name_len ? x->name_len : y->name_len);

	return r ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

size_t erofs_fit_block(const struct tree_inode *dir, size_t i, size_t n, size_t *bytes)
{
	size_t count = 0, used = 0;

	for (; i + count < n; count++) {
		size_t more = sizeof(struct disk_dirent) + dir->folder->sorted[i + count]->name_len;

		if (used + more > EROFS_BLOCK)
			break;
		used += more;
	}
	*bytes = used;
	return count;
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
	struct tree_dentry *dot = tree_alloc(w->t, sizeof(*dot) + 3, err);
	struct tree_dentry *dots = tree_alloc(w->t, sizeof(*dots) + 3, err);
	size_t n = 0, bytes;

	if (!dot || !dots)
		return -1;
	dir->folder->sorted =
		tree_alloc(w->t, erofs_dir_entries(dir) * sizeof(struct tree_dentry *), err);
	if (!dir->folder->sorted)
		return -1;
	memcpy(dots->name, "..", dots->name_len = 2);
	dots->inode = dir->folder->parent;
	memcpy(dot->name, ".", dot->name_len = 1);
	dot->inode = dir;
	dir->folder->sorted[n++] = dot;
	dir->folder->sorted[n++] = dots;
	for (struct tree_dentry *d = dir->folder->children; d; d = d->next_sibling)
		dir->folder->sorted[n++] = d;
	qsort(dir->folder->sorted, n, sizeof(struct tree_dentry *), compare_names);
	dir->nlink += 2;
	dir->size = 0;
	for (size_t i = 0; i < n; i += erofs_fit_block(dir, i, n, &bytes)) {
		erofs_fit_block(dir, i, n, &bytes);
		dir->size = erofs_round_up(dir->size, EROFS_BLOCK) + bytes;
	}
	for (size_t i = 0; i < n; i++) {
		struct tree_inode *inode = dir->folder->sorted[i]->inode;

		if (dir->folder->sorted[i] == dot || dir->folder->sorted[i] == dots)
			continue;
		if (S_ISDIR(inode->mode)) {
			inode->folder->parent = dir;
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

uint64_t erofs_chunk_count(const struct tree_inode *inode)
{
	unsigned int bits = inode->chunk_bits + BLOCK_BITS;

	return (inode->size >> bits) + ((inode->size & ((UINT64_C(1) << bits) - 1)) != 0);
}

const struct tree_extent *erofs_extents(const struct tree_inode *inode, struct tree_extent *one,
					uint32_t *n)
{
	if (inode->sparse) {
		*n = inode->extents->n;
		return inode->extents->items;
	}
	*one = (struct tree_extent){ .length = inode->size, .tar_offset = inode->offset };
	*n = inode->size != 0;
	return one;
}

/* The chunk size: all of the file in one where it is one piece; else the largest that cuts holes from data. */
static void choose_chunks(struct tree_inode *inode)
{
	uint64_t edges = 0;
	unsigned int bits = 0;
	struct tree_extent one;
	uint32_t n;
	const struct tree_extent *extents = erofs_extents(inode, &one, &n);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t end = extents[i].offset + extents[i].length;

		edges |= extents[i].offset | (end == inode->size ? 0 : end);
	}
	if (edges) {
		bits = (unsigned int)__builtin_ctzll(edges);
		bits = bits < BLOCK_BITS ? 3 : bits - BLOCK_BITS;
	} else {
		while (bits < CHUNK_BITS_MAX && (inode->size - 1) >> (bits + BLOCK_BITS))
			bits++;
	}
	inode->chunk_bits = (bits > CHUNK_BITS_MAX ? CHUNK_BITS_MAX : bits) & 31;
	while (erofs_chunk_count(inode) > CHUNKS_OF_SPARSE_MAX &&
	       inode->chunk_bits < CHUNK_BITS_MAX)
		inode->chunk_bits = (inode->chunk_bits + 1U) & 31;
}

static int lay_out_inode(struct tree_inode *inode, uint64_t *at, struct error *err)
{
	uint64_t size = sizeof(struct disk_inode) + xattr_area(inode);
	uint64_t start = erofs_round_up(*at, SLOT), room;

	inode->layout = LAYOUT_PLAIN;
	if (S_ISREG(inode->mode) && inode->size) {
		inode->layout = LAYOUT_CHUNKS;
		choose_chunks(inode);
		size = erofs_round_up(size, sizeof(struct disk_chunk)) +
		       erofs_chunk_count(inode) * sizeof(struct disk_chunk);
	} else if ((S_ISDIR(inode->mode) || S_ISLNK(inode->mode)) &&
		   size + inode->size <= EROFS_BLOCK) {
		/* Inline data must lie in one block (the kernel refuses it otherwise). */
		inode->layout = LAYOUT_INLINE;
		size += inode->size;
	}
	room = EROFS_BLOCK - start % EROFS_BLOCK;
	if (room < (inode->layout == LAYOUT_INLINE ? size : sizeof(struct disk_inode)))
		start += room;
	if (start / SLOT > UINT32_MAX)
		return error_set(err, EFBIG, "the layer has more files than EROFS can address");
	inode->slot = (uint32_t)(start / SLOT);
	*at = start + size;
	return 0;
}

int erofs_lay_out(struct writer *w, struct error *err)
{
	uint64_t at = INODES_AT;

	w->t->root->folder->parent = w->t->root;
	enqueue(w, w->t->root);
	for (struct tree_inode *i = w->first; i; i = i->next) {
		if (S_ISDIR(i->mode) && lay_out_dir(w, i, err) < 0)
			return -1;
		if (S_ISREG(i->mode))
			w->totals->size += i->size;
		if (lay_out_inode(i, &at, err) < 0)
			return -1;
	}
	at = erofs_round_up(at, EROFS_BLOCK);
	w->block_at = at;
	for (struct tree_inode *i = w->first; i; i = i->next)
		if (erofs_has_blocks(i))
			at += erofs_round_up(i->size, EROFS_BLOCK);
	w->copy_at = at;
	return 0;
}
