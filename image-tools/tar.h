/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading tar archives, byte-exact and in one pass: where each entry's data lies is what the index of a layer is made of
 * (image-tools/index.h), so positions are part of the result. Understood are ustar and v7 headers, POSIX extended headers
 * (pax(1): path, linkpath, size, uid, gid, mtime, SCHILY.xattr.*, LIBARCHIVE.xattr.*), GNU long names, base-256 numbers,
 * and sparse files in all four of GNU tar's forms ("Storing Sparse Files" in its manual). Global extended headers are
 * passed over, as Docker does.
 * Names are bytes; no locale is asked.
 *
 * Everything is taken for hostile: sizes, counts and memory have limits, and an archive that ends inside an entry is an
 * error. What a name may mean is not decided here. */
#ifndef KNARR_IMAGE_TOOLS_TAR_H
#define KNARR_IMAGE_TOOLS_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "image-tools/source.h"
#include "lib/error.h"
#include "lib/str.h"

#define TAR_BLOCK        512U
#define TAR_EXTENDED_MAX (1U << 20) /* bytes of one extended header or long name */
#define TAR_SPARSE_MAX   (1U << 20) /* pieces of one sparse file */

enum tar_type {
	TAR_FILE,
	TAR_HARDLINK,
	TAR_SYMLINK,
	TAR_CHARDEV,
	TAR_BLOCKDEV,
	TAR_DIRECTORY,
	TAR_FIFO,
	TAR_OTHER /* a type nobody knows; its data is passed over */
};

/* A piece of a sparse file that holds data; the pieces' data stand one behind the other in the archive. */
struct tar_piece {
	uint64_t offset, length;
};

struct tar_xattr {
	const char *name; /* "security.capability" */
	const uint8_t *value;
	size_t len;
};

/* Valid until the next call of tar_next. */
struct tar_entry {
	enum tar_type type;
	char typeflag;    /* as it stands in the header */
	const char *path; /* as it stands in the archive, trailing slashes too */
	const char *link; /* target of a link, else "" */
	uint32_t mode;    /* permission bits, set-uid, set-gid, sticky */
	uint32_t uid, gid;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t major, minor;
	uint64_t size;                  /* of the file, holes included */
	uint64_t offset;                /* of the first byte of its data in the archive */
	uint64_t stored;                /* bytes of data in the archive */
	const struct tar_piece *pieces; /* sparse files; NULL: none is sparse */
	size_t n_pieces;
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
};

struct tar;

/* from stays the caller's and is read no further than the archive's end mark. */
struct tar *tar_open(struct source *from);
void tar_close(struct tar *t);
static inline void tar_closep(struct tar **t)
{
	tar_close(*t);
}
#define autotar __attribute__((cleanup(tar_closep)))

/* The next entry; data of the one before that was not read is passed over. Returns 1, 0 at the end, or -1 with err set:
 * EINVAL (no tar, damaged, ends too early), or what the source said. */
int tar_next(struct tar *t, const struct tar_entry **entry, struct error *err);

/* The stored data of the current entry, as a source that lives until the next call of tar_next. */
struct source *tar_data(struct tar *t);

/* Whether block, the first TAR_BLOCK bytes of something, begins a tar archive: a header whose checksum is right, or the
 * zeros an empty archive starts with. */
bool tar_sniff(const uint8_t block[TAR_BLOCK]);

#endif
