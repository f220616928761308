/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/str.h"

#define JOURNAL_MAX (64U << 20) /* bytes: it names no more than tags.json may */

/* ---- Noting */

static void note(struct digest **list, size_t *n, const struct digest *d)
{
	for (size_t i = 0; i < *n; i++)
		if (digest_equal(&(*list)[i], d))
			return;
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = *d;
}

void journal_note_image(struct journal *j, const struct digest *id)
{
	note(&j->images, &j->n_images, id);
}

void journal_note_layer(struct journal *j, const struct digest *diffid)
{
	note(&j->layers, &j->n_layers, diffid);
}

void journal_note_name(struct journal *j, const char *name, const struct digest *id)
{
	static const struct digest none;

	j->names = xreallocarray(j->names, j->n_names + 1, sizeof(*j->names));
	j->names[j->n_names++] = (struct tag){ .name = xstrdup(name), .id = id ? *id : none };
}

void journal_free(struct journal *j)
{
	for (size_t i = 0; i < j->n_names; i++)
		free(j->names[i].name);
	free(j->names);
	free(j->images);
	free(j->layers);
	*j = (struct journal)JOURNAL_INIT;
}

/* ---- The file */

static void write_digests(yyjson_mut_doc *doc, const char *key, const struct digest *list, size_t n)
{
	yyjson_mut_val *array = yyjson_mut_obj_add_arr(doc, yyjson_mut_doc_get_root(doc), key);
	char text[DIGEST_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		yyjson_mut_arr_add_strcpy(doc, array, digest_text(&list[i], text));
}

static char *write_journal(const struct journal *j, size_t *len)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *names;
	char text[DIGEST_TEXT_MAX];

	yyjson_mut_doc_set_root(doc, root);
	names = yyjson_mut_obj_add_obj(doc, root, "tags");
	for (size_t i = 0; i < j->n_names; i++) {
		const struct digest *id = &j->names[i].id;

		yyjson_mut_obj_add(names, yyjson_mut_str(doc, j->names[i].name),
				   digest_is_zero(id)
					   ? yyjson_mut_null(doc)
					   : yyjson_mut_strcpy(doc, digest_text(id, text)));
	}
	write_digests(doc, "images", j->images, j->n_images);
	write_digests(doc, "layers", j->layers, j->n_layers);
	return json_write(doc, false, len);
}

static int read_digests(yyjson_val *root, const char *key, struct journal *j,
			void (*add)(struct journal *, const struct digest *), struct error *err)
{
	struct strv list autostrv = STRV_INIT;
	struct digest d;

	if (json_get_strv(root, key, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++) {
		if (digest_from_text(list.items[i], &d, err) < 0)
			return -1;
		add(j, &d);
	}
	return 0;
}

static int read_journal(const char *text, size_t len, struct journal *j, struct error *err)
{
	yyjson_doc *doc autojson = json_parse(text, len, JOURNAL_FILE, err);
	yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL, *names = NULL, *key, *val;
	size_t i, max;

	if (!doc || json_get_obj(root, "tags", &names, err) < 0 ||
	    read_digests(root, "images", j, journal_note_image, err) < 0 ||
	    read_digests(root, "layers", j, journal_note_layer, err) < 0)
		return -1;
	yyjson_obj_foreach(names, i, max, key, val)
	{
		struct digest id;

		if (yyjson_is_null(val)) {
			journal_note_name(j, yyjson_get_str(key), NULL);
			continue;
		}
		if (!yyjson_is_str(val))
			return error_set(err, EINVAL, "a name's image is no string");
		if (digest_from_text(yyjson_get_str(val), &id, err) < 0)
			return -1;
		journal_note_name(j, yyjson_get_str(key), &id);
	}
	return 0;
}

int journal_begin_locked(const struct store *st, const struct journal *j, struct error *err)
{
	size_t len;
	char *text autofree = write_journal(j, &len);

	/* One that could not be read again would stop all that comes after. */
	if (len > JOURNAL_MAX)
		return error_set(err, EFBIG, "too many names, images and layers for one step");
	return fs_install_file(st->tmp_fd, st->tmp_fd, JOURNAL_FILE, text, len, 0600, err);
}

int journal_end_locked(const struct store *st, struct error *err)
{
	if (unlinkat(st->tmp_fd, JOURNAL_FILE, 0) < 0)
		return errno == ENOENT
			       ? 0
			       : error_errno(err, "cannot remove %s/tmp/" JOURNAL_FILE, st->root);
	return fs_sync_dir(st->tmp_fd, err);
}

/* ---- Doing what it says */

int journal_carry_out_locked(const struct store *st, const struct journal *j, struct error *err)
{
	/* Each kind is gone for good before the next, which it stands on, goes. */
	if (tags_set_locked(st, j->names, j->n_names, err) < 0)
		return -1;
	for (size_t i = 0; i < j->n_images; i++)
		if (image_remove_locked(st, &j->images[i], err) < 0)
			return -1;
	if (j->n_images && fs_sync_dir(st->images_fd, err) < 0)
		return -1;
	for (size_t i = 0; i < j->n_layers; i++)
		if (layer_remove_locked(st, &j->layers[i], err) < 0)
			return -1;
	if (j->n_layers && fs_sync_dir(st->layers_fd, err) < 0)
		return -1;
	return journal_end_locked(st, err);
}

bool journal_exists(const struct store *st)
{
	return faccessat(st->tmp_fd, JOURNAL_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int journal_settle_locked(const struct store *st, struct error *err)
{
	struct journal j autojournal = JOURNAL_INIT;
	struct error why = ERROR_INIT;
	size_t len;
	bool read;
	char *text autofree = NULL;

	if (!journal_exists(st))
		return 0;
	text = fs_read_file(st->tmp_fd, JOURNAL_FILE, JOURNAL_MAX, &len, &why);
	read = text && read_journal(text, len, &j, &why) == 0;
	if (read && journal_carry_out_locked(st, &j, &why) == 0)
		return 0;
	return error_set(err, why.code ? why.code : EIO,
			 "cannot finish what a killed command began: %s/tmp/" JOURNAL_FILE ": %s%s",
			 st->root, why.message,
			 read ? "" : "; move that file away and run 'knarr fsck --repair'");
}

void journal_settle(const struct store *st)
{
	int lock autoclose = journal_exists(st) ? store_lock(st, LOCK_EX | LOCK_NB, NULL) : -1;

	(void)lock;
}
