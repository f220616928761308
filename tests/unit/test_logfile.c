/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: what is written can be read again, whatever the bytes, the disk and the reader's timing. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "lib/human.h"
#include "lib/str.h"
#include "runtime/logfile.h"

static char lines[2 * LOG_LINE_MAX];
static struct log_writer writer;

static void add(enum log_stream stream, const char *text)
{
	log_writer_add(&writer, stream, text, strlen(text));
}

/* What a reader prints: stdout's bytes, then "|", then stderr's. */
static const char *shown(void **state, struct log_reader *r)
{
	static char text[400000];
	struct error err = ERROR_INIT;
	int fds[2];
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		fds[i] = openat(scratch(state), i ? "err" : "out",
				O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log_reader_copy(r, fds[0], fds[1], &err) < 0)
		fail_msg("%s", err.message);
	for (int i = 0; i < 2; i++) {
		ssize_t got = pread(fds[i], text + n, sizeof(text) - n - 2, 0);
		assert_true(got >= 0);
		n += (size_t)got;
		if (i == 0)
			text[n++] = '|';
		close(fds[i]);
	}
	text[n] = '\0';
	return text;
}

static const char *read_log(void **state, const struct log_options *options)
{
	static const struct log_options all = LOG_OPTIONS_INIT;
	struct log_reader r;
	struct error err = ERROR_INIT;

	assert_int_equal(log_reader_open(&r, scratch(state), options ? options : &all, &err), 0);
	const char *text = shown(state, &r);
	log_reader_close(&r);
	return text;
}

static void begin(void **state)
{
	memset(&writer, 0xa5, sizeof(writer)); /* init must not rely on zeros */
	log_writer_init(&writer, scratch(state), lines);
}

static void a_silent_container_has_none(void **state)
{
	begin(state);
	log_writer_close(&writer);
	assert_false(exists(scratch(state), "log"));
}

static void lines_and_streams(void **state)
{
	begin(state);
	add(LOG_STDOUT, "one\ntwo\nthr");
	add(LOG_STDERR, "bad\n");
	assert_string_equal(read_log(state, NULL),
			    "one\ntwo\n|bad\n"); /* a line is there once it is whole */
	add(LOG_STDOUT, "ee\n\nrest");
	log_writer_close(&writer);
	assert_string_equal(read_log(state, NULL), "one\ntwo\nthree\n\nrest|bad\n");
	/* The next run of the container goes on behind it. */
	begin(state);
	add(LOG_STDERR, "again\n");
	log_writer_close(&writer);
	assert_string_equal(read_log(state, NULL), "one\ntwo\nthree\n\nrest|bad\nagain\n");
}

static void as_docker_writes_it(void **state)
{
	struct error err = ERROR_INIT;

	begin(state);
	add(LOG_STDERR, "a\t\"b\"\\\r\x1b[0m\x01\n");
	log_writer_close(&writer);
	char *text = fs_read_file(scratch(state), "log", 4096, NULL, &err);
	static const char expected[] =
		"{\"log\":\"a\\t\\\"b\\\"\\\\\\r\\u001b[0m\\u0001\\n\",\"stream\":\"stderr\",\"time\":\"20";
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	assert_true(str_ends(text, "Z\"}\n"));
	free(text);
}

static void any_bytes(void **state)
{
	struct log_reader r;
	struct log_options all = LOG_OPTIONS_INIT;
	struct error err = ERROR_INIT;

	begin(state);
	log_writer_add(&writer, LOG_STDOUT, "\0z\n", 3);
	/* Truncated, overlong, surrogate, beyond the last code point; and good ones of all lengths. */
	add(LOG_STDERR,
	    "\xff \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82 |\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2\n");
	log_writer_close(&writer);
	assert_int_equal(log_reader_open(&r, scratch(state), &all, &err), 0);
	const char *text = shown(state, &r);
	log_reader_close(&r);
#define FFFD "\xef\xbf\xbd"
	assert_memory_equal(text, "\0z\n|", 4);
	assert_string_equal(text + 4,
			    FFFD " " FFFD " " FFFD FFFD " " FFFD FFFD FFFD " " FFFD FFFD FFFD FFFD
				 " " FFFD FFFD " |\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2\n");
}

static void long_lines(void **state)
{
	char *text = xmalloc(3 * LOG_LINE_MAX + 2);
	struct log_options last = { .tail = 1 };

	memset(text, '"', 3 * LOG_LINE_MAX); /* two bytes each in the file */
	text[3 * LOG_LINE_MAX] = '\n';
	text[3 * LOG_LINE_MAX + 1] = '\0';
	begin(state);
	add(LOG_STDOUT, "x");
	add(LOG_STDOUT, text);
	log_writer_close(&writer);
	const char *got = read_log(state, NULL);
	assert_int_equal(strlen(got), 3 * LOG_LINE_MAX + 3);
	assert_int_equal(got[0], 'x');
	assert_memory_equal(got + 1, text, 3 * LOG_LINE_MAX + 1);
	assert_string_equal(read_log(state, &last),
			    "\"\n|"); /* pieces of LOG_LINE_MAX, and what is left */
	free(text);
}

static void tails(void **state)
{
	struct log_options o = LOG_OPTIONS_INIT;

	begin(state);
	for (int i = 0; i < 500; i++) { /* several blocks of the backward search */
		char text[32];
		snprintf(text, sizeof(text), "line %d\n", i);
		add(LOG_STDOUT, text);
	}
	log_writer_close(&writer);
	o.tail = 2;
	assert_string_equal(read_log(state, &o), "line 498\nline 499\n|");
	o.tail = 0;
	assert_string_equal(read_log(state, &o), "|");
	o.tail = 400;
	assert_memory_equal(read_log(state, &o), "line 100\n", 9);
	o.tail = 500;
	assert_memory_equal(read_log(state, &o), "line 0\n", 7);
	o.tail = 9999;
	assert_memory_equal(read_log(state, &o), "line 0\n", 7);
}

static void moments_and_timestamps(void **state)
{
	static const char text[] =
		"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:01Z\"}\n"
		"{\"log\":\"b\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:02.5Z\"}\n"
		"{\"log\":\"c\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:03Z\"}\n";
	struct log_options o = LOG_OPTIONS_INIT;

	put_file(scratch(state), "log", text);
	o.has_since = true;
	assert_int_equal(time_parse("2026-01-01T00:00:02Z", &o.since), 0);
	assert_string_equal(read_log(state, &o), "b\nc\n|");
	o.has_until = true;
	assert_int_equal(time_parse("2026-01-01T00:00:02.6Z", &o.until), 0);
	o.timestamps = true;
	assert_string_equal(read_log(state, &o), "2026-01-01T00:00:02.5Z b\n|");
}

static void damaged_lines_are_passed_over(void **state)
{
	char *text = xmalloc(300001);
	int fd;

	put_file(
		scratch(state), "log",
		"rubbish\n\n{}\n[1]\n{\"log\":1,\"stream\":\"stdout\",\"time\":\"x\"}\n{\"log\":\"half");
	fd = openat(scratch(state), "log", O_WRONLY | O_APPEND | O_CLOEXEC);
	memset(text, 'x', 300000); /* longer than any object can be */
	assert_int_equal(write(fd, text, 300000), 300000);
	assert_int_equal(write(fd, "\n", 1), 1);
	close(fd);
	begin(state);
	add(LOG_STDOUT, "good\n");
	log_writer_close(&writer);
	assert_string_equal(read_log(state, NULL), "good\n|");
	free(text);
}

static void a_reader_goes_on(void **state)
{
	struct log_options none = { .tail = 0 };
	struct log_reader r;
	struct error err = ERROR_INIT;

	assert_int_equal(log_reader_open(&r, scratch(state), &none, &err),
			 0); /* before there is a log */
	begin(state);
	assert_string_equal(shown(state, &r), "|");
	add(LOG_STDOUT, "one\n");
	assert_string_equal(shown(state, &r), "one\n|");
	add(LOG_STDOUT, "tw");
	assert_string_equal(shown(state, &r), "|");
	add(LOG_STDOUT, "o\n");
	assert_string_equal(shown(state, &r), "two\n|");
	log_writer_close(&writer);
	log_reader_close(&r);
}

/* A limit on the size of files stands in for a full disk. */
static void full_disk(void **state)
{
	struct rlimit old, small = { .rlim_cur = 12000 };

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	begin(state);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 300; i++)
		add(LOG_STDOUT, "a line of output that takes some room\n");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(writer.dropped > 100);
	writer.retry = 0; /* the while is over */
	add(LOG_STDOUT, "room again\n");
	log_writer_close(&writer);

	const char *text = read_log(state, NULL);
	size_t kept = 0;
	while (str_starts(text, "a line of output that takes some room\n")) {
		text += 38;
		kept++;
	}
	char expected[128];
	snprintf(
		expected, sizeof(expected),
		"room again\n|knarr: %zu lines of output were lost here: the log could not be written\n",
		300 - kept);
	assert_string_equal(text, expected);
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_silent_container_has_none),
		SCRATCH_TEST(lines_and_streams),
		SCRATCH_TEST(as_docker_writes_it),
		SCRATCH_TEST(any_bytes),
		SCRATCH_TEST(long_lines),
		SCRATCH_TEST(tails),
		SCRATCH_TEST(moments_and_timestamps),
		SCRATCH_TEST(damaged_lines_are_passed_over),
		SCRATCH_TEST(a_reader_goes_on),
		SCRATCH_TEST(full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
