/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/new_image.h"

#include <errno.h>
#include <string.h>

#include "image-tools/tar.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"

/* Of the container that an older Docker made the parent from, or of that Docker itself. */
static const char *const dropped[] = { "author", "comment", "container",     "container_config",
				       "id",     "parent",  "docker_version" };

/* What image_config_put writes: of the parent's none may stay. */
static const char *const known[] = { "User",        "ExposedPorts", "Env",        "Cmd",
				     "Healthcheck", "Volumes",      "WorkingDir", "Entrypoint",
				     "OnBuild",     "Labels",       "StopSignal", "Shell" };
/* Of the container again. */
static const char *const stale[] = { "Hostname", "Domainname", "Image", "ArgsEscaped" };

static void remove_members(yyjson_mut_val *obj, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		yyjson_mut_obj_remove_key(obj, names[i]);
}

#define REMOVE(obj, names) remove_members(obj, names, sizeof(names) / sizeof((names)[0]))

static yyjson_mut_val *parent_of(const struct new_image *n, yyjson_mut_doc *doc, struct error *err)
{
	yyjson_doc *parent autojson = NULL;

	if (!n->parent)
		return yyjson_mut_obj(doc);
	parent = json_parse(n->parent, n->parent_len, "the parent's configuration", err);
	if (!parent)
		return NULL;
	if (!yyjson_is_obj(yyjson_doc_get_root(parent))) {
		error_set(err, EINVAL, "the parent's configuration is no JSON object");
		return NULL;
	}
	return yyjson_val_mut_copy(doc, yyjson_doc_get_root(parent));
}

/* The member of that name, of the type that is_type asks for; made where it is missing or null. NULL with err set. */
static yyjson_mut_val *member(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, bool list,
			      struct error *err)
{
	yyjson_mut_val *val = yyjson_mut_obj_get(obj, key);

	if (!val || yyjson_mut_is_null(val)) {
		yyjson_mut_obj_remove_key(obj, key);
		return list ? yyjson_mut_obj_add_arr(doc, obj, key)
			    : yyjson_mut_obj_add_obj(doc, obj, key);
	}
	if (list ? yyjson_mut_is_arr(val) : yyjson_mut_is_obj(val))
		return val;
	error_set(err, EINVAL, "the parent's configuration: \"%s\" is of the wrong type", key);
	return NULL;
}

static void put_str(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *value)
{
	yyjson_mut_obj_remove_key(obj, key);
	if (value && *value)
		yyjson_mut_obj_add_strcpy(doc, obj, key, value);
}

static void put_default(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
			const char *value)
{
	yyjson_mut_val *have = yyjson_mut_obj_get(obj, key);

	if (!yyjson_mut_is_str(have) || !yyjson_mut_get_len(have))
		put_str(doc, obj, key, value);
}

static int put_config(const struct new_image *n, yyjson_mut_doc *doc, yyjson_mut_val *root,
		      struct error *err)
{
	yyjson_mut_val *config = member(doc, root, "config", false, err);
	yyjson_mut_val *fresh, *key, *val;
	size_t i, max;

	if (!config)
		return -1;
	REMOVE(config, known);
	REMOVE(config, stale);
	fresh = yyjson_mut_obj(doc);
	image_config_put(doc, fresh, n->config);
	/* What the parent has beyond it stands behind. */
	yyjson_mut_obj_foreach(config, i, max, key, val)
	{
		yyjson_mut_obj_add_val(doc, fresh, yyjson_mut_get_str(key),
				       yyjson_mut_val_mut_copy(doc, val));
	}
	yyjson_mut_obj_remove_key(root, "config");
	yyjson_mut_obj_add_val(doc, root, "config", fresh);
	return 0;
}

static int put_history(const struct new_image *n, yyjson_mut_doc *doc, yyjson_mut_val *root,
		       const char *created, struct error *err)
{
	yyjson_mut_val *list = member(doc, root, "history", true, err), *entry;

	if (!list)
		return -1;
	entry = yyjson_mut_arr_add_obj(doc, list);
	put_str(doc, entry, "created", created);
	put_str(doc, entry, "created_by", n->created_by);
	put_str(doc, entry, "author", n->author);
	put_str(doc, entry, "comment", n->comment);
	if (!n->diffid)
		yyjson_mut_obj_add_bool(doc, entry, "empty_layer", true);
	return 0;
}

static int put_layers(const struct new_image *n, yyjson_mut_doc *doc, yyjson_mut_val *root,
		      struct error *err)
{
	yyjson_mut_val *rootfs = member(doc, root, "rootfs", false, err), *list;
	char text[DIGEST_TEXT_MAX];

	if (!rootfs)
		return -1;
	put_default(doc, rootfs, "type", "layers");
	list = member(doc, rootfs, "diff_ids", true, err);
	if (!list)
		return -1;
	if (n->diffid)
		yyjson_mut_arr_add_strcpy(doc, list, digest_text(n->diffid, text));
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A copy of root with its members in the order of their names. */
static yyjson_mut_val *sorted(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	size_t n = yyjson_mut_obj_size(root), i, max;
	const char **keys autofree = xcalloc(n + 1, sizeof(*keys));
	yyjson_mut_val *out = yyjson_mut_obj(doc), *key, *val;

	yyjson_mut_obj_foreach(root, i, max, key, val)
	{
		keys[i] = yyjson_mut_get_str(key);
	}
	qsort(keys, n, sizeof(*keys), compare);
	for (i = 0; i < n; i++)
		yyjson_mut_obj_add_val(
			doc, out, keys[i],
			yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_get(root, keys[i])));
	return out;
}

char *new_image_write(const struct new_image *n, size_t *len, struct error *err)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = parent_of(n, doc, err);
	char created[TIME_TEXT_MAX];

	if (!root)
		return NULL;
	time_text(n->created, created);
	REMOVE(root, dropped);
	if (put_config(n, doc, root, err) < 0 || put_history(n, doc, root, created, err) < 0 ||
	    put_layers(n, doc, root, err) < 0)
		return NULL;
	put_str(doc, root, "author", n->author);
	put_str(doc, root, "created", created);
	put_default(doc, root, "architecture", "amd64");
	put_default(doc, root, "os", "linux");
	yyjson_mut_doc_set_root(doc, sorted(doc, root));
	return json_write(doc, false, len);
}

bool new_image_is_empty(const struct digest *diffid)
{
	static const uint8_t zeros[2 * TAR_BLOCK];
	struct digest empty;

	digest_of(zeros, sizeof(zeros), &empty);
	return digest_equal(diffid, &empty);
}
