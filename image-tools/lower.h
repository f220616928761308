/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layers below a layer, as its index needs them: one tree under which whiteouts and opaque folders count, asked for
 * one path at a time. They are asked where they are mounted, so that the kernel reads them; nothing is merged that nobody
 * asks for. Reading trusted attributes (opaque folders) takes CAP_SYS_ADMIN, as mounting does. */
#ifndef KNARR_IMAGE_TOOLS_LOWER_H
#define KNARR_IMAGE_TOOLS_LOWER_H

#include <stddef.h>

#include "image-tools/tree.h"

struct lower;

/* dirs: n folders, each a layer's mounted root, lowest first; they stay the caller's and open. None is fine. data_fd: an
 * empty file that gets the data of what is found (files that the layer links to); the caller's, too. */
struct lower *lower_new(const int *dirs, size_t n, int data_fd);
void lower_free(struct lower *l);
static inline void lower_freep(struct lower **l)
{
	lower_free(*l);
}
#define autolower __attribute__((cleanup(lower_freep)))

/* For a tree to ask (image-tools/tree.h). */
struct tree_below *lower_below(struct lower *l);

int lower_data(const struct lower *l);

#endif
