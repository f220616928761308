/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who needs an image. Containers do, and containers are runtime's: whoever decides here what may go asks through a
 * function that the dispatcher hands down (struct command_context; runtime/container/users.c is what it calls).
 *
 * What is asked under the store's exclusive lock holds as long as the lock is held: `run` and `create` make a container
 * under the shared one, from the look for the image to container.json (runtime/cmd/request.h). */
#ifndef KNARR_IMAGE_TOOLS_USERS_H
#define KNARR_IMAGE_TOOLS_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct image_user {
	struct digest image;
	char id[65]; /* the container's, 64 digits */
	char *name;
	bool running;
};

struct image_users {
	struct image_user *items; /* newest first */
	size_t n;
};

#define IMAGE_USERS_INIT \
	{ \
		0 \
	}

/* Fills out with every container there is; changes nothing in the store and waits for nobody. -1 with err set. */
typedef int (*image_users_fn)(const struct store *st, struct image_users *out, struct error *err);

/* A running container of the image, else a stopped one, else NULL; points into users. */
const struct image_user *image_users_find(const struct image_users *users,
					  const struct digest *image);

void image_users_free(struct image_users *users);
#define autoimageusers __attribute__((cleanup(image_users_free)))

#endif
