/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking names, images and layers away. Always in this order, each step on the disk before the next: names, then
 * configurations, then layers that no image names any more. A kill or a power cut between two steps leaves a journal
 * (image-tools/journal.h), by which the next command goes on to the end.
 *
 * An image that a container was made from stays, whatever is asked: the container could not be started again. What
 * Docker lets go by force, its name, goes here too; the image goes with the next prune after its last container. */
#ifndef KNARR_IMAGE_TOOLS_REMOVAL_H
#define KNARR_IMAGE_TOOLS_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image-tools/store.h"
#include "image-tools/users.h"
#include "lib/digest.h"
#include "lib/error.h"

struct removed {
	bool untagged; /* a name went; else an image or a layer */
	char *text;    /* "busybox:latest"; "sha256:..." of an image's ID or a layer's DiffID */
};

/* What went, in Docker's order: an image's names, the image, then its layers from the top. */
struct removal {
	struct removed *items;
	size_t n;
	uint64_t reclaimed; /* bytes of the files in the layers that went */
	bool kept; /* layers were left because the image named by why is damaged and might need them */
	struct digest why;
};

#define REMOVAL_INIT \
	{ \
		0 \
	}

/* `rmi name`: takes the name away and, if that was the image's last, the image. By ID (or its beginning) an image with
 * one name goes with it, one with several only by force. -1 with err set and nothing changed: ENOENT (no such image), EBUSY
 * (in use, or several names; in Docker's words), EINVAL. out holds what went also when a later step failed. */
int removal_of_image(const struct store *st, image_users_fn users_of, const char *name, bool force,
		     struct removal *out, struct error *err);

/* Takes away all of images that no container uses, with their names (the caller holds the store's exclusive lock and knows that
 * they are to go), and the layers that then nobody names. */
int removal_of_images_locked(const struct store *st, const struct digest *images, size_t n,
			     struct removal *out, struct error *err);

/* Takes away the layers that no image names: what a power cut or a container that was dying has left. The caller holds the
 * store's exclusive lock. */
int removal_of_layers_locked(const struct store *st, struct removal *out, struct error *err);

void removal_free(struct removal *r);
#define autoremoval __attribute__((cleanup(removal_free)))

#endif
