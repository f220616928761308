/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/filter.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"

/* A copy of s[0..len) without the white space around it. */
static char *trimmed(const char *s, size_t len)
{
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	return xstrndup(s, len);
}

void filters_add(struct filters *f, const char *key, const char *value)
{
	f->items = xreallocarray(f->items, f->n + 1, sizeof(*f->items));
	f->items[f->n++] = (struct filter){ xstrdup(key), xstrdup(value) };
}

static bool is_known(const char *const *known, const char *key)
{
	for (; *known; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

static int parse(const char *word, const char *const *known, struct filters *out, struct error *err)
{
	const char *equals = strchr(word, '=');
	char *key autofree = NULL, *value autofree = NULL;

	if (!*word)
		return 0;
	if (!equals) {
		error_set(
			err, EINVAL,
			"invalid argument \"%.100s\" for \"-f, --filter\" flag: bad format of filter "
			"(expected name=value)",
			word);
		return error_status(err, 125);
	}
	key = trimmed(word, (size_t)(equals - word));
	value = trimmed(equals + 1, strlen(equals + 1));
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!is_known(known, key))
		return error_set(err, EINVAL, "invalid filter '%.100s'", key);
	filters_add(out, key, value);
	return 0;
}

int filters_parse(const struct strv *words, const char *const *known, struct filters *out,
		  struct error *err)
{
	*out = (struct filters)FILTERS_INIT;
	for (size_t i = 0; i < words->len; i++) {
		if (parse(words->items[i], known, out, err) < 0) {
			filters_free(out);
			return -1;
		}
	}
	return 0;
}

const char *filters_next(const struct filters *f, const char *key, size_t *i)
{
	while (*i < f->n) {
		const struct filter *item = &f->items[(*i)++];

		if (strcmp(item->key, key) == 0)
			return item->value;
	}
	return NULL;
}

bool filters_has(const struct filters *f, const char *key)
{
	size_t i = 0;

	return filters_next(f, key, &i) != NULL;
}

bool filters_allow(const struct filters *f, const char *key, const char *value)
{
	const char *allowed;
	size_t i = 0;

	while ((allowed = filters_next(f, key, &i)))
		if (strcmp(allowed, value) == 0)
			return true;
	return !filters_has(f, key);
}

int filters_bool(const struct filters *f, const char *key, bool *out, struct error *err)
{
	const char *value, *last = NULL;
	bool yes = false, no = false;
	size_t i = 0;

	while ((value = filters_next(f, key, &i))) {
		yes |= strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
		no |= strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
		last = value;
	}
	if (!last)
		return 0;
	if (yes == no)
		return error_set(err, EINVAL, "invalid filter '%s=[%.100s]'", key, last);
	*out = yes;
	return 0;
}

bool filters_match_labels(const struct filters *f, const struct strv *labels)
{
	const char *wanted;
	size_t i = 0;

	while ((wanted = filters_next(f, "label", &i))) {
		const char *value = strchr(wanted, '=');
		char *key autofree = xstrndup(wanted, strcspn(wanted, "="));
		const char *has = strv_env_get(labels, key);

		if (!has || (value && strcmp(has, value + 1) != 0))
			return false;
	}
	return true;
}

void filters_free(struct filters *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].key);
		free(f->items[i].value);
	}
	free(f->items);
	*f = (struct filters)FILTERS_INIT;
}
