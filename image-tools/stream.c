/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/stream.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "lib/str.h"

#define OUT_SIZE       ((size_t)256 << 10) /* fits a core's cache beside the inflate state */
#define MAGIC_MAX      6U
#define WINDOW_LOG_MAX 27

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
	const uint8_t *data;   /* input not yet decompressed */
	size_t len;
	bool between; /* behind a whole member or frame, or before the first */
	bool begun, ended;
	struct inflate_state *inflate;
	ZSTD_DStream *zstd;
	uint8_t *buf;
};

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

static bool begins_gzip(const uint8_t *p, size_t len)
{
	return len >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

static bool begins_zstd(const uint8_t *p, size_t len)
{
	return len >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd;
}

/* What is known and not read, by name; or NULL. */
static const char *unsupported(const uint8_t *p, size_t len)
{
	if (len >= 6 && memcmp(p,
			       "\xfd"
			       "7zXZ",
			       6) == 0)
		return "xz";
	if (len >= 4 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9')
		return "bzip2";
	return NULL;
}

/* ---- Decompressing */

static int more_input(struct stream *s, struct error *err)
{
	return s->len ? 0 : peek_next(&s->in, s->from, &s->data, &s->len, err);
}

static int cut_off(struct error *err)
{
	return error_set(err, EINVAL, "it is cut off: its compressed data ends too early");
}

static int damaged(const char *what, struct error *err)
{
	return error_set(err, EINVAL, "it is damaged: %s", what);
}

/* Behind a member: another one, or nothing but the zeros that some tapes and tools pad with. Returns 1 for another. */
static int gzip_again(struct stream *s, struct error *err)
{
	if (more_input(s, err) < 0)
		return -1;
	if (!s->len)
		return 0;
	if (s->data[0] == 0x1f)
		return 1;
	while (s->len) {
		for (size_t i = 0; i < s->len; i++)
			if (s->data[i])
				return damaged("something else follows its compressed data", err);
		s->len = 0;
		if (more_input(s, err) < 0)
			return -1;
	}
	return 0;
}

static int gzip_next(struct stream *s, size_t *produced, struct error *err)
{
	struct inflate_state *z = s->inflate;

	z->next_out = s->buf;
	z->avail_out = (uint32_t)OUT_SIZE;
	while (z->avail_out == OUT_SIZE) {
		int r;

		if (s->between) {
			r = s->begun ? gzip_again(s, err) : 1;
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
		if (!s->len && more_input(s, err) < 0)
			return -1;
		bool dry = !s->len;

		z->next_in = (uint8_t *)s->data;
		z->avail_in = s->len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)s->len;
		r = isal_inflate(z);
		s->len -= (size_t)(z->next_in - s->data);
		s->data = z->next_in;
		if (r == ISAL_INCORRECT_CHECKSUM)
			return damaged("its checksum is wrong", err);
		if (r < 0)
			return damaged("it is no valid gzip data", err);
		if (z->block_state == ISAL_BLOCK_FINISH)
			s->between = true;
		else if (dry && z->avail_out == OUT_SIZE)
			return cut_off(err);
	}
	*produced = OUT_SIZE - z->avail_out;
	return 0;
}

static int zstd_next(struct stream *s, size_t *produced, struct error *err)
{
	ZSTD_outBuffer out = { s->buf, OUT_SIZE, 0 };

	while (!out.pos) {
		ZSTD_inBuffer in;
		size_t r;
		bool dry;

		if (more_input(s, err) < 0)
			return -1;
		dry = !s->len;
		if (dry && s->between)
			break;
		in = (ZSTD_inBuffer){ s->data, s->len, 0 };
		r = ZSTD_decompressStream(s->zstd, &out, &in);
		s->data += in.pos;
		s->len -= in.pos;
		if (ZSTD_isError(r))
			return damaged(ZSTD_getErrorName(r), err);
		s->between = r == 0;
		if (dry && !out.pos)
			return cut_off(err);
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
	r = s->format == STREAM_GZIP ? gzip_next(s, len, err) : zstd_next(s, len, err);
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

struct stream *stream_open(struct source *from, enum stream_format *format, struct error *err)
{
	struct stream *s autostream = xcalloc(1, sizeof(*s)), *done;
	const char *other;

	s->src.next = stream_next;
	s->produce.next = produce;
	s->from = from;
	s->between = true;
	if (peek_fill(&s->in, from, MAGIC_MAX, err) < 0)
		return NULL;
	other = unsupported(s->in.head, s->in.head_len);
	if (other) {
		error_set(err, EINVAL,
			  "it is compressed with %s, which is not supported; gzip and zstd are",
			  other);
		return NULL;
	}
	if (begins_gzip(s->in.head, s->in.head_len)) {
		s->format = STREAM_GZIP;
		s->inflate = xmalloc(sizeof(*s->inflate));
		isal_inflate_init(s->inflate);
	} else if (begins_zstd(s->in.head, s->in.head_len)) {
		s->format = STREAM_ZSTD;
		s->zstd = ZSTD_createDStream();
		if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
								    WINDOW_LOG_MAX))) {
			error_set(err, ENOMEM, "no memory to decompress it");
			return NULL;
		}
	} else if (from->skip) {
		s->src.skip = stream_skip;
	}
	if (s->format != STREAM_PLAIN)
		s->buf = xmalloc(OUT_SIZE);
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
	free(s->buf);
	free(s);
}
