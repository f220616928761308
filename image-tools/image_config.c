/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading an image's configuration (OCI image-spec config.md). Unknown members are passed over: the bytes as they came
 * are what is stored and hashed, and Docker's own images carry members of their own. */
#include "image-tools/image.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/json.h"

#define LAYERS_MAX \
	4096 /* far beyond what a kernel's overlay can stack: a longer list is a bad joke */

/* The string member key as a copy of the image's own; an empty one counts as absent. */
static int copy_str(yyjson_val *obj, const char *key, char **out, struct error *err)
{
	const char *s = NULL;

	if (json_get_str(obj, key, &s, err) < 0)
		return -1;
	if (s && *s)
		*out = xstrdup(s);
	return 0;
}

static int parse_diffids(yyjson_val *root, struct image *img, struct error *err)
{
	yyjson_val *rootfs = NULL, *list = NULL, *val;
	const char *type = NULL;
	size_t i, max;

	if (json_get_obj(root, "rootfs", &rootfs, err) < 0 ||
	    json_get_str(rootfs, "type", &type, err) < 0 ||
	    json_get_arr(rootfs, "diff_ids", &list, err) < 0)
		return -1;
	if (!rootfs)
		return error_set(err, EINVAL, "image configuration has no \"rootfs\"");
	if (type && !str_in_list(type, "layers"))
		return error_set(err, EINVAL,
				 "image configuration's rootfs is of an unknown type \"%.100s\"",
				 type);
	if (!list)
		return 0;
	if (yyjson_arr_size(list) > LAYERS_MAX)
		return error_set(err, EINVAL, "image configuration names more than %d layers",
				 LAYERS_MAX);
	img->diffids = xcalloc(yyjson_arr_size(list) + 1, sizeof(*img->diffids));
	yyjson_arr_foreach(list, i, max, val)
	{
		if (!yyjson_is_str(val))
			return error_set(
				err, EINVAL,
				"image configuration's diff_ids has an element that is no string");
		if (digest_from_text(yyjson_get_str(val), &img->diffids[img->n_diffids], err) < 0)
			return error_prefix(err, "image configuration's diff_ids");
		img->n_diffids++;
	}
	return 0;
}

static int parse_history(yyjson_val *root, struct image *img, struct error *err)
{
	yyjson_val *list = NULL, *val;
	size_t i, max;

	if (json_get_arr(root, "history", &list, err) < 0)
		return -1;
	if (!list)
		return 0;
	img->history = xcalloc(yyjson_arr_size(list) + 1, sizeof(*img->history));
	yyjson_arr_foreach(list, i, max, val)
	{
		struct image_history *h = &img->history[img->n_history];

		if (!yyjson_is_obj(val))
			return error_set(
				err, EINVAL,
				"image configuration's history has an element that is no object");
		img->n_history++;
		if (copy_str(val, "created", &h->created, err) < 0 ||
		    copy_str(val, "created_by", &h->created_by, err) < 0 ||
		    copy_str(val, "author", &h->author, err) < 0 ||
		    copy_str(val, "comment", &h->comment, err) < 0 ||
		    json_get_bool(val, "empty_layer", &h->empty_layer, err) < 0)
			return -1;
	}
	return 0;
}

struct image *image_parse(const char *json, size_t len, struct error *err)
{
	struct image *img autoimage = xcalloc(1, sizeof(*img));
	yyjson_doc *doc autojson = NULL;
	yyjson_val *root, *config = NULL;

	if (len > IMAGE_CONFIG_MAX) {
		error_set(err, EINVAL, "image configuration is larger than %u MiB",
			  IMAGE_CONFIG_MAX >> 20);
		return NULL;
	}
	doc = json_parse(json, len, "image configuration", err);
	if (!doc)
		return NULL;
	root = yyjson_doc_get_root(doc);
	if (!yyjson_is_obj(root)) {
		error_set(err, EINVAL, "image configuration is no JSON object");
		return NULL;
	}
	digest_of(json, len, &img->id);
	if (copy_str(root, "created", &img->created, err) < 0 ||
	    copy_str(root, "architecture", &img->architecture, err) < 0 ||
	    copy_str(root, "os", &img->os, err) < 0 ||
	    copy_str(root, "author", &img->author, err) < 0 ||
	    json_get_obj(root, "config", &config, err) < 0 ||
	    image_config_get(config, &img->config, err) < 0 || parse_diffids(root, img, err) < 0 ||
	    parse_history(root, img, err) < 0)
		return NULL;
	return STEAL_PTR(img);
}

void image_free(struct image *img)
{
	if (!img)
		return;
	free(img->created);
	free(img->architecture);
	free(img->os);
	free(img->author);
	image_config_free(&img->config);
	for (size_t i = 0; i < img->n_history; i++) {
		free(img->history[i].created);
		free(img->history[i].created_by);
		free(img->history[i].author);
		free(img->history[i].comment);
	}
	free(img->history);
	free(img->diffids);
	free(img);
}
