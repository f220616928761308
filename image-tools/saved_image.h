/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be saved: images as they were named on the command line, read, checked and opened, so that nothing that
 * happens to the store afterwards (rmi, prune) can take it away while it is written. The counterpart of
 * image-tools/archived_image.h. */
#ifndef KNARR_IMAGE_TOOLS_SAVED_IMAGE_H
#define KNARR_IMAGE_TOOLS_SAVED_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "image-tools/reference.h"
#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct saved_layer {
	struct digest diffid;
	uint64_t size; /* bytes of its tar */
	int fd;        /* the tar; not hashed yet */
};

struct saved_image {
	struct digest id;
	char *json; /* the configuration, byte for byte; its digest was checked */
	size_t len;
	char *os, *architecture; /* NULL where the configuration does not say */
	struct reference *names; /* each with a tag; none for an image that was named by its ID */
	size_t n_names;
	size_t *layers; /* lowest first: indices into saved_images.layers */
	size_t n_layers;
};

struct saved_images {
	struct saved_image *items; /* as first named */
	size_t n;
	struct saved_layer *layers; /* every one once, whatever number of images has it */
	size_t n_layers, room_layers;
};

#define SAVED_IMAGES_INIT \
	{ \
		0 \
	}

/* Finds the images that words name, in Docker's way: name:tag is that image by that name; a name without a tag is every
 * image of that repository; an ID (whole, short, name@digest) is an image without a name. platform, where not NULL, is
 * os[/architecture[/variant]], or several with commas between, and every image must be for one of them.
 * Returns 0, or -1 with err set: ENOENT, EINVAL, EUCLEAN (a configuration or layer is damaged). */
int saved_images_find(const struct store *st, char *const *words, size_t n_words,
		      const char *platform, struct saved_images *out, struct error *err);

void saved_images_free(struct saved_images *images);
#define autosaved __attribute__((cleanup(saved_images_free)))

#endif
