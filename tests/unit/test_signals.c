/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals by name and number. */
#include "tests/unit/unit.h"

#include <signal.h>

#include "lib/signals.h"
#include "runtime/monitor/terminal.h"

static void names_and_numbers(void **state)
{
	(void)state;
	assert_int_equal(signal_parse("TERM"), SIGTERM);
	assert_int_equal(signal_parse("SIGTERM"), SIGTERM);
	assert_int_equal(signal_parse("sigkill"), SIGKILL);
	assert_int_equal(signal_parse("15"), 15);
	assert_int_equal(signal_parse("64"), 64);
	assert_int_equal(signal_parse("RTMIN"), 34);
	assert_int_equal(signal_parse("SIGRTMIN+3"), 37);
	assert_int_equal(signal_parse("RTMAX-14"), 50);
	assert_int_equal(signal_parse("POLL"), SIGIO);
	for (int i = 1; i < 32; i++)
		assert_int_equal(signal_parse(signal_name(i)), i);
	assert_null(signal_name(0));
	assert_null(signal_name(33));
	assert_null(signal_name(-1));
	static const char *const bad[] = {
		"",        "0",        "65",      "-1",     "9 ",  "SIG",    "NOPE",
		"RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMIN+", "RTM", "RTMINX", "99999999999999999999"
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(signal_parse(bad[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
