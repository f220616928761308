/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image archive, read in one pass from a file or a pipe: a tar, itself plain or compressed, whose JSON documents are
 * kept in memory and whose layers are staged in the store as they come by, before anybody knows which image they belong
 * to. What it all means is for image-tools/load.h to say. */
#ifndef KNARR_IMAGE_TOOLS_ARCHIVE_H
#define KNARR_IMAGE_TOOLS_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "image-tools/layer.h"
#include "image-tools/progress.h"
#include "lib/digest.h"
#include "lib/error.h"

#define ARCHIVE_DOCUMENT_MAX  (8U << 20)  /* bytes of one JSON document */
#define ARCHIVE_DOCUMENTS_MAX (32U << 20) /* of all of them */
#define ARCHIVE_MEMBERS_MAX   20000U

enum archive_kind {
	ARCHIVE_OTHER,    /* nothing an image is made of */
	ARCHIVE_DOCUMENT, /* begins as JSON does */
	ARCHIVE_LAYER,    /* a tar, plain or compressed: sealed, not published */
	ARCHIVE_LINK
};

struct archive_member {
	char *name; /* without leading "./" and "/" */
	enum archive_kind kind;
	struct digest digest; /* documents and all below blobs/: of the bytes as they stand there */
	uint64_t size; /* of those bytes */
	char *text;    /* documents, with a NUL behind */
	char *target;  /* links: the name they stand for */
	struct layer_writer *layer;
	struct layer_info info;
};

struct archive {
	struct archive_member *members;
	size_t n;
};

#define ARCHIVE_INIT \
	{ \
		0 \
	}

/* Reads the archive in fd, to its end. name stands for it in messages. Below blobs/sha256/ a member must be what its name
 * says. progress may be NULL. Returns 0, or -1 with err set: EINVAL (no archive, truncated, damaged, ...), EBADMSG (a
 * wrong digest), ENOSPC, others. out is to be freed after a success. */
int archive_read(const struct store *st, int fd, const char *name, struct progress *progress,
		 struct archive *out, struct error *err);

/* The member of that name, links followed; NULL where there is none. */
const struct archive_member *archive_find(const struct archive *a, const char *name);

/* Abandons what is staged and not published. */
void archive_free(struct archive *a);
#define autoarchive __attribute__((cleanup(archive_free)))

#endif
