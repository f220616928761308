/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/stream.h"

#include <errno.h>
#include <string.h>

#include "image-tools/stream_private.h"
#include "lib/str.h"

#define MAGIC_MAX      6U
#define WINDOW_LOG_MAX 27

/* ---- Looking ahead */

/* Gathers up to want bytes of from into p->head. */
static int peek_fill(struct peek *p, struct source *from, size_t want, struct error *err)
{
	while (p->head_len < want) {
		size_t n;

		if (!p->run_len && from->next(from, &p->run, &p->run_len, err) < 0)
			return -1;
		if (!p->run_len)
			return 0;
		n = want - p->head_len < p->run_len ? want - p->head_len : p->run_len;
		memcpy(p->head + p->head_len, p->run, n);
		p->head_len += n;
		p->run += n;
		p->run_len -= n;
	}
	return 0;
}

static int peek_next(struct peek *p, struct source *from, const uint8_t **data, size_t *len,
		     struct error *err)
{
	if (p->head_at < p->head_len) {
		*data = p->head + p->head_at;
		*len = p->head_len - p->head_at;
		p->head_at = p->head_len;
		return 0;
	}
	if (p->run_len) {
		*data = p->run;
		*len = p->run_len;
		p->run_len = 0;
		return 0;
	}
	return from->next(from, data, len, err);
}

static enum stream_format format_of(const uint8_t *p, size_t len)
{
	if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return STREAM_GZIP;
	if (len >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
		return STREAM_ZSTD;
	if (len >= 6 && memcmp(p, "\xfd\x37zXZ", 6) == 0)
		return STREAM_XZ;
	if (len >= 4 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9')
		return STREAM_BZIP2;
	return STREAM_PLAIN;
}

/* ---- Decompressing */

int stream_more_input(struct stream *s, struct error *err)
{
	return s->len ? 0 : peek_next(&s->in, s->from, &s->data, &s->len, err);
}

int stream_cut_off(struct error *err)
{
	return error_set(err, EINVAL, "it is cut off: its compressed data ends too early");
}

int stream_damaged(const char *what, struct error *err)
{
	return error_set(err, EINVAL, "it is damaged: %s", what);
}

int stream_again(struct stream *s, uint8_t first, struct error *err)
{
	if (stream_more_input(s, err) < 0)
		return -1;
	if (!s->len)
		return 0;
	if (s->data[0] == first)
		return 1;
	while (s->len) {
		for (size_t i = 0; i < s->len; i++)
			if (s->data[i])
				return stream_damaged("something else follows its compressed data",
						      err);
		s->len = 0;
		if (stream_more_input(s, err) < 0)
			return -1;
	}
	return 0;
}

static int gzip_next(struct stream *s, size_t *produced, struct error *err)
{
	struct inflate_state *z = s->inflate;

	z->next_out = s->buf;
	z->avail_out = (uint32_t)STREAM_OUT_SIZE;
	while (z->avail_out == STREAM_OUT_SIZE) {
		int r;

		if (s->between) {
			r = s->begun ? stream_again(s, 0x1f, err) : 1;
			if (r <= 0) {
				*produced = 0;
				return r;
			}
			isal_inflate_reset(z);
			z->crc_flag = ISAL_GZIP;
			s->between = false;
			s->begun = true;
		}
		/* Bits that were read ahead may still hold output when the input is through. */
		if (!s->len && stream_more_input(s, err) < 0)
			return -1;
		bool dry = !s->len;

		z->next_in = (uint8_t *)s->data;
		z->avail_in = s->len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)s->len;
		r = isal_inflate(z);
		s->len -= (size_t)(z->next_in - s->data);
		s->data = z->next_in;
		if (r == ISAL_INCORRECT_CHECKSUM)
			return stream_damaged("its checksum is wrong", err);
		if (r < 0)
			return stream_damaged("it is no valid gzip data", err);
		if (z->block_state == ISAL_BLOCK_FINISH)
			s->between = true;
		else if (dry && z->avail_out == STREAM_OUT_SIZE)
			return stream_cut_off(err);
	}
	*produced = STREAM_OUT_SIZE - z->avail_out;
	return 0;
}

static int zstd_next(struct stream *s, size_t *produced, struct error *err)
{
	ZSTD_outBuffer out = { s->buf, STREAM_OUT_SIZE, 0 };

	while (!out.pos) {
		ZSTD_inBuffer in;
		size_t r;
		bool dry;

		if (stream_more_input(s, err) < 0)
			return -1;
		dry = !s->len;
		if (dry && s->between)
			break;
		in = (ZSTD_inBuffer){ s->data, s->len, 0 };
		r = ZSTD_decompressStream(s->zstd, &out, &in);
		s->data += in.pos;
		s->len -= in.pos;
		if (ZSTD_isError(r))
			return stream_damaged(ZSTD_getErrorName(r), err);
		s->between = r == 0;
		if (dry && !out.pos)
			return stream_cut_off(err);
	}
	*produced = out.pos;
	return 0;
}

static int produce(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct stream *s = (struct stream *)((char *)src - offsetof(struct stream, produce));
	int r = 0;

	if (s->format == STREAM_PLAIN)
		return peek_next(&s->in, s->from, data, len, err);
	*data = s->buf;
	*len = 0;
	if (s->ended)
		return 0;
	r = s->decompress(s, len, err);
	s->ended = r < 0 || !*len;
	return r;
}

static int stream_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct stream *s = (struct stream *)src;

	return peek_next(&s->out, &s->produce, data, len, err);
}

/* Plain data can be passed over as its source can. */
static int stream_skip(struct source *src, uint64_t n, struct error *err)
{
	struct stream *s = (struct stream *)src;
	struct peek *peeks[] = { &s->out, &s->in };

	for (size_t i = 0; i < 2; i++) {
		struct peek *p = peeks[i];
		size_t head = p->head_len - p->head_at < n ? p->head_len - p->head_at : (size_t)n;
		size_t run;

		p->head_at += head;
		n -= head;
		run = p->run_len < n ? p->run_len : (size_t)n;
		p->run += run;
		p->run_len -= run;
		n -= run;
	}
	return n ? s->from->skip(s->from, n, err) : 0;
}

int stream_head(struct stream *s, const uint8_t **data, size_t *len, struct error *err)
{
	if (peek_fill(&s->out, &s->produce, STREAM_HEAD, err) < 0)
		return -1;
	*data = s->out.head;
	*len = s->out.head_len;
	return 0;
}

struct source *stream_source(struct stream *s)
{
	return &s->src;
}

static int zstd_begin(struct stream *s, struct error *err)
{
	s->zstd = ZSTD_createDStream();
	if (!s->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return error_set(err, ENOMEM, "no memory to decompress it");
	s->decompress = zstd_next;
	return 0;
}

static int begin(struct stream *s, struct error *err)
{
	switch (s->format) {
	case STREAM_GZIP:
		s->inflate = xmalloc(sizeof(*s->inflate));
		isal_inflate_init(s->inflate);
		s->decompress = gzip_next;
		return 0;
	case STREAM_ZSTD:
		return zstd_begin(s, err);
	case STREAM_XZ:
		return stream_xz_begin(s, err);
	case STREAM_BZIP2:
		return stream_bzip2_begin(s, err);
	case STREAM_PLAIN:
		break;
	}
	if (s->from->skip)
		s->src.skip = stream_skip;
	return 0;
}

struct stream *stream_open(struct source *from, enum stream_format *format, struct error *err)
{
	struct stream *s autostream = xcalloc(1, sizeof(*s)), *done;

	s->src.next = stream_next;
	s->produce.next = produce;
	s->from = from;
	s->between = true;
	if (peek_fill(&s->in, from, MAGIC_MAX, err) < 0)
		return NULL;
	s->format = format_of(s->in.head, s->in.head_len);
	if (begin(s, err) < 0)
		return NULL;
	if (s->format != STREAM_PLAIN)
		s->buf = xmalloc(STREAM_OUT_SIZE);
	if (format)
		*format = s->format;
	done = s;
	s = NULL;
	return done;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	free(s->inflate);
	ZSTD_freeDStream(s->zstd);
	stream_xz_end(s);
	stream_bzip2_end(s);
	free(s->buf);
	free(s);
}
