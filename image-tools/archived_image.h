/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an archive's documents say its images are: the step between reading an archive (image-tools/archive.h) and
 * putting it into the store (image-tools/load.h). Nothing here writes. */
#ifndef KNARR_IMAGE_TOOLS_ARCHIVED_IMAGE_H
#define KNARR_IMAGE_TOOLS_ARCHIVED_IMAGE_H

#include <stddef.h>

#include "image-tools/archive.h"
#include "image-tools/reference.h"
#include "lib/error.h"

#define ARCHIVED_IMAGES_MAX 4096 /* in one archive */

struct archived_image {
	const struct archive_member *config;
	const struct archive_member **layers; /* lowest first */
	size_t n_layers;
	struct reference *names; /* each with a tag */
	size_t n_names;
};

struct archived_images {
	struct archived_image *items;
	size_t n;
};

#define ARCHIVED_IMAGES_INIT \
	{ \
		0 \
	}

/* Reads manifest.json or index.json and all they lead to, and checks it: every document and layer is there, is of the
 * size and digest it is said to have, every image's configuration names just its layers, and containers of it can run
 * here. Returns 0, or -1 with err set (EINVAL, EBADMSG, as archive_find). The members stay a's. */
int archived_images_find(struct archive *a, struct archived_images *out, struct error *err);

void archived_images_free(struct archived_images *images);
#define autoarchived __attribute__((cleanup(archived_images_free)))

/* For the two formats' readers. */
struct archived_image *archived_image_add(struct archived_images *images,
					  struct error *err); /* NULL: too many */
void archived_image_drop(struct archived_images *images);     /* takes the last one back */
void archived_image_add_name(struct archived_image *img, struct reference *name);
void archived_image_add_layer(struct archived_image *img, const struct archive_member *layer);

/* Reads an OCI layout's index.json. */
int oci_layout_find(struct archive *a, const struct archive_member *index,
		    struct archived_images *out, struct error *err);

#endif
