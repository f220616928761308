/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/prune_filter.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"

static int add_until(struct prune_filter *f, const char *value, struct error *err)
{
	if (f->has_until)
		return error_set(err, EINVAL, "more than one until filter specified");
	if (time_moment(value, &f->until) < 0)
		return error_set(
			err, EINVAL,
			"invalid value for 'until' filter: \"%.100s\": give a time like 2026-11-24T02:03:04Z, seconds "
			"since 1970, or a span like 24h",
			value);
	f->has_until = true;
	return 0;
}

int prune_filter_parse(const struct strv *values, struct prune_filter *out, struct error *err)
{
	*out = (struct prune_filter)PRUNE_FILTER_INIT;
	for (size_t i = 0; i < values->len; i++) {
		const char *text = values->items[i], *value = strchr(text, '=');
		char *name autofree = xstrndup(text, strcspn(text, "="));
		int r = 0;

		if (value && strcmp(name, "until") == 0)
			r = add_until(out, value + 1, err);
		else if (value && strcmp(name, "label") == 0)
			strv_add(&out->labels, value + 1);
		else if (value && strcmp(name, "label!") == 0)
			strv_add(&out->not_labels, value + 1);
		else
			r = error_set(
				err, EINVAL,
				"invalid filter '%.100s'; there are until=, label= and label!=",
				text);
		if (r < 0) {
			prune_filter_free(out);
			return -1;
		}
		strv_add(&out->words, text);
	}
	return 0;
}

static bool has_label(const struct strv *labels, const char *wanted)
{
	const char *value = strchr(wanted, '=');
	char *key autofree = xstrndup(wanted, strcspn(wanted, "="));
	const char *has = strv_env_get(labels, key);

	return has && (!value || strcmp(has, value + 1) == 0);
}

static bool has_all(const struct strv *labels, const struct strv *wanted)
{
	for (size_t i = 0; i < wanted->len; i++)
		if (!has_label(labels, wanted->items[i]))
			return false;
	return true;
}

bool prune_filter_matches(const struct prune_filter *f, const struct timespec *created,
			  const struct strv *labels)
{
	if (f->has_until &&
	    (!created || created->tv_sec > f->until.tv_sec ||
	     (created->tv_sec == f->until.tv_sec && created->tv_nsec > f->until.tv_nsec)))
		return false;
	if (!has_all(labels, &f->labels))
		return false;
	return !f->not_labels.len || !has_all(labels, &f->not_labels);
}

void prune_filter_free(struct prune_filter *f)
{
	strv_free(&f->labels);
	strv_free(&f->not_labels);
	strv_free(&f->words);
	*f = (struct prune_filter)PRUNE_FILTER_INIT;
}
