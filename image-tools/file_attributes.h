/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The extended attributes of a file, as a tar's entry has them: sorted by name, so that their order on disk does
 * not show. Of an overlay's upper directory, overlayfs's own (trusted.overlay.*) are not among them; what they say
 * is told beside. */
#ifndef KNARR_IMAGE_TOOLS_FILE_ATTRIBUTES_H
#define KNARR_IMAGE_TOOLS_FILE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/tar.h"
#include "lib/error.h"

/* What trusted.overlay.opaque says of a folder (kernel: filesystems/overlayfs.rst). */
enum overlay_folder {
	OVERLAY_MERGED, /* lower layers show through */
	OVERLAY_OPAQUE, /* "y": they do not */
	OVERLAY_XWHITEOUTS /* "x": they do; empty files with trusted.overlay.whiteout in it are whiteouts */
};

struct file_attributes {
	struct tar_xattr *items;
	size_t n;
	enum overlay_folder folder;
	bool whiteout; /* has trusted.overlay.whiteout */
	/* Memory that is used again for the next file. */
	char *list, *value;
	struct strbuf values;
	size_t room;
};

/* Reads those of the file behind at, which may be an O_PATH descriptor, in place of what was in a. A filesystem
 * that has none gives none; security.selinux is passed over. Returns 0, or -1 with err set: EUCLEAN, with overlay,
 * where the file is no whole one (trusted.overlay.metacopy, trusted.overlay.redirect: Knarr mounts without both). */
int file_attributes_read(struct file_attributes *a, int at, bool overlay, struct error *err);

void file_attributes_free(struct file_attributes *a);

#endif
