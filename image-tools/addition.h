/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting finished layers, images and names into the store in one go: all of it appears, or nothing. The layers were
 * written and checked before, as files without a name; what happens here under the store's exclusive lock is links,
 * small files and a few syncs, so nobody waits long, and no prune can come between a layer and its image. A kill or a
 * power cut in the middle of it is taken back by whoever comes next (image-tools/journal.h). */
#ifndef KNARR_IMAGE_TOOLS_ADDITION_H
#define KNARR_IMAGE_TOOLS_ADDITION_H

#include <stddef.h>

#include "image-tools/layer.h"
#include "image-tools/reference.h"
#include "lib/digest.h"
#include "lib/error.h"

struct addition_image {
	const char *json; /* the configuration */
	size_t len;
	const struct reference *names; /* each with a tag; may be none */
	size_t n_names;
	struct digest id; /* filled */
};

/* Syncs and publishes the sealed layers, stores the images, sets their names (a later image takes a name from an earlier
 * one). Layers may be given that the store has, or twice; the writers stay the caller's. Returns 0, or -1 with err set
 * and the store as it was. */
int addition_publish(const struct store *st, struct layer_writer *const *layers, size_t n_layers,
		     struct addition_image *images, size_t n_images, struct error *err);

#endif
