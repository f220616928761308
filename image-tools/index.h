/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of a layer: an EROFS image made from its tar's headers, whose files' data are the tar's own bytes. This is
 * where a layer's tar is read for what it says, so this is where it is judged: every name is resolved inside the layer,
 * and what cannot be made sense of is refused.
 *
 * Whiteouts are the OCI image-spec's (layer.md, "Whiteouts"): ".wh.NAME" hides NAME of lower layers, never a file of the
 * same layer, and ".wh..wh..opq" all that a folder has there. Other ".wh..wh.*" names are aufs's own and mean nothing.
 *
 * A hard link may point to a file of a lower layer, and folders that are used without an entry may be described by one:
 * what is below is asked where it is given (image-tools/lower.h). Names that are absolute or lead through symbolic links
 * need no refusal: they are resolved among the layers' own files, not on any real filesystem. */
#ifndef KNARR_IMAGE_TOOLS_INDEX_H
#define KNARR_IMAGE_TOOLS_INDEX_H

#include <stdint.h>

#include "image-tools/erofs.h"
#include "image-tools/lower.h"
#include "lib/error.h"

#define INDEX_ENTRIES_MAX 4000000U /* entries of one tar */

struct index_totals {
	uint64_t entries; /* inodes */
	uint64_t size;    /* sum of the files' sizes, each once */
	uint64_t copied;  /* bytes of data in the index itself */
	/* What only lower layers can tell, where they were not asked: such links are left out, such folders get mode 0755. */
	unsigned int outside_links, implied_folders;
};

/* Reads the tar in tar_fd (a regular file) and writes its index into index_fd, an empty file. lower is what the layer
 * stands on; NULL: not known, so that the index may be incomplete (totals say so). Fills totals. Returns 0, or -1 with
 * err set: EINVAL (no tar, damaged, truncated, a name that leads out, a hard link to nowhere, ...; the message names the
 * entry), E2BIG (too many files), EFBIG, others of read(2) and write(2). */
int index_make(int tar_fd, const uint8_t uuid[16], struct lower *lower, int index_fd,
	       struct index_totals *totals, struct error *err);

#endif
