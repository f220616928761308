/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <sys/wait.h>

#include "lib/log.h"
#include "lib/spawn.h"

/* What fn says on stderr. */
static char *said(int (*fn)(void *))
{
	struct strbuf out = STRBUF_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(spawn_function(fn, NULL, &out, &err), 0);
	return strbuf_steal(&out);
}

static int names(void *arg)
{
	static const char *const argv0[] = { "docker", "/bin/knarr", "./x/knarr-oci",
					     "",       "dir/",       NULL };

	(void)arg;
	for (size_t i = 0; i < 6; i++) {
		log_set_program(argv0[i]);
		log_line("%d", (int)i);
	}
	return 0;
}

static void the_program_is_named_as_it_was_called(void **state)
{
	(void)state;
	assert_string_equal(log_program(), "knarr");
	char *text = said(names);
	assert_string_equal(
		text,
		"docker: 0\nknarr: 1\nknarr-oci: 2\nknarr-oci: 3\nknarr-oci: 4\nknarr-oci: 5\n");
	free(text);
}

static int warnings(void *arg)
{
	struct error err = ERROR_INIT;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		log_warn_once("no %s controller", i ? "memory" : "pids");
		log_warn_once("other");
	}
	error_set(&err, 1, "100%% of %s", "it");
	log_error(&err);
	log_quiet();
	log_warn_once("not said");
	return 0;
}

static void a_warning_is_said_once(void **state)
{
	(void)state;
	char *text = said(warnings);
	assert_string_equal(
		text,
		"knarr: warning: no pids controller\nknarr: warning: other\nknarr: 100% of it\n");
	free(text);
}

static int endless(void *arg)
{
	static char text[10000];

	(void)arg;
	memset(text, 'x', sizeof(text) - 1);
	log_line("%s", text);
	return 0;
}

static void a_long_line_is_cut_and_still_a_line(void **state)
{
	(void)state;
	char *text = said(endless);
	size_t len = strlen(text);
	assert_int_equal(len, 4095);
	assert_string_equal(text + len - 3, "xx\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_is_named_as_it_was_called),
		cmocka_unit_test(a_warning_is_said_once),
		cmocka_unit_test(a_long_line_is_cut_and_still_a_line),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
