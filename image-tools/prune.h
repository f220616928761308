/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `image prune`: what nobody needs goes. Images without a name, or all of them, unless a container was made from them; and
 * whatever crashes and dying containers have left in the store: layers that no image names, unfinished files. */
#ifndef KNARR_IMAGE_TOOLS_PRUNE_H
#define KNARR_IMAGE_TOOLS_PRUNE_H

#include <stdbool.h>

#include "image-tools/prune_filter.h"
#include "image-tools/removal.h"
#include "image-tools/store.h"
#include "image-tools/users.h"
#include "lib/error.h"

/* all: also images that have names. Takes the store's exclusive lock. Returns 0, or -1 with err set; out holds what went
 * either way. Leftovers are looked for only where filter is empty: they have no age and no labels. */
int prune_images(const struct store *st, image_users_fn users_of, const struct prune_filter *filter,
		 bool all, struct removal *out, struct error *err);

#endif
