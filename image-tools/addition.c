/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/addition.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "image-tools/image.h"
#include "image-tools/journal.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

/* What is to be taken back if this fails, or its process dies: all that is not in the store yet. */
static void note_layers(struct journal *j, struct layer_writer *const *layers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!layer_is_published(layers[i]))
			journal_note_layer(j, layer_diffid(layers[i]));
}

static void note_images(const struct store *st, struct journal *j, struct addition_image *images,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		digest_of(images[i].json, images[i].len, &images[i].id);
		if (!image_exists(st, &images[i].id))
			journal_note_image(j, &images[i].id);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int note_names(const struct store *st, struct journal *j, const struct tag *changes,
		      size_t n, struct error *err)
{
	struct tags tags autotags = TAGS_INIT;
	const char **names autofree = NULL;

	if (!n)
		return 0;
	if (tags_read(st, &tags, err) < 0)
		return -1;
	names = xcalloc(n, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = changes[i].name;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(names[i], names[i - 1]) != 0)
			journal_note_name(j, names[i], tags_find(&tags, names[i]));
	return 0;
}

static int put_layers(const struct store *st, struct layer_writer *const *layers, size_t n,
		      struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		bool added;

		if (layer_publish_locked(layers[i], &added, err) < 0)
			return -1;
		any = any || added;
	}
	return any ? fs_sync_dir(st->layers_fd, err) : 0;
}

/* Whether an image has been put already, as one is that a list names many times. */
static bool is_again(const struct addition_image *images, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (digest_equal(&images[k].id, &images[i].id))
			return true;
	return false;
}

static int put_images(const struct store *st, struct addition_image *images, size_t n,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!is_again(images, i) &&
		    image_put(st, images[i].json, images[i].len, &images[i].id, err) < 0)
			return -1;
	return 0;
}

static int publish_locked(const struct store *st, struct layer_writer *const *layers,
			  size_t n_layers, struct addition_image *images, size_t n_images,
			  const struct tag *changes, size_t n_changes, struct error *err)
{
	struct journal j autojournal = JOURNAL_INIT;
	bool journaled;

	note_layers(&j, layers, n_layers);
	note_images(st, &j, images, n_images);
	if (note_names(st, &j, changes, n_changes, err) < 0)
		return -1;
	/* One step is whole or not there at all by itself. */
	journaled = (j.n_layers > 0) + j.n_images + (j.n_names > 0) > 1;
	if (journaled && journal_begin_locked(st, &j, err) < 0)
		return -1;
	if (put_layers(st, layers, n_layers, err) == 0 &&
	    put_images(st, images, n_images, err) == 0 &&
	    tags_set_locked(st, changes, n_changes, err) == 0 &&
	    (!journaled || journal_end_locked(st, err) == 0))
		return 0;
	(void)journal_carry_out_locked(st, &j, NULL);
	return -1;
}

/* The names all images are to get, the later ones behind; the caller frees the list and the names in it. */
static struct tag *list_names(const struct addition_image *images, size_t n, size_t *n_names)
{
	struct tag *list;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += images[i].n_names;
	list = xcalloc(count + 1, sizeof(*list));
	*n_names = 0;
	for (size_t i = 0; i < n; i++) {
		struct digest id;

		digest_of(images[i].json, images[i].len, &id);
		for (size_t k = 0; k < images[i].n_names; k++)
			list[(*n_names)++] =
				(struct tag){ .name = reference_text(&images[i].names[k], false),
					      .id = id };
	}
	return list;
}

static int compare_layers(const void *a, const void *b)
{
	struct layer_writer *const *x = a, *const *y = b;

	return memcmp(layer_diffid(*x), layer_diffid(*y), sizeof(struct digest));
}

/* Each layer once, sorted by DiffID; the caller frees the list. */
static struct layer_writer **unite_layers(struct layer_writer *const *layers, size_t *n)
{
	struct layer_writer **list = xcalloc(*n + 1, sizeof(*list));
	size_t left = 0;

	for (size_t i = 0; i < *n; i++)
		list[i] = layers[i];
	qsort(list, *n, sizeof(*list), compare_layers);
	for (size_t i = 0; i < *n; i++)
		if (!left || compare_layers(&list[left - 1], &list[i]) != 0)
			list[left++] = list[i];
	*n = left;
	return list;
}

/* Layers that depend on those below them get what they lack. */
static int complete(const struct store *st, struct layer_writer *const *layers, size_t n_layers,
		    const struct addition_image *addition, struct error *err)
{
	struct image *img autoimage = image_parse(addition->json, addition->len, err);

	return img ? layer_complete(st, layers, n_layers, img->diffids, img->n_diffids, err) : -1;
}

int addition_publish(const struct store *st, struct layer_writer *const *given, size_t n_layers,
		     struct addition_image *images, size_t n_images, struct error *err)
{
	struct layer_writer **layers autofree = unite_layers(given, &n_layers);
	struct tag *names autofree = NULL;
	size_t n_names;
	int lock autoclose = -1, r = -1;

	for (size_t i = 0; i < n_images; i++)
		if (complete(st, layers, n_layers, &images[i], err) < 0)
			return -1;
	for (size_t i = 0; i < n_layers; i++)
		if (layer_sync(layers[i], err) < 0)
			return -1;
	names = list_names(images, n_images, &n_names);
	lock = store_lock(st, LOCK_EX, err);
	if (lock >= 0)
		r = publish_locked(st, layers, n_layers, images, n_images, names, n_names, err);
	for (size_t i = 0; i < n_names; i++)
		free(names[i].name);
	return r;
}
