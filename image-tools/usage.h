/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What images take, for `system df`: each image's size, what of it other images share, and the whole, in which a layer
 * counts once. Sizes are those of `images`: bytes of the regular files that layers add. */
#ifndef KNARR_IMAGE_TOOLS_USAGE_H
#define KNARR_IMAGE_TOOLS_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "image-tools/store.h"
#include "image-tools/users.h"
#include "lib/digest.h"
#include "lib/error.h"

struct image_usage {
	struct digest id;
	char *repository, *tag; /* its first name, as people know it; NULL: it has none */
	bool has_created;
	struct timespec created;
	uint64_t size, shared; /* shared: in layers that other images name too */
	size_t containers;
};

struct images_usage {
	struct image_usage *items; /* newest first */
	size_t n, active;          /* active: a container was made from it */
	uint64_t size;             /* all layers in the store */
	uint64_t
		reclaimable; /* those that no active image names: what `image prune -a` gives back */
};

#define IMAGES_USAGE_INIT \
	{ \
		0 \
	}

/* Under the store's shared lock, so that nothing goes between two looks. Damaged images are left out. */
int images_usage(const struct store *st, image_users_fn users_of, struct images_usage *out,
		 struct error *err);

void images_usage_free(struct images_usage *u);
#define autoimagesusage __attribute__((cleanup(images_usage_free)))

#endif
