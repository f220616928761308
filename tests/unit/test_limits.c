/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits as people type them: Docker's rules and words. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "runtime/engine/limits.h"

#define MIB INT64_C(1048576)

static struct resources none(void)
{
	return (struct resources)RESOURCES_INIT;
}

static void words(void **state)
{
	struct limit_words w = LIMIT_WORDS_INIT;
	struct resources r autoresources = RESOURCES_INIT;
	struct error err = ERROR_INIT;
	int64_t cpus = 7;

	(void)state;
	assert_int_equal(limits_parse(&w, &r, &cpus, &err), 0);
	assert_true(r.memory == RESOURCE_UNSET && r.pids == RESOURCE_UNSET && cpus == 7 &&
		    !r.cpuset_cpus);
	w.memory = "64m";
	w.memory_swap = "-1";
	w.memory_reservation = "32m";
	w.cpus = "1.5";
	w.cpuset_cpus = "0";
	w.cpu_shares = 512;
	w.pids = -1;
	w.blkio_weight = 0;
	assert_int_equal(limits_parse(&w, &r, &cpus, &err), 0);
	assert_int_equal(r.memory, 64 * MIB);
	assert_int_equal(r.memory_swap, -1);
	assert_int_equal(r.memory_reservation, 32 * MIB);
	assert_int_equal(cpus, 1500000000);
	assert_string_equal(r.cpuset_cpus, "0");
	assert_int_equal(r.cpu_shares, 512);
	assert_int_equal(r.pids, -1);
	assert_int_equal(r.blkio_weight, 0);
}

static void bad_words(void **state)
{
	static const char *const cpus[] = {
		"", ".", "a", "1a", "-1", "1e3", "0x1", "99999999999999999999", "0.0000000001"
	};
	struct limit_words w = LIMIT_WORDS_INIT;
	struct resources r autoresources = RESOURCES_INIT;
	struct error err = ERROR_INIT;
	int64_t nano;

	(void)state;
	w.memory = "much";
	assert_int_equal(limits_parse(&w, &r, &nano, &err), -1);
	assert_string_equal(
		err.message,
		"invalid argument \"much\" for \"-m, --memory\" flag: invalid size: 'much'");
	assert_int_equal(err.status, 125);
	w.memory = "-1";
	assert_int_equal(limits_parse(&w, &r, &nano, &err), -1);
	w.memory = NULL;
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		w.cpus = cpus[i];
		assert_int_equal(limits_parse(&w, &r, &nano, &err), -1);
	}
	assert_string_equal(
		err.message,
		"invalid argument \"0.0000000001\" for \"--cpus\" flag: value is too precise");
	for (w.cpus = "0.25"; w.cpus; w.cpus = NULL)
		assert_int_equal(limits_parse(&w, &r, &nano, &err), 0);
	assert_int_equal(nano, 250000000);
}

static void refused_new(struct resources r, int64_t cpus, const char *message)
{
	struct error err = ERROR_INIT;

	assert_int_equal(limits_check_new(&r, cpus, &err), -1);
	assert_string_equal(err.message, message);
}

static void a_new_container(void **state)
{
	struct error err = ERROR_INIT;
	struct resources r = none();

	(void)state;
	r.memory = 64 * MIB;
	assert_int_equal(limits_check_new(&r, 500000000, &err), 0);
	assert_int_equal(r.memory_swap, 128 * MIB);
	assert_int_equal(r.cpu_quota, 50000);
	assert_int_equal(r.cpu_period, 100000);
	r = none();
	r.cpu_shares = 1;
	assert_int_equal(limits_check_new(&r, 0, &err), 0);
	assert_int_equal(r.cpu_shares, 2);

	r = none();
	r.memory = 1 * MIB;
	refused_new(r, 0, "Minimum memory limit allowed is 6MB");
	r.memory = 64 * MIB;
	r.memory_swap = 32 * MIB;
	refused_new(r, 0, "Minimum memoryswap limit should be larger than memory limit, see usage");
	r.memory_swap = RESOURCE_UNSET;
	r.memory_reservation = 65 * MIB;
	refused_new(
		r, 0,
		"Minimum memory limit can not be less than memory reservation limit, see usage");
	r = none();
	r.memory_swap = 64 * MIB;
	refused_new(
		r, 0,
		"You should always set the Memory limit when using Memoryswap limit, see usage");
	r = none();
	r.cpu_period = 10;
	refused_new(
		r, 0,
		"CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
	r.cpu_period = 50000;
	refused_new(r, 1000000000,
		    "Conflicting options: Nano CPUs and CPU Period cannot both be set");
	r = none();
	r.cpu_quota = 999;
	refused_new(r, 0, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	r = none();
	r.blkio_weight = 5;
	refused_new(r, 0, "Range of blkio weight is from 10 to 1000");
	r = none();
	assert_int_equal(limits_check_new(&r, INT64_C(100000) * 1000000000, &err), -1);
	assert_non_null(strstr(err.message, "Range of CPUs is from 0.01 to "));
	r.cpuset_cpus = (char[]){ "0," };
	refused_new(r, 0, "Invalid value 0, for cpuset cpus");
	r.cpuset_cpus = (char[]){ "60000" };
	assert_int_equal(limits_check_new(&r, 0, &err), -1);
	assert_non_null(strstr(err.message,
			       "Requested CPUs are not available - requested 60000, available: 0"));
}

static void refused_update(struct resources r, int64_t cpus, struct resources change,
			   int64_t change_cpus, const char *message)
{
	struct error err = ERROR_INIT;

	assert_int_equal(limits_update(&r, &cpus, &change, change_cpus, &err), -1);
	assert_string_equal(err.message, message);
}

static void an_update(void **state)
{
	struct error err = ERROR_INIT;
	struct resources r = none(), change = none();
	int64_t cpus = 0;

	(void)state;
	r.pids = 5;
	change.memory = 64 * MIB;
	change.cpu_shares = 0;
	assert_int_equal(limits_update(&r, &cpus, &change, 1000000000, &err), 0);
	assert_true(r.memory == 64 * MIB && r.memory_swap == 128 * MIB &&
		    r.cpu_shares == RESOURCE_UNSET && r.pids == 5);
	assert_true(r.cpu_quota == 100000 && r.cpu_period == 100000 && cpus == 1000000000);

	change = none();
	change.memory = 256 * MIB;
	refused_update(
		r, cpus, change, 0,
		"Memory limit should be smaller than already set memoryswap limit, update the memoryswap at "
		"the same time");
	change.memory_swap = -1;
	assert_int_equal(limits_update(&r, &cpus, &change, 0, &err), 0);
	assert_true(r.memory == 256 * MIB && r.memory_swap == -1);

	change = none();
	change.cpu_period = 50000;
	refused_update(
		r, cpus, change, 0,
		"Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
	change = none();
	change.memory_swap = 100 * MIB;
	refused_update(r, cpus, change, 0,
		       "Minimum memoryswap limit should be larger than memory limit, see usage");
	r = none();
	r.cpu_quota = 5000;
	refused_update(
		r, 0, none(), 1000000000,
		"Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
	change = none();
	change.pids = 0;
	assert_int_equal(limits_update(&r, &cpus, &change, 0, &err), 0);
	assert_int_equal(r.pids, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(bad_words),
		cmocka_unit_test(a_new_container),
		cmocka_unit_test(an_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
