/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/str.h"

#define TAGS_FILE     "tags.json"
#define TAGS_FILE_MAX (64U << 20) /* bytes; some 400,000 names */

static int compare_tags(const void *a, const void *b)
{
	return strcmp(((const struct tag *)a)->name, ((const struct tag *)b)->name);
}

static int tags_parse(const char *text, size_t len, struct tags *out, struct error *err)
{
	yyjson_doc *doc autojson = json_parse(text, len, TAGS_FILE, err);
	yyjson_val *map = NULL, *key, *val;
	size_t i, max;

	if (!doc || json_get_obj(yyjson_doc_get_root(doc), "tags", &map, err) < 0)
		return -1;
	if (!map)
		return error_set(err, EINVAL, "it has no member \"tags\"");
	out->items = xcalloc(yyjson_obj_size(map) + 1, sizeof(*out->items));
	yyjson_obj_foreach(map, i, max, key, val)
	{
		struct tag *t = &out->items[out->n];

		if (!yyjson_is_str(val))
			return error_set(err, EINVAL, "\"%.200s\" is no string",
					 yyjson_get_str(key));
		if (digest_from_text(yyjson_get_str(val), &t->id, err) < 0)
			return -1;
		t->name = xstrdup(yyjson_get_str(key));
		out->n++;
	}
	qsort(out->items, out->n, sizeof(*out->items), compare_tags);
	return 0;
}

int tags_read(const struct store *st, struct tags *out, struct error *err)
{
	struct error why = ERROR_INIT;
	size_t len;
	char *text autofree = fs_read_file(st->fd, TAGS_FILE, TAGS_FILE_MAX, &len, &why);

	*out = (struct tags)TAGS_INIT;
	if (!text && why.code == ENOENT)
		return 0;
	if (text && tags_parse(text, len, out, &why) == 0)
		return 0;
	tags_free(out);
	return error_set(err, text ? EUCLEAN : why.code, "%s/" TAGS_FILE "%s: %s", st->root,
			 text ? " is damaged" : "", why.message);
}

void tags_salvage(const struct store *st, struct tags *out)
{
	size_t len;
	char *text autofree = fs_read_file(st->fd, TAGS_FILE, TAGS_FILE_MAX, &len, NULL);
	yyjson_doc *doc autojson = text ? json_parse(text, len, TAGS_FILE, NULL) : NULL;
	yyjson_val *map = NULL, *key, *val;
	size_t i, max;

	*out = (struct tags)TAGS_INIT;
	if (!doc || json_get_obj(yyjson_doc_get_root(doc), "tags", &map, NULL) < 0 || !map)
		return;
	out->items = xcalloc(yyjson_obj_size(map) + 1, sizeof(*out->items));
	yyjson_obj_foreach(map, i, max, key, val)
	{
		struct tag *t = &out->items[out->n];

		if (!yyjson_is_str(val) || digest_from_text(yyjson_get_str(val), &t->id, NULL) < 0)
			continue;
		t->name = xstrdup(yyjson_get_str(key));
		out->n++;
	}
}

static int tags_write(const struct store *st, const struct tags *tags, struct error *err)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_val *map = yyjson_mut_obj_add_obj(doc, root, "tags");
	char text[DIGEST_TEXT_MAX];
	char *json autofree = NULL;
	size_t len;

	yyjson_mut_doc_set_root(doc, root);
	for (size_t i = 0; i < tags->n; i++)
		yyjson_mut_obj_add(map, yyjson_mut_str(doc, tags->items[i].name),
				   yyjson_mut_strcpy(doc, digest_text(&tags->items[i].id, text)));
	json = json_write(doc, false, &len);
	/* One that could not be read again would be the end of all names. */
	if (len > TAGS_FILE_MAX)
		return error_set(err, EFBIG,
				 "%s/" TAGS_FILE " would have more than %u MiB of names", st->root,
				 TAGS_FILE_MAX >> 20);
	return fs_install_file(st->tmp_fd, st->fd, TAGS_FILE, json, len, 0600, err);
}

static struct tag *find(const struct tags *tags, const char *name)
{
	struct tag key = { .name = (char *)name };

	if (!tags->n)
		return NULL;
	return bsearch(&key, tags->items, tags->n, sizeof(*tags->items), compare_tags);
}

/* Makes one change; returns whether it changed anything. What is new goes behind the sorted ones in *all, which have
 * room for it; what goes is left with an ID of zeros. No two changes are of one name. */
static bool apply(const struct tags *sorted, struct tags *all, const struct tag *change)
{
	struct tag *t = find(sorted, change->name);

	if (digest_is_zero(&change->id)) {
		if (t)
			t->id = change->id;
		return t;
	}
	if (t && digest_equal(&t->id, &change->id))
		return false;
	if (t) {
		t->id = change->id;
		return true;
	}
	all->items[all->n++] = (struct tag){ .name = xstrdup(change->name), .id = change->id };
	return true;
}

/* By name, then by their order. */
static int compare_changes(const void *a, const void *b)
{
	const struct tag *x = *(const struct tag *const *)a, *y = *(const struct tag *const *)b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x > y) - (x < y);
}

/* Applies the last change of each name: archives may name many, so nothing here looks at all for each. */
static bool apply_all(struct tags *tags, const struct tag *changes, size_t n)
{
	const struct tag **order autofree = xcalloc(n, sizeof(*order));
	const struct tags sorted = *tags;
	bool changed = false;
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = &changes[i];
	qsort(order, n, sizeof(*order), compare_changes);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || strcmp(order[i]->name, order[i + 1]->name) != 0)
			changed = apply(&sorted, tags, order[i]) || changed;
	for (size_t i = 0; i < tags->n; i++) {
		if (digest_is_zero(&tags->items[i].id))
			free(tags->items[i].name);
		else
			tags->items[left++] = tags->items[i];
	}
	tags->n = left;
	if (left)
		qsort(tags->items, left, sizeof(*tags->items), compare_tags);
	return changed;
}

int tags_set_locked(const struct store *st, const struct tag *changes, size_t n, struct error *err)
{
	struct tags tags autotags = TAGS_INIT;

	if (!n)
		return 0;
	if (tags_read(st, &tags, err) < 0)
		return -1;
	tags.items = xreallocarray(tags.items, tags.n + n, sizeof(*tags.items));
	return apply_all(&tags, changes, n) ? tags_write(st, &tags, err) : 0;
}

int tags_remove_locked(const struct store *st, char *const *names, size_t n, struct error *err)
{
	struct tags tags autotags = TAGS_INIT;
	bool *gone autofree = NULL;
	size_t left = 0;

	if (!n)
		return 0;
	if (tags_read(st, &tags, err) < 0)
		return -1;
	gone = xcalloc(tags.n + 1, sizeof(*gone));
	for (size_t i = 0; i < n; i++) {
		const struct tag *t = find(&tags, names[i]);

		if (t)
			gone[t - tags.items] = true;
	}
	for (size_t i = 0; i < tags.n; i++) {
		if (gone[i])
			free(tags.items[i].name);
		else
			tags.items[left++] = tags.items[i];
	}
	if (left == tags.n)
		return 0;
	tags.n = left;
	return tags_write(st, &tags, err);
}

int tags_set(const struct store *st, const struct reference *ref, const struct digest *id,
	     struct error *err)
{
	struct reference bare = { .repository = ref->repository, .tag = ref->tag };
	int lock autoclose = -1;
	char *name autofree = NULL;
	struct tag change;

	if (!ref->tag)
		return error_set(err, EINVAL, "\"%s\" has no tag to set", ref->repository);
	lock = store_lock(st, LOCK_EX, err);
	if (lock < 0)
		return -1;
	name = reference_text(&bare, false);
	change = (struct tag){ .name = name, .id = *id };
	return tags_set_locked(st, &change, 1, err);
}

const struct digest *tags_find(const struct tags *tags, const char *name)
{
	const struct tag *t = find(tags, name);

	return t ? &t->id : NULL;
}

void tags_free(struct tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		free(tags->items[i].name);
	free(tags->items);
	*tags = (struct tags)TAGS_INIT;
}
