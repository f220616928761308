/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: what is written can be read again, whatever the bytes, the disk and the reader's timing. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "lib/human.h"
#include "lib/str.h"
#include "runtime/container/logfile.h"

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

static void begin_limited(void **state, int64_t max_size, unsigned max_files)
{
	const struct log_limits limits = { .max_size = max_size, .max_files = max_files };

	memset(&writer, 0xa5, sizeof(writer)); /* init must not rely on zeros */
	log_writer_init(&writer, scratch(state), &limits, lines);
}

static void begin(void **state)
{
	begin_limited(state, 0, 0);
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

/* ---- Rotation */

/* Lines whose objects are all of one length. */
static void add_lines(int from, int to)
{
	for (int i = from; i < to; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line %04d\n", i);
		add(LOG_STDOUT, text);
	}
}

/* Whether text is lines from..to-1 and nothing else. */
static void assert_lines(const char *text, int from, int to)
{
	for (int i = from; i < to; i++, text += 10) {
		char expected[32];

		snprintf(expected, sizeof(expected), "line %04d\n", i);
		if (strncmp(text, expected, 10) != 0)
			fail_msg("expected %.9s, got %.12s", expected, text);
	}
	assert_string_equal(text, "|");
}

static size_t object_size(void **state)
{
	struct stat st;

	begin(state);
	add_lines(0, 1);
	log_writer_close(&writer);
	assert_int_equal(fstatat(scratch(state), "log", &st, 0), 0);
	assert_int_equal(unlinkat(scratch(state), "log", 0), 0);
	return (size_t)st.st_size;
}

static void rotates(void **state)
{
	size_t one = object_size(state);

	begin_limited(state, (int64_t)(10 * one), 3);
	add_lines(0, 30);
	assert_lines(read_log(state, NULL), 0, 30);
	assert_true(exists(scratch(state), "log"));
	assert_true(exists(scratch(state), "log.2"));
	assert_false(exists(scratch(state), "log.3"));
	/* The next line begins a file, and the oldest goes. */
	add_lines(30, 31);
	assert_false(exists(scratch(state), "log"));
	assert_true(exists(scratch(state), "log.3"));
	assert_lines(read_log(state, NULL), 10, 31);
	log_writer_close(&writer);
	/* The next run of the container goes on where this one ended. */
	begin_limited(state, (int64_t)(10 * one), 3);
	add_lines(31, 95);
	log_writer_close(&writer);
	assert_lines(read_log(state, NULL), 70, 95);
	/* With fewer files asked for, the rest goes. */
	begin_limited(state, (int64_t)(10 * one), 1);
	add_lines(95, 96);
	log_writer_close(&writer);
	assert_lines(read_log(state, NULL), 90, 96);
}

/* Many lines that come in one piece are rotated like others. */
static void rotates_within_one_piece(void **state)
{
	struct strbuf b autostrbuf = STRBUF_INIT;
	size_t one = object_size(state);

	for (int i = 0; i < 47; i++)
		strbuf_printf(&b, "line %04d\n", i);
	begin_limited(state, (int64_t)(10 * one), 100);
	log_writer_add(&writer, LOG_STDOUT, b.data, b.len);
	log_writer_close(&writer);
	assert_true(exists(scratch(state), "log.4"));
	assert_lines(read_log(state, NULL), 0, 47);
}

static void tails_over_files(void **state)
{
	struct log_options o = LOG_OPTIONS_INIT;
	size_t one = object_size(state);

	begin_limited(state, (int64_t)(10 * one), 9);
	add_lines(0, 45);
	log_writer_close(&writer);
	for (int n = 0; n <= 47; n++) {
		o.tail = n;
		assert_lines(read_log(state, &o), n > 45 ? 0 : 45 - n, 45);
	}
}

static void follows_over_files(void **state)
{
	struct log_options o = LOG_OPTIONS_INIT;
	struct error err = ERROR_INIT;
	struct log_reader r;
	size_t one = object_size(state);
	int seen = 0;

	assert_int_equal(log_reader_open(&r, scratch(state), &o, &err), 0);
	begin_limited(state, (int64_t)(10 * one), 4);
	/* As long as the reader is not slower than three files, it misses nothing: however the two fall. */
	for (int n = 0, at = 0; n < 200; n++) {
		int more = n % 31;

		add_lines(at, at + more);
		at += more;
		assert_lines(shown(state, &r), seen, at);
		seen = at;
	}
	/* The file it has open was removed: what is in it is read all the same, and then the oldest there is. */
	add_lines(seen, seen + 5);
	add_lines(seen + 5, seen + 105);
	const char *text = shown(state, &r);
	assert_memory_equal(text, "line ", 5);
	assert_int_equal(atoi(text + 5), seen);
	assert_true(strstr(text, "|") - text >= 300);
	log_writer_close(&writer);
	log_reader_close(&r);
}

/* A monitor that dies between any two steps: what was written is read again, and the next one goes on. */
static void killed_while_rotating(void **state)
{
	size_t one = object_size(state);

	/* The new file is made, the old one not yet removed; and there is nothing in the new one. */
	begin_limited(state, (int64_t)(10 * one), 2);
	add_lines(0, 20);
	log_writer_close(&writer);
	put_file(scratch(state), "log.2", "");
	assert_lines(read_log(state, NULL), 0, 20);
	begin_limited(state, (int64_t)(10 * one), 2);
	add_lines(20, 25);
	assert_false(exists(scratch(state), "log"));
	assert_lines(read_log(state, NULL), 10, 25);
	/* Killed in the middle of an object: only that line is lost, and not the next as well. */
	int fd = openat(scratch(state), "log.2", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "{\"log\":\"line 00", 15), 15);
	close(fd);
	begin_limited(state, (int64_t)(10 * one), 2);
	add_lines(25, 28);
	log_writer_close(&writer);
	assert_lines(read_log(state, NULL), 10, 28);
}

static void no_log(void **state)
{
	const struct log_limits limits = { .disabled = true };

	log_writer_init(&writer, scratch(state), &limits, lines);
	add(LOG_STDOUT, "a\nb");
	log_writer_close(&writer);
	assert_false(exists(scratch(state), "log"));
}

/* What is not the log's is none of its files. */
static void other_names(void **state)
{
	static const char *const others[] = {
		"log.0", "log.01", "log.x", "log.", "log.-1", "logs", "log.99999999999999999999"
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		put_file(scratch(state), others[i], "x");
	begin_limited(state, 1, 1);
	add_lines(0, 3);
	log_writer_close(&writer);
	assert_lines(read_log(state, NULL), 2, 3);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(exists(scratch(state), others[i]));
}

/* The disk is full and stays so: that lines were lost is told when it can be, and counts all of them. */
static void a_notice_that_cannot_be_written(void **state)
{
	struct rlimit old, small = { .rlim_cur = 12000 };

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	begin(state);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 300; i++) {
		writer.retry = 0; /* every line tries anew, and the notice before it */
		add(LOG_STDOUT, "a line of output that takes some room\n");
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	uint64_t lost = writer.dropped;
	assert_true(lost > 100);
	log_writer_close(&writer);
	const char *text = read_log(state, NULL);
	size_t kept = 0;
	for (const char *at = text; (at = strstr(at, "a line of")); at++)
		kept++;
	/* What a notice between the lines told was told once. */
	uint64_t told = 0;
	for (const char *at = text; (at = strstr(at, "knarr: ")); at += 7)
		told += strtoull(at + 7, NULL, 10);
	assert_int_equal(told + kept, 300);
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
		SCRATCH_TEST(a_notice_that_cannot_be_written),
		SCRATCH_TEST(rotates),
		SCRATCH_TEST(rotates_within_one_piece),
		SCRATCH_TEST(tails_over_files),
		SCRATCH_TEST(follows_over_files),
		SCRATCH_TEST(killed_while_rotating),
		SCRATCH_TEST(no_log),
		SCRATCH_TEST(other_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
