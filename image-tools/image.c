/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's side of images: finding, checking, putting. Parsing is in image_config.c. */
#include "image-tools/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "image-tools/layer.h"
#include "image-tools/reference.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/fs.h"

#define FILE_NAME_MAX (DIGEST_HEX_MAX + 8)

static const char *file_name(const struct digest *id, char buf[FILE_NAME_MAX])
{
	digest_hex(id, buf);
	return strcat(buf, ".json");
}

/* The sum of the sizes of img's layers; all must be in the store. */
static int layers_size(const struct store *st, const struct image *img, uint64_t *size,
		       struct error *err)
{
	*size = 0;
	for (size_t i = 0; i < img->n_diffids; i++) {
		struct layer_info info;

		if (layer_stat(st, &img->diffids[i], &info, err) < 0)
			return -1;
		*size += info.size;
	}
	return 0;
}

char *image_read(const struct store *st, const struct digest *id, size_t *len, struct error *err)
{
	struct error why = ERROR_INIT;
	char name[FILE_NAME_MAX], text[DIGEST_TEXT_MAX];
	struct digest found;
	char *json autofree =
		fs_read_file(st->images_fd, file_name(id, name), IMAGE_CONFIG_MAX, len, &why);

	if (!json) {
		if (why.code == ENOENT)
			error_set(err, ENOENT, "image %s not found; see 'knarr images'",
				  digest_text(id, text));
		else
			error_set(err, why.code, "%s", why.message);
		return NULL;
	}
	digest_of(json, *len, &found);
	if (!digest_equal(&found, id)) {
		error_set(err, EUCLEAN,
			  "image %s is damaged: its configuration does not match its ID",
			  digest_text(id, text));
		return NULL;
	}
	return STEAL_PTR(json);
}

struct image *image_open(const struct store *st, const struct digest *id, struct error *err)
{
	struct image *img autoimage = NULL;
	char text[DIGEST_TEXT_MAX];
	size_t len;
	char *json autofree = image_read(st, id, &len, err);

	if (!json)
		return NULL;
	img = image_parse(json, len, err);
	if (!img || layers_size(st, img, &img->size, err) < 0) {
		if (err) /* it was put in whole: whatever is wrong now is damage */
			err->code = EUCLEAN;
		error_prefix(err, "image %s is damaged", digest_text(id, text));
		return NULL;
	}
	return STEAL_PTR(img);
}

int image_put(const struct store *st, const char *json, size_t len, struct digest *id,
	      struct error *err)
{
	struct image *img autoimage = image_parse(json, len, err);
	char name[FILE_NAME_MAX];
	uint64_t size;

	if (!img || layers_size(st, img, &size, err) < 0)
		return -1;
	*id = img->id;
	/* What is there already is written again all the same: it may be damaged, and this heals it. */
	return fs_install_file(st->tmp_fd, st->images_fd, file_name(id, name), json, len, 0600,
			       err);
}

bool image_exists(const struct store *st, const struct digest *id)
{
	char name[FILE_NAME_MAX];

	return faccessat(st->images_fd, file_name(id, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int image_remove_locked(const struct store *st, const struct digest *id, struct error *err)
{
	char name[FILE_NAME_MAX];

	if (unlinkat(st->images_fd, file_name(id, name), 0) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s/images/sha256/%s", st->root, name);
	return 0;
}

int image_list(const struct store *st, struct digest **ids, size_t *n, struct error *err)
{
	if (store_objects(st->images_fd, ".json", ids, n) < 0)
		return error_errno(err, "cannot read %s/images/sha256", st->root);
	return 0;
}

static bool is_hex_prefix(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return len && len < DIGEST_HEX_MAX && !s[len];
}

/* 1: found; 0: no image's ID begins so; -1 with err set: several do. */
static int resolve_prefix(const struct store *st, const char *prefix, struct digest *id,
			  struct error *err)
{
	struct digest *ids autofree = NULL;
	size_t n, len = strlen(prefix);
	int found = 0;

	if (image_list(st, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char hex[DIGEST_HEX_MAX];

		if (strncmp(digest_hex(&ids[i], hex), prefix, len) != 0)
			continue;
		if (found)
			return error_set(
				err, EINVAL,
				"image ID \"%s\" is ambiguous: several images' IDs begin so",
				prefix);
		*id = ids[i];
		found = 1;
	}
	return found;
}

static int not_found(const char *name, struct error *err)
{
	return error_set(err, ENOENT, "image \"%.200s\" not found; see 'knarr images'", name);
}

int image_resolve_name(const struct store *st, const char *name, struct digest *id, char **tag,
		       struct error *err)
{
	struct reference ref autoreference = REFERENCE_INIT;
	struct tags tags autotags = TAGS_INIT;
	const struct digest *tagged;
	const char *hex = name;
	char *whole autofree = NULL;
	int r;

	*tag = NULL;
	/* An ID said to be one ("sha256:...") is nothing else; of bare digits a name takes precedence, as with Docker. */
	if (str_starts(name, "sha256:")) {
		hex = name + strlen("sha256:");
		if (!is_hex_prefix(hex))
			return error_set(err, EINVAL, "\"%.200s\" is no image ID", name);
		r = resolve_prefix(st, hex, id, err);
		return r == 0 ? not_found(name, err) : r < 0 ? -1 : 0;
	}
	if (digest_from_hex(name, id) == 0)
		return image_exists(st, id) ? 0 : not_found(name, err);
	if (reference_parse(name, &ref, err) < 0)
		return -1;
	if (ref.has_digest) {
		if (!image_exists(st, &ref.digest))
			return not_found(name, err);
		*id = ref.digest;
		return 0;
	}
	reference_default_tag(&ref);
	whole = reference_text(&ref, false);
	if (tags_read(st, &tags, err) < 0)
		return -1;
	tagged = tags_find(&tags, whole);
	if (tagged) {
		*id = *tagged;
		*tag = STEAL_PTR(whole);
		return 0;
	}
	r = is_hex_prefix(name) ? resolve_prefix(st, name, id, err) : 0;
	return r == 0 ? not_found(name, err) : r < 0 ? -1 : 0;
}

int image_resolve(const struct store *st, const char *name, struct digest *id, struct error *err)
{
	char *tag autofree = NULL;

	return image_resolve_name(st, name, id, &tag, err);
}
