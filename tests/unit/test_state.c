/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container is doing, and how its health is told from its checks' results. */
#include "tests/unit/unit.h"

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/health_log.h"
#include "runtime/container/state.h"

#define SECOND 1000000000LL

static void round_trip(void **state)
{
	struct container_state in = CONTAINER_STATE_INIT, out;
	struct error err = ERROR_INIT;

	assert_int_equal(state_read(scratch(state), &out, &err), 0);
	assert_int_equal(out.status, STATUS_CREATED);
	in.status = STATUS_EXITED;
	in.exit_code = 137;
	in.oom_killed = in.manually_stopped = true;
	in.restart_count = 3;
	in.health = HEALTH_UNHEALTHY;
	in.started = time_now();
	snprintf(in.error, sizeof(in.error), "exec: \"x\ny\": \xff");
	assert_int_equal(state_write(scratch(state), &in, FS_VOLATILE, &err), 0);
	if (state_read(scratch(state), &out, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(out.status, STATUS_EXITED);
	assert_int_equal(out.exit_code, 137);
	assert_true(out.oom_killed && out.manually_stopped);
	assert_false(out.paused || out.restarting);
	assert_int_equal(out.restart_count, 3);
	assert_int_equal(out.health, HEALTH_UNHEALTHY);
	assert_int_equal(out.started.tv_sec, in.started.tv_sec);
	assert_string_equal(out.error, "exec: \"x\ny\": \xef\xbf\xbd");
}

static void written_by_an_older_one(void **state)
{
	static const char text[] =
		"{\"status\":\"running\",\"pid\":7,\"exitCode\":0,\"oomKilled\":false,\"error\":\"\","
		"\"startedAt\":\"2026-11-24T02:03:04Z\",\"finishedAt\":\"1970-01-01T00:00:00Z\"}";
	struct container_state out;
	struct error err = ERROR_INIT;

	put_file(scratch(state), "state.json", text);
	assert_int_equal(state_read(scratch(state), &out, &err), 0);
	assert_int_equal(out.status, STATUS_RUNNING);
	assert_int_equal(out.health, HEALTH_NONE);
	assert_false(out.paused);
}

static void damaged(void **state)
{
	static const char *const bad[] = {
		"{\"status\":\"gone\"}",
		"{\"status\":\"running\",\"health\":\"well\"}",
		"{\"status\":\"running\",\"restartCount\":-1}",
		"{\"status\":\"running\",\"paused\":1}",
		"{}",
		"[]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct container_state out;
		struct error err = ERROR_INIT;

		put_file(scratch(state), "state.json", bad[i]);
		if (state_read(scratch(state), &out, &err) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(err.message, "state.json"));
	}
}

static void names(void **state)
{
	struct container_state s = CONTAINER_STATE_INIT;

	(void)state;
	assert_string_equal(state_name(&s), "created");
	s.status = STATUS_RUNNING;
	assert_string_equal(state_name(&s), "running");
	s.paused = true;
	assert_string_equal(state_name(&s), "paused");
	s.paused = false;
	s.restarting = true;
	assert_string_equal(state_name(&s), "restarting");
	s.status = STATUS_EXITED;
	assert_string_equal(state_name(&s), "exited");
}

/* ---- Health */

static bool take(struct health_log *log, const struct image_healthcheck *check, int code,
		 int64_t running)
{
	static struct health_result r;

	r.exit_code = code;
	r.len = (size_t)snprintf(r.output, sizeof(r.output), "code %d", code);
	r.start = r.end = time_now();
	return health_log_add(log, check, &r, running);
}

static void three_failures_make_it_unhealthy(void **state)
{
	static struct health_log log;
	struct image_healthcheck check = { 0 };

	(void)state;
	log = (struct health_log){ .status = HEALTH_STARTING };
	assert_true(take(&log, &check, 0, SECOND));
	assert_int_equal(log.status, HEALTH_HEALTHY);
	assert_false(take(&log, &check, 1, SECOND));
	assert_false(take(&log, &check, -1, SECOND));
	assert_int_equal(log.failing_streak, 2);
	assert_true(take(&log, &check, 2, SECOND));
	assert_int_equal(log.status, HEALTH_UNHEALTHY);
	assert_false(take(&log, &check, 2, SECOND));
	assert_int_equal(log.failing_streak, 4);
	assert_true(take(&log, &check, 0, SECOND));
	assert_int_equal(log.status, HEALTH_HEALTHY);
	assert_int_equal(log.failing_streak, 0);
	/* The last five are kept. */
	assert_int_equal(log.n, HEALTH_RESULTS);
	assert_int_equal(log.results[0].exit_code, 1);
	assert_int_equal(log.results[4].exit_code, 0);
}

static void failures_while_it_starts_do_not_count(void **state)
{
	static struct health_log log;
	struct image_healthcheck check = { .start_period = 10 * SECOND, .retries = 1 };

	(void)state;
	log = (struct health_log){ .status = HEALTH_STARTING };
	assert_false(take(&log, &check, 1, 9 * SECOND));
	assert_int_equal(log.failing_streak, 0);
	assert_true(take(&log, &check, 1, 10 * SECOND));
	assert_int_equal(log.status, HEALTH_UNHEALTHY);

	/* Once it was healthy, its start is over. */
	log = (struct health_log){ .status = HEALTH_STARTING };
	assert_true(take(&log, &check, 0, SECOND));
	assert_true(take(&log, &check, 1, 2 * SECOND));
	assert_int_equal(log.status, HEALTH_UNHEALTHY);
}

static void intervals(void **state)
{
	struct image_healthcheck check = { 0 };

	(void)state;
	assert_int_equal(health_interval(&check, HEALTH_STARTING, 0), 30 * SECOND);
	assert_int_equal(health_timeout(&check), 30 * SECOND);
	check.start_period = 20 * SECOND;
	assert_int_equal(health_interval(&check, HEALTH_STARTING, 19 * SECOND), 5 * SECOND);
	assert_int_equal(health_interval(&check, HEALTH_STARTING, 20 * SECOND), 30 * SECOND);
	assert_int_equal(health_interval(&check, HEALTH_HEALTHY, 0), 30 * SECOND);
	check.start_interval = 2 * SECOND;
	check.interval = 7 * SECOND;
	check.timeout = SECOND;
	assert_int_equal(health_interval(&check, HEALTH_STARTING, 0), 2 * SECOND);
	assert_int_equal(health_interval(&check, HEALTH_UNHEALTHY, 0), 7 * SECOND);
	assert_int_equal(health_timeout(&check), SECOND);
}

static void wanted(void **state)
{
	struct image_healthcheck check = { 0 };

	(void)state;
	assert_false(health_wanted(&check));
	strv_add(&check.test, "NONE");
	assert_false(health_wanted(&check));
	strv_free(&check.test);
	strv_add(&check.test, "CMD-SHELL");
	strv_add(&check.test, "true");
	assert_true(health_wanted(&check));
	strv_free(&check.test);
}

static char *shown(int dirfd, enum health_status health)
{
	struct container_state s = { .health = health };
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	size_t len;

	yyjson_mut_doc_set_root(doc, o);
	health_log_put(doc, o, dirfd, &s);
	return json_write(doc, false, &len);
}

static void shown_as_written(void **state)
{
	static struct health_log log;
	struct image_healthcheck check = { .retries = 1 };
	struct error err = ERROR_INIT;

	autofree char *none = shown(scratch(state), HEALTH_NONE);
	assert_string_equal(none, "{}");
	autofree char *early = shown(scratch(state), HEALTH_STARTING);
	assert_string_equal(
		early, "{\"Health\":{\"Status\":\"starting\",\"FailingStreak\":0,\"Log\":[]}}");

	log = (struct health_log){ .status = HEALTH_STARTING };
	take(&log, &check, 3, SECOND);
	/* The worst there is: each byte becomes six. */
	for (int i = 0; i < HEALTH_RESULTS; i++) {
		struct health_result *r = &log.results[log.n - 1];

		r->len = sizeof(r->output);
		memset(r->output, 1, sizeof(r->output));
		if (i < HEALTH_RESULTS - 1)
			take(&log, &check, 3, SECOND);
	}
	assert_int_equal(health_log_write(scratch(state), &log, &err), 0);
	autofree char *text = shown(scratch(state), HEALTH_UNHEALTHY);
	assert_non_null(strstr(text, "\"Status\":\"unhealthy\",\"FailingStreak\":5,\"Log\":[{"));
	assert_non_null(strstr(text, "\"ExitCode\":3,\"Output\":\"\\u0001\\u0001"));

	health_log_remove(scratch(state));
	autofree char *gone = shown(scratch(state), HEALTH_HEALTHY);
	assert_non_null(strstr(gone, "\"Status\":\"healthy\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(written_by_an_older_one, scratch_setup,
						scratch_teardown),
		cmocka_unit_test_setup_teardown(damaged, scratch_setup, scratch_teardown),
		cmocka_unit_test(names),
		cmocka_unit_test(three_failures_make_it_unhealthy),
		cmocka_unit_test(failures_while_it_starts_do_not_count),
		cmocka_unit_test(intervals),
		cmocka_unit_test(wanted),
		cmocka_unit_test_setup_teardown(shown_as_written, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
