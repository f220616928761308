/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations, the layers they name, the names that lead to them; and what lies in quarantine. */
#include "image-tools/fsck_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "image-tools/image.h"
#include "image-tools/quarantine.h"
#include "image-tools/reference.h"
#include "lib/cleanup.h"

#define OBJECT_NAME_MAX (DIGEST_HEX_MAX + 16)

/* ---- Configurations */

static void condemn_image(struct fsck *f, const struct survey_image *img, struct error *why)
{
	char hex[DIGEST_HEX_MAX];
	char *file autofree = str_format("%s.json", digest_hex(&img->id, hex));
	char *kept autofree = str_format("image-%s.json", hex);
	int lock autoclose = store_lock(f->st, LOCK_EX, why);
	struct image *again autoimage = NULL;
	char *json autofree = NULL;
	size_t len;

	if (lock < 0)
		return;
	/* It may have been loaded again meanwhile. */
	json = image_read(f->st, &img->id, &len, NULL);
	again = json ? image_parse(json, len, NULL) : NULL;
	if (!again && image_exists(f->st, &img->id))
		(void)quarantine_put(f->st, f->st->images_fd, file, kept, img->wrong, why);
}

void fsck_images(struct fsck *f, struct survey *s)
{
	for (size_t i = 0; i < s->n_images; i++) {
		const struct survey_image *img = &s->images[i];
		struct error why = ERROR_INIT;

		if (!*img->wrong)
			continue;
		if (f->repair)
			condemn_image(f, img, &why);
		fsck_tell(f, FSCK_QUARANTINE, &why,
			  "image %s: %s: load it again, or remove it with 'knarr rmi'", img->name,
			  img->wrong);
	}
}

/* Whether the layer is there for its image, by what was seen of it and, where that is given, by what the store has now:
 * one that changed under the check, or came after it, is as whole as its maker left it. */
static bool is_there(const struct survey *s, const struct survey *now, const struct digest *diffid)
{
	const struct survey_layer *l = survey_layer(s, diffid);

	if (l && l->sound)
		return true;
	if (!now || (l && l->record && !l->changed))
		return false;
	l = survey_layer(now, diffid);
	return l && l->tar && l->index && l->record;
}

/* How many layers the image lacks, and the first of them. */
static size_t lacks(const struct survey *s, const struct survey *now,
		    const struct survey_image *img, const struct digest **first)
{
	size_t n = 0;

	for (size_t k = 0; k < img->n_diffids; k++)
		if (!is_there(s, now, &img->diffids[k]) && !n++)
			*first = &img->diffids[k];
	return n;
}

void fsck_needs(struct fsck *f, const struct survey *s)
{
	struct survey later autosurvey = SURVEY_INIT;
	const struct survey *now = NULL;

	for (size_t i = 0; i < s->n_images; i++) {
		const struct survey_image *img = &s->images[i];
		const struct digest *first = NULL;
		char text[DIGEST_TEXT_MAX];
		size_t n = lacks(s, now, img, &first);

		/* The image may have gone with its layers since, or its layers have come. */
		if (n && !now && survey_under_lock(f->st, &later, NULL) == 0) {
			now = &later;
			n = lacks(s, now, img, &first);
		}
		if (!n || (now && !survey_image(now, &img->id)))
			continue;
		digest_text(first, text);
		if (n > 1)
			fsck_tell(
				f, FSCK_NONE, NULL,
				"image %s cannot be used: it lacks layer %s and %zu more; load it again, or remove it "
				"with 'knarr rmi'",
				img->name, text, n - 1);
		else
			fsck_tell(
				f, FSCK_NONE, NULL,
				"image %s cannot be used: it lacks layer %s; load it again, or remove it with 'knarr "
				"rmi'",
				img->name, text);
	}
}

/* ---- Names */

int fsck_names_file(struct fsck *f, struct error *err)
{
	int lock autoclose = store_lock(f->st, f->repair ? LOCK_EX : LOCK_SH, err);
	struct tags tags autotags = TAGS_INIT;
	struct error why = ERROR_INIT, failed = ERROR_INIT;

	if (lock < 0)
		return -1;
	if (tags_read(f->st, &tags, &why) == 0)
		return 0;
	if (why.code != EUCLEAN)
		return error_set(err, why.code, "%s", why.message);
	if (!f->repair) {
		fsck_tell(f, FSCK_QUARANTINE, NULL, "%s: names are lost", why.message);
		return 0;
	}
	tags_salvage(f->st, &tags);
	if (quarantine_put(f->st, f->st->fd, "tags.json", "tags.json", why.message, &failed) == 0)
		(void)tags_set_locked(f->st, tags.items, tags.n, &failed);
	fsck_tell(f, FSCK_QUARANTINE, &failed, "%s: names are lost, but for %zu", why.message,
		  tags.n);
	return 0;
}

/* Takes the name away unless it has been given to another image, or the image has come. */
static void drop_name(struct fsck *f, const struct tag *t, bool valid, struct error *why)
{
	int lock autoclose = store_lock(f->st, LOCK_EX, why);
	struct tags now autotags = TAGS_INIT;
	const struct digest *id;
	struct tag change = { .name = t->name };

	if (lock < 0 || tags_read(f->st, &now, why) < 0)
		return;
	id = tags_find(&now, t->name);
	if (id && digest_equal(id, &t->id) && (!valid || !image_exists(f->st, id)))
		(void)tags_set_locked(f->st, &change, 1, why);
}

static bool is_name(const char *name)
{
	struct reference ref autoreference = REFERENCE_INIT;
	char *again autofree = NULL;

	if (reference_parse(name, &ref, NULL) < 0 || ref.has_digest || !ref.tag)
		return false;
	again = reference_text(&ref, false);
	return strcmp(again, name) == 0;
}

void fsck_names(struct fsck *f, const struct survey *s)
{
	for (size_t i = 0; i < s->tags.n; i++) {
		const struct tag *t = &s->tags.items[i];
		bool valid = is_name(t->name);
		const struct survey_image *img = survey_image(s, &t->id);
		struct error why = ERROR_INIT;
		char text[DIGEST_TEXT_MAX];

		/* Of a damaged image the name goes with it, into quarantine. */
		if (valid && img && (!*img->wrong || !f->repair))
			continue;
		if (f->repair)
			drop_name(f, t, valid, &why);
		if (!valid)
			fsck_tell(f, FSCK_REMOVE, &why, "name \"%s\" is none", t->name);
		else
			fsck_tell(f, FSCK_REMOVE, &why,
				  "name %s leads to image %s, which is not there", t->name,
				  digest_text(&t->id, text));
	}
}

/* ---- Quarantine */

/* Whether the store has the thing whole again. */
static bool is_healed(const struct survey *s, const char *name)
{
	const struct survey_layer *l;
	const struct survey_image *img;
	char hex[DIGEST_HEX_MAX];
	struct digest d;
	const char *digits =
		str_starts(name, "layer-") || str_starts(name, "image-") ? name + 6 : NULL;

	if (!digits || strlen(digits) < DIGEST_HEX_MAX - 1)
		return false;
	memcpy(hex, digits, DIGEST_HEX_MAX - 1);
	hex[DIGEST_HEX_MAX - 1] = '\0';
	if (digest_from_hex(hex, &d) < 0)
		return false;
	l = survey_layer(s, &d);
	img = survey_image(s, &d);
	return name[0] == 'l' ? l && l->sound : img && !*img->wrong;
}

int fsck_quarantine(struct fsck *f, const struct survey *s, struct error *err)
{
	struct strv names autostrv = STRV_INIT;

	if (quarantine_list(f->st, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		bool healed = is_healed(s, names.items[i]);

		if (healed && f->repair && quarantine_drop(f->st, names.items[i], err) < 0)
			return -1;
		fsck_note(f, QUARANTINE_FOLDER "/%s: %s", names.items[i],
			  !healed     ? "kept to be looked at; delete it when you like"
			  : f->repair ? "the store has it whole again; removed"
				      : "the store has it whole again; --repair removes it");
	}
	return 0;
}
