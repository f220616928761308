/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/addition.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "image-tools/image.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

/* What to take back when a later step fails. */
struct undo {
	const struct store *st;
	struct digest *layers, *images;
	size_t n_layers, n_images;
};

static void undo(const struct undo *u)
{
	for (size_t i = 0; i < u->n_images; i++)
		(void)image_remove_locked(u->st, &u->images[i], NULL);
	for (size_t i = 0; i < u->n_layers; i++)
		(void)layer_remove_locked(u->st, &u->layers[i], NULL);
}

static int put_layers(struct undo *u, struct layer_writer *const *layers, size_t n,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		bool added;

		if (layer_publish_locked(layers[i], &added, err) < 0)
			return -1;
		if (added)
			u->layers[u->n_layers++] = *layer_diffid(layers[i]);
	}
	return u->n_layers ? fs_sync_dir(u->st->layers_fd, err) : 0;
}

static int put_images(struct undo *u, struct addition_image *images, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		bool there;

		digest_of(images[i].json, images[i].len, &images[i].id);
		there = image_exists(u->st, &images[i].id);
		if (image_put(u->st, images[i].json, images[i].len, &images[i].id, err) < 0)
			return -1;
		if (!there)
			u->images[u->n_images++] = images[i].id;
	}
	return 0;
}

static int put_names(const struct store *st, const struct addition_image *images, size_t n,
		     struct error *err)
{
	struct tag *changes autofree = NULL;
	size_t count = 0, k = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		count += images[i].n_names;
	changes = xcalloc(count + 1, sizeof(*changes));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < images[i].n_names; j++)
			changes[k++] =
				(struct tag){ .name = reference_text(&images[i].names[j], false),
					      .id = images[i].id };
	r = tags_set_locked(st, changes, count, err);
	for (size_t i = 0; i < count; i++)
		free(changes[i].name);
	return r;
}

/* Layers that depend on those below them get what they lack. */
static int complete(const struct store *st, struct layer_writer *const *layers, size_t n_layers,
		    const struct addition_image *addition, struct error *err)
{
	struct image *img autoimage = image_parse(addition->json, addition->len, err);

	return img ? layer_complete(st, layers, n_layers, img->diffids, img->n_diffids, err) : -1;
}

int addition_publish(const struct store *st, struct layer_writer *const *layers, size_t n_layers,
		     struct addition_image *images, size_t n_images, struct error *err)
{
	struct digest *added_layers autofree = xcalloc(n_layers + 1, sizeof(*added_layers));
	struct digest *added_images autofree = xcalloc(n_images + 1, sizeof(*added_images));
	struct undo u = { .st = st, .layers = added_layers, .images = added_images };
	int lock autoclose = -1;

	for (size_t i = 0; i < n_images; i++)
		if (complete(st, layers, n_layers, &images[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n_layers; i++)
		if (layer_sync(layers[i], err) < 0)
			return -1;
	lock = store_lock(st, LOCK_EX, err);
	if (lock < 0)
		return -1;
	if (put_layers(&u, layers, n_layers, err) < 0 ||
	    put_images(&u, images, n_images, err) < 0 || put_names(st, images, n_images, err) < 0) {
		undo(&u);
		return -1;
	}
	return 0;
}
