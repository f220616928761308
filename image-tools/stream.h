/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decompression as a source over a source: gzip (RFC 1952, any number of members; ISA-L inflates, checksums and lengths
 * are checked), Zstandard (RFC 8878, windows up to 128 MiB), xz (its file format 1.2.1, dictionaries up to 64 MiB, as
 * `xz -9` has them) and bzip2 are told by their first bytes, all else passes through as it is. Memory is bounded whatever
 * comes; data that is cut off, damaged, or has something else behind it is an error that says which. */
#ifndef KNARR_IMAGE_TOOLS_STREAM_H
#define KNARR_IMAGE_TOOLS_STREAM_H

#include "image-tools/source.h"
#include "lib/error.h"

enum stream_format { STREAM_PLAIN, STREAM_GZIP, STREAM_ZSTD, STREAM_XZ, STREAM_BZIP2 };

#define STREAM_HEAD 512U /* bytes that stream_head can show */

struct stream;

/* from stays the caller's. Fills format unless NULL. NULL with err set: ENOMEM, what from said. Messages say "it" of what is read; the caller says what that is (error_prefix). */
struct stream *stream_open(struct source *from, enum stream_format *format, struct error *err);
void stream_close(struct stream *s);
static inline void stream_closep(struct stream **s)
{
	stream_close(*s);
}
#define autostream __attribute__((cleanup(stream_closep)))

/* The decompressed bytes. */
struct source *stream_source(struct stream *s);

/* The first bytes of what stream_source will give, at most STREAM_HEAD; fewer only where there are no more. To be called
 * before anything was read. They stay unread. */
int stream_head(struct stream *s, const uint8_t **data, size_t *len, struct error *err);

#endif
