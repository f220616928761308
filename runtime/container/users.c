/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/users.h"

#include <string.h>

#include "lib/str.h"
#include "runtime/container/container.h"

int users_of_images(const struct store *st, struct image_users *out, struct error *err)
{
	struct container *list;
	size_t n;

	*out = (struct image_users)IMAGE_USERS_INIT;
	if (container_list_as_is(st, &list, &n, err) < 0)
		return -1;
	out->items = xcalloc(n + 1, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		struct image_user *u = &out->items[out->n++];

		u->image = list[i].config.image_id;
		memcpy(u->id, list[i].config.id, sizeof(u->id));
		u->name = xstrdup(list[i].config.name);
		u->running = list[i].state.status == STATUS_RUNNING;
	}
	container_list_free(list, n);
	return 0;
}
