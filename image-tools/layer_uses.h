/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many images name each layer: what tells a layer that goes with its image from one that others share. Counted anew
 * from the configurations each time, under the store's lock: a count that is kept can be wrong after a power cut, one
 * that is made cannot. */
#ifndef KNARR_IMAGE_TOOLS_LAYER_USES_H
#define KNARR_IMAGE_TOOLS_LAYER_USES_H

#include <stddef.h>

#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct layer_use {
	struct digest diffid;
	size_t images; /* an image that names it twice counts once */
};

struct layer_uses {
	struct layer_use *items; /* sorted by DiffID */
	size_t n;
	struct digest *
		unread; /* images whose configuration is damaged: which layers they name is not known */
	size_t n_unread;
};

#define LAYER_USES_INIT \
	{ \
		0 \
	}

/* Reads every image's configuration. -1 with err set: what is wrong is not damage of one image. */
int layer_uses_count(const struct store *st, struct layer_uses *out, struct error *err);

/* NULL: no image (that could be read) names it. Points into uses. */
struct layer_use *layer_uses_find(const struct layer_uses *uses, const struct digest *diffid);

void layer_uses_free(struct layer_uses *uses);
#define autolayeruses __attribute__((cleanup(layer_uses_free)))

#endif
