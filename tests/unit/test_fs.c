/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

static bool has_temporary(int dirfd)
{
	autodir DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		if (str_starts(e->d_name, FS_TEMP_PREFIX))
			return true;
	return false;
}

static void a_file_is_read_whole(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	size_t len = 99;

	put_file(dir, "f", "hello");
	autofree char *text = fs_read_file(dir, "f", 5, &len, &err);
	assert_string_equal(text, "hello");
	assert_int_equal(len, 5);

	put_file(dir, "empty", "");
	autofree char *nothing = fs_read_file(dir, "empty", 0, &len, &err);
	assert_string_equal(nothing, "");
	assert_int_equal(len, 0);

	autofree char *big = xmalloc(100001);
	memset(big, 'x', 100000);
	big[100000] = '\0';
	put_file(dir, "big", big);
	autofree char *back = fs_read_file(dir, "big", SIZE_MAX, NULL, &err);
	assert_string_equal(back, big);

	/* its size is not known beforehand */
	autofree char *proc = fs_read_file(AT_FDCWD, "/proc/self/maps", 1 << 20, &len, &err);
	assert_non_null(proc);
	assert_true(len > 4096);
	assert_int_equal(strlen(proc), len);
}

static void reading_has_a_limit(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;

	put_file(dir, "f", "hello");
	assert_null(fs_read_file(dir, "f", 4, NULL, &err));
	assert_int_equal(err.code, EFBIG);
	assert_string_equal(err.message, "'f' is larger than 4 bytes");
	assert_null(fs_read_file(dir, "f", 0, NULL, &err));
	assert_int_equal(err.code, EFBIG);
	assert_null(fs_read_file(AT_FDCWD, "/proc/self/maps", 100, NULL, &err));
	assert_int_equal(err.code, EFBIG);
}

static void only_regular_files_are_read(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;

	assert_null(fs_read_file(dir, "none", 10, NULL, &err));
	assert_int_equal(err.code, ENOENT);
	assert_null(fs_read_file(dir, ".", 10, NULL, &err));
	assert_int_equal(err.code, EISDIR);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_null(fs_read_file(dir, "fifo", 10, NULL, &err)); /* and does not wait for a writer */
	assert_int_equal(err.code, EINVAL);
	assert_null(fs_read_file(AT_FDCWD, "/dev/zero", 10, NULL, &err));
	assert_int_equal(err.code, EINVAL);
}

static void a_file_is_replaced_with_the_mode_asked_for(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	struct stat st;
	mode_t before = umask(0077);

	put_file(dir, "f", "old");
	assert_int_equal(fs_write_file(dir, "f", "new\0x", 5, 0644, FS_DURABLE, &err), 0);
	umask(before);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(mkdirat(dir, "d", 0755), 0);
	assert_int_equal(fs_write_file(dir, "d/g", "", 0, 0600, FS_VOLATILE, &err), 0);
	assert_true(exists(dir, "d/g"));
	assert_false(has_temporary(dir));
}

static void a_link_in_the_files_place_is_replaced(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	struct stat st;

	put_file(dir, "victim", "precious");
	assert_int_equal(symlinkat("victim", dir, "link"), 0);
	assert_int_equal(fs_write_file(dir, "link", "x", 1, 0600, FS_VOLATILE, &err), 0);
	assert_int_equal(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fstatat(dir, "victim", &st, 0), 0);
	assert_int_equal(st.st_size, 8);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	static char much[100000];

	put_file(dir, "f", "old");
	/* A limit on file sizes is met in the middle of the write: after a short one, as on a full disk. */
	struct rlimit before, tight;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	tight = (struct rlimit){ 50000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	int rc = fs_write_file(dir, "f", much, sizeof(much), 0600, FS_DURABLE, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, EFBIG);
	assert_false(has_temporary(dir));
	autofree char *text = fs_read_file(dir, "f", 10, NULL, &err);
	assert_string_equal(text, "old");

	assert_int_equal(mkdirat(dir, "d", 0755), 0);
	assert_int_equal(fs_write_file(dir, "d", "x", 1, 0600, FS_VOLATILE, &err), -1);
	assert_int_equal(err.code, EISDIR);
	assert_false(has_temporary(dir));
	assert_int_equal(fs_write_file(dir, "none/f", "x", 1, 0600, FS_VOLATILE, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(fs_write_file(dir, "d/", "x", 1, 0600, FS_VOLATILE, &err), -1);
	assert_int_equal(err.code, EINVAL);
}

/* Takes what comes through a pipe, slowly and in odd pieces. */
static void *slow_reader(void *arg)
{
	int fd = *(int *)arg;
	static char buf[4097];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != (char)((total + (size_t)i) % 251))
				return NULL;
		total += (size_t)n;
		if (total < 40000)
			usleep(1000);
	}
	return (void *)total;
}

static void writes_go_through_short_ones_and_full_pipes(void **state)
{
	enum { SIZE = 500000 };
	autofree char *data = xmalloc(SIZE);
	int ends[2];
	pthread_t reader;
	void *total;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i % 251);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0); /* short writes, then EAGAIN */
	assert_int_equal(pthread_create(&reader, NULL, slow_reader, &ends[0]), 0);
	assert_int_equal(fs_write_all(ends[1], data, SIZE), 0);
	close(ends[1]);
	pthread_join(reader, &total);
	assert_int_equal((size_t)total, SIZE);
	close(ends[0]);

	assert_int_equal(fs_write_all(-1, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fs_write_all(-1, "", 0), 0);
}

static void reads_go_on_to_the_end(void **state)
{
	int ends[2];
	char buf[16] = "";

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			if (write(ends[1], "ab", 2) != 2)
				_exit(1);
			usleep(2000);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(fs_read_full(ends[0], buf, 7), 7);
	assert_string_equal(buf, "abababa");
	assert_int_equal(fs_read_full(ends[0], buf, sizeof(buf)), 3);
	assert_int_equal(fs_read_full(ends[0], buf, sizeof(buf)), 0);
	close(ends[0]);
	waitpid(pid, NULL, 0);
}

static void folders_with_their_parents(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	autofree char *absolute = str_format("%s/x//y/", scratch_path);

	assert_int_equal(fs_mkdirs(dir, "a/b/c", 0755, &err), 0);
	assert_int_equal(fs_mkdirs(dir, "a/b/c", 0755, &err), 0);
	assert_int_equal(fs_mkdirs(dir, "a//b/../d/.", 0755, &err), 0);
	assert_true(exists(dir, "a/d"));
	assert_int_equal(fs_mkdirs(AT_FDCWD, absolute, 0700, &err), 0);
	assert_true(exists(dir, "x/y"));
	assert_int_equal(fs_mkdirs(AT_FDCWD, "/", 0700, &err), 0);
	assert_int_equal(fs_mkdirs(AT_FDCWD, "/proc/self", 0700, &err),
			 0); /* mkdir says EPERM or EEXIST there */

	put_file(dir, "file", "");
	assert_int_equal(fs_mkdirs(dir, "file", 0755, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_int_equal(fs_mkdirs(dir, "file/sub", 0755, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_int_equal(fs_mkdirs(dir, "", 0755, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

/* A root with what a hostile image may hold, beside a file and a folder that it must not reach. */
static int hostile_root(int dir)
{
	put_file(dir, "outside", "secret");
	assert_int_equal(mkdirat(dir, "outdir", 0755), 0);
	assert_int_equal(mkdirat(dir, "root", 0755), 0);
	int root = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(symlinkat("../outside", root, "up"), 0);
	assert_int_equal(symlinkat("../outdir", root, "updir"), 0);
	assert_int_equal(symlinkat("/../../../../../outside", root, "far"), 0);
	autofree char *absolute = str_format("%s/outside", scratch_path);
	assert_int_equal(symlinkat(absolute, root, "absolute"), 0);
	assert_int_equal(symlinkat("/etc", root, "etclink"), 0);
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	assert_int_equal(symlinkat("/run", root, "run-dangling"), 0);
	assert_int_equal(symlinkat("dangling2", root, "dangling1"), 0);
	assert_int_equal(symlinkat("deep/er", root, "dangling2"), 0);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	put_file(root, "etc/passwd", "inner");
	return root;
}

static int open_and_close(int root, const char *path, int flags)
{
	int fd = fs_open_in_root(root, path, flags, 0600);

	if (fd < 0)
		return -1;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return 0;
}

static void a_path_stays_beneath_its_root(void **state)
{
	int dir = scratch(state);
	autoclose int root = hostile_root(dir);
	static const char *const escapes[] = { "up",         "far",         "absolute",
					       "../outside", "/../outside", "etc/../../outside" };
	char buf[8] = "";

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		assert_int_equal(open_and_close(root, escapes[i], O_RDONLY), -1);
		assert_int_equal(errno, ENOENT);
	}
	autoclose int fd = fs_open_in_root(root, "/etclink/passwd", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fs_read_full(fd, buf, sizeof(buf)), 5);
	assert_string_equal(buf, "inner"); /* /etc of the root, not ours */

	assert_int_equal(open_and_close(root, "loop", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	/* Created files land inside, too. */
	assert_int_equal(open_and_close(root, "up", O_WRONLY | O_CREAT), 0);
	assert_true(exists(root, "outside"));
	assert_int_equal(open_and_close(root, "/etc", O_PATH | O_DIRECTORY), 0);
	assert_int_equal(open_and_close(root, "/../..", O_PATH | O_DIRECTORY), 0);
}

static void magic_links_are_refused(void **state)
{
	autoclose int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(open_and_close(root, "self/root", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(open_and_close(root, "self/cwd", O_RDONLY), -1);
	assert_int_equal(errno, ELOOP);
}

static int make_in_root(int root, const char *path, struct error *err)
{
	int fd = fs_mkdirs_in_root(root, path, 0755, err);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void folders_beneath_a_root(void **state)
{
	int dir = scratch(state);
	autoclose int root = hostile_root(dir);
	struct error err = ERROR_INIT;

	assert_int_equal(make_in_root(root, "/var/lib/data/", &err), 0);
	assert_true(exists(root, "var/lib/data"));
	assert_int_equal(make_in_root(root, "/var/lib/data", &err), 0);
	assert_int_equal(make_in_root(root, "", &err), 0);
	assert_int_equal(make_in_root(root, "/", &err), 0);
	assert_int_equal(make_in_root(root, "a/../b/./c", &err), 0);
	assert_true(exists(root, "b/c"));
	assert_true(exists(root, "a"));

	/* A link out is a link into the root; one that dangles gets what it points to. */
	assert_int_equal(make_in_root(root, "updir/x", &err), 0);
	assert_true(exists(root, "outdir/x"));
	assert_false(exists(dir, "outdir/x"));
	assert_int_equal(make_in_root(root, "/run-dangling/lock/me", &err), 0);
	assert_true(exists(root, "run/lock/me"));
	assert_int_equal(make_in_root(root, "dangling1/end", &err), 0);
	assert_true(exists(root, "deep/er/end"));
	assert_int_equal(make_in_root(root, "../../../outdir/y", &err), 0);
	assert_true(exists(root, "outdir/y"));
	assert_false(exists(dir, "outdir/y"));

	assert_int_equal(make_in_root(root, "loop/x", &err), -1);
	assert_int_equal(err.code, ELOOP);
	assert_int_equal(make_in_root(root, "etc/passwd/x", &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_int_equal(make_in_root(root, "etc/passwd", &err), -1);
	assert_int_equal(err.code, ENOTDIR);
}

/* What a container can do to us meanwhile: swap a folder for a link that leads out, again and again. */
static void *swapper(void *arg)
{
	int root = *(int *)arg;

	for (int i = 0; i < 3000; i++) {
		mkdirat(root, "s", 0755);
		unlinkat(root, "s", AT_REMOVEDIR);
		symlinkat("../outdir", root, "s");
		unlinkat(root, "s", 0);
	}
	return NULL;
}

static void a_race_does_not_lead_outside(void **state)
{
	int dir = scratch(state);
	int root = hostile_root(dir);
	struct error err = ERROR_INIT;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, swapper, &root), 0);
	for (int i = 0; i < 2000; i++)
		make_in_root(root, "s/escaped", &err);
	pthread_join(thread, NULL);
	assert_false(exists(dir, "outdir/escaped"));
	close(root);
}

static void locks(void **state)
{
	int dir = scratch(state);

	put_file(dir, "lock", "");
	autoclose int a = openat(dir, "lock", O_RDWR | O_CLOEXEC),
		      b = openat(dir, "lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(fs_lock(a, LOCK_SH), 0);
	assert_int_equal(fs_lock(b, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(fs_lock(b, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(fs_lock(a, LOCK_UN), 0);
	assert_int_equal(fs_lock(b, LOCK_EX | LOCK_NB), 0);
}

static void descriptors_have_a_path_and_folders_sync(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	char buf[32];
	struct stat a, b;

	assert_int_equal(stat(fs_fd_path(dir, buf), &a), 0);
	assert_int_equal(fstat(dir, &b), 0);
	assert_true(a.st_ino == b.st_ino);
	assert_int_equal(fs_sync_dir(dir, &err), 0);
	assert_int_equal(fs_sync_dir(AT_FDCWD, &err), 0);
	autoclose int path = openat(dir, ".", O_PATH | O_CLOEXEC);
	assert_int_equal(fs_sync_dir(path, &err), 0);
	assert_int_equal(fs_sync_dir(-1, &err), -1);
	assert_int_equal(err.code, EBADF);
}

int main(void)
{
#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(a_file_is_read_whole),
		WITH_SCRATCH(reading_has_a_limit),
		WITH_SCRATCH(only_regular_files_are_read),
		WITH_SCRATCH(a_file_is_replaced_with_the_mode_asked_for),
		WITH_SCRATCH(a_link_in_the_files_place_is_replaced),
		WITH_SCRATCH(a_failed_write_leaves_the_old_file_and_nothing_else),
		cmocka_unit_test(writes_go_through_short_ones_and_full_pipes),
		cmocka_unit_test(reads_go_on_to_the_end),
		WITH_SCRATCH(folders_with_their_parents),
		WITH_SCRATCH(a_path_stays_beneath_its_root),
		cmocka_unit_test(magic_links_are_refused),
		WITH_SCRATCH(folders_beneath_a_root),
		WITH_SCRATCH(a_race_does_not_lead_outside),
		WITH_SCRATCH(locks),
		WITH_SCRATCH(descriptors_have_a_path_and_folders_sync),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
