/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image archive: a tar, itself plain or compressed, read in one pass from a file or a pipe, or a folder with the same
 * files in it. JSON documents are kept in memory; layers are staged in the store before anybody knows which image they
 * belong to. A tar's members are all read at once, a folder's when they are asked for. What it all means is for
 * image-tools/load.h to say.
 *
 * Names never leave the archive: a tar's are only compared with one another, a folder's are resolved by the kernel beneath
 * it, symbolic links too, and only regular files are opened. */
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
	uint64_t size;        /* of those bytes */
	char *text;           /* documents, with a NUL behind */
	char *target;         /* links: the name they stand for */
	char *why; /* ARCHIVE_OTHER: what is wrong with it; NULL: it is simply something else */
	struct layer_writer *layer;
	struct layer_info info;
};

struct archive {
	const struct store *st;
	struct progress *progress;
	int folder_fd; /* -1: it is a tar, and all members are here */
	struct archive_member **members;
	size_t n, room;
	struct archive_member **by_name; /* sorted; of two by the same name the later one */
	size_t n_names;
	size_t documents; /* bytes of them */
};

#define ARCHIVE_INIT \
	{ \
		.folder_fd = -1 \
	}

/* Reads the archive in fd, to its end; fd may be a folder, of which nothing is read yet. name stands for it in messages.
 * Below blobs/sha256/ a member must be what its name says. progress may be NULL. Returns 0, or -1 with err set: EINVAL (no
 * archive, truncated, damaged, ...), EBADMSG (a wrong digest), ENOSPC, others. out is to be freed after a success; st and
 * progress must live as long. */
int archive_read(const struct store *st, int fd, const char *name, struct progress *progress,
		 struct archive *out, struct error *err);

/* The member of that name, links followed. what says what it should be ("layer"), for messages. NULL with err set: ENOENT
 * (no such member), or as archive_read. */
const struct archive_member *archive_find(struct archive *a, const char *name, const char *what,
					  struct error *err);

/* The same, and it must be a JSON document, or a layer (EINVAL). */
const struct archive_member *archive_find_document(struct archive *a, const char *name,
						   const char *what, struct error *err);
const struct archive_member *archive_find_layer(struct archive *a, const char *name,
						struct error *err);

/* Abandons what is staged and not published. */
void archive_free(struct archive *a);
#define autoarchive __attribute__((cleanup(archive_free)))

/* ---- For the two readers */

struct source;

/* The name without a leading "./" and "/". Points into name. */
const char *archive_bare_name(const char *name);

/* A new member at the end, of which only the name is known. NULL with err set where there are too many. */
struct archive_member *archive_add(struct archive *a, const char *name, struct error *err);

/* Reads m's size bytes from src and keeps what an image may be made of. */
int archive_take(struct archive *a, struct archive_member *m, struct source *src, uint64_t size,
		 struct error *err);

/* image-tools/archive_tar.c: adds and takes all members of the tar in fd. */
int archive_read_tar(struct archive *a, int fd, struct error *err);

#endif
