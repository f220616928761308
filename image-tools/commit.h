/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's writable layer becomes an image: the upper directory of its overlay is written as one more layer's
 * tar (image-tools/folder_tar.h), and a configuration made of the parent's goes with it. Two steps, so that the
 * container need stand still for the first alone: reading, and publishing.
 *
 * The same upper directory gives the same layer, byte for byte. One with nothing in it gives none: the image then
 * has its parent's layers and a line of history that says so, as with Docker. */
#ifndef KNARR_IMAGE_TOOLS_COMMIT_H
#define KNARR_IMAGE_TOOLS_COMMIT_H

#include "image-tools/image.h"
#include "image-tools/reference.h"
#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct commit;

/* Reads the upper directory; -1 stands for one that was never made, and so is empty. Nothing of it is in the store
 * yet. NULL with err set: ENOSPC, EUCLEAN (see folder_tar.h), EINVAL (what the layer's index cannot hold), others
 * of open(2), read(2). */
struct commit *commit_read(const struct store *st, int upper_fd, struct error *err);

/* Files that are not in the layer because their names begin with ".wh.", which means something else there; *first,
 * where not NULL, becomes the path of the first, without its leading slash. */
unsigned long commit_left_out(const struct commit *c, const char **first);

struct commit_options {
	struct digest parent;                      /* the image the container was made from */
	const struct image_config *config;         /* what the new one is to say */
	const char *created_by, *author, *comment; /* may be NULL */
	const struct reference *name;              /* with a tag; NULL: none */
};

/* Publishes layer, image and name, all or none. Fills id. Returns 0, or -1 with err set: ENOENT (the parent is
 * gone), ENOSPC, ... */
int commit_publish(struct commit *c, const struct commit_options *options, struct digest *id,
		   struct error *err);

/* What was not published is gone. NULL is fine. */
void commit_free(struct commit *c);
static inline void commit_freep(struct commit **c)
{
	commit_free(*c);
}
#define autocommit __attribute__((cleanup(commit_freep)))

#endif
