/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of bytes, one behind the other: a file or pipe, a decompressor over it, the contents of a tar entry, another
 * decompressor over that. A source hands out runs of its own buffers, so that what is only passed on is never copied. */
#ifndef KNARR_IMAGE_TOOLS_SOURCE_H
#define KNARR_IMAGE_TOOLS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest.h"
#include "lib/error.h"

struct source {
	/* Gives the next run: *data is valid until the next call, *len is 0 at the end (and stays so). */
	int (*next)(struct source *src, const uint8_t **data, size_t *len, struct error *err);
	/* Passes over n bytes; NULL where that means reading them. Going beyond the end is an error (EINVAL). */
	int (*skip)(struct source *src, uint64_t n, struct error *err);
};

/* A file, pipe or socket. The descriptor stays the caller's. A regular file is skipped by seeking. */
struct fd_source {
	struct source src;
	int fd;
	const char *name; /* for messages */
	uint64_t position;
	int64_t size; /* of a regular file; -1: not known */
	uint8_t *buf;
	size_t room;
};

/* room is the bytes to read at a time. A regular file is read from the descriptor's offset on, which itself stays as it
 * is. */
void fd_source_init(struct fd_source *s, int fd, const char *name, size_t room);
void fd_source_free(struct fd_source *s);

/* A piece of memory. */
struct memory_source {
	struct source src;
	const uint8_t *data;
	size_t len;
};

void memory_source_init(struct memory_source *s, const void *data, size_t len);

/* Hashes and counts what passes through. Skipping reads. */
struct hash_source {
	struct source src;
	struct source *from;
	struct sha256 hash;
	uint64_t length;
	bool idle; /* only counts: whoever set this gets the digest of the same bytes from elsewhere */
};

void hash_source_init(struct hash_source *s, struct source *from);
/* Reads from to its end, so that the digest is that of the whole. */
int hash_source_finish(struct hash_source *s, struct digest *out, struct error *err);

#endif
