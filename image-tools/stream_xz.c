/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xz, by liblzma: any number of streams, padding between them, checksums and the index checked. */
#include <errno.h>
#include <stdlib.h>

#include "image-tools/stream_private.h"
#include "lib/str.h"

/* What `xz -9` asks of a reader is a dictionary of 64 MiB and some state. It is touched only as far as data fills it. */
#define XZ_MEMORY_MAX (66U << 20)

static int failed(const lzma_stream *z, lzma_ret r, struct error *err)
{
	switch (r) {
	case LZMA_MEMLIMIT_ERROR:
		return error_set(
			err, EINVAL,
			"it takes %llu MiB of memory to decompress, for it was compressed with more than 'xz -9': at most %u MiB are taken",
			(unsigned long long)((lzma_memusage(z) + (1U << 20) - 1) >> 20),
			XZ_MEMORY_MAX >> 20);
	case LZMA_MEM_ERROR:
		return error_set(err, ENOMEM, "no memory to decompress it");
	case LZMA_BUF_ERROR:
		return stream_cut_off(err);
	case LZMA_OPTIONS_ERROR:
	case LZMA_UNSUPPORTED_CHECK:
		return error_set(err, EINVAL,
				 "it is compressed with an option of xz that is not supported");
	default: /* also where something else follows */
		return stream_damaged("it is no valid xz data", err);
	}
}

static int xz_next(struct stream *s, size_t *produced, struct error *err)
{
	lzma_stream *z = s->xz;

	z->next_out = s->buf;
	z->avail_out = STREAM_OUT_SIZE;
	while (z->avail_out == STREAM_OUT_SIZE) {
		lzma_ret r;

		if (stream_more_input(s, err) < 0)
			return -1;
		z->next_in = s->data;
		z->avail_in = s->len;
		r = lzma_code(z, s->len ? LZMA_RUN : LZMA_FINISH);
		s->data = z->next_in;
		s->len = z->avail_in;
		if (r == LZMA_STREAM_END)
			break;
		if (r != LZMA_OK)
			return failed(z, r, err);
	}
	*produced = STREAM_OUT_SIZE - z->avail_out;
	return 0;
}

int stream_xz_begin(struct stream *s, struct error *err)
{
	s->xz = xmalloc(sizeof(*s->xz));
	*s->xz = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(s->xz, XZ_MEMORY_MAX,
				LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
		return error_set(err, ENOMEM, "no memory to decompress it");
	s->decompress = xz_next;
	return 0;
}

void stream_xz_end(struct stream *s)
{
	if (s->xz)
		lzma_end(s->xz);
	free(s->xz);
}
