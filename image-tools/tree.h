/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of one layer, in memory: what a tar's entries add up to before image-tools/erofs.h writes it down. Names are
 * resolved as extraction into an empty folder would resolve them, with that folder as root: "a/../b" is b, symbolic links
 * among the parents are followed and cannot lead out, missing parents appear, later entries replace earlier ones.
 *
 * What a layer uses without describing it (a parent folder, the target of a hard link) may stand in the layers below: a
 * tree with a tree_below asks there, as extraction onto those layers would find it.
 *
 * All memory comes from one arena with a limit and goes with tree_free: the tree of a hostile archive cannot eat the
 * machine. A file takes some 150 bytes with its name, so the structs are kept small. */
#ifndef KNARR_IMAGE_TOOLS_TREE_H
#define KNARR_IMAGE_TOOLS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define TREE_MEMORY_MAX (512U << 20) /* bytes; some three million files */
#define TREE_NAME_MAX   255U
#define TREE_PATH_MAX   4095U

struct tree;
struct tree_dentry;

/* A run of a file's data in the tar. */
struct tree_extent {
	uint64_t offset; /* in the file */
	uint64_t length;
	uint64_t tar_offset;
};

/* The data of a sparse file: runs in order, none overlapping; gaps are holes. */
struct tree_extents {
	uint32_t n;
	struct tree_extent items[];
};

/* Attributes as EROFS keeps them, one behind the other (image-tools/erofs.h). */
struct tree_xattrs {
	uint32_t len;
	uint8_t data[];
};

/* What folders have beyond other inodes. */
struct tree_folder {
	struct tree_dentry *children; /* in no order */
	uint32_t n_children;
	/* The writer's own. */
	struct tree_inode *parent;
	struct tree_dentry **sorted;
};

struct tree_inode {
	unsigned int mode : 16;     /* with the file type */
	unsigned int opaque : 1;    /* a folder that hides what lower layers have under its name */
	unsigned int whiteouts : 1; /* a folder with whiteouts in it */
	unsigned int implied : 1;   /* a folder nobody described: a parent of something */
	unsigned int below : 1;     /* found below; a file's data lies in the lower layers' file */
	unsigned int sparse : 1;    /* a file whose data is extents, not one run */
	/* The writer's own. */
	unsigned int layout : 3, chunk_bits : 5;
	uint32_t slot;  /* where the inode is in the image, 0: not placed */
	uint32_t nlink; /* filled by the writer */

	uint32_t uid, gid;
	uint32_t mtime_nsec;
	int64_t mtime;
	uint64_t size; /* of a file; bytes of a symbolic link's target */
	union {
		uint64_t offset; /* files: where its data begins in the tar */
		const struct tree_extents *extents;
		const char *target; /* symbolic links */
		struct {
			uint32_t rdev_major, rdev_minor;
		};
		struct tree_folder *folder;
	};
	struct tree_xattrs *xattrs; /* NULL: none */
	struct tree_inode *next;    /* the writer's own */
};

struct tree_dentry {
	struct tree_dentry *next_sibling, *next_hashed;
	struct tree_inode *folder, *inode;
	uint32_t hash;
	uint16_t name_len;
	char name[]; /* with a NUL behind */
};

/* What lies below the layer. find puts what has path there (no leading slash, no "." and "..", its parents folders all)
 * into *out as an inode of t's, described but without entries, or NULL. Returns 0 or -1 with err set. */
struct tree_below {
	int (*find)(struct tree_below *below, struct tree *t, const char *path,
		    struct tree_inode **out, struct error *err);
};

struct tree {
	struct tree_inode *root;
	struct tree_below *below; /* the caller's; NULL: nothing is known of it */
	unsigned int
		n_implied; /* folders made because nobody described them before use, the root aside, where
				     something below might have */
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

/* Everything but the mode is 0; a folder is empty. */
struct tree_inode *tree_inode_new(struct tree *t, uint32_t mode, struct error *err);

/* The folder that path's last component belongs in, and that component (at most TREE_NAME_MAX bytes; empty: path is the
 * root itself). With make, missing folders on the way appear. NULL with err set: EINVAL (leads out of the root, too
 * long, through something that is no folder), ENOENT (without make). name holds TREE_NAME_MAX + 1 bytes. */
struct tree_inode *tree_parent(struct tree *t, const char *path, bool make, char *name,
			       struct error *err);

/* What has that path; a symbolic link at its end is not followed. What is found below becomes a part of the tree. NULL
 * with err set: ENOENT (nothing; where t has no below, it might be there), EINVAL as tree_parent. */
struct tree_inode *tree_find(struct tree *t, const char *path, struct error *err);

/* The entry of that name in the tree itself, or NULL. */
struct tree_dentry *tree_lookup(const struct tree *t, const struct tree_inode *folder,
				const char *name);

/* Puts inode under name in folder, in place of what stood there with all that is below it. Returns 0 or -1 (E2BIG). */
int tree_link(struct tree *t, struct tree_inode *folder, const char *name, struct tree_inode *inode,
	      struct error *err);

/* Whether inode hides something of a lower layer: a character device 0, 0 (kernel: filesystems/overlayfs.rst). */
bool tree_is_whiteout(const struct tree_inode *inode);

#endif
