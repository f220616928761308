/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of the tar reader share, and nobody else includes: tar.c goes from header to header, tar_pax.c reads
 * what extended headers say, tar_sparse.c the maps of sparse files. */
#ifndef KNARR_IMAGE_TOOLS_TAR_PRIVATE_H
#define KNARR_IMAGE_TOOLS_TAR_PRIVATE_H

#include "image-tools/tar.h"

/* A header block (POSIX ustar interchange format). GNU tar's own archives use the prefix for other things. */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], typeflag,
		linkname[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

struct tar {
	struct source data; /* what tar_data returns; first, so that it casts */
	struct source *from;
	const uint8_t *run; /* what is left of the source's last run */
	size_t run_len;
	uint64_t position;
	uint64_t remaining; /* bytes of the current entry's data not yet taken */
	uint64_t padding;   /* bytes behind them up to the next block */

	struct tar_entry entry;
	struct strbuf path, link;
	/* What extended headers said about the next entry. */
	struct strbuf pax; /* texts that xattrs point into, by offset until they are complete */
	struct strbuf extended; /* the header being read */
	bool has_path, has_link, has_size, has_uid, has_gid, has_mtime, has_real_size;
	bool sparse, sparse_1_0;
	uint64_t size, real_size;
	struct tar_piece *pieces;
	size_t n_pieces, room_pieces;
	bool half_piece;          /* an offset of format 0.0 still lacks its length */
	struct tar_xattr *xattrs; /* hold offsets into pax until tar_next is through */
	size_t n_xattrs, room_xattrs;
};

/* "damaged tar archive: <what>, near byte N". Returns -1. */
int tar_broken(const struct tar *t, struct error *err, const char *what);

/* Copies exactly len bytes. Returns 1; 0 when the source ended before the first; -1. */
int tar_take(struct tar *t, void *buf, size_t len, struct error *err);

/* A field of octal digits between spaces, ended by a space, a NUL or the field; or, with the top bit set, a big-endian
 * two's complement number (GNU). An empty field is 0. Returns 0 or -1. */
int tar_field_number(const char *field, size_t len, int64_t *out);

/* A decimal number that is the whole text. Returns 0 or -1. */
int tar_text_number(const char *s, uint64_t max, uint64_t *out);

/* Puts a name in to, and whether it is not empty in *has. */
int tar_set_text(struct tar *t, struct strbuf *to, const char *value, size_t len, bool *has,
		 struct error *err);

/* ---- tar_pax.c */

/* Reads the data of an extended header or long name whole, into t->extended. */
int tar_read_extended(struct tar *t, uint64_t size, struct error *err);

/* Obeys the records of the extended header in t->extended, for the next entry. */
int tar_pax_header(struct tar *t, struct error *err);

/* ---- tar_sparse.c */

/* A record "GNU.sparse.<key>". value is followed by a NUL, and may be changed. */
int tar_sparse_record(struct tar *t, const char *key, char *value, size_t len, struct error *err);

/* The map in a header of type S and the blocks behind it. */
int tar_old_sparse(struct tar *t, const struct tar_header *h, struct error *err);

/* The map in front of the data (format 1.0). */
int tar_new_sparse(struct tar *t, struct error *err);

/* Pieces must stand in order, apart from each other, inside the file, and be as long together as what is stored. */
int tar_check_pieces(struct tar *t, struct error *err);

#endif
