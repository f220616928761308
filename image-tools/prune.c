/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/prune.h"

#include <stdlib.h>
#include <sys/file.h>

#include "image-tools/image.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"

static bool has_name(const struct tags *tags, const struct digest *id)
{
	for (size_t i = 0; i < tags->n; i++)
		if (digest_equal(&tags->items[i].id, id))
			return true;
	return false;
}

/* An image that cannot be read stays, for `rmi` or fsck to deal with. */
static bool matches(const struct store *st, const struct digest *id,
		    const struct prune_filter *filter)
{
	struct image *img autoimage = NULL;
	struct timespec created;
	size_t len;
	char *json autofree = image_read(st, id, &len, NULL);

	img = json ? image_parse(json, len, NULL) : NULL;
	return img && prune_filter_matches(filter,
					   img->created && time_parse(img->created, &created) == 0
						   ? &created
						   : NULL,
					   &img->config.labels);
}

/* Leaves in ids those that are to go; returns how many. */
static size_t choose(const struct store *st, const struct image_users *users,
		     const struct tags *tags, const struct prune_filter *filter, bool all,
		     struct digest *ids, size_t n)
{
	size_t chosen = 0;

	for (size_t i = 0; i < n; i++)
		if ((all || !has_name(tags, &ids[i])) && !image_users_find(users, &ids[i]) &&
		    matches(st, &ids[i], filter))
			ids[chosen++] = ids[i];
	return chosen;
}

static int prune_locked(const struct store *st, image_users_fn users_of,
			const struct prune_filter *filter, bool all, struct removal *out,
			struct error *err)
{
	struct image_users users autoimageusers = IMAGE_USERS_INIT;
	struct tags tags autotags = TAGS_INIT;
	struct digest *ids autofree = NULL;
	size_t n;

	if (users_of(st, &users, err) < 0 || tags_read(st, &tags, err) < 0 ||
	    image_list(st, &ids, &n, err) < 0)
		return -1;
	n = choose(st, &users, &tags, filter, all, ids, n);
	if (removal_of_images_locked(st, ids, n, out, err) < 0)
		return -1;
	return filter->words.len ? 0 : removal_of_layers_locked(st, out, err);
}

int prune_images(const struct store *st, image_users_fn users_of, const struct prune_filter *filter,
		 bool all, struct removal *out, struct error *err)
{
	{
		int lock autoclose = store_lock(st, LOCK_EX, err);

		if (lock < 0 || prune_locked(st, users_of, filter, all, out, err) < 0)
			return -1;
	}
	return filter->words.len ? 0 : store_clean(st, err);
}
