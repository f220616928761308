/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup's control files, read and written, in a folder that looks like one. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_stats.h"

static void figures(void **state)
{
	int fd = scratch(state);
	struct cgroup_stats s autocgroupstats = CGROUP_STATS_INIT;
	struct error err = ERROR_INIT;

	put_file(
		fd, "cpu.stat",
		"usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 4\nnr_throttled 3\nthrottled_usec 5\n");
	put_file(fd, "memory.current", "5000\n");
	put_file(fd, "memory.max", "max\n");
	put_file(fd, "memory.swap.current", "7\n");
	put_file(fd, "memory.swap.max", "9\n");
	put_file(fd, "memory.stat", "anon 1\nfile 2\ninactive_file 1000\n");
	put_file(fd, "memory.events",
		 "low 0\nhigh 0\nmax 11\noom 12\noom_kill 13\noom_group_kill 14\n");
	put_file(fd, "pids.current", "3\n");
	put_file(fd, "pids.max", "20\n");
	put_file(
		fd, "io.stat",
		"254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:1 \n8:16 wbytes=18446744073709551615\n");
	put_file(fd, "hugetlb.2MB.current", "2097152\n");
	put_file(fd, "hugetlb.2MB.max", "max\n");
	put_file(fd, "hugetlb.2MB.events", "max 6\n");
	put_file(fd, "hugetlb.2MB.rsvd.current", "1\n");

	assert_int_equal(cgroup_stats_read(fd, &s, &err), 0);
	assert_true(s.cpu_usage == 30 && s.cpu_user == 10 && s.cpu_system == 20 &&
		    s.cpu_periods == 4 && s.cpu_throttled_periods == 3 && s.cpu_throttled == 5);
	assert_true(s.has_memory && s.memory == 5000 && s.memory_limit == CGROUP_NO_LIMIT &&
		    s.swap == 7 && s.swap_limit == 9);
	assert_true(s.memory_inactive_file == 1000 && s.max_events == 11 && s.oom_events == 12 &&
		    s.oom_kills == 13);
	assert_int_equal(s.n_memory_lines, 3);
	assert_string_equal(s.memory_lines[1].name, "file");
	assert_true(s.has_pids && s.pids == 3 && s.pids_limit == 20);
	assert_int_equal(s.n_io, 3);
	assert_true(s.io[0].major == 254 && s.io[0].read_bytes == 1 && s.io[0].write_ops == 4);
	assert_true(s.io[2].minor == 16 && s.io[2].write_bytes == UINT64_MAX &&
		    s.io[2].read_bytes == 0);
	assert_int_equal(s.n_hugetlb, 1);
	assert_true(s.hugetlb[0].usage == 2097152 && s.hugetlb[0].limit == CGROUP_NO_LIMIT &&
		    s.hugetlb[0].failures == 6);
	assert_int_equal(cgroup_oom_kills(fd), 13);
}

static void without_controllers(void **state)
{
	int fd = scratch(state);
	struct cgroup_stats s autocgroupstats = CGROUP_STATS_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(cgroup_stats_read(fd, &s, &err), -1);
	assert_int_equal(cgroup_stats_read(-1, &s, &err), -1);
	put_file(fd, "cpu.stat", "usage_usec 30\n");
	put_file(fd, "cgroup.procs", "1\n2\n");
	assert_int_equal(cgroup_stats_read(fd, &s, &err), 0);
	assert_true(!s.has_memory && !s.has_pids && !s.has_io && s.pids == 2 &&
		    s.memory_limit == 0);
	assert_int_equal(cgroup_oom_kills(fd), 0);
	assert_int_equal(cgroup_oom_kills(-1), 0);
}

static void expect_file(int fd, const char *file, const char *text)
{
	autofree char *got = fs_read_file(fd, file, 4096, NULL, NULL);

	assert_non_null(got);
	assert_string_equal(got, text);
}

static void limits_are_written(void **state)
{
	int fd = scratch(state);
	struct resources r autoresources = RESOURCES_INIT;
	struct error err = ERROR_INIT;

	put_file(fd, "cgroup.controllers", "memory pids");
	put_file(fd, "memory.max", "");
	put_file(fd, "pids.max", "");
	r.memory = 1 << 20;
	r.memory_swap = 1 << 20; /* no swap in this kernel: there is nothing to take away */
	r.pids = 5;
	assert_int_equal(cgroup_apply(fd, &r, &err), 0);
	expect_file(fd, "memory.max", "1048576");
	expect_file(fd, "pids.max", "5");

	r.memory_swap = 2 << 20;
	assert_int_equal(cgroup_apply(fd, &r, &err), -1);
	assert_string_equal(err.message,
			    "cannot set memory.swap.max to 1048576: this kernel has no such limit");
	assert_int_equal(err.code, ENOTSUP);
	r.memory_swap = RESOURCE_UNSET;
	strv_add(&r.unified, "rdma.max=x");
	assert_int_equal(cgroup_apply(fd, &r, &err), -1);
	assert_string_equal(err.message,
			    "cannot set rdma.max to x: cgroup v2 has no rdma controller here");
	assert_int_equal(cgroup_apply(-1, &r, &err), 0);
}

/* What is asked for together with what the cgroup has. */
static void half_a_change(void **state)
{
	int fd = scratch(state);
	struct resources r autoresources = RESOURCES_INIT;
	struct error err = ERROR_INIT;

	put_file(fd, "cgroup.controllers", "memory cpu");
	put_file(fd, "memory.max", "1000\n");
	put_file(fd, "memory.swap.max", "");
	put_file(fd, "cpu.max", "20000 100000\n");
	r.memory_swap = 3000;
	r.cpu_period = 150000;
	assert_int_equal(cgroup_apply(fd, &r, &err), 0);
	expect_file(fd, "memory.swap.max", "2000");
	expect_file(fd, "cpu.max", "20000 150000\n");

	r.memory_check_before_update = true;
	put_file(fd, "memory.current", "900\n");
	r.memory = 500;
	r.memory_swap = RESOURCE_UNSET;
	assert_int_equal(cgroup_apply(fd, &r, &err), -1);
	assert_string_equal(err.message,
			    "linux.resources.memory.limit (500) is less than what is in use (900)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(figures, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(without_controllers, scratch_setup,
						scratch_teardown),
		cmocka_unit_test_setup_teardown(limits_are_written, scratch_setup,
						scratch_teardown),
		cmocka_unit_test_setup_teardown(half_a_change, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
