/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What PID 1 makes of the kernel's command line. */
#include "init/cmdline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cmdline cmd;

static void nothing_given(void **state)
{
	(void)state;
	cmdline_parse("", &cmd);
	assert_string_equal(cmd.hostname, "knarr");
	assert_int_equal(cmd.n_consoles, 0);
	assert_false(cmd.has_exec);
	assert_false(cmd.ram_store);
	assert_string_equal(cmd.complaint, "");
}

static void consoles_in_order_each_once(void **state)
{
	(void)state;
	cmdline_parse("console=tty0 quiet console=ttyS1,115200n8 console=ttyS1 console=hvc0\n",
		      &cmd);
	assert_int_equal(cmd.n_consoles, 3);
	assert_string_equal(cmd.consoles[0], "tty0");
	assert_string_equal(cmd.consoles[1], "ttyS1");
	assert_string_equal(cmd.consoles[2], "hvc0");
}

static void consoles_that_are_none(void **state)
{
	(void)state;
	cmdline_parse(
		"console= console=null console=ttynull console=../../etc/passwd "
		"console=a/b netconsole=ttyS0 console=0123456789012345678901234567890123456789 "
		"console",
		&cmd);
	assert_int_equal(cmd.n_consoles, 0);
}

static void more_consoles_than_there_is_room_for(void **state)
{
	(void)state;
	cmdline_parse("console=a console=b console=c console=d console=e console=f console=g "
		      "console=h console=i console=j",
		      &cmd);
	assert_int_equal(cmd.n_consoles, CONSOLES_MAX);
	assert_string_equal(cmd.consoles[CONSOLES_MAX - 1], "h");
}

static void host_names(void **state)
{
	static const char *const bad[] = { "knarr.hostname=",        "knarr.hostname=a_b",
					   "knarr.hostname=-a",      "knarr.hostname=.a",
					   "knarr.hostname=\"a b\"", "knarr.hostname=a/b" };

	(void)state;
	cmdline_parse("knarr.hostname=first knarr.hostname=Web-1.example", &cmd);
	assert_string_equal(cmd.hostname, "Web-1.example");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cmdline_parse(bad[i], &cmd);
		assert_string_equal(cmd.hostname, "knarr");
		assert_non_null(strstr(cmd.complaint, "knarr.hostname"));
	}
}

static void host_name_of_any_length(void **state)
{
	char text[200] = "knarr.hostname=";

	(void)state;
	memset(text + 15, 'a', 64);
	text[15 + 64] = '\0';
	cmdline_parse(text, &cmd);
	assert_int_equal(strlen(cmd.hostname), 64);
	text[15 + 64] = 'a';
	text[15 + 65] = '\0';
	cmdline_parse(text, &cmd);
	assert_string_equal(cmd.hostname, "knarr");
}

static void command(void **state)
{
	(void)state;
	cmdline_parse("knarr.status=ttyS1 knarr.exec=ZWNobyAiaGkiCg", &cmd);
	assert_true(cmd.has_exec);
	assert_string_equal(cmd.exec, "echo \"hi\"\n");
	assert_string_equal(cmd.status, "ttyS1");
	assert_string_equal(cmd.complaint, "");
}

static void command_that_cannot_be_read(void **state)
{
	static const char *const bad[] = { "knarr.exec=", "knarr.exec=Z", "knarr.exec=Zm9v!",
					   "knarr.exec=AAAA" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cmdline_parse(bad[i], &cmd);
		assert_true(cmd.has_exec);
		assert_string_equal(cmd.exec, "");
		assert_non_null(strstr(cmd.complaint, "knarr.exec"));
	}
}

static void status_terminal_is_a_name(void **state)
{
	(void)state;
	cmdline_parse("knarr.status=../kmsg", &cmd);
	assert_string_equal(cmd.status, "");
	assert_non_null(strstr(cmd.complaint, "knarr.status"));
}

static void size_and_term(void **state)
{
	static const char *const bad[] = { "knarr.size=0x80",    "knarr.size=24x0",
					   "knarr.size=24",      "knarr.size=24x80x2",
					   "knarr.size=x80",     "knarr.size=-1x5",
					   "knarr.size=99999x80" };

	(void)state;
	cmdline_parse("knarr.size=50x132 TERM=xterm-256color", &cmd);
	assert_int_equal(cmd.rows, 50);
	assert_int_equal(cmd.cols, 132);
	assert_string_equal(cmd.term, "xterm-256color");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cmdline_parse(bad[i], &cmd);
		assert_int_equal(cmd.rows, 0);
		assert_int_equal(cmd.cols, 0);
	}
	cmdline_parse("TERM=a/b", &cmd);
	assert_string_equal(cmd.term, "");
}

static void store_in_memory(void **state)
{
	(void)state;
	cmdline_parse("knarr.store=ram", &cmd);
	assert_true(cmd.ram_store);
	cmdline_parse("knarr.store=vdb", &cmd);
	assert_false(cmd.ram_store);
	assert_non_null(strstr(cmd.complaint, "knarr.store"));
}

static void quotes(void **state)
{
	(void)state;
	cmdline_parse("foo=\"bar console=ttyS9\" knarr.hostname=\"ship\" x=\"console=ttyS8", &cmd);
	assert_int_equal(cmd.n_consoles, 0);
	assert_string_equal(cmd.hostname, "ship");
}

static void base64(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(base64url_decode("Zg==", 4, out, sizeof out), 1);
	assert_string_equal(out, "f");
	assert_int_equal(base64url_decode("Zm9vYmFy", 8, out, sizeof out), 6);
	assert_string_equal(out, "foobar");
	assert_int_equal(base64url_decode("_-8", 3, out, sizeof out), 2);
	assert_memory_equal(out, "\xff\xef", 3);
	assert_int_equal(base64url_decode("/+8", 3, out, sizeof out), 2);
	assert_int_equal(base64url_decode("", 0, out, sizeof out), 0);
	/* too long for the buffer with its final zero, a zero byte inside, one character over */
	assert_int_equal(base64url_decode("Zm9vYmFyZm9v", 12, out, sizeof out), -1);
	assert_int_equal(base64url_decode("Zm9vYmFyZm8", 11, out, sizeof out), -1);
	assert_int_equal(base64url_decode("ZgBm", 4, out, sizeof out), -1);
	assert_int_equal(base64url_decode("Zm9vY", 5, out, sizeof out), -1);
	assert_int_equal(base64url_decode("Zm 9v", 5, out, sizeof out), -1);
	assert_int_equal(base64url_decode("Zm9v", 4, out, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given),
		cmocka_unit_test(consoles_in_order_each_once),
		cmocka_unit_test(consoles_that_are_none),
		cmocka_unit_test(more_consoles_than_there_is_room_for),
		cmocka_unit_test(host_names),
		cmocka_unit_test(host_name_of_any_length),
		cmocka_unit_test(command),
		cmocka_unit_test(command_that_cannot_be_read),
		cmocka_unit_test(status_terminal_is_a_name),
		cmocka_unit_test(size_and_term),
		cmocka_unit_test(store_in_memory),
		cmocka_unit_test(quotes),
		cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
