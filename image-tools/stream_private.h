/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decompressors behind image-tools/stream.h share: stream.c has gzip and Zstandard, stream_xz.c and
 * stream_bzip2.c one each. */
#ifndef KNARR_IMAGE_TOOLS_STREAM_PRIVATE_H
#define KNARR_IMAGE_TOOLS_STREAM_PRIVATE_H

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdbool.h>
#include <zstd.h>

#include "image-tools/stream.h"

#define STREAM_OUT_SIZE ((size_t)256 << 10) /* fits a core's cache beside the inflate state */

/* Runs of a source with the first bytes of it gathered, however short the runs it came in. */
struct peek {
	uint8_t head[STREAM_HEAD];
	size_t head_at, head_len;
	const uint8_t *run; /* what is left of the source's last run, behind the head */
	size_t run_len;
};

struct stream {
	struct source src; /* first, so that it casts */
	struct source *from;
	enum stream_format format;
	struct peek in, out;
	struct source produce; /* what out gathers from: the decompressor */
	/* Fills buf; *produced is 0 at the end. */
	int (*decompress)(struct stream *s, size_t *produced, struct error *err);
	const uint8_t *data; /* input not yet decompressed */
	size_t len;
	bool between; /* behind a whole member or frame, or before the first */
	bool begun, ended;
	struct inflate_state *inflate;
	ZSTD_DStream *zstd;
	lzma_stream *xz;
	bz_stream *bzip2;
	uint8_t *buf; /* STREAM_OUT_SIZE bytes */
};

/* Has s->data hold something, unless there is no more input. */
int stream_more_input(struct stream *s, struct error *err);

/* Behind a member: another one, which begins with the byte first, or nothing but the zeros that some tapes and tools pad
 * with. Returns 1 for another, 0 for the end, -1 for anything else. */
int stream_again(struct stream *s, uint8_t first, struct error *err);

/* Set err and return -1. */
int stream_cut_off(struct error *err);
int stream_damaged(const char *what, struct error *err);

int stream_xz_begin(struct stream *s, struct error *err);
void stream_xz_end(struct stream *s);
int stream_bzip2_begin(struct stream *s, struct error *err);
void stream_bzip2_end(struct stream *s);

#endif
