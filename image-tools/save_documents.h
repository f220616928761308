/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON documents of an image archive. Everything that is in them is known before the first layer is read, because
 * layers go out as they are: a blob's digest is its DiffID. */
#ifndef KNARR_IMAGE_TOOLS_SAVE_DOCUMENTS_H
#define KNARR_IMAGE_TOOLS_SAVE_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/saved_image.h"

#define BLOB_NAME_MAX (sizeof("blobs/sha256/") + DIGEST_HEX_MAX)

struct save_document {
	char *name; /* in the archive */
	char *text;
	size_t len;
};

struct save_documents {
	struct save_document *items; /* in the archive's order, before the layers */
	size_t n;
};

#define SAVE_DOCUMENTS_INIT \
	{ \
		0 \
	}

/* oci-layout, index.json and, below blobs/sha256/, every image's manifest and configuration (OCI image-spec
 * image-layout.md, image-index.md, manifest.md); with docker also manifest.json and repositories, Docker's own
 * (moby: image/tarexport). Free with save_documents_free. */
void save_documents_make(const struct saved_images *images, bool docker,
			 struct save_documents *out);

void save_documents_free(struct save_documents *documents);
#define autodocuments __attribute__((cleanup(save_documents_free)))

/* "blobs/sha256/<64 digits>"; returns buf. */
const char *blob_name(const struct digest *d, char buf[BLOB_NAME_MAX]);

#endif
