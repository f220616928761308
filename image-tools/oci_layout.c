/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An OCI image layout inside an archive (OCI image-spec image-layout.md). index.json is an image index; each of its
 * manifests is an image, or an index for several platforms, of which one is taken. Names are annotations. */
#include <errno.h>
#include <string.h>

#include "image-tools/archived_image.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/str.h"

#define INDEX_DEPTH_MAX 4
#define ANNOTATION_NAME "io.containerd.image.name"
#define ANNOTATION_REF  "org.opencontainers.image.ref.name"

struct descriptor {
	const char *media_type;
	const char *digest_name; /* "sha256:..." */
	struct digest digest;
	uint64_t size;
	const char *os, *architecture;
	const char *name, *ref; /* annotations */
};

static int read_descriptor(yyjson_val *obj, const char *what, struct descriptor *d,
			   struct error *err)
{
	yyjson_val *annotations = NULL, *platform = NULL;

	*d = (struct descriptor){ .media_type = "", .size = UINT64_MAX };
	if (!yyjson_is_obj(obj))
		return error_set(err, EINVAL, "%s has a descriptor that is no object", what);
	if (json_get_str(obj, "mediaType", &d->media_type, err) < 0 ||
	    json_get_str(obj, "digest", &d->digest_name, err) < 0 ||
	    json_get_u64(obj, "size", &d->size, err) < 0 ||
	    json_get_obj(obj, "annotations", &annotations, err) < 0 ||
	    json_get_obj(obj, "platform", &platform, err) < 0 ||
	    json_get_str(platform, "os", &d->os, err) < 0 ||
	    json_get_str(platform, "architecture", &d->architecture, err) < 0 ||
	    json_get_str(annotations, ANNOTATION_NAME, &d->name, err) < 0 ||
	    json_get_str(annotations, ANNOTATION_REF, &d->ref, err) < 0)
		return error_prefix(err, "%s", what);
	if (!d->digest_name || d->size == UINT64_MAX)
		return error_set(err, EINVAL, "%s has a descriptor without a %s", what,
				 d->digest_name ? "size" : "digest");
	return digest_from_text(d->digest_name, &d->digest, err);
}

/* The blob that d describes; NULL with err set unless it is there and as described. */
static const struct archive_member *find_blob(const struct archive *a, const struct descriptor *d,
					      const char *what, struct error *err)
{
	char name[sizeof("blobs/sha256/") + DIGEST_HEX_MAX] = "blobs/sha256/";
	const struct archive_member *m;

	digest_hex(&d->digest, name + strlen(name));
	m = archive_find(a, name);
	if (!m)
		error_set(err, EINVAL, "%s %s is not in the archive", what, d->digest_name);
	else if (!digest_equal(&m->digest, &d->digest)) /* a link to another blob */
		error_set(err, EBADMSG, "%s %s is another blob", what, d->digest_name);
	else if (m->size != d->size)
		error_set(err, EINVAL, "%s %s has %llu bytes, but is said to have %llu", what,
			  d->digest_name, (unsigned long long)m->size, (unsigned long long)d->size);
	else
		return m;
	return NULL;
}

static const struct archive_member *find_document(const struct archive *a,
						  const struct descriptor *d, const char *what,
						  struct error *err)
{
	const struct archive_member *m = find_blob(a, d, what, err);

	if (m && m->kind != ARCHIVE_DOCUMENT) {
		error_set(err, EINVAL, "%s %s is no JSON document", what, d->digest_name);
		return NULL;
	}
	return m;
}

static int read_manifest(const struct archive *a, yyjson_val *root, struct archived_image *img,
			 struct error *err)
{
	yyjson_val *config = NULL, *layers = NULL, *val;
	struct descriptor d;
	size_t i, max;

	if (json_get_obj(root, "config", &config, err) < 0 ||
	    json_get_arr(root, "layers", &layers, err) < 0)
		return error_prefix(err, "image manifest");
	if (!config)
		return error_set(err, EINVAL, "image manifest has no \"config\"");
	if (read_descriptor(config, "image manifest", &d, err) < 0)
		return -1;
	img->config = find_document(a, &d, "image configuration", err);
	if (!img->config)
		return -1;
	if (!layers)
		return 0;
	yyjson_arr_foreach(layers, i, max, val)
	{
		const struct archive_member *m;

		if (read_descriptor(val, "image manifest", &d, err) < 0)
			return -1;
		m = find_blob(a, &d, "layer", err);
		if (!m)
			return -1;
		if (m->kind != ARCHIVE_LAYER)
			return error_set(err, EINVAL,
					 "layer %s is no tar archive, plain or compressed",
					 d.digest_name);
		archived_image_add_layer(img, m);
	}
	return 0;
}

/* The name an annotation gives an image. One without a repository ("latest", as umoci writes) names nothing. */
static int read_name(const struct descriptor *d, struct archived_image *img, struct error *err)
{
	struct reference ref autoreference = REFERENCE_INIT;
	const char *text = d->name ? d->name : d->ref;

	if (!text || !*text || (text == d->ref && !strpbrk(text, "/:@")))
		return 0;
	if (reference_parse(text, &ref, err) < 0)
		return error_prefix(err, "image name in index.json");
	ref.has_digest = false;
	reference_default_tag(&ref);
	archived_image_add_name(img, &ref);
	return 0;
}

/* Docker's and buildkit's attestations stand among the platforms as "unknown". */
static bool for_us(const struct descriptor *d)
{
	return (!d->os || strcmp(d->os, "linux") == 0) &&
	       (!d->architecture || strcmp(d->architecture, "amd64") == 0);
}

static int follow(const struct archive *a, const struct descriptor *d,
		  const struct descriptor *named, int depth, struct archived_images *out,
		  struct error *err);

/* An index below index.json: one image for several platforms. Of several for ours the first is taken. */
static int follow_platforms(const struct archive *a, yyjson_val *manifests,
			    const struct descriptor *named, int depth, struct archived_images *out,
			    struct error *err)
{
	yyjson_val *val;
	size_t i, max;

	yyjson_arr_foreach(manifests, i, max, val)
	{
		struct descriptor d;

		if (read_descriptor(val, "image index", &d, err) < 0)
			return -1;
		if (for_us(&d))
			return follow(a, &d, named, depth + 1, out, err);
	}
	return error_set(err, EINVAL, "image %s is for other platforms than linux/amd64",
			 named->digest_name);
}

static int follow(const struct archive *a, const struct descriptor *d,
		  const struct descriptor *named, int depth, struct archived_images *out,
		  struct error *err)
{
	const struct archive_member *m = find_document(a, d, "image manifest", err);
	yyjson_doc *doc autojson = NULL;
	yyjson_val *root, *manifests = NULL;
	struct archived_image *img;

	if (!m)
		return -1;
	if (depth > INDEX_DEPTH_MAX)
		return error_set(err, EINVAL,
				 "image indexes lead to image indexes more than %d deep",
				 INDEX_DEPTH_MAX);
	doc = json_parse(m->text, m->size, "image manifest", err);
	if (!doc)
		return -1;
	root = yyjson_doc_get_root(doc);
	if (!yyjson_is_obj(root) || json_get_arr(root, "manifests", &manifests, err) < 0)
		return error_set(err, EINVAL, "image manifest %s is none", d->digest_name);
	if (manifests)
		return follow_platforms(a, manifests, named, depth, out, err);
	img = archived_image_add(out);
	return read_manifest(a, root, img, err) < 0 || read_name(named, img, err) < 0 ? -1 : 0;
}

int oci_layout_find(const struct archive *a, const struct archive_member *index,
		    struct archived_images *out, struct error *err)
{
	yyjson_doc *doc autojson = json_parse(index->text, index->size, "index.json", err);
	yyjson_val *manifests = NULL, *val;
	size_t i, max, passed = 0;

	if (!doc || json_get_arr(yyjson_doc_get_root(doc), "manifests", &manifests, err) < 0)
		return -1;
	if (!manifests)
		return error_set(err, EINVAL, "index.json has no \"manifests\"");
	yyjson_arr_foreach(manifests, i, max, val)
	{
		struct descriptor d;

		if (read_descriptor(val, "index.json", &d, err) < 0)
			return -1;
		if (!for_us(&d))
			passed++;
		else if (follow(a, &d, &d, 1, out, err) < 0)
			return -1;
	}
	if (passed && !out->n)
		return error_set(err, EINVAL,
				 "its images are for other platforms than linux/amd64");
	return 0;
}
