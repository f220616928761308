/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder and all that is below it as entries of a tar: what `commit`, `export` and `cp` write. The folder may be
 * a living container's: nothing is looked up by more than one name below a descriptor, symbolic links are never
 * followed, a device or FIFO is never opened, and a file that changes while it is read is as long in the tar as it
 * was when its header was written.
 *
 * The order is that of the names' bytes, a folder before what is in it, attributes by name: the same tree gives the
 * same bytes. Hard links are kept (the first name in order is the file). Sockets are passed over, as every tar
 * does, and so is security.selinux, which belongs to the machine. A file with holes of 1 MiB in all or more is
 * written with its map (image-tools/tar_writer.h), so that no reader has to write them. What vanishes while it is
 * walked is left out. */
#ifndef KNARR_IMAGE_TOOLS_FOLDER_TAR_H
#define KNARR_IMAGE_TOOLS_FOLDER_TAR_H

#include <stdbool.h>

#include "image-tools/tar_writer.h"
#include "lib/error.h"

struct folder_tar_options {
	/* The folder is the upper directory of an overlay, and is to become a layer (OCI image-spec, layer.md):
	 * what overlayfs has put there to hide something (filesystems/overlayfs.rst of the kernel: a character
	 * device 0/0, or an empty file with trusted.overlay.whiteout in a folder whose trusted.overlay.opaque is
	 * "x") becomes ".wh.NAME", a folder whose trusted.overlay.opaque is "y" gets a ".wh..wh..opq" behind it;
	 * attributes that are overlayfs's own are left out. A file whose own name begins with ".wh." cannot be said
	 * in a layer and is left out: see folder_tar_unnameable. */
	bool whiteouts;
	/* What is mounted in the folder is not entered: of a folder there its own entry remains, of a file an empty
	 * one. */
	bool one_mount;
	/* Asked of every entry but a whiteout, with its name in the tar: true leaves it out, with all that is
	 * below. NULL: nothing. */
	bool (*skip)(void *context, const char *name);
	/* Asked of every folder that something is mounted on, open as at (O_PATH): false leaves it at its own entry. NULL: all
	 * are entered. */
	bool (*enter)(void *context, int at);
	void *context;
};

struct folder_tar;

/* w and options stay the caller's. Hard links are known among all that one folder_tar writes. */
struct folder_tar *folder_tar_new(struct tar_writer *w, const struct folder_tar_options *options);

/* Writes all that is in the folder dirfd, which itself has no entry. Names begin with prefix ("" or "etc/").
 * Returns 0, or -1 with err set: ENAMETOOLONG (4,095 bytes is the limit of a path), EUCLEAN (with whiteouts:
 * overlayfs was mounted with metacopy or redirect_dir, so that the upper directory alone does not tell), others of
 * open(2), read(2), and what w said. */
int folder_tar_contents(struct folder_tar *f, int dirfd, const char *prefix, struct error *err);

/* Writes the file or folder name of dirfd ("." is the folder itself), not following it, as as, with all that is
 * below. ENOENT when it is not there. */
int folder_tar_add(struct folder_tar *f, int dirfd, const char *name, const char *as,
		   struct error *err);

/* The same with what is open as at (O_PATH), which stays the caller's. */
int folder_tar_add_open(struct folder_tar *f, int at, const char *as, struct error *err);

/* How many files were left out for their ".wh." names; *first, where not NULL, becomes the first of them, f's own. */
unsigned long folder_tar_unnameable(const struct folder_tar *f, const char **first);

void folder_tar_free(struct folder_tar *f);
static inline void folder_tar_freep(struct folder_tar **f)
{
	folder_tar_free(*f);
}
#define autofoldertar __attribute__((cleanup(folder_tar_freep)))

#endif
