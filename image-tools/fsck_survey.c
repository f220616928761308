/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/fsck_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "image-tools/image.h"
#include "image-tools/reference.h"
#include "lib/cleanup.h"
#include "lib/fs.h"

#define SHORT_ID 12

/* Both lists are sorted by their first member. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

struct survey_image *survey_image(const struct survey *s, const struct digest *id)
{
	return s->n_images ? bsearch(id, s->images, s->n_images, sizeof(*s->images), compare)
			   : NULL;
}

struct survey_layer *survey_layer(const struct survey *s, const struct digest *diffid)
{
	return s->n_layers ? bsearch(diffid, s->layers, s->n_layers, sizeof(*s->layers), compare)
			   : NULL;
}

/* ---- Images */

static char *name_of(const struct tags *tags, const struct digest *id)
{
	char text[DIGEST_TEXT_MAX];

	for (size_t i = 0; i < tags->n; i++) {
		struct reference ref autoreference = REFERENCE_INIT;

		if (digest_equal(&tags->items[i].id, id) &&
		    reference_parse(tags->items[i].name, &ref, NULL) == 0)
			return reference_text(&ref, true);
	}
	return str_format("%.*s", SHORT_ID, digest_hex(id, text));
}

static int read_image(const struct store *st, const struct digest *id, struct survey *s,
		      struct error *err)
{
	struct survey_image *entry = &s->images[s->n_images];
	struct image *img autoimage = NULL;
	struct error why = ERROR_INIT;
	size_t len;
	char *json autofree = image_read(st, id, &len, &why);

	if (!json && why.code == ENOENT)
		return 0;
	if (!json && why.code != EUCLEAN && why.code != EIO && why.code != EFBIG &&
	    why.code != EINVAL)
		return error_set(err, why.code, "%s", why.message);
	*entry = (struct survey_image){ .id = *id, .name = name_of(&s->tags, id) };
	s->n_images++;
	img = json ? image_parse(json, len, &why) : NULL;
	if (img) {
		entry->diffids = STEAL_PTR(img->diffids);
		entry->n_diffids = img->n_diffids;
		return 0;
	}
	s->n_unread++;
	snprintf(entry->wrong, sizeof(entry->wrong), "%s",
		 why.code == EUCLEAN ? "its configuration does not hash to its ID" : why.message);
	return 0;
}

/* ---- Layers */

static struct survey_layer *add_layer(struct survey *s, size_t *room, const struct digest *diffid)
{
	if (s->n_layers == *room) {
		*room = *room ? 2 * *room : 64;
		s->layers = xreallocarray(s->layers, *room, sizeof(*s->layers));
	}
	s->layers[s->n_layers] = (struct survey_layer){ .diffid = *diffid };
	return &s->layers[s->n_layers++];
}

static int list_layers(const struct store *st, struct survey *s, size_t *room, struct error *err)
{
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = openat(st->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !(dir = fdopendir(fd))) {
		error_errno(err, "cannot read %s/layers/sha256", st->root);
		cleanup_close(&fd);
		return -1;
	}
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		char hex[DIGEST_HEX_MAX];
		const char *suffix;
		struct survey_layer *l;
		struct digest d;
		struct stat st_buf;

		if (strlen(e->d_name) <= DIGEST_HEX_MAX - 1)
			continue;
		memcpy(hex, e->d_name, DIGEST_HEX_MAX - 1);
		hex[DIGEST_HEX_MAX - 1] = '\0';
		if (digest_from_hex(hex, &d) < 0)
			continue;
		suffix = e->d_name + DIGEST_HEX_MAX - 1;
		l = add_layer(s, room, &d);
		l->tar = strcmp(suffix, ".tar") == 0;
		l->index = strcmp(suffix, ".erofs") == 0;
		l->record = strcmp(suffix, ".json") == 0;
		if (!l->tar && !l->index && !l->record && strcmp(suffix, ".chains") != 0)
			s->n_layers--;
		else if (l->tar &&
			 fstatat(st->layers_fd, e->d_name, &st_buf, AT_SYMLINK_NOFOLLOW) == 0)
			l->tar_size = (uint64_t)st_buf.st_size;
	}
	return errno ? error_errno(err, "cannot read %s/layers/sha256", st->root) : 0;
}

/* One entry a layer, of the one a file and the one a need there are so far. */
static void unite(struct survey *s)
{
	size_t n = 0;

	if (s->n_layers)
		qsort(s->layers, s->n_layers, sizeof(*s->layers), compare);
	for (size_t i = 0; i < s->n_layers; i++) {
		struct survey_layer *to = n ? &s->layers[n - 1] : NULL, *l = &s->layers[i];

		if (!to || !digest_equal(&to->diffid, &l->diffid)) {
			s->layers[n++] = *l;
			continue;
		}
		to->tar |= l->tar;
		to->index |= l->index;
		to->record |= l->record;
		to->needed |= l->needed;
		to->tar_size += l->tar_size;
	}
	s->n_layers = n;
}

int survey_take(const struct store *st, struct survey *out, struct error *err)
{
	struct digest *ids autofree = NULL;
	size_t n, room = 0;
	struct error why = ERROR_INIT;

	*out = (struct survey)SURVEY_INIT;
	if (tags_read(st, &out->tags, &why) < 0 && why.code != EUCLEAN)
		return error_set(err, why.code, "%s", why.message);
	if (image_list(st, &ids, &n, err) < 0)
		return -1;
	out->images = xcalloc(n + 1, sizeof(*out->images));
	if (n)
		qsort(ids, n, sizeof(*ids), compare);
	for (size_t i = 0; i < n; i++)
		if (read_image(st, &ids[i], out, err) < 0)
			return -1;
	if (list_layers(st, out, &room, err) < 0)
		return -1;
	for (size_t i = 0; i < out->n_images; i++)
		for (size_t k = 0; k < out->images[i].n_diffids; k++)
			add_layer(out, &room, &out->images[i].diffids[k])->needed = true;
	unite(out);
	return 0;
}

int survey_under_lock(const struct store *st, struct survey *out, struct error *err)
{
	int lock autoclose = store_lock(st, LOCK_SH, err);

	return lock < 0 ? -1 : survey_take(st, out, err);
}

void survey_free(struct survey *s)
{
	for (size_t i = 0; i < s->n_images; i++) {
		free(s->images[i].name);
		free(s->images[i].diffids);
	}
	free(s->images);
	free(s->layers);
	tags_free(&s->tags);
	*s = (struct survey)SURVEY_INIT;
}
