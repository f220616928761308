/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/usage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "image-tools/layer_uses.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/human.h"

/* What is counted with. */
struct count {
	const struct store *st;
	struct image_users users;
	struct tags tags;
	struct layer_uses uses;
	uint64_t *sizes; /* of uses' layers */
	bool *active;    /* whether an image in use names them */
};

static void count_free(struct count *c)
{
	image_users_free(&c->users);
	tags_free(&c->tags);
	layer_uses_free(&c->uses);
	free(c->sizes);
	free(c->active);
}

static uint64_t layer_size(const struct store *st, const struct digest *diffid)
{
	struct layer_info info;

	return layer_stat(st, diffid, &info, NULL) == 0 ? info.size : 0;
}

static void first_name(const struct tags *tags, struct image_usage *u)
{
	for (size_t i = 0; i < tags->n && !u->repository; i++) {
		struct reference ref autoreference = REFERENCE_INIT;

		if (!digest_equal(&tags->items[i].id, &u->id) ||
		    reference_parse(tags->items[i].name, &ref, NULL) < 0 || !ref.tag)
			continue;
		u->repository = xstrdup(reference_familiar(&ref));
		u->tag = STEAL_PTR(ref.tag);
	}
}

static void add_image(struct count *c, const struct image *img, struct images_usage *out)
{
	struct image_usage *u = &out->items[out->n++];

	*u = (struct image_usage){ .id = img->id };
	u->has_created = img->created && time_parse(img->created, &u->created) == 0;
	first_name(&c->tags, u);
	for (size_t i = 0; i < c->users.n; i++)
		u->containers += digest_equal(&c->users.items[i].image, &img->id);
	out->active += u->containers > 0;
	for (size_t i = 0; i < img->n_diffids; i++) {
		const struct layer_use *use = layer_uses_find(&c->uses, &img->diffids[i]);
		size_t at = use ? (size_t)(use - c->uses.items) : 0;

		if (!use)
			continue;
		u->size += c->sizes[at];
		if (use->images > 1)
			u->shared += c->sizes[at];
		if (u->containers)
			c->active[at] = true;
	}
}

static int add_images(struct count *c, struct images_usage *out, struct error *err)
{
	struct digest *ids autofree = NULL;
	size_t n;

	if (image_list(c->st, &ids, &n, err) < 0)
		return -1;
	out->items = xcalloc(n + 1, sizeof(*out->items));
	for (size_t i = 0; i < n; i++) {
		struct image *img autoimage = NULL;
		size_t len;
		char *json autofree = image_read(c->st, &ids[i], &len, NULL);

		img = json ? image_parse(json, len, NULL) : NULL;
		if (img)
			add_image(c, img, out);
	}
	return 0;
}

static int add_layers(const struct count *c, struct images_usage *out, struct error *err)
{
	struct digest *diffids autofree = NULL;
	size_t n;

	if (layer_list(c->st, &diffids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct layer_use *use = layer_uses_find(&c->uses, &diffids[i]);
		uint64_t size =
			use ? c->sizes[use - c->uses.items] : layer_size(c->st, &diffids[i]);

		out->size += size;
		if (!use || !c->active[use - c->uses.items])
			out->reclaimable += size;
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct image_usage *x = a, *y = b;

	if (x->created.tv_sec != y->created.tv_sec)
		return x->created.tv_sec < y->created.tv_sec ? 1 : -1;
	if (x->created.tv_nsec != y->created.tv_nsec)
		return x->created.tv_nsec < y->created.tv_nsec ? 1 : -1;
	return memcmp(&x->id, &y->id, sizeof(x->id));
}

int images_usage(const struct store *st, image_users_fn users_of, struct images_usage *out,
		 struct error *err)
{
	__attribute__((cleanup(count_free))) struct count c = { .st = st };
	int lock autoclose = store_lock(st, LOCK_SH, err);

	*out = (struct images_usage)IMAGES_USAGE_INIT;
	if (lock < 0 || users_of(st, &c.users, err) < 0 || tags_read(st, &c.tags, err) < 0 ||
	    layer_uses_count(st, &c.uses, err) < 0)
		return -1;
	c.sizes = xcalloc(c.uses.n + 1, sizeof(*c.sizes));
	c.active = xcalloc(c.uses.n + 1, sizeof(*c.active));
	for (size_t i = 0; i < c.uses.n; i++)
		c.sizes[i] = layer_size(st, &c.uses.items[i].diffid);
	if (add_images(&c, out, err) < 0 || add_layers(&c, out, err) < 0) {
		images_usage_free(out);
		return -1;
	}
	if (out->n)
		qsort(out->items, out->n, sizeof(*out->items), newest_first);
	return 0;
}

void images_usage_free(struct images_usage *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->items[i].repository);
		free(u->items[i].tag);
	}
	free(u->items);
	*u = (struct images_usage)IMAGES_USAGE_INIT;
}
