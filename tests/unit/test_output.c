/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A named output is there whole or not at all, whatever stood in its place. */
#include "lib/output.h"

#include <errno.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "tests/unit/unit.h"

static char path[128];

static const char *in_scratch(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", scratch_path, name);
	return path;
}

static void expect_content(int dirfd, const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	autofree char *is = fs_read_file(dirfd, name, 100, NULL, &err);

	if (!is)
		fail_msg("%s", err.message);
	assert_string_equal(is, text);
}

static void expect_refused(const char *name, int code, const char *words)
{
	autooutput struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(output_open(&o, name, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static int names_in(int dirfd)
{
	autodir DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int n = -2;

	while (readdir(dir))
		n++;
	return n;
}

static void a_new_file_appears_whole(void **state)
{
	autooutput struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;
	struct stat st;
	mode_t before = umask(027);

	assert_int_equal(output_open(&o, in_scratch("new"), &err), 0);
	assert_int_equal(write(o.fd, "text", 4), 4);
	assert_int_equal(names_in(scratch(state)), 0);
	assert_int_equal(output_finish(&o, &err), 0);
	umask(before);
	expect_content(scratch(state), "new", "text");
	assert_int_equal(fstatat(scratch(state), "new", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(names_in(scratch(state)), 1);
}

static void an_old_file_stays_until_the_end(void **state)
{
	autooutput struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;

	put_file(scratch(state), "old", "before");
	assert_int_equal(output_open(&o, in_scratch("old"), &err), 0);
	assert_int_equal(write(o.fd, "after", 5), 5);
	expect_content(scratch(state), "old", "before");
	assert_int_equal(output_finish(&o, &err), 0);
	expect_content(scratch(state), "old", "after");
	assert_int_equal(names_in(scratch(state)), 1);
}

static void what_is_not_finished_is_gone(void **state)
{
	struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;

	put_file(scratch(state), "old", "before");
	assert_int_equal(output_open(&o, in_scratch("old"), &err), 0);
	assert_int_equal(write(o.fd, "after", 5), 5);
	output_end(&o);
	expect_content(scratch(state), "old", "before");
	assert_int_equal(names_in(scratch(state)), 1);
}

static void a_name_in_the_current_folder(void **state)
{
	autooutput struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;
	autoclose int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(fchdir(scratch(state)), 0);
	assert_int_equal(output_open(&o, "bare", &err), 0);
	assert_int_equal(output_finish(&o, &err), 0);
	assert_int_equal(fchdir(here), 0);
	expect_content(scratch(state), "bare", "");
}

static void a_link_is_followed_and_stays(void **state)
{
	autooutput struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;
	struct stat st;

	assert_int_equal(mkdirat(scratch(state), "there", 0755), 0);
	put_file(scratch(state), "there/file", "before");
	assert_int_equal(symlinkat("there/file", scratch(state), "link"), 0);
	assert_int_equal(output_open(&o, in_scratch("link"), &err), 0);
	assert_int_equal(write(o.fd, "after", 5), 5);
	assert_int_equal(output_finish(&o, &err), 0);
	expect_content(scratch(state), "there/file", "after");
	assert_int_equal(fstatat(scratch(state), "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(symlinkat("nowhere", scratch(state), "dangling"), 0);
	expect_refused(in_scratch("dangling"), ENOENT, "link to nothing");
	assert_false(exists(scratch(state), "nowhere"));
}

static void a_fifo_and_a_device_are_written_as_they_are(void **state)
{
	struct output o = OUTPUT_INIT;
	struct error err = ERROR_INIT;
	struct stat st;
	char buf[8];

	assert_int_equal(mkfifoat(scratch(state), "fifo", 0600), 0);
	autoclose int reader = openat(scratch(state), "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(output_open(&o, in_scratch("fifo"), &err), 0);
	assert_true(o.direct);
	assert_int_equal(write(o.fd, "text", 4), 4);
	assert_int_equal(output_finish(&o, &err), 0);
	assert_int_equal(read(reader, buf, sizeof(buf)), 4);
	output_end(&o);
	assert_int_equal(fstatat(scratch(state), "fifo", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(output_open(&o, "/dev/null", &err), 0);
	assert_true(o.direct);
	assert_int_equal(output_finish(&o, &err), 0);
	output_end(&o);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void what_cannot_be_written(void **state)
{
	put_file(scratch(state), "file", "x");
	expect_refused(scratch_path, EISDIR, "folder");
	expect_refused(in_scratch("no/such/folder"), ENOENT, "no/such");
	expect_refused(in_scratch("file/below"), ENOTDIR, "file");
	expect_refused(in_scratch("new/"), EISDIR, "no file name");
	expect_refused("", EINVAL, "no file name");
	expect_refused("/proc/knarr", ENOENT, "/proc");
	assert_int_equal(names_in(scratch(state)), 1);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(a_new_file_appears_whole),
		IN_SCRATCH(an_old_file_stays_until_the_end),
		IN_SCRATCH(what_is_not_finished_is_gone),
		IN_SCRATCH(a_name_in_the_current_folder),
		IN_SCRATCH(a_link_is_followed_and_stays),
		IN_SCRATCH(a_fifo_and_a_device_are_written_as_they_are),
		IN_SCRATCH(what_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
