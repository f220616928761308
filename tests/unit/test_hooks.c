/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs run at the stages of a container's life, and what is said when they fail. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "runtime/sandbox/hooks.h"

static char *result_path(void)
{
	return str_format("%s/result", scratch_path);
}

static struct spec_hook *add(struct spec *spec, const char *script)
{
	struct spec_hook *h = spec_add_hook(spec, HOOK_POSTSTOP);
	autofree char *path = result_path();

	h->path = xstrdup("/bin/sh");
	strv_add(&h->args, "its-name");
	strv_add(&h->args, "-c");
	strv_add(&h->args, script);
	strv_add(&h->args, "zero");
	strv_add(&h->args, path);
	return h;
}

static int run(struct spec *spec, const char *state, struct error *err)
{
	return hooks_run(&spec->hooks[HOOK_POSTSTOP], state, err);
}

static void expect_result(const char *expected)
{
	autofree char *path = result_path();
	struct error err = ERROR_INIT;
	autofree char *text = fs_read_file(AT_FDCWD, path, 4096, NULL, &err);

	assert_string_equal(err.message, "");
	assert_string_equal(text, expected);
	unlink(path);
}

static void each_reads_the_state_from_its_beginning(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add(&spec, "read line; echo \"1 $line\" >>$1");
	add(&spec, "read line; echo \"2 $line\" >>$1");
	assert_int_equal(run(&spec, "{\"id\":\"x\"}\n", &err), 0);
	expect_result("1 {\"id\":\"x\"}\n2 {\"id\":\"x\"}\n");
}

static void a_long_state_that_nobody_reads_holds_nobody_up(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	autofree char *long_state = xmalloc(1 << 20);

	(void)state;
	memset(long_state, ' ', 1 << 20);
	long_state[(1 << 20) - 1] = '\0';
	add(&spec, "true");
	assert_int_equal(run(&spec, long_state, &err), 0);
}

static void the_environment_is_what_was_given(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	setenv("OUTER", "seen", 1);
	add(&spec, "echo \"${OUTER-none}\" >>$1");
	strv_add(&add(&spec, "echo \"${OUTER-none} $A\" >>$1")->env, "A=b");
	assert_int_equal(run(&spec, "{}", &err), 0);
	expect_result("none\nnone b\n");
}

static void no_descriptor_of_ours_is_seen(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	autoclose int leak = fcntl(scratch(state), F_DUPFD, 50);

	assert_true(leak >= 50);
	autofree char *script = str_format("[ ! -e /proc/$$/fd/%d ] && echo closed >>$1", leak);
	add(&spec, script);
	assert_int_equal(run(&spec, "{}", &err), 0);
	expect_result("closed\n");
}

static void the_first_failure_is_the_last_hook(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add(&spec, "echo first >>$1");
	add(&spec, "echo the reason >&2; exit 7");
	add(&spec, "echo third >>$1");
	assert_int_equal(run(&spec, "{}", &err), -1);
	assert_string_equal(err.message, "hook /bin/sh: exit status 7: the reason");
	expect_result("first\n");
}

static void signals_and_missing_programs_are_told(void **state)
{
	autospec struct spec killed = SPEC_INIT, missing = SPEC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add(&killed, "kill -9 $$");
	assert_int_equal(run(&killed, "{}", &err), -1);
	assert_string_equal(err.message, "hook /bin/sh: killed by signal 9");
	struct spec_hook *h = spec_add_hook(&missing, HOOK_POSTSTOP);
	h->path = xstrdup("/no/such/program");
	assert_int_equal(run(&missing, "{}", &err), -1);
	assert_string_equal(err.message, "hook /no/such/program: No such file or directory");
}

static void time_runs_out_for_all_its_processes(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	time_t before = time(NULL);

	(void)state;
	add(&spec, "(sleep 3; echo alive >>$1) & wait")->timeout = 1;
	assert_int_equal(run(&spec, "{}", &err), -1);
	assert_string_equal(err.message, "hook /bin/sh: killed after its timeout of 1 s");
	assert_true(time(NULL) - before < 3);
	sleep(3);
	autofree char *path = result_path();
	assert_int_equal(access(path, F_OK), -1);
}

static void what_it_leaves_running_is_not_waited_for(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	time_t before = time(NULL);

	(void)state;
	add(&spec, "sleep 5 &");
	assert_int_equal(run(&spec, "{}", &err), 0);
	assert_true(time(NULL) - before < 4);
}

static void the_end_of_much_output_is_kept(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add(&spec,
	    "i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo last words >&2; exit 1");
	assert_int_equal(run(&spec, "{}", &err), -1);
	assert_non_null(strstr(err.message, "last words"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reads_the_state_from_its_beginning),
		cmocka_unit_test(a_long_state_that_nobody_reads_holds_nobody_up),
		cmocka_unit_test(the_environment_is_what_was_given),
		cmocka_unit_test(no_descriptor_of_ours_is_seen),
		cmocka_unit_test(the_first_failure_is_the_last_hook),
		cmocka_unit_test(signals_and_missing_programs_are_told),
		cmocka_unit_test(time_runs_out_for_all_its_processes),
		cmocka_unit_test(what_it_leaves_running_is_not_waited_for),
		cmocka_unit_test(the_end_of_much_output_is_kept),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
