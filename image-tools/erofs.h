/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a tree as an EROFS filesystem whose files' data stays in the layer's tar: the kernel mounts the image with the
 * tar as its extra device (on-disk format: the kernel's Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h).
 *
 *     byte 1024   superblock, 512-byte blocks, one device slot behind it
 *                 inodes (64 bytes each, with attributes, chunk indexes, and short folders and link targets behind them)
 *                 blocks of longer folders and link targets
 *                 copied data: of sparse files whose pieces do not lie so that whole chunks can be pointed at, and of
 *                 files of lower layers that this one links to
 *
 * The image is a function of the tree alone: the same tar gives the same bytes. */
#ifndef KNARR_IMAGE_TOOLS_EROFS_H
#define KNARR_IMAGE_TOOLS_EROFS_H

#include <stdint.h>

#include "image-tools/tree.h"
#include "lib/error.h"

#define EROFS_BLOCK 512U

/* Appends an attribute in EROFS's form to inode. One whose name EROFS cannot keep (namespaces other than user, trusted,
 * security, POSIX ACLs) is passed over; of several by one name the last counts when they were removed before.
 * Returns 0 or -1 (E2BIG). */
int erofs_add_xattr(struct tree *t, struct tree_inode *inode, const char *name, const void *value,
		    size_t len, struct error *err);

struct erofs_totals {
	uint64_t entries; /* inodes */
	uint64_t size;    /* sum of the files' sizes, each once */
	uint64_t copied;  /* bytes of data in the image itself */
};

struct erofs_input {
	int tar_fd;
	uint64_t tar_size;
	int below_fd; /* where the data of files found below lies (copied into the image); -1: there are none */
	const uint8_t *uuid; /* 16 bytes that identify the filesystem */
};

/* Writes the image of t to fd, an empty file. Fills totals. Returns 0, or -1 with err set: E2BIG, EFBIG (what EROFS cannot
 * hold), others of pwrite(2). */
int erofs_write(struct tree *t, int fd, const struct erofs_input *in, struct erofs_totals *totals,
		struct error *err);

/* Whether fd, a file of size bytes, begins as the image with that uuid over a tar of tar_size bytes does. One read. */
bool erofs_matches(int fd, uint64_t size, uint64_t tar_size, const uint8_t uuid[16]);

#endif
