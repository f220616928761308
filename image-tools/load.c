/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/load.h"

#include <fcntl.h>
#include <unistd.h>

#include "image-tools/addition.h"
#include "image-tools/archived_image.h"
#include "lib/cleanup.h"
#include "lib/str.h"

static int publish(const struct store *st, struct archived_images *images,
		   struct addition_image *additions, struct error *err)
{
	struct layer_writer **layers autofree = NULL;
	size_t n = 0;

	for (size_t i = 0; i < images->n; i++)
		n += images->items[i].n_layers;
	layers = xcalloc(n + 1, sizeof(*layers));
	n = 0;
	for (size_t i = 0; i < images->n; i++) {
		const struct archived_image *img = &images->items[i];

		for (size_t j = 0; j < img->n_layers; j++)
			layers[n++] = img->layers[j]->layer;
		additions[i] = (struct addition_image){ .json = img->config->text,
							.len = img->config->size,
							.names = img->names,
							.n_names = img->n_names };
	}
	return addition_publish(st, layers, n, additions, images->n, err);
}

/* Which names are about to be taken from other images. Somebody else may change them meanwhile: this is news, no more. */
static int note_moves(const struct store *st, const struct archived_images *images,
		      struct loaded *out, struct error *err)
{
	struct tags tags autotags = TAGS_INIT;

	if (tags_read(st, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < images->n; i++) {
		const struct archived_image *img = &images->items[i];
		struct digest id;

		digest_of(img->config->text, img->config->size, &id);
		for (size_t j = 0; j < img->n_names; j++) {
			char *whole autofree = reference_text(&img->names[j], false);
			const struct digest *before = tags_find(&tags, whole);

			if (!before || digest_equal(before, &id))
				continue;
			out->moved =
				xreallocarray(out->moved, out->n_moved + 1, sizeof(*out->moved));
			out->moved[out->n_moved++] =
				(struct tag){ .name = reference_text(&img->names[j], true),
					      .id = *before };
		}
	}
	return 0;
}

int load_fd(const struct store *st, int fd, const char *name, struct progress *progress,
	    struct loaded *out, struct error *err)
{
	struct archive archive autoarchive = ARCHIVE_INIT;
	struct archived_images images autoarchived = ARCHIVED_IMAGES_INIT;
	struct addition_image *additions autofree = NULL;

	*out = (struct loaded)LOADED_INIT;
	if (archive_read(st, fd, name, progress, &archive, err) < 0)
		return -1;
	if (archived_images_find(&archive, &images, err) < 0)
		return error_prefix(err, "%s", name);
	additions = xcalloc(images.n + 1, sizeof(*additions));
	if (note_moves(st, &images, out, err) < 0 || publish(st, &images, additions, err) < 0) {
		loaded_free(out);
		return -1;
	}
	out->images = xcalloc(images.n + 1, sizeof(*out->images));
	for (; out->n < images.n; out->n++) {
		struct archived_image *img = &images.items[out->n];

		out->images[out->n] = (struct loaded_image){ .id = additions[out->n].id,
							     .names = STEAL_PTR(img->names),
							     .n_names = img->n_names };
		img->n_names = 0;
	}
	return 0;
}

int load_file(const struct store *st, const char *path, struct progress *progress,
	      struct loaded *out, struct error *err)
{
	int fd autoclose = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	return load_fd(st, fd, path, progress, out, err);
}

void loaded_free(struct loaded *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (size_t j = 0; j < l->images[i].n_names; j++)
			reference_free(&l->images[i].names[j]);
		free(l->images[i].names);
	}
	free(l->images);
	for (size_t i = 0; i < l->n_moved; i++)
		free(l->moved[i].name);
	free(l->moved);
	*l = (struct loaded)LOADED_INIT;
}
