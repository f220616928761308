/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An OCI image layout inside an archive (OCI image-spec image-layout.md). index.json is an image index; each of its
 * manifests is an image, or an index for several platforms, of which one is taken. Names are annotations. */
#include <errno.h>
#include <string.h>

#include "image-tools/archived_image.h"
#include "image-tools/image.h"
#include "image-tools/platform.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/str.h"

#define INDEX_DEPTH_MAX 4
#define STEPS_MAX       16384
#define SUITS_BEST      3
#define CONFIG_OCI      "application/vnd.oci.image.config.v1+json"
#define CONFIG_DOCKER   "application/vnd.docker.container.image.v1+json"
#define ANNOTATION_NAME "io.containerd.image.name"
#define ANNOTATION_REF  "org.opencontainers.image.ref.name"

struct descriptor {
	const char *media_type;
	const char *digest_name; /* "sha256:..." */
	struct digest digest;
	uint64_t size;
	const char *os, *architecture, *variant;
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
	    json_get_str(platform, "variant", &d->variant, err) < 0 ||
	    json_get_str(annotations, ANNOTATION_NAME, &d->name, err) < 0 ||
	    json_get_str(annotations, ANNOTATION_REF, &d->ref, err) < 0)
		return error_prefix(err, "%s", what);
	if (!d->digest_name || d->size == UINT64_MAX)
		return error_set(err, EINVAL, "%s has a descriptor without a %s", what,
				 d->digest_name ? "size" : "digest");
	return digest_from_text(d->digest_name, &d->digest, err);
}

enum blob_kind { DOCUMENT, LAYER };

/* The blob that d describes; NULL with err set unless it is there and as described. */
static const struct archive_member *find_blob(struct archive *a, const struct descriptor *d,
					      const char *what, enum blob_kind kind,
					      struct error *err)
{
	char name[sizeof("blobs/sha256/") + DIGEST_HEX_MAX] = "blobs/sha256/";
	const struct archive_member *m;

	digest_hex(&d->digest, name + strlen(name));
	m = kind == LAYER ? archive_find_layer(a, name, err)
			  : archive_find_document(a, name, what, err);
	if (!m)
		return NULL;
	if (!digest_equal(&m->digest, &d->digest)) /* a link to another blob */
		error_set(err, EBADMSG, "%s %s is another blob", what, d->digest_name);
	else if (m->size != d->size)
		error_set(err, EINVAL, "%s %s has %llu bytes, but is said to have %llu", what,
			  d->digest_name, (unsigned long long)m->size, (unsigned long long)d->size);
	else
		return m;
	return NULL;
}

/* Whether the manifest is one of an image, Docker's or OCI's: artifacts of all kinds come in manifests, too. */
static bool is_image(const struct descriptor *config)
{
	return !*config->media_type || strcmp(config->media_type, CONFIG_OCI) == 0 ||
	       strcmp(config->media_type, CONFIG_DOCKER) == 0;
}

/* Whether its configuration says that it runs here. Returns 1, 0, or -1 with err set. */
static int runs_here(const struct archive_member *config, struct error *err)
{
	struct image *img autoimage = image_parse(config->text, config->size, err);

	return img ? platform_is_ours(img->os, img->architecture) : -1;
}

/* Returns 1 where img is filled, 0 where it is no image for us, or -1 with err set. */
static int read_manifest(struct archive *a, yyjson_val *root, struct archived_image *img,
			 struct error *err)
{
	yyjson_val *config = NULL, *layers = NULL, *val;
	struct descriptor d;
	size_t i, max;
	int r;

	if (json_get_obj(root, "config", &config, err) < 0 ||
	    json_get_arr(root, "layers", &layers, err) < 0)
		return error_prefix(err, "image manifest");
	if (!config)
		return error_set(err, EINVAL, "image manifest has no \"config\"");
	if (read_descriptor(config, "image manifest", &d, err) < 0)
		return -1;
	if (!is_image(&d))
		return 0;
	img->config = find_blob(a, &d, "image configuration", DOCUMENT, err);
	if (!img->config)
		return -1;
	/* Before its layers are read: of a folder they need not be. */
	r = runs_here(img->config, err);
	if (r <= 0 || !layers)
		return r;
	yyjson_arr_foreach(layers, i, max, val)
	{
		const struct archive_member *m;

		if (read_descriptor(val, "image manifest", &d, err) < 0)
			return -1;
		m = find_blob(a, &d, "layer", LAYER, err);
		if (!m)
			return -1;
		archived_image_add_layer(img, m);
	}
	return 1;
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

/* The way from index.json down, for one of its descriptors. */
struct walk {
	struct archive *a;
	struct archived_images *out;
	const struct descriptor *named; /* in index.json: its annotations are the image's name */
	size_t steps; /* of the whole archive: indexes that name one another many times have no end */
};

/* What d leads to, added to w->out. Returns 1, 0 where it is nothing for us, or -1 with err set. */
static int follow(struct walk *w, const struct descriptor *d, int depth, struct error *err);

/* How well what d describes suits this machine; 0: not at all. The most is what asks the least of the processor. Docker's
 * and buildkit's attestations stand among the platforms as "unknown". */
static int suits(const struct descriptor *d)
{
	if (!platform_is_ours(d->os, d->architecture))
		return 0;
	if (!d->architecture)
		return 1; /* the configuration will say */
	return d->variant && strcmp(d->variant, "v1") != 0 ? 2 : SUITS_BEST;
}

/* An index below index.json: one image for several platforms. The first that suits best is taken. */
static int follow_platforms(struct walk *w, yyjson_val *manifests, int depth, struct error *err)
{
	yyjson_val *val;
	size_t i, max;

	for (int wanted = SUITS_BEST; wanted > 0; wanted--)
		yyjson_arr_foreach(manifests, i, max, val)
		{
			struct descriptor d;
			int r;

			if (read_descriptor(val, "image index", &d, err) < 0)
				return -1;
			if (suits(&d) != wanted)
				continue;
			r = follow(w, &d, depth + 1, err);
			if (r)
				return r;
		}
	return 0;
}

static int follow(struct walk *w, const struct descriptor *d, int depth, struct error *err)
{
	const struct archive_member *m = find_blob(w->a, d, "image manifest", DOCUMENT, err);
	yyjson_doc *doc autojson = NULL;
	yyjson_val *root, *manifests = NULL;
	struct archived_image *img;
	int r;

	if (!m)
		return -1;
	if (depth > INDEX_DEPTH_MAX)
		return error_set(err, EINVAL,
				 "image indexes lead to image indexes more than %d deep",
				 INDEX_DEPTH_MAX);
	if (w->steps++ == STEPS_MAX)
		return error_set(err, EINVAL, "image indexes lead to more than %d manifests",
				 STEPS_MAX);
	doc = json_parse(m->text, m->size, "image manifest", err);
	if (!doc)
		return -1;
	root = yyjson_doc_get_root(doc);
	if (!yyjson_is_obj(root) || json_get_arr(root, "manifests", &manifests, err) < 0)
		return error_set(err, EINVAL, "image manifest %s is none", d->digest_name);
	if (manifests)
		return follow_platforms(w, manifests, depth, err);
	img = archived_image_add(w->out, err);
	r = img ? read_manifest(w->a, root, img, err) : -1;
	if (r > 0)
		return read_name(w->named, img, err) < 0 ? -1 : 1;
	if (r == 0)
		archived_image_drop(w->out);
	return r;
}

/* The file that says what this folder is. Where it is missing the rest decides. */
static int check_version(struct archive *a, struct error *err)
{
	const struct archive_member *m = archive_find(a, "oci-layout", "document", NULL);
	yyjson_doc *doc autojson = NULL;
	const char *version = NULL;

	if (!m || m->kind != ARCHIVE_DOCUMENT)
		return 0;
	doc = json_parse(m->text, m->size, "oci-layout", err);
	if (!doc)
		return -1;
	if (json_get_str(yyjson_doc_get_root(doc), "imageLayoutVersion", &version, err) < 0)
		return error_prefix(err, "oci-layout");
	if (version && !str_starts(version, "1."))
		return error_set(err, EINVAL, "it is an OCI layout of version %.40s; 1.0.0 is read",
				 version);
	return 0;
}

int oci_layout_find(struct archive *a, const struct archive_member *index,
		    struct archived_images *out, struct error *err)
{
	struct walk w = { .a = a, .out = out };
	yyjson_doc *doc autojson = NULL;
	yyjson_val *manifests = NULL, *val;
	size_t i, max;

	if (check_version(a, err) < 0)
		return -1;
	doc = json_parse(index->text, index->size, "index.json", err);
	if (!doc)
		return -1;
	if (json_get_arr(yyjson_doc_get_root(doc), "manifests", &manifests, err) < 0)
		return error_prefix(err, "index.json");
	if (!manifests)
		return error_set(err, EINVAL, "index.json has no \"manifests\"");
	yyjson_arr_foreach(manifests, i, max, val)
	{
		struct descriptor d;

		if (read_descriptor(val, "index.json", &d, err) < 0)
			return -1;
		w.named = &d;
		if (suits(&d) && follow(&w, &d, 1, err) < 0)
			return -1;
	}
	if (yyjson_arr_size(manifests) && !out->n)
		return error_set(err, EINVAL, "it holds no image for " PLATFORM);
	return 0;
}
