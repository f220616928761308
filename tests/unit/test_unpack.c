/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives put below a folder: as they say where they are honest, and not a byte outside of it where they are not. The folder is
 * dest/ in the scratch folder; beside it lies secret, which nothing may touch. */
#include "image-tools/unpack.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/maketar.h"

#define SECRET "secret\n"

static char *read_text(int dirfd, const char *path)
{
	struct error err = ERROR_INIT;
	char *text = fs_read_file(dirfd, path, 1 << 20, NULL, &err);

	if (!text)
		fail_msg("%s", err.message);
	return text;
}

static void assert_text(int dirfd, const char *path, const char *expected)
{
	autofree char *text = read_text(dirfd, path);

	assert_string_equal(text, expected);
}

static int setup(void **state)
{
	if (scratch_setup(state))
		return -1;
	mkdirat(scratch(state), "dest", 0755);
	put_file(scratch(state), "secret", SECRET);
	return 0;
}

/* Whatever happened, the file beside the folder is as it was, and there are no more. */
static int teardown(void **state)
{
	struct stat st;
	int fd = scratch(state);

	assert_text(fd, "secret", SECRET);
	assert_int_equal(fstatat(fd, "secret", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(count_names(fd), 2);
	return scratch_teardown(state);
}

/* in_root: as in a container whose root the scratch folder is. */
static int run_as(void **state, struct strbuf *b, bool in_root, enum unpack_owner owner,
		  struct error *err)
{
	int dest = openat(scratch(state), "dest", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct unpack_options o = {
		.root_fd = in_root ? scratch(state) : -1,
		.dir_fd = in_root ? -1 : dest,
		.path = "/dest",
		.owner = owner,
	};
	struct memory_source src;
	struct tar *tar;
	uint64_t bytes;
	int r;

	tar_end(b);
	memory_source_init(&src, b->data, b->len);
	tar = tar_open(&src.src);
	r = unpack(tar, &o, &bytes, err);
	tar_close(tar);
	close(dest);
	return r;
}

static void ok(void **state, struct strbuf *b, bool in_root)
{
	struct error err = ERROR_INIT;

	if (run_as(state, b, in_root, UNPACK_OURS, &err) < 0)
		fail_msg("%s", err.message);
}

/* Refused both ways, with these words. */
static void refused(void **state, struct strbuf *b, int code, const char *words)
{
	for (int in_root = 0; in_root < 2; in_root++) {
		struct error err = ERROR_INIT;

		assert_int_equal(run_as(state, b, in_root, UNPACK_OURS, &err), -1);
		if (!strstr(err.message, words))
			fail_msg("\"%s\" instead of \"%s\"", err.message, words);
		assert_int_equal(err.code, code);
	}
}

static void everything(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct tar_block h;
	struct stat st, other;
	int fd = scratch(state);
	char text[64];

	tar_pax(&b, "mtime", "1234567890.123456789", NULL);
	h = tar_header('5', "a/", 0);
	strcpy(h.mode, "0002750");
	tar_put_block(&b, h);
	tar_pax(&b, "mtime", "1700000000.000000001", "SCHILY.xattr.user.k", "v", NULL);
	h = tar_header('0', "a/f", 3);
	strcpy(h.mode, "0004755");
	strcpy(h.uid, "0001750");
	tar_put_block(&b, h);
	strbuf_puts(&b, "abc");
	tar_pad(&b);
	tar_link(&b, '1', "a/hard", "a/f");
	tar_pax(&b, "mtime", "99.5", NULL);
	tar_link(&b, '2', "a/soft", "../../secret");
	tar_link(&b, '1', "a/soft2", "a/soft");
	tar_put(&b, '6', "a/fifo", "", 0);
	tar_file(&b, "no/parents/f", "");
	/* Only in a container's root are missing parents made. */
	assert_int_equal(run_as(state, &b, true, UNPACK_KEPT, &err), 0);

	assert_int_equal(fstatat(fd, "dest/a", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 02750);
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(fstatat(fd, "dest/a/f", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
	assert_int_equal(st.st_mtim.tv_nsec, 1);
	assert_int_equal(st.st_nlink, 2);
	if (geteuid() == 0)
		assert_int_equal(st.st_uid, 01750);
	assert_int_equal(fstatat(fd, "dest/a/hard", &other, 0), 0);
	assert_true(st.st_ino == other.st_ino);
	assert_text(fd, "dest/a/f", "abc");
	assert_int_equal(readlinkat(fd, "dest/a/soft", text, sizeof(text)), 12);
	assert_int_equal(readlinkat(fd, "dest/a/soft2", text, sizeof(text)), 12);
	assert_int_equal(fstatat(fd, "dest/a/soft", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mtim.tv_sec, 99);
	assert_int_equal(st.st_mtim.tv_nsec, 500000000);
	assert_int_equal(fstatat(fd, "dest/a/fifo", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0644);
	assert_true(exists(fd, "dest/no/parents/f"));
	snprintf(text, sizeof(text), "%.40s/dest/a/f", scratch_path);
	char value[8];
	ssize_t n = getxattr(text, "user.k", value, sizeof(value));
	assert_true(n == 1 || (n < 0 && errno == ENOTSUP));
}

static void holes_stay_holes(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct stat st;
	char map[512] = "1\n10485760\n4\n", read_back[4];

	/* GNU tar's format 1.0: one piece of four bytes at 10 MiB. */
	tar_pax(&b, "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "s",
		"GNU.sparse.realsize", "20971520", NULL);
	tar_put_block(&b, tar_header('0', "GNUSparseFile.0/s", 516));
	strbuf_add(&b, map, sizeof(map));
	strbuf_puts(&b, "data");
	tar_pad(&b);
	ok(state, &b, false);
	assert_int_equal(fstatat(scratch(state), "dest/s", &st, 0), 0);
	assert_int_equal(st.st_size, 20 << 20);
	assert_true(st.st_blocks < 2048);
	autoclose int fd = openat(scratch(state), "dest/s", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, read_back, 4, 10 << 20), 4);
	assert_memory_equal(read_back, "data", 4);
}

static void names_that_lead_out(void **state)
{
	static const char *const names[] = { "../evil",      "a/../../evil", "/../evil",
					     "./.././evil",  "..",           "a/b/../../../evil",
					     "../dest/evil", "../secret" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		tar_file(&b, names[i], "evil\n");
		refused(state, &b, EXDEV, "is outside of \"/dest\"");
	}
}

static void absolute_names_count_from_the_folder(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	tar_file(&b, "/secret", "mine\n");
	tar_file(&b, "//x/.././y", "y\n");
	ok(state, &b, false);
	assert_text(scratch(state), "dest/secret", "mine\n");
	assert_text(scratch(state), "dest/y", "y\n");
}

/* A link out, then through it: by the archive itself, or with the link there before. */
static void through_links_on_the_machine(void **state)
{
	for (int there = 0; there < 2; there++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct error err = ERROR_INIT;

		if (there)
			assert_int_equal(symlinkat("..", scratch(state), "dest/up"), 0);
		else
			tar_link(&b, '2', "up", "..");
		tar_file(&b, "up/secret", "evil\n");
		assert_int_equal(run_as(state, &b, false, UNPACK_OURS, &err), -1);
		assert_int_equal(err.code, ELOOP);
		unlinkat(scratch(state), "dest/up", 0);
	}
}

/* In a container links lead where they lead in it, and no further. */
static void through_links_in_a_root(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	mkdirat(scratch(state), "dest/real", 0755);
	assert_int_equal(symlinkat("/dest/real", scratch(state), "dest/absolute"), 0);
	assert_int_equal(symlinkat("../../../../../dest/real", scratch(state), "dest/up"), 0);
	tar_file(&b, "absolute/a", "a\n");
	tar_file(&b, "up/b", "b\n");
	ok(state, &b, true);
	assert_text(scratch(state), "dest/real/a", "a\n");
	assert_text(scratch(state), "dest/real/b", "b\n");
}

static void what_is_there_is_replaced_not_written_to(void **state)
{
	for (int in_root = 0; in_root < 2; in_root++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct stat st;
		int fd = scratch(state);

		assert_int_equal(symlinkat("../secret", fd, "dest/link"), 0);
		assert_int_equal(linkat(fd, "secret", fd, "dest/hard", 0), 0);
		assert_int_equal(mkfifoat(fd, "dest/fifo", 0600), 0);
		put_file(fd, "dest/file", "old\n");
		tar_file(&b, "link", "new\n");
		tar_file(&b, "hard", "new\n");
		tar_file(&b, "fifo", "new\n");
		tar_link(&b, '2', "file", "elsewhere");
		ok(state, &b, in_root);
		assert_text(fd, "secret", SECRET);
		assert_text(fd, "dest/link", "new\n");
		assert_text(fd, "dest/hard", "new\n");
		assert_text(fd, "dest/fifo", "new\n");
		assert_int_equal(fstatat(fd, "dest/file", &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(S_ISLNK(st.st_mode));
		autoclose int dest = openat(fd, "dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(count_names(dest), 4);
		for (size_t i = 0; i < 4; i++)
			unlinkat(dest, (const char *[]){ "link", "hard", "fifo", "file" }[i], 0);
	}
}

static void folders_and_others_do_not_replace_each_other(void **state)
{
	autostrbuf struct strbuf dir = STRBUF_INIT, file = STRBUF_INIT, link = STRBUF_INIT;
	int fd = scratch(state);

	mkdirat(fd, "dest/folder", 0755);
	put_file(fd, "dest/folder/kept", "kept\n");
	put_file(fd, "dest/file", "old\n");
	assert_int_equal(symlinkat("folder", fd, "dest/link"), 0);
	tar_dir(&dir, "file/");
	refused(state, &dir, EEXIST, "cannot overwrite non-directory");
	tar_dir(&link, "link/");
	refused(state, &link, EEXIST, "cannot overwrite non-directory");
	tar_file(&file, "folder", "new\n");
	refused(state, &file, EEXIST, "cannot overwrite directory");
	assert_text(fd, "dest/file", "old\n");
	assert_text(fd, "dest/folder/kept", "kept\n");
}

static void the_folder_itself_stays_as_it_is(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('5', "./", 0);
	struct stat st;

	strcpy(h.mode, "0000700");
	tar_put_block(&b, h);
	tar_file(&b, "./f", "f\n");
	ok(state, &b, false);
	assert_int_equal(fstatat(scratch(state), "dest", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_text(scratch(state), "dest/f", "f\n");
}

static void hard_links_out(void **state)
{
	static const struct {
		const char *target;
		int code;
	} cases[] = { { "../secret", EXDEV }, { "a/../../secret", EXDEV }, { "missing", ENOENT } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		tar_link(&b, '1', "h", cases[i].target);
		refused(state, &b, cases[i].code, "invalid hardlink \"h\"");
	}
	/* Through a link to the folder above: refused on the machine; in a root that is how it lies. */
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	tar_link(&b, '2', "up", "..");
	tar_link(&b, '1', "h", "up/secret");
	assert_int_equal(run_as(state, &b, false, UNPACK_OURS, &err), -1);
	assert_false(exists(scratch(state), "dest/h"));
	/* A link to a link is one more link, not its target. */
	autostrbuf struct strbuf c = STRBUF_INIT;
	struct stat st;
	tar_link(&c, '2', "soft", "../secret");
	tar_link(&c, '1', "h", "soft");
	ok(state, &c, false);
	assert_int_equal(fstatat(scratch(state), "dest/h", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

/* What is cut off leaves what was there, whole. */
static void cut_off(void **state)
{
	static const char *const sizes[] = { "4096", "9223372036854770000", "1099511627776" };

	put_file(scratch(state), "dest/old", "old\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		static const char *const names[] = { "old", "new" };

		for (size_t k = 0; k < 2; k++) {
			autostrbuf struct strbuf b = STRBUF_INIT;

			tar_pax(&b, "size", sizes[i], NULL);
			tar_put_block(&b, tar_header('0', names[k], 0));
			strbuf_puts(&b, "only this");
			refused(state, &b, EINVAL, "damaged tar archive");
		}
	}
	assert_text(scratch(state), "dest/old", "old\n");
	autoclose int dest = openat(scratch(state), "dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(count_names(dest), 1);
}

static void devices(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('3', "null", 0);
	struct stat st;
	struct error err = ERROR_INIT;

	if (geteuid() != 0)
		skip();
	strcpy(h.major, "0000001");
	strcpy(h.minor, "0000003");
	strcpy(h.mode, "0000621");
	tar_put_block(&b, h);
	if (run_as(state, &b, false, UNPACK_OURS, &err) < 0 && err.code == EPERM)
		skip(); /* no root of a machine */
	assert_int_equal(fstatat(scratch(state), "dest/null", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0621);
	assert_true(st.st_rdev == makedev(1, 3));
}

static void strange_entries(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, unnamed = STRBUF_INIT, longest = STRBUF_INIT;
	char name[300];

	tar_put(&b, 'D', "x", "", 0);
	refused(state, &b, EINVAL, "unhandled tar header type 68");
	tar_file(&unnamed, "/", "");
	/* a file whose name ends in a slash is a folder, as old archives have it */
	struct error err = ERROR_INIT;
	assert_int_equal(run_as(state, &unnamed, false, UNPACK_OURS, &err), 0);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	tar_pax(&longest, "path", name, NULL);
	tar_file(&longest, "x", "x");
	refused(state, &longest, ENAMETOOLONG, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_stay_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_lead_out, setup, teardown),
		cmocka_unit_test_setup_teardown(absolute_names_count_from_the_folder, setup,
						teardown),
		cmocka_unit_test_setup_teardown(through_links_on_the_machine, setup, teardown),
		cmocka_unit_test_setup_teardown(through_links_in_a_root, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_replaced_not_written_to, setup,
						teardown),
		cmocka_unit_test_setup_teardown(folders_and_others_do_not_replace_each_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_folder_itself_stays_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(hard_links_out, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(devices, setup, teardown),
		cmocka_unit_test_setup_teardown(strange_entries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
