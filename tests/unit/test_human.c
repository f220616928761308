/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "lib/human.h"

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1, "1B" },
		{ 999, "999B" },
		{ 1000, "1kB" },
		{ 1024, "1.02kB" },
		{ 4270000, "4.27MB" },
		{ 4274999, "4.27MB" },
		{ 12345, "12.3kB" },
		{ 126000000, "126MB" },
		{ 999499, "999kB" },
		{ 999500, "1MB" }, /* not 1e+03kB */
		{ 1230000000, "1.23GB" },
		{ 5372000000000, "5.37TB" },
		{ 2220000000000000, "2.22PB" },
		{ UINT64_MAX, "18.4EB" },
	};
	char buf[HUMAN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_size(cases[i].bytes, buf), cases[i].text);
}

static void memory(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1KiB" },
		{ 1572864, "1.5MiB" },
		{ 995328, "972KiB" },
		{ 8200000000, "7.637GiB" },
		{ 1048575, "1024KiB" }, /* as with Docker */
		{ UINT64_MAX, "16EiB" },
	};
	char buf[HUMAN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_binary(cases[i].bytes, buf), cases[i].text);
}

static void durations(void **state)
{
	const int64_t minute = 60, hour = 60 * minute, day = 24 * hour, week = 7 * day;
	const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ INT64_MIN, "Less than a second" },
		{ -5, "Less than a second" },
		{ 0, "Less than a second" },
		{ 1, "1 second" },
		{ 2, "2 seconds" },
		{ 59, "59 seconds" },
		{ minute, "About a minute" },
		{ 119, "About a minute" },
		{ 120, "2 minutes" },
		{ hour - 1, "59 minutes" },
		{ hour, "About an hour" },
		{ hour + 30 * minute - 1, "About an hour" },
		{ hour + 30 * minute, "2 hours" },
		{ 3 * hour + 59 * minute, "4 hours" },
		{ 36 * hour, "36 hours" },
		{ 2 * day, "2 days" },
		{ 13 * day + 5 * hour, "13 days" },
		{ 2 * week, "2 weeks" },
		{ 30 * day, "4 weeks" },
		{ 60 * day, "2 months" },
		{ 720 * day, "24 months" },
		{ 734 * day, "2 years" },
		{ 3 * 365 * day + 60 * day, "3 years" },
		{ INT64_MAX, "292471208677 years" },
	};
	char buf[HUMAN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_duration(cases[i].seconds, buf), cases[i].text);
}

static void sizes_typed(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "1024", 1024 },
		{ "32b", 32 },
		{ "512k", 512 << 10 },
		{ "512K", 512 << 10 },
		{ "64m", 64 << 20 },
		{ "64Mb", 64 << 20 },
		{ "1.5g", 3LL << 29 },
		{ "1GiB", 1LL << 30 },
		{ "1GIB", 1LL << 30 },
		{ "2 t", 2LL << 40 },
		{ "32P", 32LL << 50 },
		{ "32.3", 32 },
		{ "32.3 mb", 33869004 },
		{ "0.3MB", 314572 },
		{ "0.0000000000000000000000000001p", 0 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const bad[] = {
		"",
		"hello",
		"-32",
		"+1",
		".3k",
		" 32 ",
		"32m b",
		"32bm",
		"1..5",
		"1.",
		"1.5.2",
		"9223372036854775808",
		"1e3",
		"8192p",
		"0x10",
		"32  k",
		"99999999999999999999",
		"18014398509481984k",
	};
	int64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(human_parse_size(cases[i].text, &n), 0);
		assert_true(n == cases[i].bytes);
	}
	n = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(human_parse_size(bad[i], &n), -1);
	assert_true(n == 7);
}

static void times_written(void **state)
{
	char buf[TIME_TEXT_MAX];

	(void)state;
	assert_string_equal(time_text((struct timespec){ 0, 0 }, buf),
			    "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(time_text((struct timespec){ 1795485784, 5 }, buf),
			    "2026-11-24T02:03:04.000000005Z");
	assert_string_equal(time_text((struct timespec){ -1, 999999999 }, buf),
			    "1969-12-31T23:59:59.999999999Z");
}

static void times_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		long nanoseconds;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026-11-24T02:03:04.000000005Z", 1795485784, 5 },
		{ "2026-11-24t02:03:04z", 1795485784, 0 },
		{ "2026-11-24 02:03:04.5Z", 1795485784, 500000000 },
		{ "2026-11-24T02:03:04.1234567891234Z", 1795485784, 123456789 },
		{ "2026-11-24T04:03:04+02:00", 1795485784, 0 },
		{ "2026-11-23T21:33:04.25-04:30", 1795485784, 250000000 },
		{ "2026-11-24T02:03:04-00:00", 1795485784, 0 },
		{ "2024-02-29T00:00:00Z", 1709164800, 0 },
		{ "2000-02-29T00:00:00Z", 951782400, 0 },
		{ "2016-12-31T23:59:60Z", 1483228800, 0 },   /* a leap second */
		{ "0001-01-01T00:00:00Z", -62135596800, 0 }, /* Go's "never" */
		{ "9999-12-31T23:59:59Z", 253402300799, 0 },
	};
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11-24",
		"2026-11-24T02:03:04",
		"2026-11-24T02:03Z",
		"2026-11-24T02:03:04.Z",
		"2026-11-24T02:03:04Zx",
		"2026-11-24T02:03:04+0200",
		"2026-11-24T02:03:04+24:00",
		"2026-11-24T02:03:04+02:60",
		"2026-11-24T02:03:04+02",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-11-31T00:00:00Z",
		"2026-11-00T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-11-24T24:00:00Z",
		"2026-11-24T02:60:00Z",
		"2026-11-24T02:03:61Z",
		"26-11-24T02:03:04Z",
		"-026-11-24T02:03:04Z",
		" 2026-11-24T02:03:04Z",
		"2026-11-24T02:03:04,5Z",
	};
	struct timespec t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(time_parse(cases[i].text, &t), 0);
		assert_true(t.tv_sec == cases[i].seconds);
		assert_int_equal(t.tv_nsec, cases[i].nanoseconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(time_parse(bad[i], &t), -1);
}

static void a_time_survives_writing_and_reading(void **state)
{
	char buf[TIME_TEXT_MAX];
	struct timespec now = time_now(), back;

	(void)state;
	assert_int_equal(time_parse(time_text(now, buf), &back), 0);
	assert_true(now.tv_sec == back.tv_sec && now.tv_nsec == back.tv_nsec);
}

static void totals(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0B" },           { 212, "212B" },        { 999, "999B" },
		{ 1000, "1kB" },       { 4271234, "4.271MB" }, { 126000000, "126MB" },
		{ 999949, "999.9kB" }, { 999950, "1MB" },      { 16432100000, "16.43GB" },
	};
	char buf[HUMAN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_total(cases[i].bytes, buf), cases[i].text);
}

static void moments(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		long nanoseconds;
	} fixed[] = {
		{ "2020-01-02T03:04:05Z", 1577934245, 0 },
		{ "2020-01-02T03:04:05.5+01:00", 1577930645, 500000000 },
		{ "2020-01-02T03:04:05", 1577934245, 0 },
		{ "2020-01-02T03:04", 1577934240, 0 },
		{ "2020-01-02", 1577923200, 0 },
		{ "1136073600", 1136073600, 0 },
		{ "1136073600.000000001", 1136073600, 1 },
		{ "0", 0, 0 },
	};
	static const struct {
		const char *text;
		double seconds;
	} spans[] = { { "10m", 600 },   { "1h30m", 5400 }, { "90s", 90 },
		      { "1.5h", 5400 }, { "0s", 0 },       { "300ms", 0.3 } };
	static const char *const bad[] = { "",
					   "soon",
					   "10x",
					   "m",
					   "1h ",
					   "-5m",
					   "2020-13-01",
					   "1..5h",
					   "1e9",
					   "99999999999999999999",
					   "9999999h9999999h9999999h",
					   "." };
	struct timespec t, now = time_now();

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		assert_int_equal(time_moment(fixed[i].text, &t), 0);
		assert_int_equal(t.tv_sec, fixed[i].seconds);
		assert_int_equal(t.tv_nsec, fixed[i].nanoseconds);
	}
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		double ago;

		assert_int_equal(time_moment(spans[i].text, &t), 0);
		ago = (double)(now.tv_sec - t.tv_sec) + (double)(now.tv_nsec - t.tv_nsec) / 1e9;
		assert_true(ago < spans[i].seconds + 0.001 && ago > spans[i].seconds - 5);
		assert_true(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (time_moment(bad[i], &t) == 0)
			fail_msg("taken: %s", bad[i]);
}

static void text_is_cut_between_characters(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *result;
	} list[] = {
		{ "", 5, "" },
		{ "abcde", 5, "abcde" },
		{ "abcdef", 5, "abcd\xe2\x80\xa6" },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9", 3, "\xc3\xa9\xc3\xa9\xc3\xa9" },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 3, "\xc3\xa9\xc3\xa9\xe2\x80\xa6" },
		{ "ab", 1, "\xe2\x80\xa6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char *cut = text_cut(list[i].text, list[i].width);

		assert_string_equal(cut, list[i].result);
		free(cut);
	}
}

static void local_times_as_go_prints_them(void **state)
{
	char buf[TIME_TEXT_MAX];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(time_local_text(1700000000, buf), "2023-11-14 22:13:20 +0000 UTC");
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_string_equal(time_local_text(1700000000, buf), "2023-11-14 23:13:20 +0100 CET");
	unsetenv("TZ");
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(memory),
		cmocka_unit_test(totals),
		cmocka_unit_test(moments),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes_typed),
		cmocka_unit_test(times_written),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(local_times_as_go_prints_them),
		cmocka_unit_test(times_read),
		cmocka_unit_test(a_time_survives_writing_and_reading),
	};

	return cmocka_run_group_tests_name("human", tests, NULL, NULL);
}
