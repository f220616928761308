/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tar_writer writes is judged by two readers: ours, which must give back what went in, and libarchive's, which
 * shares no line with either. */
#include "image-tools/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "tests/unit/maketar.h"

static int collect(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

/* The archive of one entry, whose data are text. */
static void write_one(struct strbuf *out, const struct tar_entry *e, const char *text)
{
	struct tar_writer *w autotarwriter = tar_writer_new(collect, out);
	struct error err = ERROR_INIT;

	if (tar_writer_entry(w, e, &err) < 0 ||
	    (*text && tar_writer_data(w, text, strlen(text), &err) < 0) ||
	    tar_writer_end(w, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(out->len % TAR_BLOCK, 0);
}

static void same_entry(const struct tar_entry *got, const struct tar_entry *want)
{
	size_t len = strlen(want->path);

	assert_int_equal(got->type, want->type);
	assert_memory_equal(got->path, want->path, len);
	assert_string_equal(got->path + len,
			    want->type == TAR_DIRECTORY && want->path[len - 1] != '/' ? "/" : "");
	assert_string_equal(got->link, want->link ? want->link : "");
	assert_int_equal(got->mode, want->mode);
	assert_int_equal(got->uid, want->uid);
	assert_int_equal(got->gid, want->gid);
	assert_int_equal(got->mtime, want->mtime);
	assert_int_equal(got->mtime_nsec, want->mtime_nsec);
	assert_int_equal(got->major, want->major);
	assert_int_equal(got->minor, want->minor);
	assert_int_equal(got->size, want->size);
	assert_int_equal(got->n_pieces, want->n_pieces);
	if (want->n_pieces)
		assert_memory_equal(got->pieces, want->pieces,
				    want->n_pieces * sizeof(*want->pieces));
	assert_int_equal(got->n_xattrs, want->n_xattrs);
	for (size_t i = 0; i < want->n_xattrs; i++) {
		assert_string_equal(got->xattrs[i].name, want->xattrs[i].name);
		assert_int_equal(got->xattrs[i].len, want->xattrs[i].len);
		assert_memory_equal(got->xattrs[i].value, want->xattrs[i].value,
				    want->xattrs[i].len);
	}
}

static struct archive *open_libarchive(const struct strbuf *b, struct archive_entry **e)
{
	struct archive *a = archive_read_new();

	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, b->data, b->len), ARCHIVE_OK);
	assert_true(archive_read_next_header(a, e) >= ARCHIVE_WARN);
	return a;
}

static void libarchive_agrees(const struct strbuf *b, const struct tar_entry *want)
{
	struct archive_entry *e;
	struct archive *a = open_libarchive(b, &e);

	assert_memory_equal(archive_entry_pathname(e), want->path, strlen(want->path));
	assert_int_equal(archive_entry_perm(e), want->mode);
	assert_int_equal(archive_entry_uid(e), want->uid);
	assert_int_equal(archive_entry_gid(e), want->gid);
	assert_int_equal(archive_entry_mtime(e), want->mtime);
	assert_int_equal(archive_entry_mtime_nsec(e), want->mtime_nsec);
	assert_int_equal(archive_entry_xattr_count(e), want->n_xattrs);
	if (want->type == TAR_SYMLINK)
		assert_string_equal(archive_entry_symlink(e), want->link);
	if (want->type == TAR_HARDLINK)
		assert_string_equal(archive_entry_hardlink(e), want->link);
	if (want->type == TAR_FILE)
		assert_int_equal(archive_entry_size(e), want->size);
	if (want->type == TAR_CHARDEV) {
		assert_int_equal(archive_entry_rdevmajor(e), want->major);
		assert_int_equal(archive_entry_rdevminor(e), want->minor);
	}
	archive_read_free(a);
}

static void round_trip(const struct tar_entry *want, const char *text)
{
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct memory_source src;
	const struct tar_entry *got;
	struct error err = ERROR_INIT;
	const uint8_t *data;
	size_t len;

	write_one(&b, want, text);
	memory_source_init(&src, b.data, b.len);
	struct tar *t autotar = tar_open(&src.src);
	if (tar_next(t, &got, &err) != 1)
		fail_msg("%s", err.message);
	same_entry(got, want);
	for (; *text; text += len) {
		assert_int_equal(tar_data(t)->next(tar_data(t), &data, &len, &err), 0);
		assert_true(len > 0 && len <= strlen(text));
		assert_memory_equal(data, text, len);
	}
	assert_int_equal(tar_next(t, &got, &err), 0);
	libarchive_agrees(&b, want);
}

static void every_type_comes_back(void **state)
{
	static const enum tar_type types[] = { TAR_FILE,    TAR_HARDLINK, TAR_SYMLINK,
					       TAR_CHARDEV, TAR_BLOCKDEV, TAR_DIRECTORY,
					       TAR_FIFO };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct tar_entry e = { .type = types[i],
				       .path = "a/b",
				       .mode = 06755,
				       .uid = 1000,
				       .gid = 100,
				       .mtime = 1234567890 };

		if (e.type == TAR_FILE)
			e.size = 5;
		if (e.type == TAR_HARDLINK || e.type == TAR_SYMLINK)
			e.link = "c/d";
		if (e.type == TAR_CHARDEV || e.type == TAR_BLOCKDEV)
			e.major = 4095, e.minor = 1048575;
		round_trip(&e, e.type == TAR_FILE ? "hello" : "");
	}
}

static void a_plain_file_is_two_blocks(void **state)
{
	struct tar_entry e = { .type = TAR_FILE, .path = "f", .mode = 0644, .mtime = 1, .size = 5 };
	struct strbuf b autostrbuf = STRBUF_INIT;

	(void)state;
	write_one(&b, &e, "hello");
	assert_int_equal(b.len, 4 * TAR_BLOCK);
	assert_string_equal(b.data, "f");
}

static void names_of_every_length(void **state)
{
	char path[1200];

	(void)state;
	for (size_t step = 1; step < 300; step += 7) {
		for (size_t len = 1; len < sizeof(path) - 1; len = len < 300 ? len + 1 : len + 97) {
			struct tar_entry e = { .type = len % 2 ? TAR_FILE : TAR_DIRECTORY,
					       .path = path };

			memset(path, 'x', len);
			path[len] = '\0';
			for (size_t i = step; i < len - 1; i += step + 1)
				path[i] = '/';
			round_trip(&e, "");
			e.link = path;
			e.type = TAR_SYMLINK;
			if (len % 16 == 0)
				round_trip(&e, "");
		}
	}
}

static void names_outside_of_ascii(void **state)
{
	static const char *const names[] = { "gr\303\274n",  "\377\376",         "a\200/b",
					     "\355\240\200", "\360\237\230\200", "a\nb",
					     "a=b",          "\300\257" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tar_entry file = { .type = TAR_FILE, .path = names[i], .size = 2 };
		struct tar_entry link = { .type = TAR_SYMLINK, .path = "l", .link = names[i] };

		round_trip(&file, "hi");
		round_trip(&link, "");
	}
}

static bool says(const struct strbuf *b, const char *what)
{
	return memmem(b->data, b->len, what, strlen(what)) != NULL;
}

static void only_names_that_are_no_text_are_binary(void **state)
{
	struct strbuf text autostrbuf = STRBUF_INIT, bytes autostrbuf = STRBUF_INIT;
	struct tar_entry e = { .type = TAR_FILE, .path = "gr\303\274n" };

	(void)state;
	write_one(&text, &e, "");
	e.path = "gr\374n";
	write_one(&bytes, &e, "");
	assert_false(says(&text, "hdrcharset"));
	assert_true(says(&text, "path=gr\303\274n\n"));
	assert_true(says(&bytes, "21 hdrcharset=BINARY\n"));
}

static void times_and_owners(void **state)
{
	static const struct {
		int64_t s;
		uint32_t ns;
		const char *text;
	} times[] = {
		{ 0, 0, NULL },
		{ 1700000000, 123456789, "mtime=1700000000.123456789\n" },
		{ 1700000000, 120000000, "mtime=1700000000.12\n" },
		{ 1700000000, 1, "mtime=1700000000.000000001\n" },
		{ -1, 0, "mtime=-1\n" },
		{ -1, 500000000, "mtime=-0.5\n" },
		{ -2, 250000000, "mtime=-1.75\n" },
		{ INT64_C(8589934591), 0, NULL },
		{ INT64_C(8589934592), 0, "mtime=8589934592\n" },
		{ INT64_C(17179869183), 999999999, "mtime=17179869183.999999999\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct strbuf b autostrbuf = STRBUF_INIT;
		struct tar_entry e = { .type = TAR_FILE,
				       .path = "f",
				       .uid = 2097151U + (uint32_t)i,
				       .gid = UINT32_MAX - 1 - (uint32_t)i,
				       .mtime = times[i].s,
				       .mtime_nsec = times[i].ns };

		/* libarchive 3.6 misreads fractions before 1970. */
		if (times[i].s >= 0)
			round_trip(&e, "");
		write_one(&b, &e, "");
		assert_int_equal(says(&b, "mtime="), times[i].text != NULL);
		if (times[i].text)
			assert_true(says(&b, times[i].text));
		assert_int_equal(says(&b, " uid="), i > 0);
	}
}

static void attributes(void **state)
{
	static uint8_t large[60000];
	struct tar_xattr x[] = {
		{ "security.capability", (const uint8_t *)"\1\0\0\2\0\0\n\0=", 9 },
		{ "user.empty", (const uint8_t *)"", 0 },
		{ "user.gr\303\274n", (const uint8_t *)"x", 1 },
		{ "user.large", large, sizeof(large) },
		{ "user.odd=name%", (const uint8_t *)"\0\377ab", 4 },
		{ "user.odd=2", (const uint8_t *)"12345", 5 },
	};
	struct tar_entry e = { .type = TAR_DIRECTORY, .path = "d", .xattrs = x, .n_xattrs = 6 };

	(void)state;
	round_trip(&e, "");
	e.type = TAR_FILE;
	e.size = 3;
	for (e.n_xattrs = 0; e.n_xattrs < 6; e.n_xattrs++)
		round_trip(&e, "abc");
}

static void too_many_attributes_are_refused(void **state)
{
	static uint8_t large[60000];
	struct tar_xattr x[20];
	struct tar_entry e = { .type = TAR_FILE, .path = "much", .xattrs = x, .n_xattrs = 20 };
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = tar_writer_new(collect, &b);

	(void)state;
	for (size_t i = 0; i < 20; i++)
		x[i] = (struct tar_xattr){ "user.x", large, sizeof(large) };
	assert_int_equal(tar_writer_entry(w, &e, &err), -1);
	assert_int_equal(err.code, E2BIG);
	assert_non_null(strstr(err.message, "much"));
}

static void sparse_files(void **state)
{
	struct tar_piece pieces[] = { { 4096, 5 }, { UINT64_C(1) << 40, 6 } };
	struct tar_entry e = { .type = TAR_FILE,
			       .path = "gr\303\274n/holes",
			       .mtime_nsec = 5,
			       .size = (UINT64_C(1) << 40) + 4096,
			       .pieces = pieces,
			       .n_pieces = 2 };
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct archive_entry *ae;
	struct archive *a;
	char data[16];
	const void *run;
	size_t len;
	la_int64_t offset;
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = NULL;

	(void)state;
	round_trip(&e, "helloworld!");
	write_one(&b, &e, "helloworld!");
	assert_true(b.len <= 8 * TAR_BLOCK);
	a = open_libarchive(&b, &ae);
	assert_int_equal(archive_read_data_block(a, &run, &len, &offset), ARCHIVE_OK);
	assert_int_equal(offset, 4096);
	assert_int_equal(len, 5);
	memcpy(data, run, 5);
	assert_memory_equal(data, "hello", 5);
	archive_read_free(a);

	e.n_pieces = 0; /* nothing but a hole */
	round_trip(&e, "");
	e.n_pieces = 2;
	pieces[1].offset = 4098;
	w = tar_writer_new(collect, &b);
	assert_int_equal(tar_writer_entry(w, &e, &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void a_size_beyond_8_gib(void **state)
{
	struct tar_entry e = { .type = TAR_FILE, .path = "big", .size = UINT64_C(1) << 33 };
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = tar_writer_new(collect, &b);
	struct memory_source src;
	const struct tar_entry *got;
	static char some[600000];

	(void)state;
	assert_int_equal(tar_writer_entry(w, &e, &err), 0);
	assert_int_equal(tar_writer_data(w, some, sizeof(some), &err), 0);
	assert_int_equal(tar_writer_missing(w), e.size - sizeof(some));
	assert_int_equal(tar_writer_end(w, &err), -1);
	memory_source_init(&src, b.data, b.len);
	struct tar *t autotar = tar_open(&src.src);
	assert_int_equal(tar_next(t, &got, &err), 1);
	assert_int_equal(got->size, e.size);
}

static void data_is_what_was_announced(void **state)
{
	struct tar_entry e = { .type = TAR_FILE, .path = "f", .size = 5 };
	struct strbuf b autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = tar_writer_new(collect, &b);

	(void)state;
	assert_int_equal(tar_writer_entry(w, &e, &err), 0);
	assert_int_equal(tar_writer_data(w, "abc", 3, &err), 0);
	assert_int_equal(tar_writer_data(w, "def", 3, &err), -1);
	assert_int_equal(tar_writer_entry(w, &e, &err), -1);
	assert_int_equal(tar_writer_pad(w, &err), 0);
	assert_int_equal(tar_writer_missing(w), 0);
	assert_int_equal(tar_writer_end(w, &err), 0);
	assert_memory_equal(b.data + TAR_BLOCK, "abc\0\0\0", 6);
	assert_int_equal(b.len, 4 * TAR_BLOCK);
}

/* Read straight into the writer's buffer, in bits of every size. */
static void space_is_lent(void **state)
{
	struct strbuf b autostrbuf = STRBUF_INIT, plain autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (int lent = 0; lent < 2; lent++) {
		struct tar_writer *w autotarwriter = tar_writer_new(collect, lent ? &b : &plain);

		for (size_t size = 0; size < 1000000; size = 3 * size + 511) {
			struct tar_entry e = { .type = TAR_FILE, .path = "f", .size = size };
			uint8_t *data autofree = xmalloc(size + 1);
			size_t done = 0, room;

			for (size_t i = 0; i < size; i++)
				data[i] = (uint8_t)(i * 7 + size);
			assert_int_equal(tar_writer_entry(w, &e, &err), 0);
			if (!lent) {
				assert_int_equal(tar_writer_data(w, data, size, &err), 0);
				continue;
			}
			while (done < size) {
				void *p = tar_writer_space(w, &room, &err);
				size_t n;

				assert_non_null(p);
				assert_true(room > 0 && room <= size - done);
				n = room > 1000 ? room - done % 700 : room;
				memcpy(p, data + done, n);
				tar_writer_filled(w, n);
				done += n;
			}
			assert_null(tar_writer_space(w, &room, &err));
		}
		assert_int_equal(tar_writer_end(w, &err), 0);
	}
	assert_int_equal(b.len, plain.len);
	assert_memory_equal(b.data, plain.data, b.len);
}

static int full(void *context, const void *data, size_t len, struct error *err)
{
	(void)context;
	(void)data;
	(void)len;
	return error_set(err, ENOSPC, "full");
}

static void what_write_says_is_passed_on(void **state)
{
	struct tar_entry e = { .type = TAR_FILE, .path = "f", .size = 1000000 };
	static char some[1000000];
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = tar_writer_new(full, NULL);

	(void)state;
	assert_int_equal(tar_writer_entry(w, &e, &err), 0);
	assert_int_equal(tar_writer_data(w, some, sizeof(some), &err), -1);
	assert_string_equal(err.message, "full");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back),
		cmocka_unit_test(a_plain_file_is_two_blocks),
		cmocka_unit_test(names_of_every_length),
		cmocka_unit_test(names_outside_of_ascii),
		cmocka_unit_test(only_names_that_are_no_text_are_binary),
		cmocka_unit_test(times_and_owners),
		cmocka_unit_test(attributes),
		cmocka_unit_test(too_many_attributes_are_refused),
		cmocka_unit_test(sparse_files),
		cmocka_unit_test(a_size_beyond_8_gib),
		cmocka_unit_test(data_is_what_was_announced),
		cmocka_unit_test(space_is_lent),
		cmocka_unit_test(what_write_says_is_passed_on),
	};

	setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive gives no names outside of ASCII without */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
