/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/archived_image.h"

#include <errno.h>
#include <string.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/str.h"

/* ---- The list */

struct archived_image *archived_image_add(struct archived_images *images)
{
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

void archived_images_free(struct archived_images *images)
{
	for (size_t i = 0; i < images->n; i++) {
		for (size_t j = 0; j < images->items[i].n_names; j++)
			reference_free(&images->items[i].names[j]);
		free(images->items[i].names);
		free(images->items[i].layers);
	}
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

static int docker_image(const struct archive *a, yyjson_val *obj, struct archived_image *img,
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
	img->config = archive_find(a, config);
	if (!img->config || img->config->kind != ARCHIVE_DOCUMENT)
		return error_set(err, EINVAL, "image configuration \"%.150s\" is %s", config,
				 img->config ? "no JSON document" : "not in the archive");
	if (check_config_name(img->config, config, err) < 0)
		return -1;
	for (size_t i = 0; i < layers.len; i++) {
		const struct archive_member *m = archive_find(a, layers.items[i]);

		if (!m || m->kind != ARCHIVE_LAYER)
			return error_set(err, EINVAL, "layer \"%.150s\" is %s", layers.items[i],
					 m ? "no tar archive, plain or compressed"
					   : "not in the archive");
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

static int docker_archive_find(const struct archive *a, const struct archive_member *manifest,
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
	yyjson_arr_foreach(root, i, max, val) if (docker_image(a, val, archived_image_add(out),
							       err) < 0) return -1;
	return 0;
}

/* ---- Both */

static int check_layers(const struct archived_image *img, struct error *err)
{
	struct image *config autoimage = image_parse(img->config->text, img->config->size, err);
	char said[DIGEST_TEXT_MAX], is[DIGEST_TEXT_MAX];

	if (!config)
		return -1;
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

int archived_images_find(const struct archive *a, struct archived_images *out, struct error *err)
{
	struct archived_images images autoarchived = ARCHIVED_IMAGES_INIT;
	const struct archive_member *manifest = archive_find(a, "manifest.json");
	const struct archive_member *index = archive_find(a, "index.json");
	int r;

	if (manifest && manifest->kind == ARCHIVE_DOCUMENT)
		r = docker_archive_find(a, manifest, &images, err);
	else if (index && index->kind == ARCHIVE_DOCUMENT)
		r = oci_layout_find(a, index, &images, err);
	else
		r = error_set(
			err, EINVAL,
			"it is no image archive, for it has neither manifest.json nor index.json; a root "
			"filesystem is taken in by 'knarr import'");
	if (r < 0)
		return -1;
	if (!images.n)
		return error_set(err, EINVAL, "it holds no image");
	for (size_t i = 0; i < images.n; i++)
		if (check_layers(&images.items[i], err) < 0)
			return -1;
	*out = images;
	images = (struct archived_images)ARCHIVED_IMAGES_INIT;
	return 0;
}
