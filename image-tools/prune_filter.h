/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `--filter` of the prune commands lets go: until=MOMENT (only what was made before), label=KEY[=VALUE] (only what has
 * all of them), label!=KEY[=VALUE] (not what has all of these). Docker's words and its rules. */
#ifndef KNARR_IMAGE_TOOLS_PRUNE_FILTER_H
#define KNARR_IMAGE_TOOLS_PRUNE_FILTER_H

#include <stdbool.h>
#include <time.h>

#include "lib/error.h"
#include "lib/str.h"

struct prune_filter {
	bool has_until;
	struct timespec until;
	struct strv labels, not_labels; /* KEY or KEY=VALUE */
	struct strv words;              /* as typed, for the question that is asked before */
};

#define PRUNE_FILTER_INIT \
	{ \
		0 \
	}

/* Parses the values of --filter. -1 with err set: EINVAL (`invalid filter 'x'`, a moment that is none, two of them). */
int prune_filter_parse(const struct strv *values, struct prune_filter *out, struct error *err);

/* Whether a thing with these labels (KEY=VALUE) and this age may go; created NULL: nobody knows it, and until= keeps it. */
bool prune_filter_matches(const struct prune_filter *f, const struct timespec *created,
			  const struct strv *labels);

void prune_filter_free(struct prune_filter *f);
#define autoprunefilter __attribute__((cleanup(prune_filter_free)))

#endif
