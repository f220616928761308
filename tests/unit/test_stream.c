/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/stream.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
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

static void xz_add_with(struct strbuf *b, const void *data, size_t len, uint32_t dictionary,
			lzma_check check)
{
	size_t room = lzma_stream_buffer_bound(len), at = 0;
	autofree uint8_t *buf = xmalloc(room);
	lzma_options_lzma options;
	const lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options },
					{ LZMA_VLI_UNKNOWN, NULL } };

	lzma_lzma_preset(&options, 0);
	options.dict_size = dictionary;
	assert_int_equal(lzma_stream_buffer_encode((lzma_filter *)filters, check, NULL, data, len,
						   buf, &at, room),
			 LZMA_OK);
	strbuf_add(b, buf, at);
}

static void xz_add(struct strbuf *b, const void *data, size_t len)
{
	xz_add_with(b, data, len, 1 << 20, LZMA_CHECK_CRC64);
}

static void bzip2_add(struct strbuf *b, const void *data, size_t len)
{
	unsigned room = (unsigned)(len + len / 50 + 1000);
	autofree char *buf = xmalloc(room);

	assert_int_equal(BZ2_bzBuffToBuffCompress(buf, &room, len ? (char *)data : buf,
						  (unsigned)len, 1, 0, 0),
			 BZ_OK);
	strbuf_add(b, buf, room);
}

static const struct form {
	enum stream_format format;
	void (*add)(struct strbuf *b, const void *data, size_t len);
	size_t magic; /* bytes by which it is told */
	bool padded;  /* zeros may follow */
} forms[] = {
	{ STREAM_GZIP, gzip_add, 10, true },
	{ STREAM_ZSTD, zstd_add, 4, false },
	{ STREAM_XZ, xz_add, 6, true },
	{ STREAM_BZIP2, bzip2_add, 4, true },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

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

static void any_number_of_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES * FORMS; i++) {
		autostrbuf struct strbuf plain = STRBUF_INIT, packed = STRBUF_INIT;
		const struct form *f = &forms[i % FORMS];

		fill(&plain, sizes[i / FORMS]);
		f->add(&packed, plain.data, plain.len);
		expect(&packed, &plain, f->format);
		f->add(&packed, "", 0);
		f->add(&packed, "tail", 4);
		strbuf_puts(&plain, "tail");
		expect(&packed, &plain, f->format);
		if (f->padded) {
			tar_end(&packed);
			expect(&packed, &plain, f->format);
		}
	}
}

static void the_head_is_shown_and_stays(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT, packed = STRBUF_INIT;
	const struct strbuf *both[] = { &plain, &packed };

	(void)state;
	fill(&plain, 2000);
	gzip_add(&packed, plain.data, plain.len);
	for (size_t form = 0; form < 2; form++)
		for (size_t step = 1; step < 1200; step += 37) {
			struct slow_source slow = { { .next = slow_next }, both[form], 0, step };
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
	for (size_t form = 0; form < FORMS; form++) {
		autostrbuf struct strbuf packed = STRBUF_INIT;

		forms[form].add(&packed, plain.data, plain.len);
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
	for (size_t form = 0; form < FORMS; form++) {
		autostrbuf struct strbuf packed = STRBUF_INIT;

		forms[form].add(&packed, plain.data, plain.len);
		for (size_t at = forms[form].magic; at < packed.len; at++) {
			autostrbuf struct strbuf out = STRBUF_INIT;
			struct error err = ERROR_INIT;
			int r;

			packed.data[at] ^= 0x10;
			r = read_stream(&packed, SIZE_MAX, &out, NULL, &err);
			packed.data[at] ^= 0x10;
			/* some bits mean nothing (a gzip header's, a zstd window's); the bytes must be right then */
			if (r == 0 &&
			    (out.len != plain.len || memcmp(out.data, plain.data, out.len) != 0))
				fail_msg("form %zu: a wrong bit at %zu was not noticed", form, at);
		}
	}
}

static void what_follows_is_noticed(void **state)
{
	(void)state;
	for (size_t form = 0; form < FORMS; form++) {
		autostrbuf struct strbuf packed = STRBUF_INIT, out = STRBUF_INIT;
		struct error err = ERROR_INIT;

		forms[form].add(&packed, "hello", 5);
		strbuf_puts(&packed, "more than twelve bytes");
		assert_int_equal(read_stream(&packed, 3, &out, NULL, &err), -1);
		assert_int_equal(err.code, EINVAL);
		if (forms[form].format == STREAM_GZIP || forms[form].format == STREAM_BZIP2)
			assert_non_null(strstr(err.message, "something else follows"));
	}
}

/* Memory that would be unbounded is not asked for. */
static void an_xz_dictionary_has_a_limit(void **state)
{
	autostrbuf struct strbuf plain = STRBUF_INIT;

	(void)state;
	fill(&plain, 1000);
	for (uint32_t mib = 32; mib <= 256; mib *= 2) {
		autostrbuf struct strbuf packed = STRBUF_INIT, out = STRBUF_INIT;
		struct error err = ERROR_INIT;
		int r;

		xz_add_with(&packed, plain.data, plain.len, mib << 20, LZMA_CHECK_SHA256);
		r = read_stream(&packed, 100, &out, NULL, &err);
		assert_int_equal(r, mib <= 64 ? 0 : -1);
		if (r < 0)
			assert_non_null(strstr(err.message, "MiB of memory"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_bytes_pass_through),
		cmocka_unit_test(any_number_of_members),
		cmocka_unit_test(the_head_is_shown_and_stays),
		cmocka_unit_test(a_plain_file_is_skipped),
		cmocka_unit_test(truncations_are_noticed),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(what_follows_is_noticed),
		cmocka_unit_test(an_xz_dictionary_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
