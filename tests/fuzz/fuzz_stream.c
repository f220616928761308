/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed data: ends or fails, whatever runs it comes in, and the same way in each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/stream.h"

#define OUTPUT_MAX \
	((uint64_t)64 << 20) /* a small input can unfold to much; it is not all waited for */

struct slow_source {
	struct source src;
	const uint8_t *data;
	size_t len, step;
};

static int slow_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct slow_source *s = (struct slow_source *)src;
	size_t n = s->len < s->step ? s->len : s->step;

	(void)err;
	*data = s->data;
	*len = n;
	s->data += n;
	s->len -= n;
	return 0;
}

static int unpack(const uint8_t *data, size_t size, size_t step, uint64_t *length,
		  struct digest *digest)
{
	struct slow_source slow = { { .next = slow_next }, data, size, step };
	struct error err = ERROR_INIT;
	autostream struct stream *s = stream_open(&slow.src, NULL, &err);
	struct sha256 hash;
	size_t n = 1;

	*length = 0;
	sha256_init(&hash);
	if (!s)
		return -1;
	while (n && *length < OUTPUT_MAX) {
		const uint8_t *run;

		if (stream_source(s)->next(stream_source(s), &run, &n, &err) < 0) {
			if (!err.code || !err.message[0])
				abort();
			return -1;
		}
		sha256_update(&hash, run, n);
		*length += n;
	}
	sha256_final(&hash, digest);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest a, b;
	uint64_t len_a, len_b;
	int whole = unpack(data, size, SIZE_MAX, &len_a, &a),
	    pieces = unpack(data, size, 13, &len_b, &b);

	if (len_a >= OUTPUT_MAX || len_b >= OUTPUT_MAX)
		return 0;
	if (whole != pieces || (whole == 0 && (len_a != len_b || !digest_equal(&a, &b))))
		abort();
	return 0;
}
