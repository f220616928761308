/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/index.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-tools/lower.h"
#include "image-tools/tar.h"
#include "image-tools/tree.h"
#include "lib/cleanup.h"

/* Enough to find the headers of several small files with one read, little enough not to read large ones in vain. */
#define READ_SIZE ((size_t)16 << 10)

#define WHITEOUT        ".wh."
#define WHITEOUT_META   ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

static uint32_t type_bits(enum tar_type type)
{
	switch (type) {
	case TAR_SYMLINK:
		return S_IFLNK;
	case TAR_CHARDEV:
		return S_IFCHR;
	case TAR_BLOCKDEV:
		return S_IFBLK;
	case TAR_DIRECTORY:
		return S_IFDIR;
	case TAR_FIFO:
		return S_IFIFO;
	default:
		return S_IFREG;
	}
}

/* Pieces that follow on each other become one; the data stands without gaps in the tar. */
static int set_data(struct tree *t, struct tree_inode *inode, const struct tar_entry *e,
		    struct error *err)
{
	struct tree_extents *extents;
	uint64_t at = e->offset;

	inode->size = e->size;
	inode->offset = e->offset;
	inode->sparse = e->pieces != NULL;
	if (!e->pieces)
		return 0;
	extents = tree_alloc(t, sizeof(*extents) + e->n_pieces * sizeof(extents->items[0]), err);
	if (!extents)
		return -1;
	for (size_t i = 0; i < e->n_pieces; i++) {
		const struct tar_piece *p = &e->pieces[i];
		struct tree_extent *last = extents->n ? &extents->items[extents->n - 1] : NULL;

		if (!p->length)
			continue;
		if (last && last->offset + last->length == p->offset)
			last->length += p->length;
		else
			extents->items[extents->n++] =
				(struct tree_extent){ p->offset, p->length, at };
		at += p->length;
	}
	inode->extents = extents;
	return 0;
}

static int set_xattrs(struct tree *t, struct tree_inode *inode, const struct tar_entry *e,
		      struct error *err)
{
	inode->xattrs = NULL;
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		/* Marks that overlayfs would obey: what hides what is said by whiteouts, and by nothing else. */
		if (str_starts(x->name, "trusted.overlay."))
			continue;
		if (erofs_add_xattr(t, inode, x->name, x->value, x->len, err) < 0)
			return -1;
	}
	return 0;
}

static int describe(struct tree *t, struct tree_inode *inode, const struct tar_entry *e,
		    struct error *err)
{
	inode->mode = (type_bits(e->type) | e->mode) & 0xffff;
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->mtime = e->mtime;
	inode->mtime_nsec = e->mtime_nsec;
	inode->implied = inode->below = 0;
	if (e->type == TAR_CHARDEV || e->type == TAR_BLOCKDEV) {
		inode->rdev_major = e->major;
		inode->rdev_minor = e->minor;
	}
	if (e->type == TAR_FILE && set_data(t, inode, e, err) < 0)
		return -1;
	if (e->type == TAR_SYMLINK) {
		size_t len = strlen(e->link);
		char *target;

		if (!len || len > TREE_PATH_MAX)
			return error_set(err, EINVAL, "its target is empty or too long");
		target = tree_alloc(t, len + 1, err);
		if (!target)
			return -1;
		inode->target = memcpy(target, e->link, len);
		inode->size = len;
	}
	return set_xattrs(t, inode, e, err);
}

static int add_whiteout(struct tree *t, struct tree_inode *folder, const char *name,
			const struct tar_entry *e, struct error *err)
{
	struct tree_dentry *d;
	struct tree_inode *inode;

	if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
		folder->opaque = 1;
		return 0;
	}
	if (str_starts(name, WHITEOUT_META))
		return 0;
	name += strlen(WHITEOUT);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "it is a whiteout of no valid name");
	d = tree_lookup(t, folder, name);
	if (d && S_ISDIR(d->inode->mode)) {
		/* Before or behind it: the lower one goes, this layer's own stays. */
		d->inode->opaque = 1;
		return 0;
	}
	if (d && !d->inode->below)
		return 0;
	inode = tree_inode_new(t, S_IFCHR, err);
	if (!inode)
		return -1;
	inode->mtime = e->mtime;
	inode->mtime_nsec = e->mtime_nsec;
	return tree_link(t, folder, name, inode, err);
}

/* *outside counts links to what may be in a lower layer, where nothing is known of those. */
static int add_hardlink(struct tree *t, struct tree_inode *folder, const char *name,
			const struct tar_entry *e, unsigned int *outside, struct error *err)
{
	struct error why = ERROR_INIT;
	struct tree_inode *target = tree_find(t, e->link, &why);

	if (!target && why.code == ENOENT && !t->below) {
		++*outside;
		return 0;
	}
	if (!target)
		return error_set(err, why.code == ENOENT ? EINVAL : why.code,
				 "it is a hard link to \"%.150s\": %s", e->link, why.message);
	if (S_ISDIR(target->mode))
		return error_set(err, EINVAL, "it is a hard link to \"%.150s\", a folder", e->link);
	return tree_link(t, folder, name, target, err);
}

static int add(struct tree *t, const struct tar_entry *e, unsigned int *outside, struct error *err)
{
	char name[TREE_NAME_MAX + 1];
	struct tree_inode *folder = tree_parent(t, e->path, true, name, err), *inode = NULL;
	struct tree_dentry *d;
	bool fresh;

	if (!folder)
		return -1;
	if (!*name) {
		if (e->type != TAR_DIRECTORY)
			return error_set(err, EINVAL, "it names the root, which must be a folder");
		return describe(t, t->root, e, err);
	}
	if (str_starts(name, WHITEOUT))
		return add_whiteout(t, folder, name, e, err);
	if (e->type == TAR_OTHER)
		return error_set(err, EINVAL, "it is of an unknown type, %d", e->typeflag);
	if (e->type == TAR_HARDLINK)
		return add_hardlink(t, folder, name, e, outside, err);
	d = tree_lookup(t, folder, name);
	if (d && e->type == TAR_DIRECTORY && S_ISDIR(d->inode->mode))
		inode = d->inode;
	fresh = !inode;
	if (fresh && !(inode = tree_inode_new(t, type_bits(e->type), err)))
		return -1;
	/* A folder in the place of something else that this layer put there, or took away, is a new one: what lower layers
	 * have under its name went with that. */
	if (d && fresh && e->type == TAR_DIRECTORY && !d->inode->below)
		inode->opaque = 1;
	if (describe(t, inode, e, err) < 0)
		return -1;
	return fresh ? tree_link(t, folder, name, inode, err) : 0;
}

int index_make(int tar_fd, const uint8_t uuid[16], struct lower *lower, int index_fd,
	       struct index_totals *totals, struct error *err)
{
	struct erofs_input in = { .tar_fd = tar_fd, .uuid = uuid, .below_fd = -1 };
	struct erofs_totals written;
	struct fd_source src;
	struct tree *t autotree = tree_new(TREE_MEMORY_MAX);
	struct tar *tar autotar = NULL;
	const struct tar_entry *e;
	unsigned int n = 0, outside = 0;
	int r;

	if (lseek(tar_fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot read the layer");
	t->below = lower ? lower_below(lower) : NULL;
	fd_source_init(&src, tar_fd, "the tar archive", READ_SIZE);
	tar = tar_open(&src.src);
	while ((r = tar_next(tar, &e, err)) > 0) {
		struct error why = ERROR_INIT;

		if (++n > INDEX_ENTRIES_MAX) {
			r = error_set(err, E2BIG, "the archive has more than %u entries",
				      INDEX_ENTRIES_MAX);
			break;
		}
		if (add(t, e, &outside, &why) < 0) {
			r = error_set(err, why.code, "archive entry \"%.200s\": %s", e->path,
				      why.message);
			break;
		}
	}
	fd_source_free(&src);
	in.tar_size = src.size < 0 ? 0 : (uint64_t)src.size;
	if (lower)
		in.below_fd = lower_data(lower);
	if (r < 0 || erofs_write(t, index_fd, &in, &written, err) < 0)
		return -1;
	*totals = (struct index_totals){ .entries = written.entries,
					 .size = written.size,
					 .copied = written.copied,
					 .outside_links = outside,
					 .implied_folders = t->n_implied };
	return 0;
}
