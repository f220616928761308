/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of a layer: an EROFS image made from its tar's headers, whose files' data are the tar's own bytes. This is
 * where a layer's tar is read for what it says, so this is where it is judged: every name is resolved inside the layer,
 * and what cannot be made sense of is refused.
 *
 * Whiteouts are the OCI image-spec's (layer.md, "Whiteouts"): ".wh.NAME" hides NAME of lower layers, never a file of the
 * same layer, and ".wh..wh..opq" all that a folder has there. Other ".wh..wh.*" names are aufs's own and mean nothing.
 *
 * Hard links must point to a file of the same layer. Names that are absolute or lead through symbolic links of the layer
 * need no refusal: they are resolved among the layer's own files, not on any real filesystem. */
#ifndef KNARR_IMAGE_TOOLS_INDEX_H
#define KNARR_IMAGE_TOOLS_INDEX_H

#include <stdint.h>

#include "image-tools/erofs.h"
#include "lib/error.h"

#define INDEX_ENTRIES_MAX 4000000U /* entries of one tar */

/* Reads the tar in tar_fd (a regular file) and writes its index into index_fd, an empty file. Fills totals. Returns 0, or
 * -1 with err set: EINVAL (no tar, damaged, truncated, a name that leads out, a hard link to nowhere, ...; the message
 * names the entry), E2BIG (too many files), EFBIG, others of read(2) and write(2). */
int index_make(int tar_fd, const uint8_t uuid[16], int index_fd, struct erofs_totals *totals,
	       struct error *err);

#endif
