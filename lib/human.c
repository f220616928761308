/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/human.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/str.h"

/* limit: what would be rounded to a power of ten, as in 1e+03. */
static const char *size_text(uint64_t bytes, int precision, double limit, char buf[HUMAN_MAX])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= limit && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, HUMAN_MAX, "%.*g%s", precision, value, units[unit]);
	return buf;
}

const char *human_size(uint64_t bytes, char buf[HUMAN_MAX])
{
	return size_text(bytes, 3, 999.5, buf);
}

const char *human_total(uint64_t bytes, char buf[HUMAN_MAX])
{
	return size_text(bytes, 4, 999.95, buf);
}

const char *human_binary(uint64_t bytes, char buf[HUMAN_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024; unit++)
		value /= 1024;
	snprintf(buf, HUMAN_MAX, "%.4g%s", value, units[unit]);
	return buf;
}

char *text_cut(const char *s, size_t width)
{
	size_t characters = 0, cut = 0;

	for (size_t i = 0; s[i]; i++) {
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue;
		if (++characters == width)
			cut = i;
	}
	return characters > width ? str_format("%.*s\xe2\x80\xa6", (int)cut, s) : xstrdup(s);
}

const char *human_duration(int64_t seconds, char buf[HUMAN_MAX])
{
	const int64_t minute = 60, hour = 60 * minute;                              /* in seconds */
	const int64_t day = 24, week = 7 * day, month = 30 * day, year = 365 * day; /* in hours */
	int64_t n, hours = seconds / hour +
			   (seconds % hour >= hour / 2); /* rounded, unlike all else */
	const char *unit;

	/* The borders are go-units' own: 36 hours, 13 days, 24 months stay in the smaller unit. */
	if (seconds < 1) {
		snprintf(buf, HUMAN_MAX, "Less than a second");
		return buf;
	}
	if (seconds == 1) {
		snprintf(buf, HUMAN_MAX, "1 second");
		return buf;
	}
	if (seconds >= minute && seconds < 2 * minute) {
		snprintf(buf, HUMAN_MAX, "About a minute");
		return buf;
	}
	if (seconds >= hour && hours == 1) {
		snprintf(buf, HUMAN_MAX, "About an hour");
		return buf;
	}
	if (seconds < minute)
		n = seconds, unit = "seconds";
	else if (seconds < hour)
		n = seconds / minute, unit = "minutes";
	else if (hours < 2 * day)
		n = hours, unit = "hours";
	else if (hours < 2 * week)
		n = hours / day, unit = "days";
	else if (hours < 2 * month)
		n = hours / week, unit = "weeks";
	else if (hours < 2 * year)
		n = hours / month, unit = "months";
	else
		n = seconds / hour / year, unit = "years";
	snprintf(buf, HUMAN_MAX, "%" PRId64 " %s", n, unit);
	return buf;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Which letter c is among k, m, g, t, p, counted from 1; 0 for any other. */
static unsigned prefix_power(char c)
{
	const char *at = c ? strchr("kKmMgGtTpP", c) : NULL;

	return at ? (unsigned)(at - "kKmMgGtTpP") / 2 + 1 : 0;
}

int human_parse_size(const char *s, int64_t *bytes)
{
	unsigned long long whole = 0, fraction = 0, scale = 1;

	if (!is_digit(*s))
		return -1;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (unsigned)(*s - '0'), &whole))
			return -1;
	if (*s == '.') {
		if (!is_digit(*++s))
			return -1;
		for (; is_digit(*s); s++) {
			if (scale >= 1000000000000000000ull)
				continue; /* no unit is so large that more digits make a byte */
			fraction = fraction * 10 + (unsigned)(*s - '0');
			scale *= 10;
		}
	}
	if (*s == ' ')
		s++;
	unsigned shift = 10 * prefix_power(*s);
	if (shift)
		s++;
	if (*s == 'i' || *s == 'I')
		s++;
	if (*s == 'b' || *s == 'B')
		s++;
	if (*s)
		return -1;

	unsigned __int128 value = ((unsigned __int128)whole << shift) +
				  ((unsigned __int128)fraction << shift) / scale;
	if (value > INT64_MAX)
		return -1;
	*bytes = (int64_t)value;
	return 0;
}

const char *time_text(struct timespec t, char buf[TIME_TEXT_MAX])
{
	struct tm tm = { 0 };

	gmtime_r(&t.tv_sec, &tm);
	snprintf(buf, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec);
	return buf;
}

const char *time_local_text(time_t t, char buf[TIME_TEXT_MAX])
{
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	if (!strftime(buf, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S %z %Z", &tm))
		buf[0] = '\0';
	return buf;
}

/* Reads exactly n digits; NULL when there are fewer. */
static const char *digits(const char *s, int n, int *out)
{
	*out = 0;
	while (n--) {
		if (!is_digit(*s))
			return NULL;
		*out = *out * 10 + (*s++ - '0');
	}
	return s;
}

static const char *expect(const char *s, const char *any_of)
{
	return s && *s && strchr(any_of, *s) ? s + 1 : NULL;
}

/* n digits and the separator behind them. */
static const char *field(const char *s, int n, int *out, const char *separators)
{
	s = s ? digits(s, n, out) : NULL;
	return separators ? expect(s, separators) : s;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* RFC 3339, section 5.6; 5.7 gives the limits, a leap second among them. */
int time_parse(const char *s, struct timespec *out)
{
	int year, month, day, hour, minute, second, off_hour = 0, off_minute = 0;
	long nanoseconds = 0, weight = 100000000;
	bool west = false;

	s = field(s, 4, &year, "-");
	s = field(s, 2, &month, "-");
	s = field(s, 2, &day, "Tt ");
	s = field(s, 2, &hour, ":");
	s = field(s, 2, &minute, ":");
	s = field(s, 2, &second, NULL);
	if (!s)
		return -1;
	if (*s == '.') {
		if (!is_digit(*++s))
			return -1;
		for (; is_digit(*s); s++, weight /= 10)
			nanoseconds += (*s - '0') * weight;
	}
	if (*s == '+' || *s == '-') {
		west = *s == '-';
		s = field(s + 1, 2, &off_hour, ":");
		s = field(s, 2, &off_minute, NULL);
	} else {
		s = expect(s, "Zz");
	}
	if (!s || *s || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
	    hour > 23 || minute > 59 || second > 60 || off_hour > 23 || off_minute > 59)
		return -1;

	struct tm tm = { .tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute,
			 .tm_sec = second };
	int offset = off_hour * 3600 + off_minute * 60;
	out->tv_sec = timegm(&tm) - (west ? -offset : offset);
	out->tv_nsec = nanoseconds;
	return 0;
}

struct timespec time_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

int64_t time_monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int time_span(const char *s, int64_t *nanoseconds)
{
	static const struct {
		const char *unit;
		double nanoseconds;
	} units[] = { { "h", 3600e9 }, { "ms", 1e6 }, { "m", 60e9 },
		      { "us", 1e3 },   { "ns", 1 },   { "s", 1e9 } };
	double sum = 0;

	if (!*s)
		return -1;
	while (*s) {
		size_t len = strspn(s, "0123456789."), u = 0;
		char number[24], *end;

		if (!is_digit(*s) || len >= sizeof(number))
			return -1;
		memcpy(number, s, len);
		number[len] = '\0';
		s += len;
		while (u < sizeof(units) / sizeof(units[0]) &&
		       strncmp(s, units[u].unit, strlen(units[u].unit)) != 0)
			u++;
		if (u == sizeof(units) / sizeof(units[0]))
			return -1;
		sum += strtod(number, &end) * units[u].nanoseconds;
		if (*end || sum > 9e18)
			return -1;
		s += strlen(units[u].unit);
	}
	*nanoseconds = (int64_t)sum;
	return 0;
}

/* "1136073600", "1136073600.5" */
static int parse_seconds(const char *s, struct timespec *out)
{
	int64_t seconds = 0;
	long nanoseconds = 0, weight = 100000000;

	if (!is_digit(*s))
		return -1;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(seconds, 10, &seconds) ||
		    __builtin_add_overflow(seconds, *s - '0', &seconds))
			return -1;
	if (*s == '.')
		for (s++; is_digit(*s); s++, weight /= 10)
			nanoseconds += (*s - '0') * weight;
	if (*s)
		return -1;
	*out = (struct timespec){ .tv_sec = seconds, .tv_nsec = nanoseconds };
	return 0;
}

int time_moment(const char *s, struct timespec *out)
{
	static const char *const missing[] = { "", "Z", ":00Z", "T00:00:00Z" };
	int64_t span;

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		char whole[TIME_TEXT_MAX + 32];

		if (snprintf(whole, sizeof(whole), "%s%s", s, missing[i]) < (int)sizeof(whole) &&
		    time_parse(whole, out) == 0)
			return 0;
	}
	if (parse_seconds(s, out) == 0)
		return 0;
	if (time_span(s, &span) < 0)
		return -1;
	*out = time_now();
	out->tv_sec -= span / 1000000000;
	out->tv_nsec -= span % 1000000000;
	if (out->tv_nsec < 0) {
		out->tv_nsec += 1000000000;
		out->tv_sec--;
	}
	return 0;
}
