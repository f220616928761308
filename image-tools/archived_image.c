/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/archived_image.h"

#include <errno.h>
#include <string.h>

#include "image-tools/image.h"
#include "image-tools/platform.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/str.h"

/* ---- The list */

struct archived_image *archived_image_add(struct archived_images *images, struct error *err)
{
	if (images->n == ARCHIVED_IMAGES_MAX) {
		error_set(err, EINVAL, "it names more than %d images", ARCHIVED_IMAGES_MAX);
		return NULL;
	}
	images->items = xreallocarray(images->items, images->n + 1, sizeof(*images->items));
	images->items[images->n] = (struct archived_image){ 0 };
	return &images->items[images->n++];
}

void archived_image_add_name(struct archived_image *img, struct reference *name)
{
	img->names = xreallocarray(img->names, img->n_names + 1, sizeof(*img->names));
	img->names[img->n_names++] = *name;
	*name = (struct reference)REFERENCE_INIT;
}

void archived_image_add_layer(struct archived_image *img, const struct archive_member *layer)
{
	img->layers =
		xreallocarray(img->layers, img->n_layers + 1, sizeof(struct archive_member *));
	img->layers[img->n_layers++] = layer;
}

void archived_image_drop(struct archived_images *images)
{
	struct archived_image *img = &images->items[--images->n];

	for (size_t i = 0; i < img->n_names; i++)
		reference_free(&img->names[i]);
	free(img->names);
	free(img->layers);
}

void archived_images_free(struct archived_images *images)
{
	while (images->n)
		archived_image_drop(images);
	free(images->items);
	*images = (struct archived_images)ARCHIVED_IMAGES_INIT;
}

/* ---- docker-archive */

/* Configurations are named after their digest: "<64 digits>.json", "blobs/sha256/<64 digits>". Whatever else they may be
 * called, a name that is a digest must be the right one. */
static int check_config_name(const struct archive_member *m, const char *name, struct error *err)
{
	const char *base = strrchr(name, '/');
	char hex[DIGEST_HEX_MAX], want[DIGEST_TEXT_MAX];
	struct digest said;

	base = base ? base + 1 : name;
	if (strcspn(base, ".") != DIGEST_HEX_MAX - 1)
		return 0;
	memcpy(hex, base, DIGEST_HEX_MAX - 1);
	hex[DIGEST_HEX_MAX - 1] = '\0';
	if (digest_from_hex(hex, &said) == 0 && !digest_equal(&said, &m->digest))
		return error_set(
			err, EBADMSG,
			"image configuration \"%.150s\" does not have the digest it is named after: it has %s",
			name, digest_text(&m->digest, want));
	return 0;
}

static int docker_image(struct archive *a, yyjson_val *obj, struct archived_image *img,
			struct error *err)
{
	struct strv layers autostrv = STRV_INIT, tags autostrv = STRV_INIT;
	const char *config = NULL;

	if (!yyjson_is_obj(obj))
		return error_set(err, EINVAL, "manifest.json has an element that is no object");
	if (json_get_str(obj, "Config", &config, err) < 0 ||
	    json_get_strv(obj, "Layers", &layers, err) < 0 ||
	    json_get_strv(obj, "RepoTags", &tags, err) < 0)
		return error_prefix(err, "manifest.json");
	if (!config)
		return error_set(err, EINVAL, "manifest.json names no \"Config\"");
	img->config = archive_find_document(a, config, "image configuration", err);
	if (!img->config || check_config_name(img->config, config, err) < 0)
		return -1;
	for (size_t i = 0; i < layers.len; i++) {
		const struct archive_member *m = archive_find_layer(a, layers.items[i], err);

		if (!m)
			return -1;
		archived_image_add_layer(img, m);
	}
	for (size_t i = 0; i < tags.len; i++) {
		struct reference ref autoreference = REFERENCE_INIT;

		if (reference_parse(tags.items[i], &ref, err) < 0)
			return error_prefix(err, "manifest.json");
		ref.has_digest = false;
		reference_default_tag(&ref);
		archived_image_add_name(img, &ref);
	}
	return 0;
}

static int docker_archive_find(struct archive *a, const struct archive_member *manifest,
			       struct archived_images *out, struct error *err)
{
	yyjson_doc *doc autojson = json_parse(manifest->text, manifest->size, "manifest.json", err);
	yyjson_val *root, *val;
	size_t i, max;

	if (!doc)
		return -1;
	root = yyjson_doc_get_root(doc);
	if (!yyjson_is_arr(root))
		return error_set(err, EINVAL, "manifest.json is no list of images");
	yyjson_arr_foreach(root, i, max, val)
	{
		struct archived_image *img = archived_image_add(out, err);

		if (!img || docker_image(a, val, img, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Both */

static int check(const struct archived_image *img, struct error *err)
{
	struct image *config autoimage = image_parse(img->config->text, img->config->size, err);
	char said[DIGEST_TEXT_MAX], is[DIGEST_TEXT_MAX];

	if (!config)
		return -1;
	if (!platform_is_ours(config->os, config->architecture))
		return error_set(err, EINVAL,
				 "image is for %.40s/%.40s, and containers here are " PLATFORM,
				 config->os ? config->os : "linux",
				 config->architecture ? config->architecture : "unknown");
	if (config->n_diffids != img->n_layers)
		return error_set(err, EINVAL,
				 "image configuration names %zu layers, the manifest %zu",
				 config->n_diffids, img->n_layers);
	for (size_t i = 0; i < img->n_layers; i++)
		if (!digest_equal(&config->diffids[i], &img->layers[i]->info.diffid))
			return error_set(err, EBADMSG,
					 "layer %zu is %s, but the image configuration names %s",
					 i + 1, digest_text(&img->layers[i]->info.diffid, is),
					 digest_text(&config->diffids[i], said));
	return 0;
}

/* Docker before 1.10 wrote layers with a chain of their own documents, and no list of images. */
static int no_list(struct archive *a, struct error *err)
{
	if (archive_find(a, "repositories", "list", NULL))
		return error_set(
			err, EINVAL,
			"it is in the format of Docker before 1.10, which is not read: it has "
			"no manifest.json");
	return error_set(
		err, EINVAL,
		"it is no image archive, for it has neither manifest.json nor index.json; a root "
		"filesystem is taken in by 'knarr import'");
}

/* The list by that name; NULL with err clear where the archive has none. */
static const struct archive_member *find_list(struct archive *a, const char *name,
					      struct error *err)
{
	const struct archive_member *m = archive_find_document(a, name, "document", err);

	if (!m && err->code == ENOENT)
		error_clear(err);
	return m;
}

int archived_images_find(struct archive *a, struct archived_images *out, struct error *err)
{
	struct archived_images images autoarchived = ARCHIVED_IMAGES_INIT;
	const struct archive_member *manifest, *index = NULL;
	struct error why = ERROR_INIT;

	/* An archive that is both is a docker-archive, unless that half of it is empty. */
	manifest = find_list(a, "manifest.json", &why);
	if (manifest && docker_archive_find(a, manifest, &images, err) < 0)
		return -1;
	if (!why.code && !images.n)
		index = find_list(a, "index.json", &why);
	if (why.code)
		return error_set(err, why.code, "%s", why.message);
	if (index && oci_layout_find(a, index, &images, err) < 0)
		return -1;
	if (!manifest && !index)
		return no_list(a, err);
	if (!images.n)
		return error_set(err, EINVAL, "it holds no image");
	for (size_t i = 0; i < images.n; i++)
		if (check(&images.items[i], err) < 0)
			return -1;
	*out = images;
	images = (struct archived_images)ARCHIVED_IMAGES_INIT;
	return 0;
}
