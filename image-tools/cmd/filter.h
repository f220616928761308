/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `--filter KEY=VALUE` says: of images (`images`) and containers (`ps`). The words and the rules are Docker's: labels
 * must all be there, of other keys given several times one must fit. */
#ifndef KNARR_IMAGE_TOOLS_CMD_FILTER_H
#define KNARR_IMAGE_TOOLS_CMD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/str.h"

struct filter {
	char *key, *value;
};

struct filters {
	struct filter *items;
	size_t n;
};

#define FILTERS_INIT \
	{ \
		0 \
	}

/* Parses words, each KEY=VALUE with a key of known (ended by NULL). -1 with err set, EINVAL: `bad format of filter ...`
 * (status 125, as a mistyped flag), `invalid filter 'x'`. */
int filters_parse(const struct strv *words, const char *const *known, struct filters *out,
		  struct error *err);

/* The values of key one after the other: *i begins at 0. NULL behind the last. */
const char *filters_next(const struct filters *f, const char *key, size_t *i);
bool filters_has(const struct filters *f, const char *key);
/* Whether key is not asked for, or one of its values is value. */
bool filters_allow(const struct filters *f, const char *key, const char *value);

/* true, 1, false or 0; *out stays as it is where key is not given. -1 with err set: `invalid filter 'dangling=[x]'`. */
int filters_bool(const struct filters *f, const char *key, bool *out, struct error *err);

/* Whether labels (KEY=VALUE) have all that label=KEY and label=KEY=VALUE ask for. */
bool filters_match_labels(const struct filters *f, const struct strv *labels);

void filters_add(struct filters *f, const char *key, const char *value);
void filters_free(struct filters *f);
#define autofilters __attribute__((cleanup(filters_free)))

#endif
