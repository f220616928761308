/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup's life, on whatever cgroup2 mount the machine has. Needs root. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"

#define NAME "knarr/unit-cgroup"

static int create(void)
{
	struct error err = ERROR_INIT;
	int fd = geteuid() == 0 ? cgroup_create(NAME, &err) : -1;

	if (fd < 0) {
		print_message("needs root and a cgroup2 mount, skipped %s\n", err.message);
		skip();
	}
	return fd;
}

/* A child that lives in the cgroup behind fd until it is killed. */
static pid_t settle(int fd)
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int procs = openat(fd, "cgroup.procs", O_WRONLY);

		if (write(procs, "0", 1) != 1 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void it_is_made_and_removed(void **state)
{
	struct error err = ERROR_INIT;
	autoclose int fd = create();

	(void)state;
	assert_false(cgroup_populated(fd));
	autoclose int again = cgroup_open(NAME, &err);
	assert_true(again >= 0);
	assert_int_equal(cgroup_remove(NAME, 1000, &err), 0);
	assert_int_equal(cgroup_remove(NAME, 1000, &err), 0);
	assert_int_equal(cgroup_open(NAME, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

/* A container may nest cgroups, and deeper than we may open folders. */
static void what_is_nested_deeply_goes_too(void **state)
{
	struct error err = ERROR_INIT;
	autoclose int fd = create();
	struct rlimit old, few;

	(void)state;
	for (int branch = 0; branch < 3; branch++) {
		char path[256] = "0";
		size_t len = 1;

		path[0] = (char)('0' + branch);
		assert_int_equal(mkdirat(fd, path, 0755), 0);
		for (int depth = 0; depth < 40; depth++, len += 2) {
			memcpy(path + len, "/d", 3);
			assert_int_equal(mkdirat(fd, path, 0755), 0);
		}
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ .rlim_cur = 32, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int result = cgroup_remove(NAME, 1000, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(result, 0);
	assert_false(cgroup_populated(fd));
}

static void its_processes_are_counted_frozen_and_killed(void **state)
{
	struct error err = ERROR_INIT;
	autoclose int fd = create();
	autofree pid_t *pids = NULL;
	size_t n;
	int status;

	(void)state;
	assert_int_equal(mkdirat(fd, "inner", 0755), 0);
	autoclose int inner = openat(fd, "inner", O_RDONLY | O_DIRECTORY);
	pid_t deep = settle(inner);
	assert_true(cgroup_populated(fd));
	assert_int_equal(cgroup_pids(fd, &pids, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], deep);

	assert_int_equal(cgroup_freeze(fd, true, &err), 0);
	assert_true(cgroup_frozen(fd));
	assert_int_equal(cgroup_freeze(fd, false, &err), 0);
	assert_false(cgroup_frozen(fd));

	assert_int_equal(cgroup_create(NAME, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_int_equal(cgroup_remove(NAME, 30, &err), -1);
	assert_int_equal(err.code, EBUSY);

	assert_int_equal(cgroup_kill(fd, &err), 0);
	assert_int_equal(waitpid(deep, &status, 0), deep);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(cgroup_remove(NAME, 1000, &err), 0);
	assert_false(cgroup_populated(fd));
	assert_int_equal(cgroup_kill(fd, &err), 0);
}

static void a_machine_without_is_no_failure(void **state)
{
	struct error err = ERROR_INIT;
	pid_t *pids;
	size_t n;

	(void)state;
	assert_int_equal(cgroup_kill(-1, &err), 0);
	assert_int_equal(cgroup_pids(-1, &pids, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_false(cgroup_populated(-1));
	assert_int_equal(cgroup_freeze(-1, true, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_and_removed),
		cmocka_unit_test(what_is_nested_deeply_goes_too),
		cmocka_unit_test(its_processes_are_counted_frozen_and_killed),
		cmocka_unit_test(a_machine_without_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
