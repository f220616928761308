/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image archives into the store: what `docker save`, `podman save`, skopeo, umoci, buildah and kaniko write.
 *
 *     docker-archive   manifest.json: [{"Config": NAME, "RepoTags": [...], "Layers": [NAME, ...]}, ...]
 *     OCI archive      index.json -> (index for a platform ->) manifest -> configuration and layers below blobs/
 *                      (OCI image-spec image-layout.md, image-index.md, manifest.md)
 *
 * either as a tar, or as a folder. One that is both, as Docker has written since version 25, is read as a docker-archive.
 * Of images for several platforms linux/amd64 is taken; what else stands in an OCI index (signatures, attestations) is
 * passed over. Everything is checked before anything is put: digests, sizes, and that every layer is the one that the
 * configuration names. Several images in one archive come in together or not at all. */
#ifndef KNARR_IMAGE_TOOLS_LOAD_H
#define KNARR_IMAGE_TOOLS_LOAD_H

#include <stddef.h>

#include "image-tools/progress.h"
#include "image-tools/reference.h"
#include "image-tools/store.h"
#include "image-tools/tags.h"
#include "lib/digest.h"
#include "lib/error.h"

struct loaded_image {
	struct digest id;
	struct reference *names; /* each with a tag */
	size_t n_names;
};

struct loaded {
	struct loaded_image *images; /* in the archive's order */
	size_t n;
	struct tag
		*moved; /* names (as people know them) that meant another image before, and which */
	size_t n_moved;
};

#define LOADED_INIT \
	{ \
		0 \
	}

/* Loads the archive read from fd (a file, a pipe or a folder). name stands for it in messages; progress may be NULL. Returns 0, or
 * -1 with err set and the store as it was: EINVAL (no image archive, damaged, contradicting itself), EBADMSG (a digest is
 * wrong), ENOSPC, ... */
int load_fd(const struct store *st, int fd, const char *name, struct progress *progress,
	    struct loaded *out, struct error *err);

/* The same from a file. */
int load_file(const struct store *st, const char *path, struct progress *progress,
	      struct loaded *out, struct error *err);

void loaded_free(struct loaded *l);
#define autoloaded __attribute__((cleanup(loaded_free)))

#endif
