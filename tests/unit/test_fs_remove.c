/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

static void what_is_not_there_is_no_error(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;

	assert_int_equal(fs_remove_tree(dir, "none", &err), 0);
	assert_int_equal(fs_remove_tree(dir, "none/at/all", &err), 0);
}

static void any_kind_of_file(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;

	put_file(dir, "file", "");
	assert_int_equal(fs_remove_tree(dir, "file", &err), 0);
	assert_int_equal(mkdirat(dir, "d", 0755), 0);
	put_file(dir, "d/file", "");
	assert_int_equal(mkfifoat(dir, "d/fifo", 0600), 0);
	assert_int_equal(mkdirat(dir, "d/empty", 0755), 0);
	assert_int_equal(symlinkat("nowhere", dir, "d/dangling"), 0);
	assert_int_equal(mkdirat(dir, "d/closed", 0), 0);
	assert_int_equal(fs_remove_tree(dir, "d//", &err), 0);
	assert_false(exists(dir, "d"));
	assert_false(exists(dir, "file"));
}

static void links_are_removed_not_followed(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;

	assert_int_equal(mkdirat(dir, "keep", 0755), 0);
	put_file(dir, "keep/precious", "");
	assert_int_equal(mkdirat(dir, "d", 0755), 0);
	assert_int_equal(symlinkat("../keep", dir, "d/link"), 0);
	assert_int_equal(symlinkat(scratch_path, dir, "d/absolute"), 0);
	assert_int_equal(symlinkat("/", dir, "d/root"), 0);
	assert_int_equal(linkat(dir, "keep/precious", dir, "d/hard", 0), 0);
	assert_int_equal(fs_remove_tree(dir, "d", &err), 0);
	assert_false(exists(dir, "d"));
	assert_true(exists(dir, "keep/precious"));

	assert_int_equal(symlinkat("keep", dir, "top"), 0);
	assert_int_equal(fs_remove_tree(dir, "top", &err), 0);
	assert_false(exists(dir, "top"));
	assert_true(exists(dir, "keep/precious"));
}

static void names_that_are_none_are_refused(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	static const char *const bad[] = { "", ".", "..", "/", "//", "a/.", "a/..", "a/../" };

	assert_int_equal(mkdirat(dir, "a", 0755), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fs_remove_tree(dir, bad[i], &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	assert_true(exists(dir, "a"));
}

static void an_absolute_path_needs_no_folder(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	autofree char *path = str_format("%s/a/b", scratch_path);

	assert_int_equal(fs_mkdirs(dir, "a/b/c", 0755, &err), 0);
	assert_int_equal(fs_remove_tree(AT_FDCWD, path, &err), 0);
	assert_true(exists(dir, "a"));
	assert_false(exists(dir, "a/b"));
}

static void many_names(void **state)
{
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	char name[300];

	assert_int_equal(mkdirat(dir, "d", 0755), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "d/%0200d", i);
		if (i % 3)
			put_file(dir, name, "");
		else
			assert_int_equal(mkdirat(dir, name, 0755), 0);
	}
	assert_int_equal(fs_remove_tree(dir, "d", &err), 0);
	assert_false(exists(dir, "d"));
}

/* Far deeper than PATH_MAX, with files on the way, a small stack and few descriptors. */
static void a_tree_deeper_than_any_path(void **state)
{
	enum { DEPTH = 5000 };
	int dir = scratch(state);
	struct error err = ERROR_INIT;
	struct rlimit before, tight;

	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(fd, "deeper", 0755), 0);
		if (i % 100 == 0) {
			put_file(fd, "a", "");
			put_file(fd, "z", "");
			assert_int_equal(mkdirat(fd, "beside", 0755), 0);
		}
		int next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = (struct rlimit){ (rlim_t)dir + 40, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	int rc = fs_remove_tree(dir, "deeper", &err);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_string_equal(err.message, "");
	assert_int_equal(rc, 0);
	assert_false(exists(dir, "deeper"));
}

/* Runs in a child, in a mount namespace of its own: 0 good, 77 no right to mount, else the number of the failed step. */
static int with_mounts(void)
{
	struct error err = ERROR_INIT;
	char target[128];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	/* Opened here: the test's own descriptor looks at the mounts of the old namespace. */
	int dir = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fs_mkdirs(dir, "d/m", 0755, &err);
	fs_mkdirs(dir, "other", 0755, &err);
	put_file(dir, "other/precious", "");
	put_file(dir, "d/file", "");
	snprintf(target, sizeof(target), "%s/d/m", scratch_path);
	if (mount("none", target, "tmpfs", 0, NULL))
		return 77;
	autoclose int mounted = openat(dir, "d/m", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put_file(mounted, "inside", "");
	if (fs_remove_tree(dir, "d", &err) != -1 || err.code != EXDEV || !exists(dir, "d/m/inside"))
		return 1;
	if (!strstr(err.message, "d/m'"))
		return 2;
	/* the mount point itself */
	if (fs_remove_tree(dir, "d/m", &err) != -1 || err.code != EXDEV ||
	    !exists(dir, "d/m/inside"))
		return 3;
	/* a mount of the same filesystem: no device number tells it apart */
	close(STEAL_FD(mounted));
	char source[128];
	snprintf(source, sizeof(source), "%s/other", scratch_path);
	if (umount(target) || mount(source, target, NULL, MS_BIND, NULL))
		return 4;
	if (fs_remove_tree(dir, "d", &err) != -1 || err.code != EXDEV ||
	    !exists(dir, "other/precious"))
		return 5;
	umount(target);
	/* a file that is mounted on */
	put_file(dir, "d/file", "");
	snprintf(target, sizeof(target), "%s/d/file", scratch_path);
	snprintf(source, sizeof(source), "%s/other/precious", scratch_path);
	if (mount(source, target, NULL, MS_BIND, NULL))
		return 6;
	if (fs_remove_tree(dir, "d", &err) != -1 || err.code != EXDEV)
		return 7;
	umount(target);
	if (fs_remove_tree(dir, "d", &err) || exists(dir, "d") || !exists(dir, "other/precious"))
		return 8;
	return 0;
}

static void mounts_are_not_entered(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(with_mounts());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Swaps a folder inside the tree for a link to one outside, for as long as it lasts. */
struct swap {
	int dir;
	volatile bool stop;
};

static void *swapper(void *arg)
{
	struct swap *s = arg;

	while (!s->stop) {
		renameat(s->dir, "d/sub", s->dir, "d/away");
		symlinkat("../keep", s->dir, "d/sub");
		unlinkat(s->dir, "d/sub", 0);
		renameat(s->dir, "d/away", s->dir, "d/sub");
	}
	return NULL;
}

static void a_race_does_not_lead_outside(void **state)
{
	struct swap s = { .dir = scratch(state) };
	struct error err = ERROR_INIT;
	pthread_t thread;

	assert_int_equal(mkdirat(s.dir, "keep", 0755), 0);
	for (char c = 'a'; c <= 'z'; c++)
		put_file(s.dir, (char[]){ 'k', 'e', 'e', 'p', '/', c, 0 }, "");
	assert_int_equal(pthread_create(&thread, NULL, swapper, &s), 0);
	for (int i = 0; i < 300; i++) {
		fs_mkdirs(s.dir, "d/sub", 0755, &err);
		int fd = openat(s.dir, "d/sub/file", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				0600);
		if (fd >= 0)
			close(fd);
		fs_remove_tree(s.dir, "d", &err);
	}
	s.stop = true;
	pthread_join(thread, NULL);
	for (char c = 'a'; c <= 'z'; c++)
		assert_true(exists(s.dir, (char[]){ 'k', 'e', 'e', 'p', '/', c, 0 }));
	assert_int_equal(fs_remove_tree(s.dir, "d", &err), 0);
}

int main(void)
{
#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(what_is_not_there_is_no_error),
		WITH_SCRATCH(any_kind_of_file),
		WITH_SCRATCH(links_are_removed_not_followed),
		WITH_SCRATCH(names_that_are_none_are_refused),
		WITH_SCRATCH(an_absolute_path_needs_no_folder),
		WITH_SCRATCH(many_names),
		WITH_SCRATCH(a_tree_deeper_than_any_path),
		WITH_SCRATCH(mounts_are_not_entered),
		WITH_SCRATCH(a_race_does_not_lead_outside),
	};

	return cmocka_run_group_tests_name("fs_remove", tests, NULL, NULL);
}
