/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A root filesystem's tar (any compression image-tools/stream.h reads) into the store, as an image of one layer with a
 * configuration made anew. */
#ifndef KNARR_IMAGE_TOOLS_IMPORT_H
#define KNARR_IMAGE_TOOLS_IMPORT_H

#include "image-tools/progress.h"
#include "image-tools/reference.h"
#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/str.h"

struct import_options {
	const struct reference *name; /* with a tag; NULL: none */
	const char *message; /* the history's comment; NULL: "Imported from -", as Docker writes */
	const struct strv *
		changes; /* instructions for the configuration (image-tools/change.h); NULL: none */
	struct progress *progress; /* may be NULL */
};

/* Imports the tar read from fd (a file or a pipe); source_name stands for it in messages. Fills id. Returns 0, or -1 with
 * err set and the store as it was: EINVAL (no tar, damaged), ENOSPC, ... */
int import_fd(const struct store *st, int fd, const char *source_name,
	      const struct import_options *options, struct digest *id, struct error *err);

#endif
