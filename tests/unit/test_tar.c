/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tar.h"

#include "tests/unit/maketar.h"

struct reading {
	struct memory_source src;
	struct tar *tar;
	const struct tar_entry *e;
	struct error err;
};

static void begin(struct reading *r, const struct strbuf *b)
{
	*r = (struct reading){ 0 };
	memory_source_init(&r->src, b->data, b->len);
	r->tar = tar_open(&r->src.src);
}

static const struct tar_entry *next(struct reading *r)
{
	int n = tar_next(r->tar, &r->e, &r->err);

	if (n < 0)
		fail_msg("%s", r->err.message);
	return n ? r->e : NULL;
}

/* Reads to the end or the first error. Returns what the last tar_next said; text becomes the error's. */
static int read_all(const struct strbuf *b, char *text)
{
	struct reading r;
	int n;

	begin(&r, b);
	while ((n = tar_next(r.tar, &r.e, &r.err)) > 0) {
		const uint8_t *data;
		size_t len = 1;

		while (len)
			if (tar_data(r.tar)->next(tar_data(r.tar), &data, &len, &r.err) < 0) {
				n = -1;
				goto out;
			}
	}
out:
	tar_close(r.tar);
	if (text)
		strcpy(text, r.err.message);
	return n;
}

static void entries_come_with_their_places(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct reading r;
	const uint8_t *data;
	size_t len;

	(void)state;
	tar_dir(&b, "d/");
	tar_file(&b, "d/f", "hello");
	tar_link(&b, '2', "l", "d/f");
	tar_link(&b, '1', "h", "d/f");
	tar_end(&b);
	begin(&r, &b);
	assert_int_equal(next(&r)->type, TAR_DIRECTORY);
	assert_string_equal(r.e->path, "d/");
	assert_int_equal(r.e->mode, 0755);
	assert_int_equal(r.e->mtime, 1000000000);
	assert_int_equal(next(&r)->type, TAR_FILE);
	assert_int_equal(r.e->offset, 1024);
	assert_int_equal(r.e->size, 5);
	assert_int_equal(tar_data(r.tar)->next(tar_data(r.tar), &data, &len, &r.err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(data, "hello", 5);
	assert_int_equal(next(&r)->type, TAR_SYMLINK);
	assert_string_equal(r.e->link, "d/f");
	assert_int_equal(next(&r)->type, TAR_HARDLINK);
	assert_null(next(&r));
	tar_close(r.tar);
}

static void old_headers_are_understood(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('\0', "v7", 0);
	struct reading r;

	(void)state;
	memset(h.magic, 0, sizeof(h.magic));
	memcpy(h.mode, "   644 ", 8);
	tar_put_block(&b, h);
	strcpy(h.name, "folder/");
	tar_put_block(&b, h);
	h = tar_header('7', "name", 0); /* a contiguous file, with a prefix */
	strcpy(h.prefix, "long/prefix");
	tar_put_block(&b, h);
	memcpy(h.magic, "ustar  ", 8); /* GNU: the prefix is something else */
	tar_put_block(&b, h);
	begin(&r, &b); /* and no end mark */
	assert_int_equal(next(&r)->type, TAR_FILE);
	assert_int_equal(r.e->mode, 0644);
	assert_int_equal(next(&r)->type, TAR_DIRECTORY);
	assert_string_equal(next(&r)->path, "long/prefix/name");
	assert_string_equal(next(&r)->path, "name");
	assert_null(next(&r));
	tar_close(r.tar);
}

static void extended_headers_count_for_one_entry(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct reading r;
	char path[400];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	tar_put(&b, 'g', "global", "18 comment=ignore\n", 18);
	tar_pax(&b, "path", path, "uid", "4294967294", "gid", "100000", "mtime", "1.5",
		"SCHILY.xattr.user.a", "one", "LIBARCHIVE.xattr.user.b%3d", "dHdv",
		"SCHILY.xattr.user.a", "three", "unknown", "x=y=z", NULL);
	tar_file(&b, "short", "x");
	tar_pax(&b, "mtime", "-0.25", "size", "3", NULL);
	tar_put_block(&b, tar_header('0', "second", 0));
	strbuf_puts(&b, "abc");
	tar_pad(&b);
	tar_pax(&b, "mtime", "-7", "linkpath", "there", NULL);
	tar_link(&b, '2', "third", "here");
	tar_end(&b);
	begin(&r, &b);
	assert_string_equal(next(&r)->path, path);
	assert_int_equal(r.e->uid, 4294967294U);
	assert_int_equal(r.e->gid, 100000);
	assert_int_equal(r.e->mtime, 1);
	assert_int_equal(r.e->mtime_nsec, 500000000);
	assert_int_equal(r.e->n_xattrs, 2);
	assert_string_equal(r.e->xattrs[0].name, "user.a");
	assert_memory_equal(r.e->xattrs[0].value, "three", 5);
	assert_string_equal(r.e->xattrs[1].name, "user.b=");
	assert_memory_equal(r.e->xattrs[1].value, "two", 3);
	assert_string_equal(next(&r)->path, "second");
	assert_int_equal(r.e->n_xattrs, 0);
	assert_int_equal(r.e->uid, 0);
	assert_int_equal(r.e->mtime, -1);
	assert_int_equal(r.e->mtime_nsec, 750000000);
	assert_int_equal(r.e->size, 3);
	assert_string_equal(next(&r)->link, "there");
	assert_int_equal(r.e->mtime, -7);
	assert_null(next(&r));
	tar_close(r.tar);
}

static void gnu_long_names_and_base_256(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('0', "cut", 0);
	struct reading r;
	char path[300];

	(void)state;
	memset(path, 'q', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	tar_put(&b, 'L', "././@LongLink", path, sizeof(path));
	memcpy(h.uid, "\x80\0\0\0\x12\x34\x56\x78", 8);
	memcpy(h.mtime, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
	tar_put_block(&b, h);
	tar_put(&b, 'K', "././@LongLink", path, sizeof(path));
	tar_link(&b, '2', "l", "cut");
	tar_end(&b);
	begin(&r, &b);
	assert_string_equal(next(&r)->path, path);
	assert_int_equal(r.e->uid, 0x12345678);
	assert_int_equal(r.e->mtime, -2);
	assert_string_equal(next(&r)->link, path);
	assert_null(next(&r));
	tar_close(r.tar);
}

static void sparse_files_in_every_form(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('S', "old", 6);
	struct reading r;

	(void)state;
	memcpy((char *)&h + 386, "00000001000\00000000000004", 24);
	memcpy((char *)&h + 386 + 24, "00000002000\00000000000002", 24);
	memcpy((char *)&h + 483, "00000010000", 12);
	tar_put_block(&b, h);
	strbuf_puts(&b, "abcdef");
	tar_pad(&b);
	tar_pax(&b, "GNU.sparse.size", "4096", "GNU.sparse.numblocks", "1", "GNU.sparse.offset",
		"512", "GNU.sparse.numbytes", "3", NULL);
	tar_file(&b, "v0.0", "abc");
	tar_pax(&b, "GNU.sparse.size", "4096", "GNU.sparse.numblocks", "2", "GNU.sparse.map",
		"0,1,1024,2", "GNU.sparse.name", "v0.1", NULL);
	tar_file(&b, "GNUSparseFile.0/v0.1", "abc");
	tar_pax(&b, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "v1.0",
		"GNU.sparse.realsize", "8192", NULL);
	tar_put_block(&b, tar_header('0', "GNUSparseFile.0/v1.0", 515));
	strbuf_puts(&b, "1\n4096\n3\n");
	tar_pad(&b);
	strbuf_puts(&b, "abc");
	tar_pad(&b);
	tar_end(&b);
	begin(&r, &b);
	assert_string_equal(next(&r)->path, "old");
	assert_int_equal(r.e->size, 4096);
	assert_int_equal(r.e->n_pieces, 2);
	assert_int_equal(r.e->pieces[1].offset, 1024);
	assert_int_equal(r.e->pieces[1].length, 2);
	assert_string_equal(next(&r)->path, "v0.0");
	assert_int_equal(r.e->size, 4096);
	assert_int_equal(r.e->pieces[0].offset, 512);
	assert_string_equal(next(&r)->path, "v0.1");
	assert_int_equal(r.e->n_pieces, 2);
	assert_string_equal(next(&r)->path, "v1.0");
	assert_int_equal(r.e->size, 8192);
	assert_int_equal(r.e->stored, 3);
	assert_memory_equal(b.data + r.e->offset, "abc", 3);
	assert_null(next(&r));
	tar_close(r.tar);
}

/* ---- What is wrong is refused, whatever is wrong. */

static void expect_damage(const struct strbuf *b, const char *words)
{
	char text[ERROR_MESSAGE_MAX];

	if (read_all(b, text) >= 0)
		fail_msg("taken, though %s", words);
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void pax_damage(const char *records, size_t len, const char *words)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	tar_put(&b, 'x', "pax", records, len);
	tar_file(&b, "f", "x");
	tar_end(&b);
	expect_damage(&b, words);
}

static void bad_extended_headers(void **state)
{
	static const struct {
		const char *key, *value, *words;
	} records[] = {
		{ "size", "abc", "no number" },
		{ "size", "-1", "no number" },
		{ "size", "9223372036854775808", "no number" },
		{ "uid", "4294967295", "no number that Linux knows" },
		{ "gid", "", "no number that Linux knows" },
		{ "mtime", "1x", "time is no number" },
		{ "mtime", "99999999999999999999", "time is no number" },
		{ "LIBARCHIVE.xattr.user.x", "**", "encoded" },
		{ "SCHILY.xattr.", "x", "name is empty" },
		{ "GNU.sparse.map", "1,", "sparse map" },
		{ "GNU.sparse.map", "1", "sparse map" },
		{ "GNU.sparse.map", "a,b", "sparse map" },
		{ "GNU.sparse.major", "2", "unknown version" },
		{ "GNU.sparse.numbytes", "1", "out of order" },
		{ "GNU.sparse.offset", "1", "cut short" },
	};

	(void)state;
#define BAD(text, words) pax_damage(text, sizeof(text) - 1, words)
	BAD("x", "wrong length");
	BAD("5 a=b", "wrong length");
	BAD("99 a=b\n", "wrong length");
	BAD("3 \n", "wrong length");
	BAD("0 a=b\n", "wrong length");
	BAD("99999999999999999999 a=b\n", "wrong length");
	BAD("-6 a=b\n", "wrong length");
	BAD("5 ab\n", "without a key");
	BAD("5 =b\n", "without a key");
	BAD("13 path=a\0bc\n", "NUL");
#undef BAD
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		pax_add(&b, records[i].key, records[i].value);
		pax_damage(b.data, b.len, records[i].words);
	}
}

static void bad_headers(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		const char *words;
	} cases[] = {
		{ offsetof(struct tar_block, size), "0000000000x", "size is no number" },
		{ offsetof(struct tar_block, size),
		  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "size is no number" },
		{ offsetof(struct tar_block, size),
		  "\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "size is no number" },
		{ offsetof(struct tar_block, uid), "\xff\xff\xff\xff\xff\xff\xff\xff", "owner" },
		{ offsetof(struct tar_block, mode), "rwxr-x", "no number" },
		{ offsetof(struct tar_block, mtime), "8", "no number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct tar_block h = tar_header('0', "f", 0);

		memcpy((char *)&h + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
		tar_put_block(&b, h);
		tar_end(&b);
		expect_damage(&b, cases[i].words);
	}
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('3', "dev", 0);
	memcpy(h.major, "7777777", 8);
	tar_put_block(&b, h);
	expect_damage(&b, "device");

	strbuf_reset(&b);
	tar_file(&b, "f", "x");
	b.data[0] = 'g';
	expect_damage(&b, "checksum");

	strbuf_reset(&b);
	tar_end(&b);
	b.len = 512;
	tar_file(&b, "behind one block of zeros", "x");
	expect_damage(&b, "single block of zeros");

	/* larger than any file, so that sums of sizes overflow */
	strbuf_reset(&b);
	tar_pax(&b, "size", "9223372036854775807", NULL);
	tar_file(&b, "f", "x");
	expect_damage(&b, "larger than any file");

	strbuf_reset(&b);
	tar_put_block(&b, tar_header('x', "pax", (1U << 20) + 1));
	expect_damage(&b, "too large");

	strbuf_reset(&b);
	tar_pax(&b, "path", "x", NULL);
	expect_damage(&b, "behind an extended header");
}

static void bad_sparse_maps(void **state)
{
	static const struct {
		const char *map, *size;
	} cases[] = {
		{ "0,4", "4" },     /* more than is stored */
		{ "0,2", "4" },     /* less */
		{ "2,3", "4" },     /* beyond the end */
		{ "2,1,0,2", "4" }, /* out of order */
		{ "0,2,1,1", "4" }, /* overlapping */
		{ "9223372036854775807,3", "9223372036854775807" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		tar_pax(&b, "GNU.sparse.map", cases[i].map, "GNU.sparse.size", cases[i].size, NULL);
		tar_file(&b, "f", "abc");
		tar_end(&b);
		expect_damage(&b, "sparse map");
	}
	autostrbuf struct strbuf b = STRBUF_INIT;
	tar_pax(&b, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "8",
		NULL);
	tar_file(&b, "f", "99999999\n");
	tar_end(&b);
	expect_damage(&b, "sparse map");
}

static void every_truncation_is_noticed(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	size_t whole;

	(void)state;
	tar_dir(&b, "d");
	tar_pax(&b, "path", "long", NULL);
	tar_file(&b, "d/f", "hello");
	whole = b.len;
	for (size_t len = 1; len < whole; len++) {
		struct strbuf part = { .data = b.data, .len = len };

		if (read_all(&part, NULL) >= 0 && len != 512)
			fail_msg("%zu of %zu bytes were taken for the whole", len, whole);
	}
	assert_int_equal(read_all(&b, NULL), 0);
}

static void a_file_is_skipped_by_seeking_no_further_than_its_end(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct fd_source src;
	const struct tar_entry *e;
	struct error err = ERROR_INIT;

	(void)state;
	tar_put_block(&b, tar_header('0', "large", 1 << 20));
	autoclose int fd = file_of(b.data, b.len);
	fd_source_init(&src, fd, "it", 4096);
	autotar struct tar *tar = tar_open(&src.src);
	assert_int_equal(tar_next(tar, &e, &err), 1);
	assert_int_equal(tar_next(tar, &e, &err), -1);
	assert_int_equal(err.code, EINVAL);
	fd_source_free(&src);
}

static void sniffing(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	uint8_t block[TAR_BLOCK] = { 0 };

	(void)state;
	assert_true(tar_sniff(block));
	block[5] = 1;
	assert_false(tar_sniff(block));
	tar_file(&b, "f", "x");
	assert_true(tar_sniff((const uint8_t *)b.data));
	b.data[0]++;
	assert_false(tar_sniff((const uint8_t *)b.data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_with_their_places),
		cmocka_unit_test(old_headers_are_understood),
		cmocka_unit_test(extended_headers_count_for_one_entry),
		cmocka_unit_test(gnu_long_names_and_base_256),
		cmocka_unit_test(sparse_files_in_every_form),
		cmocka_unit_test(bad_extended_headers),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(bad_sparse_maps),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(a_file_is_skipped_by_seeking_no_further_than_its_end),
		cmocka_unit_test(sniffing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
