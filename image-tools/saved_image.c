/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/saved_image.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/str.h"

/* ---- Layers */

static int add_layer(const struct store *st, const struct digest *diffid, struct saved_images *out,
		     size_t *index, struct error *err)
{
	struct layer_info info;
	int fd;

	for (*index = 0; *index < out->n_layers; ++*index)
		if (digest_equal(&out->layers[*index].diffid, diffid))
			return 0;
	fd = layer_open(st, diffid, &info, err);
	if (fd < 0)
		return -1;
	if (out->n_layers == out->room_layers) {
		out->room_layers = out->room_layers ? 2 * out->room_layers : 16;
		out->layers = xreallocarray(out->layers, out->room_layers, sizeof(*out->layers));
	}
	out->layers[out->n_layers++] =
		(struct saved_layer){ .diffid = *diffid, .size = info.tar_size, .fd = fd };
	return 0;
}

/* ---- Images */

static int read_image(const struct store *st, struct saved_image *img, struct saved_images *out,
		      struct error *err)
{
	struct image *config autoimage = NULL;

	img->json = image_read(st, &img->id, &img->len, err);
	if (!img->json)
		return -1;
	config = image_parse(img->json, img->len, err);
	if (!config)
		return -1;
	img->os = config->os ? xstrdup(config->os) : NULL;
	img->architecture = config->architecture ? xstrdup(config->architecture) : NULL;
	img->layers = xcalloc(config->n_diffids + 1, sizeof(*img->layers));
	for (; img->n_layers < config->n_diffids; img->n_layers++)
		if (add_layer(st, &config->diffids[img->n_layers], out, &img->layers[img->n_layers],
			      err) < 0)
			return -1;
	return 0;
}

/* The image of that ID in out, read when it is new; NULL with err set. */
static struct saved_image *add_image(const struct store *st, const struct digest *id,
				     struct saved_images *out, struct error *err)
{
	struct saved_image *img;
	char text[DIGEST_TEXT_MAX];

	for (size_t i = 0; i < out->n; i++)
		if (digest_equal(&out->items[i].id, id))
			return &out->items[i];
	out->items = xreallocarray(out->items, out->n + 1, sizeof(*out->items));
	img = &out->items[out->n++];
	*img = (struct saved_image){ .id = *id };
	if (read_image(st, img, out, err) == 0)
		return img;
	error_prefix(err, "cannot save image %s", digest_text(id, text));
	return NULL;
}

static void add_name(struct saved_image *img, const char *repository, const char *tag)
{
	for (size_t i = 0; i < img->n_names; i++)
		if (strcmp(img->names[i].repository, repository) == 0 &&
		    strcmp(img->names[i].tag, tag) == 0)
			return;
	img->names = xreallocarray(img->names, img->n_names + 1, sizeof(*img->names));
	img->names[img->n_names++] =
		(struct reference){ .repository = xstrdup(repository), .tag = xstrdup(tag) };
}

/* ---- Words */

/* Every image with a name in the repository: Docker's `save debian`. Returns how many names there are, or -1. */
static int add_repository(const struct store *st, const struct tags *tags, const char *repository,
			  struct saved_images *out, struct error *err)
{
	size_t len = strlen(repository);
	int found = 0;

	for (size_t i = 0; i < tags->n; i++) {
		const char *name = tags->items[i].name;
		struct saved_image *img;

		if (strncmp(name, repository, len) != 0 || name[len] != ':' ||
		    strchr(name + len, '/'))
			continue;
		img = add_image(st, &tags->items[i].id, out, err);
		if (!img)
			return -1;
		add_name(img, repository, name + len + 1);
		found++;
	}
	return found;
}

static int add_word(const struct store *st, const struct tags *tags, const char *word,
		    struct saved_images *out, struct error *err)
{
	struct reference ref autoreference = REFERENCE_INIT;
	struct error why = ERROR_INIT;
	struct saved_image *img;
	bool is_name = !str_starts(word, "sha256:") && reference_parse(word, &ref, &why) == 0;
	struct digest id;
	int found;

	if (is_name && !ref.tag && !ref.has_digest) {
		found = add_repository(st, tags, ref.repository, out, err);
		if (found)
			return found < 0 ? -1 : 0;
	}
	if (image_resolve(st, word, &id, err) < 0)
		return -1;
	img = add_image(st, &id, out, err);
	if (!img)
		return -1;
	if (is_name && ref.tag && !ref.has_digest)
		add_name(img, ref.repository, ref.tag);
	return 0;
}

/* ---- Platforms */

/* Whether an image with these is for the platform os[/architecture[/variant]] of len bytes. A variant says nothing of
 * amd64. */
static bool is_for(const struct saved_image *img, const char *platform, size_t len)
{
	const char *said[2] = { img->os ? img->os : "linux",
				img->architecture ? img->architecture : "amd64" };

	for (int i = 0; i < 2; i++) {
		const char *slash = memchr(platform, '/', len);
		size_t part = slash ? (size_t)(slash - platform) : len;

		if (strlen(said[i]) != part || memcmp(said[i], platform, part) != 0)
			return false;
		if (!slash)
			return true;
		platform += part + 1;
		len -= part + 1;
	}
	return true;
}

static int check_platform(const struct saved_images *images, const char *platforms,
			  struct error *err)
{
	for (size_t i = 0; i < images->n; i++) {
		const struct saved_image *img = &images->items[i];
		const char *p = platforms;
		char text[DIGEST_TEXT_MAX];

		while (*p && !is_for(img, p, strcspn(p, ",")))
			p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',');
		if (!*p)
			return error_set(err, ENOENT, "image %s is for %s/%s, not for %.100s",
					 digest_text(&img->id, text), img->os ? img->os : "linux",
					 img->architecture ? img->architecture : "amd64",
					 platforms);
	}
	return 0;
}

/* ---- All of it */

int saved_images_find(const struct store *st, char *const *words, size_t n_words,
		      const char *platform, struct saved_images *out, struct error *err)
{
	struct saved_images images autosaved = SAVED_IMAGES_INIT;
	struct tags tags autotags = TAGS_INIT;
	struct rlimit files;
	/* So that what is found is there until it is open. */
	int lock autoclose = store_lock(st, LOCK_SH, err);

	if (lock < 0 || tags_read(st, &tags, err) < 0)
		return -1;
	/* A layer is a descriptor. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; i < n_words; i++)
		if (add_word(st, &tags, words[i], &images, err) < 0)
			return -1;
	if (platform && check_platform(&images, platform, err) < 0)
		return -1;
	*out = images;
	images = (struct saved_images)SAVED_IMAGES_INIT;
	return 0;
}

void saved_images_free(struct saved_images *images)
{
	for (size_t i = 0; i < images->n; i++) {
		struct saved_image *img = &images->items[i];

		for (size_t j = 0; j < img->n_names; j++)
			reference_free(&img->names[j]);
		free(img->names);
		free(img->layers);
		free(img->os);
		free(img->architecture);
		free(img->json);
	}
	for (size_t i = 0; i < images->n_layers; i++)
		cleanup_close(&images->layers[i].fd);
	free(images->items);
	free(images->layers);
	*images = (struct saved_images)SAVED_IMAGES_INIT;
}
