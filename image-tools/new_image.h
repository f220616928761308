/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of an image made here, by `commit`, `import` or a step of `build`: its parent's, one layer and
 * one line of history longer (OCI image-spec, config.md; Docker's members beyond it). Members of the parent's that
 * Knarr does not know are kept, but for those that tell of the container it was once made from. Members stand in
 * the order of their names, as Docker's daemon writes them. */
#ifndef KNARR_IMAGE_TOOLS_NEW_IMAGE_H
#define KNARR_IMAGE_TOOLS_NEW_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "image-tools/image.h"
#include "lib/digest.h"
#include "lib/error.h"

struct new_image {
	const char *
		parent; /* its configuration as it stands in the store; NULL: none, and linux/amd64 */
	size_t parent_len;
	const struct image_config *
		config; /* the whole of it, not a change; what is empty in it is empty in the image */
	const struct digest
		*diffid; /* NULL: nothing was added, which the history says (empty_layer) */
	struct timespec created;
	const char *created_by, *author, *comment; /* NULL or empty: left out */
};

/* The document, on one line; the caller frees. NULL with err set, EINVAL, where the parent is damaged. */
char *new_image_write(const struct new_image *n, size_t *len, struct error *err);

/* The DiffID of a tar without entries. As with Docker, a change that comes to it is no layer. */
bool new_image_is_empty(const struct digest *diffid);

#endif
