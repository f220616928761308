/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking a tree that a container wrote, or is writing: any depth, any number of names, links everywhere, perhaps a mount
 * left behind, perhaps somebody still moving things about. Hence no recursion, a bounded number of open folders, and each
 * folder opened by one name relative to its parent's descriptor, where the kernel refuses links and mount points.
 *
 * A stack of folders; the innermost is where the work is. For lib/fs_*.c. */
#ifndef KNARR_LIB_FS_WALK_H
#define KNARR_LIB_FS_WALK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/str.h"

struct fs_level {
	DIR *dir;   /* NULL: closed for now */
	long at;    /* how far it was read when it was closed */
	char *name; /* in the parent */
	dev_t dev;  /* who it was when it was opened, to know it again */
	ino_t ino;
	bool removed; /* fs_remove_tree's: something went since the last pass began */
};

struct fs_walk {
	struct fs_level *levels;
	size_t depth;
	size_t room;
};

#define FS_WALK_INIT \
	{ \
		0 \
	}

/* Goes down into the folder name of parent. Above a depth of 32 the outermost one that is open is closed for now. Returns
 * -1 with errno: EXDEV (a mount point), ENOTDIR, ELOOP (not a folder), others of openat2(2). */
int fs_walk_enter(struct fs_walk *w, int parent, const char *name);

/* Makes sure that the folder around the innermost one is open, where its reading stopped. If somebody moved the
 * innermost one elsewhere, ".." is not where we came from: -1 with errno ESTALE. */
int fs_walk_reopen_outer(struct fs_walk *w);

/* Closes the innermost folder and goes up. */
void fs_walk_leave(struct fs_walk *w);

/* Appends the path from the top to the innermost folder, and name (may be NULL) behind it, as far as a message holds. */
void fs_walk_path(const struct fs_walk *w, const char *name, struct strbuf *path);

void fs_walk_free(struct fs_walk *w);
#define autowalk __attribute__((cleanup(fs_walk_free)))

#endif
