/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <sys/mount.h>
#include <sys/resource.h>

#include "lib/fs.h"

static uint64_t size(void **state, const char *path)
{
	struct error err = ERROR_INIT;
	uint64_t bytes = 99;

	if (fs_tree_size(scratch(state), path, &bytes, &err) < 0)
		fail_msg("%s", err.message);
	return bytes;
}

static void nothing_is_empty(void **state)
{
	assert_int_equal(size(state, "none"), 0);
	mkdirat(scratch(state), "d", 0755);
	assert_int_equal(size(state, "d"), 0);
}

static void files_and_links_count(void **state)
{
	int dir = scratch(state);

	put_file(dir, "file", "12345");
	assert_int_equal(size(state, "file"), 5);
	mkdirat(dir, "d", 0755);
	mkdirat(dir, "d/e", 0755);
	put_file(dir, "d/a", "123");
	put_file(dir, "d/e/b", "4567");
	assert_int_equal(mkfifoat(dir, "d/fifo", 0600), 0);
	assert_int_equal(symlinkat("../file", dir, "d/link"),
			 0); /* its own 7 bytes, not the file's */
	assert_int_equal(symlinkat("/", dir, "d/root"), 0);
	assert_int_equal(size(state, "d"), 3 + 4 + 7 + 1);
}

static void a_file_with_several_names_counts_once(void **state)
{
	int dir = scratch(state);

	mkdirat(dir, "d", 0755);
	put_file(dir, "d/a", "123");
	put_file(dir, "d/x", "12");
	assert_int_equal(linkat(dir, "d/a", dir, "d/b", 0), 0);
	assert_int_equal(linkat(dir, "d/a", dir, "d/c", 0), 0);
	assert_int_equal(linkat(dir, "d/x", dir, "outside", 0), 0);
	assert_int_equal(size(state, "d"), 5);
}

static void any_depth_with_few_descriptors(void **state)
{
	struct rlimit limit, few = { 60, 60 };
	int at = dup(scratch(state));

	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		/* around the way down, so that reading goes on after it */
		put_file(next, "a", "1");
		put_file(next, "z", "2");
		close(at);
		at = next;
	}
	close(at);
	getrlimit(RLIMIT_NOFILE, &limit);
	few.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(size(state, "d"), 6000);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void mounts_are_not_its_own(void **state)
{
	char path[96];

	mkdirat(scratch(state), "d", 0755);
	mkdirat(scratch(state), "d/m", 0755);
	put_file(scratch(state), "d/own", "1");
	snprintf(path, sizeof(path), "%s/d/m", scratch_path);
	if (mount("none", path, "tmpfs", 0, NULL) < 0)
		skip();
	put_file(scratch(state), "d/m/foreign", "12345");
	assert_int_equal(size(state, "d"), 1);
	umount(path);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(nothing_is_empty),
		WITH_FOLDER(files_and_links_count),
		WITH_FOLDER(a_file_with_several_names_counts_once),
		WITH_FOLDER(any_depth_with_few_descriptors),
		WITH_FOLDER(mounts_are_not_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
