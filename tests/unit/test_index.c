/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a layer's tar becomes: judged by mounting it. Without root, or on a kernel that mounts no EROFS from files, the
 * tests that mount are skipped and say so. */
#include "image-tools/index.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/maketar.h"

/* Makes the index. Returns 0 or -1; text, where not NULL, becomes the message. */
static int make(const struct strbuf *tar, int *tar_fd, int *index_fd, struct index_totals *totals,
		char *text)
{
	static const uint8_t uuid[16] = { 1, 2, 3 };
	struct lower *lower autolower = NULL;
	struct error err = ERROR_INIT;
	int r;

	*tar_fd = file_of(tar->data, tar->len);
	*index_fd = file_of("", 0);
	/* A refusal must be for good: with nothing below. */
	lower = text ? lower_new(NULL, 0, -1) : NULL;
	r = index_make(*tar_fd, uuid, lower, *index_fd, totals, &err);
	if (text)
		strcpy(text, err.message);
	else if (r < 0)
		fail_msg("%s", err.message);
	return r;
}

/* Indexes and mounts tar at <scratch>/m, hands its folder to look, unmounts. */
static void with_mount(void **state, struct strbuf *tar,
		       void (*look)(int dir, const struct index_totals *totals))
{
	autoclose int tar_fd = -1, index_fd = -1;
	struct index_totals totals;
	char source[64], options[64], path[96];
	int r;

	tar_end(tar);
	make(tar, &tar_fd, &index_fd, &totals, NULL);
	mkdirat(scratch(state), "m", 0700);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", index_fd);
	snprintf(options, sizeof(options), "device=/proc/self/fd/%d", tar_fd);
	snprintf(path, sizeof(path), "%s/m", scratch_path);
	r = mount(source, path, "erofs", MS_RDONLY, options);
	if (r < 0 && (errno == EPERM || errno == ENODEV || errno == ENOTBLK)) {
		print_message("skipped: this machine mounts no EROFS from a file (%s)\n",
			      strerror(errno));
		skip();
	}
	if (r < 0)
		fail_msg("mount: %s", strerror(errno));
	autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	look(dir, &totals);
	cleanup_close(&dir);
	dir = -1;
	assert_int_equal(umount(path), 0);
}

static void check_text(int dir, const char *path, const char *text)
{
	struct error err = ERROR_INIT;
	autofree char *is = fs_read_file(dir, path, 1 << 20, NULL, &err);

	if (!is)
		fail_msg("%s: %s", path, err.message);
	assert_string_equal(is, text);
}

static struct stat stat_of(int dir, const char *path)
{
	struct stat s;

	if (fstatat(dir, path, &s, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return s;
}

static ssize_t xattr_of(int dir, const char *path, const char *name, char buf[256])
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fgetxattr(fd, name, buf, 256);

	close(fd);
	return n;
}

static void look_kinds(int dir, const struct index_totals *totals)
{
	char buf[256] = "";
	struct stat s;

	assert_int_equal(totals->entries, 8); /* with the root; a hard link is no other file */
	assert_int_equal(totals->size, 5);
	assert_int_equal(totals->copied, 0);
	assert_int_equal(totals->implied_folders, 0);
	check_text(dir, "d/file", "hello");
	s = stat_of(dir, "d/file");
	assert_int_equal(s.st_mode, S_IFREG | 04751);
	assert_int_equal(s.st_uid, 4294967294U);
	assert_int_equal(s.st_gid, 65);
	assert_int_equal(s.st_mtim.tv_sec, -2);
	assert_int_equal(s.st_mtim.tv_nsec, 999999999);
	assert_int_equal(s.st_nlink, 2);
	assert_int_equal(stat_of(dir, "hard").st_ino, s.st_ino);
	assert_int_equal(xattr_of(dir, "d/file", "user.note", buf), 4);
	assert_memory_equal(buf, "text", 4);
	assert_int_equal(xattr_of(dir, "d/file", "trusted.overlay.redirect", buf), -1);
	assert_int_equal(readlinkat(dir, "sym", buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "/d/fil", 6);
	s = stat_of(dir, "null");
	assert_int_equal(s.st_mode, S_IFCHR | 0644);
	assert_int_equal(s.st_rdev, makedev(259, 300));
	assert_int_equal(stat_of(dir, "block").st_mode, S_IFBLK | 0644);
	assert_int_equal(stat_of(dir, "fifo").st_mode, S_IFIFO | 0644);
	assert_int_equal(stat_of(dir, "empty").st_size, 0);
	assert_int_equal(stat_of(dir, "d").st_nlink, 2);
	assert_int_equal(stat_of(dir, ".").st_nlink, 3);
}

static void every_kind_of_file(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h;

	tar_dir(&b, "./");
	tar_dir(&b, "./d/");
	tar_pax(&b, "mtime", "-1.000000001", "uid", "4294967294", "SCHILY.xattr.user.note", "text",
		"SCHILY.xattr.trusted.overlay.redirect", "/etc", "SCHILY.xattr.system.nfs4_acl",
		"x", NULL);
	h = tar_header('0', "./d/file", 5);
	memcpy(h.mode, "0004751", 8);
	memcpy(h.gid, "0000101", 8);
	tar_put_block(&b, h);
	strbuf_puts(&b, "hello");
	tar_pad(&b);
	tar_link(&b, '1', "./hard", "./d/file");
	tar_link(&b, '2', "./sym", "/d/fil");
	h = tar_header('3', "./null", 0);
	memcpy(h.major, "0000403", 8);
	memcpy(h.minor, "0000454", 8);
	tar_put_block(&b, h);
	h.type = '4';
	memcpy(h.name, "./block", 8);
	tar_put_block(&b, h);
	tar_put(&b, '6', "./fifo", "", 0);
	tar_file(&b, "./empty", "");
	with_mount(state, &b, look_kinds);
}

static void look_names(int dir, const struct index_totals *totals)
{
	check_text(dir, "a/b/c", "deep");
	assert_int_equal(stat_of(dir, "a/b").st_mode, S_IFDIR | 0755);
	check_text(dir, "absolute", "1");
	check_text(dir, "clamped", "2");
	check_text(dir, "x", "3");
	assert_int_equal(faccessat(dir, "gone", F_OK, 0), -1);
	check_text(dir, "target/through", "4");
	check_text(dir, "\xff\xfe", "5");
	check_text(dir, "twice", "second");
	check_text(dir, "was-folder", "file now");
	check_text(dir, "was-file/in", "folder now");
	assert_int_equal(stat_of(dir, "kept").st_mode, S_IFDIR | 0700);
	check_text(dir, "kept/in", "still");
	check_text(dir, "v7", "old");
	assert_int_equal(totals->outside_links, 2);
	assert_int_equal(totals->implied_folders, 4);
	assert_int_equal(faccessat(dir, "outside", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void names_as_extraction_resolves_them(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h;

	tar_file(&b, "a/b/c", "deep");
	tar_file(&b, "/absolute", "1");
	tar_file(&b, "/../../clamped", "2");
	tar_file(&b, "gone/../x", "3");
	tar_link(&b, '2', "link", "../../target");
	tar_dir(&b, "target");
	tar_file(&b, "link/through", "4");
	tar_file(&b, "\xff\xfe", "5");
	tar_file(&b, "twice", "first");
	tar_file(&b, "twice", "second");
	tar_file(&b, "was-folder/in", "x");
	tar_file(&b, "was-folder", "file now");
	tar_file(&b, "was-file", "x");
	tar_dir(&b, "was-file");
	tar_file(&b, "was-file/in", "folder now");
	tar_file(&b, "kept/in", "still");
	h = tar_header('5', "kept/", 0);
	memcpy(h.mode, "0000700", 8);
	tar_put_block(&b, h);
	h = tar_header('\0', "v7", 3);
	memset(h.magic, 0, sizeof(h.magic));
	tar_put_block(&b, h);
	strbuf_puts(&b, "old");
	tar_pad(&b);
	/* these may be in a layer below */
	tar_link(&b, '1', "outside", "nowhere/file");
	tar_link(&b, '1', "outside2", "outside");
	with_mount(state, &b, look_names);
}

#define MANY 3000

static void look_many(int dir, const struct index_totals *totals)
{
	autodir DIR *d = fdopendir(openat(dir, "many", O_RDONLY | O_DIRECTORY));
	int n = 0;

	assert_int_equal(totals->entries, MANY + 5);
	while (readdir(d))
		n++;
	assert_int_equal(n, MANY + 2 + 3);
	for (int i = 0; i < MANY; i += 7) {
		char name[64], text[16];

		snprintf(name, sizeof(name), "many/file-with-a-long-name-%d", i);
		snprintf(text, sizeof(text), "%d", i);
		check_text(dir, name, text);
	}
	check_text(dir, "many/!", "before the dot");
	check_text(dir, "many/-", "before the dot");
	check_text(dir, "many/~", "last");
}

static void a_large_folder(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	for (int i = 0; i < MANY; i++) {
		char name[64], text[16];

		snprintf(name, sizeof(name), "many/file-with-a-long-name-%d", i);
		snprintf(text, sizeof(text), "%d", i);
		tar_file(&b, name, text);
	}
	tar_file(&b, "many/!", "before the dot");
	tar_file(&b, "many/-", "before the dot");
	tar_file(&b, "many/~", "last");
	with_mount(state, &b, look_many);
}

/* Sizes and lengths around what fits into a block behind an inode. */
static void look_edges(int dir, const struct index_totals *totals)
{
	(void)totals;
	for (size_t len = 380; len < 520; len++) {
		char name[16], target[1024], buf[1024];

		snprintf(name, sizeof(name), "l%zu", len);
		memset(target, 't', len);
		assert_int_equal(readlinkat(dir, name, buf, sizeof(buf)), len);
		assert_memory_equal(buf, target, len);
	}
	for (size_t len = 1; len < 255; len += 3) {
		char name[600], file[256];

		memset(file, 'n', len);
		file[len] = '\0';
		snprintf(name, sizeof(name), "d%zu/%s", len, file);
		check_text(dir, name, "x");
	}
}

static void block_edges(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	for (size_t len = 380; len < 520; len++) {
		char name[16], target[1024];

		snprintf(name, sizeof(name), "l%zu", len);
		memset(target, 't', len);
		target[len] = '\0';
		tar_pax(&b, "linkpath", target, NULL);
		tar_link(&b, '2', name, "");
	}
	for (size_t len = 1; len < 255; len += 3) {
		char name[600], file[256];

		memset(file, 'n', len);
		file[len] = '\0';
		snprintf(name, sizeof(name), "d%zu/%s", len, file);
		tar_pax(&b, "path", name, NULL);
		tar_file(&b, "x", "x");
	}
	with_mount(state, &b, look_edges);
}

static void look_whiteouts(int dir, const struct index_totals *totals)
{
	char buf[256];
	struct stat s = stat_of(dir, "d/hidden");

	(void)totals;
	assert_int_equal(s.st_mode & S_IFMT, S_IFCHR);
	assert_int_equal(s.st_rdev, 0);
	assert_int_equal(xattr_of(dir, "d", "trusted.overlay.origin", buf), 0);
	assert_int_equal(xattr_of(dir, "opaque", "trusted.overlay.opaque", buf), 1);
	assert_int_equal(buf[0], 'y');
	check_text(dir, "opaque/in", "1");
	/* a file of the same layer stays, before or behind its whiteout */
	check_text(dir, "before", "2");
	check_text(dir, "behind", "3");
	/* a folder that takes the place of a lower one does not show that one's contents */
	assert_int_equal(xattr_of(dir, "replaced", "trusted.overlay.opaque", buf), 1);
	assert_int_equal(xattr_of(dir, "implied", "trusted.overlay.opaque", buf), 1);
	assert_int_equal(xattr_of(dir, "made-before", "trusted.overlay.opaque", buf), 1);
	assert_int_equal(faccessat(dir, ".wh..wh.plnk", F_OK, 0), -1);
}

static void whiteouts(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	tar_file(&b, "d/.wh.hidden", "");
	tar_file(&b, "opaque/.wh..wh..opq", "");
	tar_file(&b, "opaque/in", "1");
	tar_file(&b, "before", "2");
	tar_file(&b, ".wh.before", "");
	tar_file(&b, ".wh.behind", "");
	tar_file(&b, "behind", "3");
	tar_file(&b, ".wh.replaced", "");
	tar_dir(&b, "replaced");
	tar_file(&b, ".wh.implied", "");
	tar_file(&b, "implied/in", "4");
	tar_dir(&b, "made-before");
	tar_file(&b, ".wh.made-before", "");
	tar_dir(&b, ".wh..wh.plnk");
	with_mount(state, &b, look_whiteouts);
}

/* Pieces that lie on blocks are pointed at; others are copied. */
static void look_sparse(int dir, const struct index_totals *totals)
{
	static const struct {
		const char *name;
		off_t size, at;
		char byte;
	} cases[] = { { "aligned", 1 << 20, 8192, 'a' },
		      { "odd", 1 << 20, 777, 'o' },
		      { "huge", (off_t)1 << 40, (off_t)1 << 39, 'h' } };

	assert_int_equal(totals->copied, 512 + 100 + 512);
	for (size_t i = 0; i < 3; i++) {
		autoclose int fd = openat(dir, cases[i].name, O_RDONLY | O_CLOEXEC);
		char buf[1024];

		assert_int_equal(lseek(fd, 0, SEEK_END), cases[i].size);
		assert_int_equal(pread(fd, buf, 3, cases[i].at - 1), 3);
		assert_int_equal(buf[0], 0);
		assert_int_equal(buf[1], cases[i].byte);
		assert_int_equal(pread(fd, buf, 2, cases[i].size - 2), 2);
		assert_int_equal(buf[0], 0);
	}
	autoclose int hole = openat(dir, "hole", O_RDONLY | O_CLOEXEC);
	char buf[4096];
	assert_int_equal(read(hole, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(buf[4095], 0);
}

static void sparse_files(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char data[4096];

	memset(data, 'a', sizeof(data));
	tar_pax(&b, "GNU.sparse.map", "8192,4096", "GNU.sparse.size", "1048576", NULL);
	tar_put(&b, '0', "aligned", data, 4096);
	memset(data, 'o', sizeof(data));
	tar_pax(&b, "GNU.sparse.map", "777,512,9000,100", "GNU.sparse.size", "1048576", NULL);
	tar_put(&b, '0', "odd", data, 612);
	memset(data, 'h', sizeof(data));
	tar_pax(&b, "GNU.sparse.map", "549755813888,512", "GNU.sparse.size", "1099511627776", NULL);
	tar_put(&b, '0', "huge", data, 512);
	tar_pax(&b, "GNU.sparse.map", "4096,0", "GNU.sparse.size", "4096", NULL);
	tar_put(&b, '0', "hole", "", 0);
	with_mount(state, &b, look_sparse);
}

/* ---- As GNU tar itself writes them */

static void run_tar(const char *words)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && tar --sort=name %s -cSf t.tar sparse dense",
		 scratch_path, words);
	if (system("tar --version >/dev/null 2>&1") != 0)
		skip();
	assert_int_equal(system(command), 0);
}

static void look_gnu_sparse(int dir, const struct index_totals *totals)
{
	autoclose int original = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const char *const names[] = { "sparse", "dense" };

	assert_int_equal(totals->entries, 3);
	for (size_t i = 0; i < 2; i++) {
		autofree char *want = NULL, *is = NULL;
		struct error err = ERROR_INIT;
		size_t want_len, len;

		want = fs_read_file(original, names[i], 4 << 20, &want_len, &err);
		is = fs_read_file(dir, names[i], 4 << 20, &len, &err);
		assert_int_equal(err.code, 0);
		assert_int_equal(len, want_len);
		assert_memory_equal(is, want, len);
	}
}

static void sparse_files_of_gnu_tar(void **state)
{
	static const char *const forms[] = { "--format=gnu", "--format=pax --sparse-version=0.0",
					     "--format=pax --sparse-version=0.1",
					     "--format=pax --sparse-version=1.0" };
	autoclose int sparse =
		openat(scratch(state), "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	/* more pieces than an old header has room for, and an odd end */
	for (int i = 0; i < 60; i++)
		assert_int_equal(pwrite(sparse, &i, sizeof(i), (off_t)i * 40000 + 4095), sizeof(i));
	assert_int_equal(ftruncate(sparse, 3000001), 0);
	put_file(scratch(state), "dense", "without holes");
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct error err = ERROR_INIT;
		size_t len;

		run_tar(forms[i]);
		autofree char *tar = fs_read_file(scratch(state), "t.tar", 8 << 20, &len, &err);
		assert_non_null(tar);
		strbuf_add(&b, tar, len);
		with_mount(state, &b, look_gnu_sparse);
		unlinkat(scratch(state), "m", AT_REMOVEDIR);
	}
}

static void look_odd(int dir, const struct index_totals *totals)
{
	static const uint8_t capability[20] = { 1, 0, 0, 2, 0, 4 };
	char buf[256];

	(void)totals;
	assert_int_equal(xattr_of(dir, "ping", "security.capability", buf), sizeof(capability));
	assert_memory_equal(buf, capability, sizeof(capability));
	/* a folder that took a file's place is another one than a lower layer's */
	assert_int_equal(xattr_of(dir, "was-file", "trusted.overlay.opaque", buf), 1);
	assert_int_equal(xattr_of(dir, "long", "trusted.overlay.opaque", buf), -1);
	memset(buf, 'n', 200);
	memcpy(buf, "long/", 5);
	buf[200] = '\0';
	check_text(dir, buf, "GNU's long name");
	assert_int_equal(readlinkat(dir, "link", buf, sizeof(buf)), 200);
}

/* File capabilities (a value with NULs), GNU's long names, and a file whose length is no multiple of anything. */
static void capabilities_long_names_and_an_odd_end(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, record = STRBUF_INIT;
	static const char capability[20] = { 1, 0, 0, 2, 0, 4 };
	char name[201];

	memset(name, 'n', 200);
	memcpy(name, "long/", 5);
	name[200] = '\0';
	strbuf_puts(&record, "57 SCHILY.xattr.security.capability=");
	strbuf_add(&record, capability, sizeof(capability));
	strbuf_putc(&record, '\n');
	assert_int_equal(record.len, 57);
	tar_put(&b, 'x', "pax", record.data, record.len);
	tar_file(&b, "ping", "program");
	tar_dir(&b, "long");
	tar_put(&b, 'L', "././@LongLink", name, sizeof(name));
	tar_file(&b, "cut", "GNU's long name");
	tar_put(&b, 'K', "././@LongLink", name, sizeof(name));
	tar_link(&b, '2', "link", "cut");
	tar_file(&b, "was-file", "x");
	tar_dir(&b, "was-file");
	tar_end(&b);
	strbuf_puts(&b, "what stands behind the end");
	with_mount(state, &b, look_odd);
}

static void the_same_tar_has_the_same_index(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	autoclose int tar1 = -1, tar2 = -1, index1 = -1, index2 = -1;
	struct index_totals totals;
	struct stat s1, s2;
	static char one[1 << 20], two[1 << 20];

	(void)state;
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d/f%d", i % 13, i);
		tar_file(&b, name, "x");
	}
	tar_end(&b);
	make(&b, &tar1, &index1, &totals, NULL);
	make(&b, &tar2, &index2, &totals, NULL);
	fstat(index1, &s1);
	fstat(index2, &s2);
	assert_int_equal(s1.st_size, s2.st_size);
	assert_int_equal(pread(index1, one, sizeof(one), 0), s1.st_size);
	assert_int_equal(pread(index2, two, sizeof(two), 0), s2.st_size);
	assert_memory_equal(one, two, (size_t)s1.st_size);
}

/* ---- What is refused */

static void expect_refusal(struct strbuf *b, const char *words)
{
	autoclose int tar_fd = -1, index_fd = -1;
	struct index_totals totals;
	char text[ERROR_MESSAGE_MAX];

	if (make(b, &tar_fd, &index_fd, &totals, text) == 0)
		fail_msg("taken, though %s", words);
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void refusals(void **state)
{
	static const struct {
		char type;
		const char *name, *link, *words;
	} cases[] = {
		{ '0', "..", "", "leads out" },
		{ '0', "../x", "", "leads out" },
		{ '0', "a/../../x", "", "leads out" },
		{ '0', "", "", "must be a folder" },
		{ '1', "h", "nowhere", "nothing of that name" },
		{ '1', "h", "../../etc/passwd", "leads out" },
		{ '1', "h", "/etc/passwd", "nothing of that name" },
		{ '1', "h", "dir", "a folder" },
		{ '1', "h", "", "a folder" },
		{ '1', "h", ".", "a folder" },
		{ '1', "h", "file/x", "no folder" },
		{ '2', "s", "", "target is empty" },
		{ '0', "file/x", "", "no folder" },
		{ '0', "loop/x", "", "too many symbolic links" },
		{ '0', ".wh.", "", "whiteout" },
		{ '0', ".wh..", "", "whiteout" },
		{ '0', "dir/.wh...", "", "whiteout" },
		{ 'D', "dump", "", "unknown type" },
		{ 'M', "volume", "", "unknown type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		tar_dir(&b, "dir");
		tar_file(&b, "file", "x");
		tar_link(&b, '2', "loop", "loop");
		tar_link(&b, cases[i].type, cases[i].name, cases[i].link);
		tar_end(&b);
		expect_refusal(&b, cases[i].words);
	}
}

static void long_names_are_refused(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char path[5001];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[256] = '\0';
	tar_pax(&b, "path", path, NULL);
	tar_file(&b, "x", "x");
	tar_end(&b);
	expect_refusal(&b, "more than 255 bytes");
	strbuf_reset(&b);
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? '/' : 'x';
	path[5000] = '\0';
	tar_pax(&b, "path", path, NULL);
	tar_file(&b, "x", "x");
	tar_end(&b);
	expect_refusal(&b, "longer than 4095 bytes");
	/* the deepest that fits is taken */
	strbuf_reset(&b);
	path[4095] = '\0';
	tar_pax(&b, "path", path, NULL);
	tar_dir(&b, "x");
	tar_end(&b);
	autoclose int tar_fd = -1, index_fd = -1;
	struct index_totals totals;
	make(&b, &tar_fd, &index_fd, &totals, NULL);
	assert_int_equal(totals.entries, 2049);
}

static void truncated_tars_are_refused(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	tar_file(&b, "f", "hello");
	b.len -= 512; /* its data */
	expect_refusal(&b, "too early");
	b.len = 1000;
	expect_refusal(&b, "too early");
	b.len = 0;
	strbuf_puts(&b, "this is no tar at all, whatever its name may be");
	expect_refusal(&b, "too early");
}

/* A tree cannot eat the machine: many empty files cost their author more than us. */
static void memory_has_a_limit(void **state)
{
	autotree struct tree *t = tree_new(1 << 20);
	struct error err = ERROR_INIT;
	int n = 0;

	(void)state;
	for (;; n++) {
		char name[32];
		struct tree_inode *inode = tree_inode_new(t, S_IFREG, &err);

		snprintf(name, sizeof(name), "file%d", n);
		if (!inode || tree_link(t, t->root, name, inode, &err) < 0)
			break;
	}
	assert_int_equal(err.code, E2BIG);
	assert_in_range(n, 1000, 10000);
}

#define MOUNTED(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOUNTED(every_kind_of_file),
		MOUNTED(names_as_extraction_resolves_them),
		MOUNTED(a_large_folder),
		MOUNTED(block_edges),
		MOUNTED(whiteouts),
		MOUNTED(sparse_files),
		MOUNTED(sparse_files_of_gnu_tar),
		MOUNTED(capabilities_long_names_and_an_odd_end),
		cmocka_unit_test(the_same_tar_has_the_same_index),
		cmocka_unit_test(refusals),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(truncated_tars_are_refused),
		cmocka_unit_test(memory_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
