/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container changed, as `diff` tells it: the upper directory of its overlay beside the layers below. */
#ifndef KNARR_IMAGE_TOOLS_DIFFERENCE_H
#define KNARR_IMAGE_TOOLS_DIFFERENCE_H

#include "lib/error.h"
#include "lib/str.h"

/* Appends a line for each change to out, a folder before what is in it and otherwise by the bytes of the names:
 *
 *     "A /path"   the layers below have nothing there
 *     "D /path"   they have, and it is hidden: by a whiteout, or because a folder that took its own's place is opaque. What is
 *                 below a folder that is gone has no lines of its own
 *     "C /path"   something else is there now; of a folder that is one on both sides: its mode, owner, time or attributes
 *                 are others, or something in it changed
 *
 * upper_fd is the upper directory, lower_fd the root of all that lies below it, merged: both open for reading.
 * Returns 0, or -1 with err set. */
int difference_list(int upper_fd, int lower_fd, struct strv *out, struct error *err);

#endif
