/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is started again, and when. */
#include "tests/unit/unit.h"

#include "runtime/monitor/restart.h"

static void policies(void **state)
{
	struct host_config h = HOST_CONFIG_INIT;

	(void)state;
	assert_false(restart_wanted(&h, 0, 1));
	h.restart = RESTART_ALWAYS;
	assert_true(restart_wanted(&h, 1000, 0));
	h.restart = RESTART_UNLESS_STOPPED;
	assert_true(restart_wanted(&h, 1000, 0));
	h.restart = RESTART_ON_FAILURE;
	assert_false(restart_wanted(&h, 0, 0));
	assert_true(restart_wanted(&h, 1000, 137));
	h.restart_max = 2;
	assert_true(restart_wanted(&h, 1, 1));
	assert_false(restart_wanted(&h, 2, 1));
}

static void pauses_double_up_to_a_minute(void **state)
{
	static const int64_t expected[] = { 100,  200,   400,   800,   1600,  3200,
					    6400, 12800, 25600, 51200, 60000, 60000 };
	int64_t pause = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		pause = restart_pause(pause, 9999);
		assert_int_equal(pause, expected[i]);
	}
	/* A run of ten seconds is a good one. */
	assert_int_equal(restart_pause(pause, 10000), 100);
}

static void boot(void **state)
{
	struct host_config h = HOST_CONFIG_INIT;
	struct container_state s = CONTAINER_STATE_INIT;

	(void)state;
	h.restart = RESTART_ALWAYS;
	assert_false(restart_at_boot(&h, &s)); /* only made */
	s.status = STATUS_EXITED;
	s.started.tv_sec = 1;
	assert_true(restart_at_boot(&h, &s));
	s.manually_stopped = true;
	assert_true(restart_at_boot(&h, &s));
	h.restart = RESTART_UNLESS_STOPPED;
	assert_false(restart_at_boot(&h, &s));
	s.manually_stopped = false;
	assert_true(restart_at_boot(&h, &s));
	s.status = STATUS_RUNNING;
	assert_false(restart_at_boot(&h, &s));
	s.status = STATUS_EXITED;
	h.restart = RESTART_ON_FAILURE;
	s.exit_code = 1;
	assert_false(restart_at_boot(&h, &s));
	h.restart = RESTART_NO;
	assert_false(restart_at_boot(&h, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(pauses_double_up_to_a_minute),
		cmocka_unit_test(boot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
