/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/save_documents.h"

#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/str.h"

#define OCI "application/vnd.oci.image."

const char *blob_name(const struct digest *d, char buf[BLOB_NAME_MAX])
{
	strcpy(buf, "blobs/sha256/");
	digest_hex(d, buf + strlen(buf));
	return buf;
}

/* ---- The list */

/* Takes text. */
static void add(struct save_documents *out, const char *name, char *text, size_t len)
{
	out->items = xreallocarray(out->items, out->n + 1, sizeof(*out->items));
	out->items[out->n++] =
		(struct save_document){ .name = xstrdup(name), .text = text, .len = len };
}

static void add_json(struct save_documents *out, const char *name, yyjson_mut_doc *doc)
{
	size_t len;
	char *text = json_write(doc, false, &len);

	add(out, name, text, len);
}

void save_documents_free(struct save_documents *documents)
{
	for (size_t i = 0; i < documents->n; i++) {
		free(documents->items[i].name);
		free(documents->items[i].text);
	}
	free(documents->items);
	*documents = (struct save_documents)SAVE_DOCUMENTS_INIT;
}

/* ---- OCI */

static void describe(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *media_type,
		     const struct digest *d, uint64_t size)
{
	char text[DIGEST_TEXT_MAX];

	yyjson_mut_obj_add_str(doc, obj, "mediaType", media_type);
	yyjson_mut_obj_add_strcpy(doc, obj, "digest", digest_text(d, text));
	yyjson_mut_obj_add_uint(doc, obj, "size", size);
}

static yyjson_mut_doc *new_document(const char *media_type)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_uint(doc, root, "schemaVersion", 2);
	yyjson_mut_obj_add_str(doc, root, "mediaType", media_type);
	return doc;
}

static char *make_manifest(const struct saved_images *images, const struct saved_image *img,
			   size_t *len)
{
	yyjson_mut_doc *doc automutjson = new_document(OCI "manifest.v1+json");
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc), *list;

	describe(doc, yyjson_mut_obj_add_obj(doc, root, "config"), OCI "config.v1+json", &img->id,
		 img->len);
	list = yyjson_mut_obj_add_arr(doc, root, "layers");
	for (size_t i = 0; i < img->n_layers; i++) {
		const struct saved_layer *layer = &images->layers[img->layers[i]];

		describe(doc, yyjson_mut_arr_add_obj(doc, list), OCI "layer.v1.tar", &layer->diffid,
			 layer->size);
	}
	return json_write(doc, false, len);
}

/* One entry of index.json a name, and one for an image without. The annotations are those that Docker, containerd, podman
 * and umoci look for names in. */
static void index_image(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct saved_image *img,
			const struct digest *manifest, size_t size)
{
	for (size_t i = 0; i < (img->n_names ? img->n_names : 1); i++) {
		yyjson_mut_val *entry = yyjson_mut_arr_add_obj(doc, list), *obj;

		describe(doc, entry, OCI "manifest.v1+json", manifest, size);
		if (img->n_names) {
			char *name autofree = reference_text(&img->names[i], false);

			obj = yyjson_mut_obj_add_obj(doc, entry, "annotations");
			yyjson_mut_obj_add_strcpy(doc, obj, "io.containerd.image.name", name);
			yyjson_mut_obj_add_str(doc, obj, "org.opencontainers.image.ref.name",
					       img->names[i].tag);
		}
		if (img->os && img->architecture) {
			obj = yyjson_mut_obj_add_obj(doc, entry, "platform");
			yyjson_mut_obj_add_str(doc, obj, "architecture", img->architecture);
			yyjson_mut_obj_add_str(doc, obj, "os", img->os);
		}
	}
}

/* ---- Docker */

static void add_manifest_json(const struct saved_images *images, struct save_documents *out)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_arr(doc);
	char name[BLOB_NAME_MAX];

	yyjson_mut_doc_set_root(doc, root);
	for (size_t i = 0; i < images->n; i++) {
		const struct saved_image *img = &images->items[i];
		yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, root);
		yyjson_mut_val *list = yyjson_mut_arr(doc);

		for (size_t j = 0; j < img->n_names; j++) {
			char *text autofree = reference_text(&img->names[j], true);

			yyjson_mut_arr_add_strcpy(doc, list, text);
		}
		yyjson_mut_obj_add_strcpy(doc, obj, "Config", blob_name(&img->id, name));
		/* As Docker has it, where there is none. */
		yyjson_mut_obj_add_val(doc, obj, "RepoTags",
				       img->n_names ? list : yyjson_mut_null(doc));
		list = yyjson_mut_obj_add_arr(doc, obj, "Layers");
		for (size_t j = 0; j < img->n_layers; j++)
			yyjson_mut_arr_add_strcpy(
				doc, list, blob_name(&images->layers[img->layers[j]].diffid, name));
	}
	add_json(out, "manifest.json", doc);
}

/* {"debian": {"bookworm": <digits of the top layer's DiffID>}}: nobody has read it since Docker 1.10, but all write it. */
static void add_repositories(const struct saved_images *images, struct save_documents *out)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char hex[DIGEST_HEX_MAX];

	yyjson_mut_doc_set_root(doc, root);
	for (size_t i = 0; i < images->n; i++) {
		const struct saved_image *img = &images->items[i];

		for (size_t j = 0; j < img->n_names && img->n_layers; j++) {
			const char *repository = reference_familiar(&img->names[j]);
			yyjson_mut_val *tags = yyjson_mut_obj_get(root, repository);
			size_t top = img->layers[img->n_layers - 1];

			if (!tags)
				tags = yyjson_mut_obj_add_obj(doc, root, repository);
			yyjson_mut_obj_add_strcpy(doc, tags, img->names[j].tag,
						  digest_hex(&images->layers[top].diffid, hex));
		}
	}
	if (yyjson_mut_obj_size(root))
		add_json(out, "repositories", doc);
}

/* ---- All of them */

void save_documents_make(const struct saved_images *images, bool docker, struct save_documents *out)
{
	yyjson_mut_doc *index automutjson = new_document(OCI "index.v1+json");
	struct save_documents blobs = SAVE_DOCUMENTS_INIT;
	yyjson_mut_val *list =
		yyjson_mut_obj_add_arr(index, yyjson_mut_doc_get_root(index), "manifests");
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	char name[BLOB_NAME_MAX];

	*out = (struct save_documents)SAVE_DOCUMENTS_INIT;
	for (size_t i = 0; i < images->n; i++) {
		const struct saved_image *img = &images->items[i];
		struct digest digest;
		size_t len;
		char *manifest = make_manifest(images, img, &len);

		digest_of(manifest, len, &digest);
		index_image(index, list, img, &digest, len);
		add(&blobs, blob_name(&digest, name), manifest, len);
		add(&blobs, blob_name(&img->id, name), xstrndup(img->json, img->len), img->len);
	}
	add(out, "oci-layout", xstrdup(layout), strlen(layout));
	add_json(out, "index.json", index);
	if (docker) {
		add_manifest_json(images, out);
		add_repositories(images, out);
	}
	out->items = xreallocarray(out->items, out->n + blobs.n, sizeof(*out->items));
	memcpy(out->items + out->n, blobs.items, blobs.n * sizeof(*blobs.items));
	out->n += blobs.n;
	free(blobs.items);
}
