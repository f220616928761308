/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tags.json: which image each name means. {"tags":{"docker.io/library/busybox:latest":"sha256:..."}}; read whole,
 * replaced whole by rename, changed under the store's exclusive lock. */
#ifndef KNARR_IMAGE_TOOLS_TAGS_H
#define KNARR_IMAGE_TOOLS_TAGS_H

#include <stddef.h>

#include "image-tools/reference.h"
#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct tag {
	char *name; /* whole: "docker.io/library/busybox:latest" */
	struct digest id;
};

struct tags {
	struct tag *items; /* sorted by name */
	size_t n;
};

#define TAGS_INIT \
	{ \
		0 \
	}

/* Reads all tags; a store without tags.json has none. -1 with err set: EUCLEAN (damaged). Free with tags_free. */
int tags_read(const struct store *st, struct tags *out, struct error *err);

/* Points ref (which has a tag) at id, durably; what it pointed at before is left untagged. Takes the lock itself. */
int tags_set(const struct store *st, const struct reference *ref, const struct digest *id,
	     struct error *err);

/* The same for several at once, in one replacement of the file: all of them or none. An ID of zeros takes the name away;
 * what changes nothing writes nothing. The caller holds the store's exclusive lock. */
int tags_set_locked(const struct store *st, const struct tag *changes, size_t n, struct error *err);

/* Takes names away, in one replacement of the file; those that are not there are no error. The caller holds the store's
 * exclusive lock. */
int tags_remove_locked(const struct store *st, char *const *names, size_t n, struct error *err);

/* What can still be read of a damaged tags.json; in no order. Free with tags_free. */
void tags_salvage(const struct store *st, struct tags *out);

/* The ID behind a whole name, or NULL; points into tags. */
const struct digest *tags_find(const struct tags *tags, const char *name);

void tags_free(struct tags *tags);
#define autotags __attribute__((cleanup(tags_free)))

#endif
