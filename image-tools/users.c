/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/users.h"

#include <stdlib.h>

const struct image_user *image_users_find(const struct image_users *users,
					  const struct digest *image)
{
	const struct image_user *stopped = NULL;

	for (size_t i = 0; i < users->n; i++) {
		if (!digest_equal(&users->items[i].image, image))
			continue;
		if (users->items[i].running)
			return &users->items[i];
		if (!stopped)
			stopped = &users->items[i];
	}
	return stopped;
}

void image_users_free(struct image_users *users)
{
	for (size_t i = 0; i < users->n; i++)
		free(users->items[i].name);
	free(users->items);
	*users = (struct image_users)IMAGE_USERS_INIT;
}
