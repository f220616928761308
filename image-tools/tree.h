/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of one layer, in memory: what a tar's entries add up to before image-tools/erofs.h writes it down. Names are
 * resolved as extraction into an empty folder would resolve them, with that folder as root: "a/../b" is b, symbolic links
 * among the parents are followed and cannot lead out, missing parents appear, later entries replace earlier ones.
 *
 * All memory comes from one arena with a limit and goes with tree_free: the tree of a hostile archive cannot eat the
 * machine. */
#ifndef KNARR_IMAGE_TOOLS_TREE_H
#define KNARR_IMAGE_TOOLS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define TREE_MEMORY_MAX (512U << 20) /* bytes; some two million files */
#define TREE_NAME_MAX   255U
#define TREE_PATH_MAX   4095U

struct tree_dentry;

/* A run of a file's data in the tar. */
struct tree_extent {
	uint64_t offset; /* in the file */
	uint64_t length;
	uint64_t tar_offset;
};

struct tree_inode {
	uint32_t mode; /* with the file type */
	uint32_t uid, gid;
	uint32_t nlink; /* filled by the writer */
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t rdev_major, rdev_minor;
	uint64_t size;                     /* of a file; bytes of a symbolic link's target */
	const char *target;                /* symbolic links */
	const struct tree_extent *extents; /* files: in order, none overlapping; gaps are holes */
	uint32_t n_extents;
	uint32_t xattrs_len;
	uint8_t *xattrs; /* attributes as EROFS keeps them, one behind the other (image-tools/erofs.h) */
	bool opaque;    /* a folder that hides what lower layers have under its name */
	bool whiteouts; /* a folder with whiteouts in it */
	bool implied;   /* a folder nobody described: a parent of something */
	struct tree_dentry *children; /* folders: in no order */
	uint32_t n_children;
	/* The writer's own. */
	struct tree_inode *next, *parent;
	uint64_t position;      /* of the inode in the image, 0: not placed */
	uint64_t data_position; /* of its blocks there, 0: none */
	struct tree_dentry **sorted;
	uint8_t layout, chunk_bits;
};

struct tree_dentry {
	const char *name;
	uint32_t name_len;
	uint32_t hash;
	struct tree_inode *folder, *inode;
	struct tree_dentry *next_sibling, *next_hashed;
};

struct tree {
	struct tree_inode *root;
	struct tree_dentry **table;
	size_t table_size, n_dentries;
	struct arena_chunk *arena;
	size_t memory, limit;
};

/* A tree with nothing but its root (0755, owner 0, time 0). */
struct tree *tree_new(size_t limit);
void tree_free(struct tree *t);
static inline void tree_freep(struct tree **t)
{
	tree_free(*t);
}
#define autotree __attribute__((cleanup(tree_freep)))

/* Zeroed memory of the tree's own. NULL with err set (E2BIG) where the limit is reached. */
void *tree_alloc(struct tree *t, size_t size, struct error *err);

struct tree_inode *tree_inode_new(struct tree *t, uint32_t mode, struct error *err);

/* The folder that path's last component belongs in, and that component (at most TREE_NAME_MAX bytes; empty: path is the
 * root itself). With make, missing folders on the way appear. NULL with err set: EINVAL (leads out of the root, too
 * long, through something that is no folder), ENOENT (without make). name holds TREE_NAME_MAX + 1 bytes. */
struct tree_inode *tree_parent(struct tree *t, const char *path, bool make, char *name,
			       struct error *err);

/* The entry of that name, or NULL. */
struct tree_dentry *tree_lookup(const struct tree *t, const struct tree_inode *folder,
				const char *name);

/* Puts inode under name in folder, in place of what stood there with all that is below it. Returns 0 or -1 (E2BIG). */
int tree_link(struct tree *t, struct tree_inode *folder, const char *name, struct tree_inode *inode,
	      struct error *err);

/* Whether inode hides something of a lower layer: a character device 0, 0 (kernel: filesystems/overlayfs.rst). */
bool tree_is_whiteout(const struct tree_inode *inode);

#endif
