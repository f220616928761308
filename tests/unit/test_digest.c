/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/str.h"

/* Every test runs twice: on what the CPU has, and on the portable path. */
static int on_the_cpu(void **state)
{
	(void)state;
	sha256_use_portable(false);
	return 0;
}

static int portable(void **state)
{
	(void)state;
	sha256_use_portable(true);
	return 0;
}

/* The digest of times copies of data, given in pieces of piece bytes. */
static void assert_digest(const void *data, size_t len, size_t times, size_t piece,
			  const char *expected)
{
	struct sha256 s;
	struct digest d;
	char hex[DIGEST_HEX_MAX];

	sha256_init(&s);
	while (times--)
		for (size_t at = 0; at < len; at += piece)
			sha256_update(&s, (const char *)data + at,
				      len - at < piece ? len - at : piece);
	sha256_final(&s, &d);
	assert_string_equal(digest_hex(&d, hex), expected);
}

/* Examples of FIPS 180 and NIST's further ones. */
static void published_vectors(void **state)
{
	static const char zeros[1000];
	static const struct {
		const char *data;
		size_t len;
		const char *hex;
	} cases[] = {
		{ "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
		  "klmnopqrlmnopqrsmnopqrstnopqrstu",
		  112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
		{ "\xbd", 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
		{ "\xc9\x8c\x8e\x55", 4,
		  "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504" },
		{ zeros, 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7" },
		{ zeros, 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
		{ zeros, 57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785" },
		{ zeros, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b" },
		{ zeros, 1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_digest(cases[i].data, cases[i].len, 1, SIZE_MAX / 2, cases[i].hex);
}

static void a_million_letters(void **state)
{
	char a[1000];

	(void)state;
	memset(a, 'a', sizeof(a));
	assert_digest(a, sizeof(a), 1000, sizeof(a),
		      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	assert_digest(a, sizeof(a), 1000, 77,
		      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* 2^29 bytes are 2^32 bits: the first length that 32 bits cannot hold. */
static void a_length_beyond_32_bits(void **state)
{
	enum { SIZE = 1 << 20 };
	autofree char *data = xmalloc(SIZE);

	(void)state;
	memset(data, 0x5a, SIZE);
	assert_digest(data, SIZE, 512, SIZE,
		      "15a1868c12cc53951e182344277447cd0979536badcc512ad24c67e9b2d4f3dd");
}

static void pieces_make_no_difference(void **state)
{
	char data[300];
	struct digest whole;
	char hex[DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		digest_of(data, len, &whole);
		digest_hex(&whole, hex);
		for (size_t piece = 1; piece <= 130; piece += piece < 3 ? 1 : 31)
			assert_digest(data, len, 1, piece, hex);
	}
}

static void both_paths_agree(void **state)
{
	autofree unsigned char *data = xmalloc(100000);
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (unsigned char)(x >> 24);
	}
	for (size_t len = 0; len <= 100000; len = len * 3 / 2 + 1) {
		struct digest a, b;
		sha256_use_portable(false);
		digest_of(data + 1, len ? len - 1 : 0, &a); /* unaligned */
		sha256_use_portable(true);
		digest_of(data + 1, len ? len - 1 : 0, &b);
		assert_true(digest_equal(&a, &b));
	}
	sha256_use_portable(false);
}

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void text_and_back(void **state)
{
	struct digest d, back, other;
	char text[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;

	(void)state;
	digest_of("abc", 3, &d);
	assert_string_equal(digest_text(&d, text), "sha256:" ABC);
	assert_int_equal(strlen(text), DIGEST_TEXT_MAX - 1);
	assert_int_equal(digest_from_text(text, &back, &err), 0);
	assert_true(digest_equal(&d, &back));
	assert_int_equal(digest_from_hex(ABC, &back), 0);
	assert_true(digest_equal(&d, &back));
	digest_of("abd", 3, &other);
	assert_false(digest_equal(&d, &other));
}

static void malformed_digests_are_refused(void **state)
{
	static const char *const bad_hex[] = {
		"",
		"ba",
		ABC "0",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		" ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a/"
	};
	static const char *const bad_text[] = { "",
						ABC,
						"sha256",
						"sha256:",
						"sha256:" ABC "\n",
						":" ABC,
						"SHA256:" ABC,
						"sha256:../../../etc",
						"sha256-" ABC };
	struct digest d = { { 42 } };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_hex) / sizeof(bad_hex[0]); i++)
		assert_int_equal(digest_from_hex(bad_hex[i], &d), -1);
	for (size_t i = 0; i < sizeof(bad_text) / sizeof(bad_text[0]); i++) {
		error_clear(&err);
		assert_int_equal(digest_from_text(bad_text[i], &d, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	assert_int_equal(d.bytes[0], 42); /* untouched */
	assert_int_equal(digest_from_text("sha512:" ABC ABC, &d, &err), -1);
	assert_string_equal(err.message,
			    "digest algorithm \"sha512\" is not supported, only sha256");
}

int main(void)
{
#define TWICE(f) \
	{ #f ", on what the CPU has", f, on_the_cpu, NULL, NULL }, \
	{ \
#f ", portable", f, portable, NULL, NULL \
	}
	const struct CMUnitTest tests[] = {
		TWICE(published_vectors),
		TWICE(a_million_letters),
		TWICE(pieces_make_no_difference),
		cmocka_unit_test_setup(a_length_beyond_32_bits, on_the_cpu),
		cmocka_unit_test(both_paths_agree),
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(malformed_digests_are_refused),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
