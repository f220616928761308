/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/commit.h"

#include <stdlib.h>

#include "image-tools/addition.h"
#include "image-tools/folder_tar.h"
#include "image-tools/layer.h"
#include "image-tools/new_image.h"
#include "image-tools/tar_writer.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/str.h"

struct commit {
	const struct store *st;
	struct layer_writer *layer;
	unsigned long left_out;
	char *first_left_out;
};

static int append(void *context, const void *data, size_t len, struct error *err)
{
	return layer_append(context, data, len, err);
}

static int write_layer(struct commit *c, int upper_fd, struct error *err)
{
	static const struct folder_tar_options options = { .whiteouts = true };
	struct tar_writer *w autotarwriter = tar_writer_new(append, c->layer);
	struct folder_tar *f autofoldertar = folder_tar_new(w, &options);
	const char *first = NULL;

	if (upper_fd >= 0 && folder_tar_contents(f, upper_fd, "", err) < 0)
		return -1;
	c->left_out = folder_tar_unnameable(f, &first);
	c->first_left_out = first ? xstrdup(first) : NULL;
	return tar_writer_end(w, err);
}

struct commit *commit_read(const struct store *st, int upper_fd, struct error *err)
{
	struct commit *c autocommit = xcalloc(1, sizeof(*c));

	c->st = st;
	c->layer = layer_create(st, err);
	if (!c->layer || write_layer(c, upper_fd, err) < 0)
		return NULL;
	return STEAL_PTR(c);
}

unsigned long commit_left_out(const struct commit *c, const char **first)
{
	if (first)
		*first = c->first_left_out;
	return c->left_out;
}

int commit_publish(struct commit *c, const struct commit_options *o, struct digest *id,
		   struct error *err)
{
	struct addition_image image = { .names = o->name, .n_names = o->name != NULL };
	struct new_image fresh = { .config = o->config,
				   .created = time_now(),
				   .created_by = o->created_by,
				   .author = o->author,
				   .comment = o->comment };
	char *parent autofree = image_read(c->st, &o->parent, &fresh.parent_len, err);
	char *json autofree = NULL;
	bool empty;

	if (!parent || layer_seal(c->layer, NULL, NULL, err) < 0)
		return -1;
	fresh.parent = parent;
	empty = new_image_is_empty(layer_diffid(c->layer));
	if (!empty)
		fresh.diffid = layer_diffid(c->layer);
	json = new_image_write(&fresh, &image.len, err);
	if (!json)
		return -1;
	image.json = json;
	if (addition_publish(c->st, &c->layer, empty ? 0 : 1, &image, 1, err) < 0)
		return -1;
	*id = image.id;
	return 0;
}

void commit_free(struct commit *c)
{
	if (!c)
		return;
	layer_abandon(c->layer);
	free(c->first_left_out);
	free(c);
}
