/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `cp SRC DEST` means: which side is the container's, and what becomes of the source where the destination exists or
 * does not. Docker's rules ("docker container cp" in its command reference), as functions of text and a few facts, so
 * that a table can test them. */
#ifndef KNARR_RUNTIME_COPY_RULES_H
#define KNARR_RUNTIME_COPY_RULES_H

#include <stdbool.h>

#include "lib/error.h"

/* Splits CONTAINER:PATH. What begins with "/" or "." is of this machine whatever colons follow (`./a:b`), as is what has
 * none. *container is the caller's to free, NULL for this machine; *path points into arg. */
void copy_split(const char *arg, char **container, const char **path);

struct copy_path {
	char *text; /* absolute; "//", "." and ".." taken out by their text alone, as Docker does */
	bool folder; /* it ended in "/" or its last part was ".": only a folder is meant */
	bool contents; /* its last part was "." (or "./"), or it is the root: what is in the folder is meant */
};

/* base is the folder that a relative path starts from: "/" in a container. */
void copy_path_parse(const char *base, const char *path, struct copy_path *out);
void copy_path_free(struct copy_path *p);
#define autocopypath __attribute__((cleanup(copy_path_free)))

/* The last name of a path, "" for the root; and the path without it. The second is the caller's to free. */
const char *copy_path_name(const char *text);
char *copy_path_parent(const char *text);

enum copy_kind { COPY_MISSING, COPY_FILE, COPY_FOLDER };

enum copy_shape {
	COPY_INTO,     /* under the source's name, in the destination */
	COPY_CONTENTS, /* what is in the source, in the destination */
	COPY_AS        /* under the destination's name, in its parent */
};

/* Fills shape, or returns -1 with err set, in Docker's words: ENOTDIR, ENOENT (`no such directory`), EISDIR
 * (`cannot copy directory`). */
int copy_rules(const struct copy_path *src, enum copy_kind src_kind, const struct copy_path *dest,
	       enum copy_kind dest_kind, enum copy_shape *shape, struct error *err);

#endif
