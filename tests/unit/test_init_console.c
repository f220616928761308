/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which terminals get a session, and how a terminal's answer about its size is told from what a person typed. */
#include "init/console.h"
#include "init/file.h"
#include "init/supervise.h"
#include "init/winsize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cmdline cmd;
static char ttys[CONSOLES_MAX][TTY_NAME_MAX];

static void order_of_the_command_line(void **state)
{
	(void)state;
	cmdline_parse("console=ttyS0 console=hvc0", &cmd);
	assert_int_equal(console_list(&cmd, "hvc0 ttyS0", ttys), 2);
	assert_string_equal(ttys[0], "ttyS0");
	assert_string_equal(ttys[1], "hvc0");
}

static void what_the_kernel_did_not_take(void **state)
{
	(void)state;
	cmdline_parse("console=ttyS3 console=ttyS1 console=ttyS", &cmd);
	assert_int_equal(console_list(&cmd, "ttyS1 ttyS10", ttys), 2);
	assert_string_equal(ttys[0], "ttyS1");
	assert_string_equal(ttys[1], "ttyS10");
}

static void none_given_but_some_used(void **state)
{
	(void)state;
	cmdline_parse("quiet", &cmd);
	assert_int_equal(console_list(&cmd, "tty0 ttyS0 ttynull netcon0", ttys), 2);
	assert_string_equal(ttys[0], "tty1");
	assert_string_equal(ttys[1], "ttyS0");
}

static void none_at_all(void **state)
{
	(void)state;
	cmdline_parse("console=ttyS0", &cmd);
	assert_int_equal(console_list(&cmd, "", ttys), 1);
	assert_string_equal(ttys[0], "console");
}

static void more_than_there_is_room_for(void **state)
{
	(void)state;
	cmdline_parse("", &cmd);
	assert_int_equal(console_list(&cmd, "a b c d e f g h i j", ttys), CONSOLES_MAX);
	assert_int_equal(console_list(&cmd, "012345678901234567890123456789012 x", ttys), 1);
	assert_string_equal(ttys[0], "x");
}

static bool take(const char *text, const char *left, unsigned short rows, unsigned short cols)
{
	char buf[64];
	size_t len = strlen(text);
	unsigned short r = 0, c = 0;

	memcpy(buf, text, len);
	if (!winsize_take_answer(buf, &len, &r, &c)) {
		assert_int_equal(len, strlen(text));
		assert_memory_equal(buf, text, len);
		return false;
	}
	assert_int_equal(r, rows);
	assert_int_equal(c, cols);
	assert_int_equal(len, strlen(left));
	assert_memory_equal(buf, left, len);
	return true;
}

static void answer_alone(void **state)
{
	(void)state;
	assert_true(take("\033[24;80R", "", 24, 80));
	assert_true(take("\033[1;1R", "", 1, 1));
	assert_true(take("\033[4095;4095R", "", 4095, 4095));
}

static void answer_amid_typing(void **state)
{
	(void)state;
	assert_true(take("ls\r\033[50;132Rpwd", "ls\rpwd", 50, 132));
	/* arrow keys and an escape that was typed are not the answer */
	assert_true(take("\033[A\033\033[50;132R\033[B", "\033[A\033\033[B", 50, 132));
	assert_true(take("\033[1;5C\033[50;132R", "\033[1;5C", 50, 132));
}

static void no_answer(void **state)
{
	static const char *const texts[] = {
		"",           "ls\r",          "\033",
		"\033[",      "\033[24;80",    "\033[24;R",
		"\033[;80R",  "\033[24R",      "\033[0;80R",
		"\033[24;0R", "\033[24;80r",   "\033[24,80R",
		"\033[-1;5R", "\033[4096;80R", "\033[99999999999;80R",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(take(texts[i], "", 0, 0));
}

static void hold_back_what_keeps_failing(void **state)
{
	(void)state;
	assert_int_equal(service_delay(0), 0);
	assert_int_equal(service_delay(3), 0);
	assert_int_equal(service_delay(4), 1000);
	assert_int_equal(service_delay(5), 2000);
	assert_int_equal(service_delay(9), 32000);
	assert_int_equal(service_delay(10), 60000);
	assert_int_equal(service_delay(4000000000), 60000);
}

static void sizes_for_people(void **state)
{
	char text[8];

	(void)state;
	assert_string_equal(human_size(0, text), "0B");
	assert_string_equal(human_size(1023, text), "1023B");
	assert_string_equal(human_size(1024, text), "1.0K");
	assert_string_equal(human_size(64ULL << 20, text), "64M");
	assert_string_equal(human_size((8ULL << 30) - 1, text), "7.9G");
	assert_string_equal(human_size(8ULL << 30, text), "8.0G");
	assert_string_equal(human_size(UINT64_MAX, text), "1.5E");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_the_command_line),
		cmocka_unit_test(what_the_kernel_did_not_take),
		cmocka_unit_test(none_given_but_some_used),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(answer_alone),
		cmocka_unit_test(answer_amid_typing),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(hold_back_what_keeps_failing),
		cmocka_unit_test(sizes_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
