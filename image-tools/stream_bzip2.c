/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bzip2, by libbz2: any number of streams one behind the other, as parallel compressors write them. */
#include <errno.h>
#include <stdlib.h>

#include "image-tools/stream_private.h"
#include "lib/str.h"

static int renew(struct stream *s, struct error *err)
{
	if (s->begun)
		(void)BZ2_bzDecompressEnd(s->bzip2);
	s->begun = BZ2_bzDecompressInit(s->bzip2, 0, 0) == BZ_OK;
	s->between = false;
	return s->begun ? 0 : error_set(err, ENOMEM, "no memory to decompress it");
}

static int bzip2_next(struct stream *s, size_t *produced, struct error *err)
{
	bz_stream *z = s->bzip2;

	z->next_out = (char *)s->buf;
	z->avail_out = (unsigned)STREAM_OUT_SIZE;
	while (z->avail_out == STREAM_OUT_SIZE) {
		unsigned offered;
		bool dry;
		int r;

		if (s->between) {
			r = s->begun ? stream_again(s, 'B', err) : 1;
			if (r <= 0) {
				*produced = 0;
				return r;
			}
			if (renew(s, err) < 0)
				return -1;
		}
		if (stream_more_input(s, err) < 0)
			return -1;
		dry = !s->len;
		offered = s->len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)s->len;
		z->next_in = (char *)s->data;
		z->avail_in = offered;
		r = BZ2_bzDecompress(z);
		s->data += offered - z->avail_in;
		s->len -= offered - z->avail_in;
		if (r == BZ_MEM_ERROR)
			return error_set(err, ENOMEM, "no memory to decompress it");
		if (r != BZ_OK && r != BZ_STREAM_END)
			return stream_damaged("it is no valid bzip2 data", err);
		if (r == BZ_STREAM_END)
			s->between = true;
		else if (dry && z->avail_out == STREAM_OUT_SIZE)
			return stream_cut_off(err);
	}
	*produced = STREAM_OUT_SIZE - z->avail_out;
	return 0;
}

int stream_bzip2_begin(struct stream *s, struct error *err)
{
	(void)err;
	s->bzip2 = xcalloc(1, sizeof(*s->bzip2));
	s->decompress = bzip2_next;
	return 0;
}

void stream_bzip2_end(struct stream *s)
{
	if (s->begun && s->bzip2)
		(void)BZ2_bzDecompressEnd(s->bzip2);
	free(s->bzip2);
}
