/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/digest.h"

#include <bearssl.h>
#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <string.h>

#define BLOCK 64

/* Takes n whole blocks into state. */
typedef void blocks_fn(uint32_t state[8], const uint8_t *data, size_t n);

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* The SHA instructions keep the eight working variables in two registers, (A,B,E,F) and (C,D,G,H), highest lane first;
 * one sha256rnds2 does two rounds (Intel SDM, volume 2B). Sixteen groups of four rounds make a block; w[] holds the
 * last sixteen words of the message schedule, four a register. */
__attribute__((target("sha,sse4.1"))) static void blocks_sha_ni(uint32_t state[8],
								const uint8_t *data, size_t n)
{
	const __m128i big_endian =
		_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
	__m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0x1b);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1b);
	__m128i abef = _mm_unpackhi_epi64(efgh, abcd);
	__m128i cdgh = _mm_unpacklo_epi64(efgh, abcd);

	for (; n; n--, data += BLOCK) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i w[4];

#pragma GCC unroll 16
		for (unsigned group = 0; group < 16; group++) {
			__m128i *now = &w[group % 4];
			if (group < 4) {
				const __m128i *in = (const __m128i *)(data + (size_t)16 * group);
				*now = _mm_shuffle_epi8(_mm_loadu_si128(in), big_endian);
			} else {
				/* W[t] = s1(W[t-2]) + W[t-7] + s0(W[t-15]) + W[t-16], for four t at once */
				__m128i w12 = w[(group + 1) % 4], w8 = w[(group + 2) % 4],
					w4 = w[(group + 3) % 4];
				__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w12),
							    _mm_alignr_epi8(w4, w8, 4));
				*now = _mm_sha256msg2_epu32(sum, w4);
			}
			const __m128i *k = (const __m128i *)&round_constants[(size_t)4 * group];
			__m128i wk = _mm_add_epi32(*now, _mm_load_si128(k));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	abcd = _mm_unpackhi_epi64(cdgh, abef);
	efgh = _mm_unpacklo_epi64(cdgh, abef);
	_mm_storeu_si128((__m128i *)&state[0], _mm_shuffle_epi32(abcd, 0x1b));
	_mm_storeu_si128((__m128i *)&state[4], _mm_shuffle_epi32(efgh, 0x1b));
}

static void blocks_portable(uint32_t state[8], const uint8_t *data, size_t n)
{
	br_sha256_context c;
	uint8_t packed[DIGEST_SIZE];

	for (size_t i = 0; i < 8; i++) {
		uint32_t be = __builtin_bswap32(state[i]);
		memcpy(packed + 4 * i, &be, 4);
	}
	br_sha256_init(&c);
	br_sha256_set_state(&c, packed, 0);
	br_sha256_update(&c, data, n * BLOCK);
	br_sha256_state(&c, packed);
	for (size_t i = 0; i < 8; i++) {
		uint32_t be;
		memcpy(&be, packed + 4 * i, 4);
		state[i] = __builtin_bswap32(be);
	}
}

static bool cpu_has_sha(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

static blocks_fn *chosen; /* NULL until the CPU has been asked */

/* Two threads that come here first both find the same answer. */
static blocks_fn *blocks(void)
{
	blocks_fn *fn = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	if (!fn) {
		fn = cpu_has_sha() ? blocks_sha_ni : blocks_portable;
		__atomic_store_n(&chosen, fn, __ATOMIC_RELAXED);
	}
	return fn;
}

void sha256_use_portable(bool portable)
{
	__atomic_store_n(&chosen, portable ? blocks_portable : NULL, __ATOMIC_RELAXED);
}

/* FIPS 180-4, 5.3.3: as the constants, of the square roots of the first eight primes. */
void sha256_init(struct sha256 *s)
{
	static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->state, start, sizeof(start));
	s->length = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t held = s->length % BLOCK;

	s->length += len;
	if (held) {
		size_t take = len < BLOCK - held ? len : BLOCK - held;
		memcpy(s->block + held, p, take);
		p += take;
		len -= take;
		if (held + take < BLOCK)
			return;
		blocks()(s->state, s->block, 1);
	}
	if (len >= BLOCK)
		blocks()(s->state, p, len / BLOCK);
	if (len % BLOCK)
		memcpy(s->block, p + (len - len % BLOCK), len % BLOCK);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, and the message's length in bits at the end of the last block. */
void sha256_final(struct sha256 *s, struct digest *out)
{
	static const uint8_t padding[BLOCK] = { 0x80 };
	uint64_t bits = __builtin_bswap64(s->length * 8);
	size_t held = s->length % BLOCK;

	sha256_update(s, padding, (held < 56 ? 56 : 120) - held);
	sha256_update(s, &bits, sizeof(bits));
	for (size_t i = 0; i < 8; i++) {
		uint32_t be = __builtin_bswap32(s->state[i]);
		memcpy(out->bytes + 4 * i, &be, 4);
	}
}

void digest_of(const void *data, size_t len, struct digest *out)
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, data, len);
	sha256_final(&s, out);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

bool digest_is_zero(const struct digest *d)
{
	static const struct digest zero;

	return digest_equal(d, &zero);
}

const char *digest_hex(const struct digest *d, char buf[DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		buf[2 * i] = digits[d->bytes[i] >> 4];
		buf[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	buf[DIGEST_HEX_MAX - 1] = '\0';
	return buf;
}

const char *digest_text(const struct digest *d, char buf[DIGEST_TEXT_MAX])
{
	memcpy(buf, "sha256:", 8);
	digest_hex(d, buf + 7);
	return buf;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int digest_from_hex(const char *hex, struct digest *out)
{
	struct digest d;

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = nibble(hex[2 * i]);
		int low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
		if (low < 0)
			return -1;
		d.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (hex[DIGEST_HEX_MAX - 1])
		return -1;
	*out = d;
	return 0;
}

/* image-spec, descriptor.md, "Digests": algorithm ":" encoded. */
int digest_from_text(const char *text, struct digest *out, struct error *err)
{
	size_t algorithm = strcspn(text, ":");

	if (text[algorithm] != ':' || algorithm == 0)
		return error_set(err, EINVAL, "\"%.80s\" is no digest", text);
	if (algorithm != 6 || memcmp(text, "sha256", 6) != 0)
		return error_set(err, EINVAL,
				 "digest algorithm \"%.*s\" is not supported, only sha256",
				 (int)(algorithm < 40 ? algorithm : 40), text);
	if (digest_from_hex(text + 7, out))
		return error_set(
			err, EINVAL,
			"\"%.80s\" is no digest: 64 lower-case hexadecimal digits must follow sha256:",
			text);
	return 0;
}
