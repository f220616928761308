/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/str.h"
#include "runtime/spec/resources.h"

static void a_change_leaves_the_rest(void **state)
{
	struct resources r autoresources = RESOURCES_INIT, change autoresources = RESOURCES_INIT;

	(void)state;
	r.memory = 1000;
	r.cpu_shares = 512;
	r.cpuset_cpus = xstrdup("0");
	resources_add_block(&r.read_bps, 8, 0, 1);
	resources_add_block(&r.read_bps, 8, 16, 2);
	strv_add(&r.unified, "memory.high=1");
	resources_add_device(&r)->type = 'c';

	change.memory = RESOURCE_UNLIMITED;
	change.pids = 7;
	change.cpuset_cpus = xstrdup("1-3");
	resources_add_block(&change.read_bps, 8, 16, 3);
	resources_add_block(&change.read_bps, 8, 32, 4);
	strv_add(&change.unified, "memory.high=2");
	change.hugetlb = xcalloc(1, sizeof(*change.hugetlb));
	change.hugetlb[0] = (struct resource_hugetlb){ xstrdup("2MB"), 9 };
	change.n_hugetlb = 1;

	for (int again = 0; again < 2; again++) {
		resources_merge(&r, &change);
		assert_int_equal(r.memory, -1);
		assert_int_equal(r.cpu_shares, 512);
		assert_int_equal(r.pids, 7);
		assert_string_equal(r.cpuset_cpus, "1-3");
		assert_int_equal(r.read_bps.n, 3);
		assert_int_equal(r.read_bps.items[0].value, 1);
		assert_int_equal(r.read_bps.items[1].value, 3);
		assert_int_equal(r.read_bps.items[2].minor, 32);
		assert_int_equal(r.unified.len, 1);
		assert_string_equal(r.unified.items[0], "memory.high=2");
		assert_int_equal(r.n_hugetlb, 1);
		assert_int_equal(r.hugetlb[0].limit, 9);
		assert_int_equal(r.n_devices, 1);
	}
	change.devices_set = true;
	resources_merge(&r, &change);
	assert_int_equal(r.n_devices, 0);
	assert_true(r.devices_set);
}

static void refused(struct resources r, const char *message)
{
	struct error err = ERROR_INIT;

	assert_int_equal(resources_check(&r, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.message, message);
}

static void taken(struct resources r)
{
	struct error err = ERROR_INIT;

	if (resources_check(&r, &err) < 0)
		fail_msg("%s", err.message);
}

static struct resources none(void)
{
	return (struct resources)RESOURCES_INIT;
}

static void numbers(void **state)
{
	struct resources r = none();

	(void)state;
	taken(r);
	r.memory = 0;
	taken(r);
	r.memory = -2;
	refused(r, "linux.resources.memory.limit: -2 is not between -1 and 9223372036854775807");
	r.memory = 1000;
	r.memory_swap = 999;
	refused(r,
		"linux.resources.memory.swap (999) counts memory and swap together and must not be less than "
		"linux.resources.memory.limit (1000)");
	r.memory_swap = -1;
	taken(r);
	r.memory_reservation = 1001;
	refused(r,
		"linux.resources.memory.reservation (1001) is more than linux.resources.memory.limit (1000)");
	r = none();
	r.cpu_period = 999;
	refused(r, "linux.resources.cpu.period: 999 is not between 1000 and 1000000");
	r.cpu_period = 1000;
	r.cpu_quota = -1;
	taken(r);
	r.cpu_quota = 999;
	refused(r, "linux.resources.cpu.quota: 999 is not between 1000 and 9223372036854775807");
	r = none();
	r.cpu_idle = 2;
	refused(r, "linux.resources.cpu.idle: 2 is not between 0 and 1");
	r = none();
	r.blkio_weight = 9;
	refused(r, "linux.resources.blockIO.weight: 9 is not between 10 and 1000");
}

static void lists(void **state)
{
	static const char *const good[] = { "0", "0-3", "0,2", "0-1,7,9-12", "" };
	static const char *const bad[] = {
		",", "0,", "a", "1-", "3-1", "-1", "0 ", "0-1-2", "99999"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct resources r autoresources = RESOURCES_INIT;

		r.cpuset_cpus = xstrdup(good[i]);
		r.cpuset_mems = xstrdup(good[i]);
		taken(r);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct resources r autoresources = RESOURCES_INIT;
		char *message = str_format(
			"linux.resources.cpu.mems: \"%s\" is no list such as \"0-3,7\"", bad[i]);

		r.cpuset_mems = xstrdup(bad[i]);
		refused(r, message);
		free(message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_leaves_the_rest),
		cmocka_unit_test(numbers),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
