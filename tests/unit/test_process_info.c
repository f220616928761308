/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ps's columns out of /proc's words. */
#include "tests/unit/unit.h"

#include "lib/str.h"
#include "runtime/cgroup/process_info.h"

/* ticks a second 100; booted at 1000000000; up for 1000 s; 1 GiB */
static const struct process_clock now = { 1000001000, 1000000000, 100000, 100, 1 << 30 };

static void expect(const char *column, const struct process_info *p, const char *text)
{
	const struct process_column *c = process_column(column);
	struct strbuf out autostrbuf = STRBUF_INIT;

	if (!c)
		fail_msg("no column %s", column);
	process_column_text(c, p, &now, &out);
	assert_string_equal(out.data ? out.data : "", text);
}

static void a_line_of_proc(void **state)
{
	struct process_info p = { 0 };

	(void)state;
	assert_int_equal(
		process_parse_stat(
			"77 (a) R (b\n) S 1 77 70 34816 77 4194560 1 2 3 4 250 150 0 0 25 5 3 0 90000 "
			"2097152 256 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0\n",
			&p),
		0);
	p.args = (char[]){ "a b c" };
	assert_string_equal(p.comm, "a) R (b\n");
	expect("pid", &p, "77");
	expect("ppid", &p, "1");
	expect("pgid", &p, "77");
	expect("sid", &p, "70");
	expect("tty", &p, "pts/0");
	expect("stat", &p, "SNl+");
	expect("s", &p, "S");
	expect("ni", &p, "5");
	expect("pri", &p, "14");
	expect("nlwp", &p, "3");
	expect("psr", &p, "1");
	expect("vsz", &p, "2048");
	expect("time", &p, "00:00:04");
	expect("bsdtime", &p, "0:04");
	expect("etime", &p, "01:40");
	expect("etimes", &p, "100");
	expect("c", &p, "4");
	expect("%cpu", &p, "4.0");
	expect("args", &p, "a b c");
	p.start = 0;
	p.user = 100 * 90061;
	expect("time", &p, "1-01:01:02");
	expect("c", &p, "99");
	p.terminal = 4 << 8 | 64;
	expect("tty", &p, "ttyS0");
	p.terminal = 0;
	expect("tty", &p, "?");
}

static void no_line_of_proc(void **state)
{
	static const char *const bad[] = { "",  "1", "1 (a", "1 a) S", "1 (a) S", "1 (a) S 1 2 x",
					   ")(" };
	struct process_info p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(process_parse_stat(bad[i], &p), -1);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(process_column_heading(process_column("args")), "COMMAND");
	assert_string_equal(process_column_heading(process_column("cmd")), "CMD");
	assert_string_equal(process_column_heading(process_column("%mem")), "%MEM");
	assert_null(process_column(""));
	assert_null(process_column("pid,tgid"));
	assert_null(process_column("nothing"));
}

static void this_process(void **state)
{
	struct process_info p;

	(void)state;
	assert_int_equal(process_read(getpid(), &p), 0);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(p.ppid, getppid());
	assert_int_equal(p.ruid, getuid());
	assert_true(p.resident > 0 && p.size >= p.resident);
	assert_non_null(strstr(p.args, "test_process_info"));
	free(p.args);
	assert_int_equal(process_read(0x7ffffff0, &p), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_proc),
		cmocka_unit_test(no_line_of_proc),
		cmocka_unit_test(names),
		cmocka_unit_test(this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
