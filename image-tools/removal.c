/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>

#include "image-tools/image.h"
#include "image-tools/journal.h"
#include "image-tools/layer.h"
#include "image-tools/layer_uses.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/str.h"

#define SHORT_ID 12

static void add(struct removal *r, bool untagged, char *text)
{
	r->items = xreallocarray(r->items, r->n + 1, sizeof(*r->items));
	r->items[r->n++] = (struct removed){ untagged, text };
}

static void add_deleted(struct removal *r, const struct digest *d)
{
	char text[DIGEST_TEXT_MAX];

	add(r, false, xstrdup(digest_text(d, text)));
}

static void add_untagged(struct removal *r, const char *name)
{
	struct reference ref autoreference = REFERENCE_INIT;

	add(r, true,
	    reference_parse(name, &ref, NULL) == 0 ? reference_text(&ref, true) : xstrdup(name));
}

void removal_free(struct removal *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->items[i].text);
	free(r->items);
	*r = (struct removal)REMOVAL_INIT;
}

/* ---- The steps */

/* The names of one image, appended to names. */
static void names_of(const struct tags *tags, const struct digest *id, struct strv *names)
{
	for (size_t i = 0; i < tags->n; i++)
		if (digest_equal(&tags->items[i].id, id))
			strv_add(names, tags->items[i].name);
}

/* Puts one layer on the list of what goes, unless somebody holds it; then a later sweep finds it again. */
static void plan_layer(const struct store *st, const struct digest *diffid, struct journal *j,
		       struct removal *out)
{
	struct layer_info info = { 0 };

	if (layer_is_held(st, diffid))
		return;
	/* Of a damaged one the size is not known. */
	(void)layer_stat(st, diffid, &info, NULL);
	out->reclaimed += info.size;
	journal_note_layer(j, diffid);
	add_deleted(out, diffid);
}

/* Does what was planned, so that a kill in the middle of it does not keep it from coming to its end. A disk that has no
 * room for a journal must not keep from removing. */
static int carry_out(const struct store *st, const struct journal *j, size_t told,
		     struct removal *out, struct error *err)
{
	struct error why = ERROR_INIT;

	if (journal_begin_locked(st, j, &why) < 0 && why.code != ENOSPC)
		return error_set(err, why.code, "%s", why.message);
	error_clear(&why);
	if (journal_carry_out_locked(st, j, &why) == 0)
		return 0;
	/* Of all steps only the first, the names', needs room: nothing has changed. Left, the journal would stop every
	 * command that could make some. */
	if (why.code == ENOSPC)
		(void)journal_end_locked(st, NULL);
	error_set(err, why.code, "%s", why.message);
	while (out->n > told)
		free(out->items[--out->n].text);
	return -1;
}

/* Whether all images that stay could be read. */
static bool uses_known(const struct layer_uses *uses, const struct digest *doomed, size_t n,
		       struct removal *out)
{
	for (size_t i = 0; i < uses->n_unread; i++) {
		bool goes = false;

		for (size_t k = 0; k < n; k++)
			goes |= digest_equal(&uses->unread[i], &doomed[k]);
		if (!goes) {
			out->kept = true;
			out->why = uses->unread[i];
			return false;
		}
	}
	return true;
}

/* An image that goes, and what it leaves behind. */
struct doomed {
	struct digest id;
	bool there;          /* false: a name that leads nowhere */
	struct image *image; /* NULL: damaged, its layers are not known */
	struct strv names;
};

static struct doomed *doom(const struct store *st, const struct tags *tags,
			   const struct digest *images, size_t n)
{
	struct doomed *d = xcalloc(n + 1, sizeof(*d));

	for (size_t i = 0; i < n; i++) {
		size_t len;
		char *json autofree = image_read(st, &images[i], &len, NULL);

		d[i].id = images[i];
		d[i].there = image_exists(st, &images[i]);
		d[i].image = json ? image_parse(json, len, NULL) : NULL;
		names_of(tags, &images[i], &d[i].names);
	}
	return d;
}

static void doom_free(struct doomed *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		image_free(d[i].image);
		strv_free(&d[i].names);
	}
	free(d);
}

/* The layers that go with this image: those for which it was the last. */
static void plan_layers(const struct store *st, const struct image *img, struct layer_uses *uses,
			struct journal *j, struct removal *out)
{
	for (size_t i = img->n_diffids; i-- > 0;) {
		struct layer_use *use = layer_uses_find(uses, &img->diffids[i]);
		bool again = false;

		/* An image that names a layer twice counts once. */
		for (size_t k = i + 1; k < img->n_diffids; k++)
			again |= digest_equal(&img->diffids[k], &img->diffids[i]);
		if (use && !again && !--use->images)
			plan_layer(st, &use->diffid, j, out);
	}
}

static int remove_all(const struct store *st, const struct doomed *d, size_t n,
		      struct layer_uses *uses, bool with_layers, struct removal *out,
		      struct error *err)
{
	struct journal j autojournal = JOURNAL_INIT;
	size_t told = out->n;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < d[i].names.len; k++) {
			journal_note_name(&j, d[i].names.items[k], NULL);
			add_untagged(out, d[i].names.items[k]);
		}
		journal_note_image(&j, &d[i].id);
		if (d[i].there)
			add_deleted(out, &d[i].id);
		if (with_layers && d[i].image)
			plan_layers(st, d[i].image, uses, &j, out);
	}
	return carry_out(st, &j, told, out, err);
}

int removal_of_images_locked(const struct store *st, const struct digest *images, size_t n,
			     struct removal *out, struct error *err)
{
	struct layer_uses uses autolayeruses = LAYER_USES_INIT;
	struct tags tags autotags = TAGS_INIT;
	struct doomed *d;
	int r;

	if (!n)
		return 0;
	if (tags_read(st, &tags, err) < 0 || layer_uses_count(st, &uses, err) < 0)
		return -1;
	d = doom(st, &tags, images, n);
	r = remove_all(st, d, n, &uses, uses_known(&uses, images, n, out), out, err);
	doom_free(d, n);
	return r;
}

int removal_of_layers_locked(const struct store *st, struct removal *out, struct error *err)
{
	struct layer_uses uses autolayeruses = LAYER_USES_INIT;
	struct journal j autojournal = JOURNAL_INIT;
	struct digest *diffids autofree = NULL;
	size_t n, told = out->n;

	if (layer_uses_count(st, &uses, err) < 0 || layer_list(st, &diffids, &n, err) < 0)
		return -1;
	if (!uses_known(&uses, NULL, 0, out))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!layer_uses_find(&uses, &diffids[i]))
			plan_layer(st, &diffids[i], &j, out);
	return j.n_layers ? carry_out(st, &j, told, out, err) : 0;
}

/* ---- rmi */

struct request {
	const char *typed;
	struct digest id;
	char *tag; /* whole name; NULL: by ID */
	bool force;
};

static int conflict(const struct request *rq, bool hard, const char *what, const char *container,
		    struct error *err)
{
	char hex[DIGEST_HEX_MAX];

	return error_set(err, EBUSY, "conflict: unable to delete %.*s (%s be forced) - %s%.*s",
			 SHORT_ID, digest_hex(&rq->id, hex), hard ? "cannot" : "must", what,
			 SHORT_ID, container);
}

/* What is in the way of an image called by its ID. */
static int check_by_id(const struct request *rq, const struct image_user *user, size_t n_names,
		       struct error *err)
{
	if (user && user->running)
		return conflict(rq, true, "image is being used by running container ", user->id,
				err);
	if (n_names > 1 && !rq->force)
		return conflict(rq, false, "image is referenced in multiple repositories", "", err);
	/* By force its names go; it has none: there is nothing that could go. */
	if (user && (!rq->force || !n_names))
		return conflict(rq, rq->force, "image is being used by stopped container ",
				user->id, err);
	return 0;
}

static int check_by_name(const struct request *rq, const struct image_user *user, struct error *err)
{
	char hex[DIGEST_HEX_MAX];

	if (!user || rq->force)
		return 0;
	return error_set(
		err, EBUSY,
		"conflict: unable to remove repository reference \"%.200s\" (must force) - container %.*s is using its "
		"referenced image %.*s",
		rq->typed, SHORT_ID, user->id, SHORT_ID, digest_hex(&rq->id, hex));
}

static int untag(const struct store *st, const struct strv *names, struct removal *out,
		 struct error *err)
{
	if (tags_remove_locked(st, names->items, names->len, err) < 0)
		return -1;
	for (size_t i = 0; i < names->len; i++)
		add_untagged(out, names->items[i]);
	return 0;
}

static int remove_requested(const struct store *st, image_users_fn users_of,
			    const struct request *rq, struct removal *out, struct error *err)
{
	struct image_users users autoimageusers = IMAGE_USERS_INIT;
	struct strv names autostrv = STRV_INIT, one autostrv = STRV_INIT;
	struct tags tags autotags = TAGS_INIT;
	const struct image_user *user;

	if (users_of(st, &users, err) < 0 || tags_read(st, &tags, err) < 0)
		return -1;
	names_of(&tags, &rq->id, &names);
	user = image_users_find(&users, &rq->id);
	if (rq->tag && names.len > 1) {
		strv_add(&one, rq->tag);
		return untag(st, &one, out, err);
	}
	if ((rq->tag ? check_by_name(rq, user, err) : check_by_id(rq, user, names.len, err)) < 0)
		return -1;
	return user ? untag(st, &names, out, err)
		    : removal_of_images_locked(st, &rq->id, 1, out, err);
}

int removal_of_image(const struct store *st, image_users_fn users_of, const char *name, bool force,
		     struct removal *out, struct error *err)
{
	struct request rq = { .typed = name, .force = force };
	char *tag autofree = NULL;
	int lock autoclose = store_lock(st, LOCK_EX, err);

	if (lock < 0 || image_resolve_name(st, name, &rq.id, &tag, err) < 0)
		return -1;
	rq.tag = tag;
	return remove_requested(st, users_of, &rq, out, err);
}
