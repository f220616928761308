/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/stream.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include "tests/unit/maketar.h"

/* A source that hands out runs of at most step bytes: every boundary is met somewhere. */
struct slow_source {
	struct source src;
	const struct strbuf *b;
	size_t at, step;
};

static int slow_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct slow_source *s = (struct slow_source *)src;
	size_t n = s->b->len - s->at < s->step ? s->b->len - s->at : s->step;

	(void)err;
	*data = (const uint8_t *)s->b->data + s->at;
	*len = n;
	s->at += n;
	return 0;
}

static int read_stream(const struct strbuf *packed, size_t step, struct strbuf *out,
		       enum stream_format *format, struct error *err)
{
	struct slow_source slow = { { .next = slow_next }, packed, 0, step };
	autostream struct stream *s = stream_open(&slow.src, format, err);
	struct source *src = s ? stream_source(s) : NULL;
	const uint8_t *data;
	size_t len = 1;

	while (src && len) {
		if (src->next(src, &data, &len, err) < 0)
			return -1;
		strbuf_add(out, data, len);
	}
	/* the end is the end, however often one asks */
	if (src && (src->next(src, &data, &len, err) < 0 || len))
		fail_msg("something behind the end");
	return src ? 0 : -1;
}

static void gzip_add(struct strbuf *b, const void *data, size_t len)
{
	autofree uint8_t *buf = xmalloc(len + len / 2 + 1000);
	struct isal_zstream z;

	isal_deflate_stateless_init(&z);
	z.gzip_flag = IGZIP_GZIP;
	z.next_in = (uint8_t *)data;
	z.avail_in = (uint32_t)len;
	z.next_out = buf;
	z.avail_out = (uint32_t)(len + len / 2 + 1000);
	z.end_of_stream = 1;
	assert_int_equal(isal_deflate_stateless(&z), COMP_OK);
	strbuf_add(b, buf, z.total_out);
}

static void zstd_add(struct strbuf *b, const void *data, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	autofree char *buf = xmalloc(room);
	ZSTD_CCtx *c = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	strbuf_add(b, buf, ZSTD_compress2(c, buf, room, data, len));
	ZSTD_freeCCtx(c);
}

/* Text that neither compresses to nothing nor not at all. */
static void fill(struct strbuf *b, size_t len)
{
	uint32_t x = 1;

	while (b->len < len) {
		x = x * 1664525 + 1013904223;
		strbuf_printf(b, "%u ", x >> 20);
	}
	b->len = len;
}

static void expect(const struct strbuf *packed, const struct strbuf *plain, enum stream_format want)
{
	static const size_t steps[] = { 1, 7, 512, 65536, SIZE_MAX };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT;
		enum stream_format format;
		struct error err = ERROR_INIT;

		if (read_stream(packed, steps[i], &out, &format, &err) < 0)
			fail_msg("step %zu: %s", steps[i], err.message);
		assert_int_equal(format, want);
		assert_int_equal(out.len, plain->len);
		if (plain->len)
			assert_memory_equal(out.data, plain->data, plain->len);
	}
}

static const size_t sizes[] = { 0, 1, 5, 511, 512, 513, 70000, 700000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void plain_bytes_pass_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		autostrbuf struct strbuf plain = STRBUF_INIT;

		fill(&plain, sizes[i]);
		expect(&plain, &plain, STREAM_PLAIN);
	}
}

static void gzip_of_any_number_of_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		autostrbuf struct strbuf plain = STRBUF_INIT, packed = STRBUF_INIT;

		fill(&plain, sizes[i]);
		gzip_add(&packed, plain.data, plain.len);
		expect(&packed, &plain, STREAM_GZIP);
		gzip_add(&packed, "", 0);
		gzip_add(&packed, "tail", 4);
		strbuf_puts(&plain, "tail");
		expect(&packed, &plain, STREAM_GZIP);
		tar_end(&packed); /* padded with zeros */
		expect(&packed, &plain, STREAM_GZIP);
	}
}

static void zstd_of_any_number_of_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		autostrbuf struct strbuf plain = STRBUF_INIT, packed = STRBUF_INIT;

		fill(&plain, sizes[i]);
		zstd_add(&packed, plain.data, plain.len);
		expect(&packed, &plain, STREAM_ZSTD);
		zstd_add(&packed, "tail", 4);
		strbuf_puts(&plain, "tail");
		expect(&packed, &plain, STREAM_ZSTD);
	}
}

static void the_head_is_shown_and_stays(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT, packed = STRBUF_INIT;
	const struct strbuf *forms[] = { &plain, &packed };

	(void)state;
	fill(&plain, 2000);
	gzip_add(&packed, plain.data, plain.len);
	for (size_t form = 0; form < 2; form++)
		for (size_t step = 1; step < 1200; step += 37) {
			struct slow_source slow = { { .next = slow_next }, forms[form], 0, step };
			struct error err = ERROR_INIT;
			autostream struct stream *s = stream_open(&slow.src, NULL, &err);
			autostrbuf struct strbuf out = STRBUF_INIT;
			const uint8_t *data;
			size_t len;

			assert_non_null(s);
			for (int twice = 0; twice < 2; twice++) {
				assert_int_equal(stream_head(s, &data, &len, &err), 0);
				assert_int_equal(len, STREAM_HEAD);
				assert_memory_equal(data, plain.data, len);
			}
			do {
				assert_int_equal(
					stream_source(s)->next(stream_source(s), &data, &len, &err),
					0);
				strbuf_add(&out, data, len);
			} while (len);
			assert_int_equal(out.len, plain.len);
			assert_memory_equal(out.data, plain.data, plain.len);
		}
}

static void a_plain_file_is_skipped(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT;

	(void)state;
	fill(&plain, 100000);
	for (size_t n = 0; n < 99000; n += 977) {
		autoclose int fd = file_of(plain.data, plain.len);
		struct error err = ERROR_INIT;
		struct fd_source file;
		const uint8_t *data;
		size_t len;

		fd_source_init(&file, fd, "it", 4096);
		autostream struct stream *s = stream_open(&file.src, NULL, &err);
		assert_int_equal(stream_head(s, &data, &len, &err), 0);
		assert_non_null(stream_source(s)->skip);
		assert_int_equal((stream_source(s)->skip)(stream_source(s), n, &err), 0);
		assert_int_equal(stream_source(s)->next(stream_source(s), &data, &len, &err), 0);
		assert_true(len > 0);
		assert_memory_equal(data, plain.data + n, len);
		fd_source_free(&file);
	}
}

/* Nothing that was cut is taken for the whole. */
static void truncations_are_noticed(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT;

	(void)state;
	fill(&plain, 3000);
	for (int form = 0; form < 2; form++) {
		autostrbuf struct strbuf packed = STRBUF_INIT;

		(form ? zstd_add : gzip_add)(&packed, plain.data, plain.len);
		for (size_t len = 6; len < packed.len; len++) {
			autostrbuf struct strbuf out = STRBUF_INIT;
			struct strbuf part = { .data = packed.data, .len = len };
			struct error err = ERROR_INIT;

			if (read_stream(&part, len % 64 + 1, &out, NULL, &err) == 0)
				fail_msg("%zu of %zu bytes were taken for the whole", len,
					 packed.len);
			assert_int_equal(err.code, EINVAL);
			assert_non_null(strstr(err.message, "cut off"));
		}
	}
}

static void damage_is_noticed(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT;

	(void)state;
	fill(&plain, 3000);
	for (int form = 0; form < 2; form++) {
		autostrbuf struct strbuf packed = STRBUF_INIT;

		(form ? zstd_add : gzip_add)(&packed, plain.data, plain.len);
		for (size_t at = form ? 4 : 10; at < packed.len; at++) {
			autostrbuf struct strbuf out = STRBUF_INIT;
			struct error err = ERROR_INIT;
			int r;

			packed.data[at] ^= 0x10;
			r = read_stream(&packed, SIZE_MAX, &out, NULL, &err);
			packed.data[at] ^= 0x10;
			/* some bits mean nothing (a gzip header's, a zstd window's); the bytes must be right then */
			if (r == 0 &&
			    (out.len != plain.len || memcmp(out.data, plain.data, out.len) != 0))
				fail_msg("form %d: a wrong bit at %zu was not noticed", form, at);
		}
	}
}

static void what_follows_is_noticed(void **state)
{
	autostrbuf struct strbuf packed = STRBUF_INIT, out = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	gzip_add(&packed, "hello", 5);
	strbuf_puts(&packed, "more");
	assert_int_equal(read_stream(&packed, 3, &out, NULL, &err), -1);
	assert_non_null(strstr(err.message, "something else follows"));
	strbuf_reset(&packed);
	zstd_add(&packed, "hello", 5);
	strbuf_puts(&packed, "more");
	assert_int_equal(read_stream(&packed, 3, &out, NULL, &err), -1);
}

static void known_but_not_read(void **state)
{
	struct strbuf xz = { .data = (char *)"\xfd"
					     "7zXZ\0\0\4",
			     .len = 8 };
	struct strbuf bz = { .data = (char *)"BZh91AY&SY", .len = 10 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(read_stream(&xz, 1, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.message, "xz"));
	assert_int_equal(read_stream(&bz, 1, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.message, "bzip2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_bytes_pass_through),
		cmocka_unit_test(gzip_of_any_number_of_members),
		cmocka_unit_test(zstd_of_any_number_of_frames),
		cmocka_unit_test(the_head_is_shown_and_stays),
		cmocka_unit_test(a_plain_file_is_skipped),
		cmocka_unit_test(truncations_are_noticed),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(what_follows_is_noticed),
		cmocka_unit_test(known_but_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
