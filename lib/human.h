/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures and times as Docker's users read and type them. (The columns they stand in: lib/table.h.) */
#ifndef KNARR_LIB_HUMAN_H
#define KNARR_LIB_HUMAN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HUMAN_MAX 48

/* Bytes in decimal units with three significant digits at most, as in Docker's columns (go-units' HumanSizeWithPrecision):
 * "0B", "4.27MB", "126MB". Where Docker prints "1e+03MB" the next unit is taken: "1GB". Returns buf. */
const char *human_size(uint64_t bytes, char buf[HUMAN_MAX]);

/* The same with four digits, as Docker has it in sums (HumanSize): "4.271MB", "Total reclaimed space: 212B". */
const char *human_total(uint64_t bytes, char buf[HUMAN_MAX]);

/* Bytes in binary units with four digits, as Docker shows memory (BytesSize): "0B", "1.5MiB", "1023KiB". Returns buf. */
const char *human_binary(uint64_t bytes, char buf[HUMAN_MAX]);

/* At most width characters of UTF-8 of s, the last an ellipsis where something was cut; the caller frees. */
char *text_cut(const char *s, size_t width);

/* A span of seconds in Docker's words: "Less than a second", "About a minute", "3 hours", "5 weeks"; returns buf. */
const char *human_duration(int64_t seconds, char buf[HUMAN_MAX]);

/* Text like 64m, 1.5g, 512k, 1024 or 1GiB as bytes (binary units up to p, as Docker's -m takes them; a fraction of a byte
 * is dropped). Returns 0, or -1 when it is no size or does not fit. */
int human_parse_size(const char *s, int64_t *bytes);

/* RFC 3339 in UTC with nanoseconds ("2026-11-24T02:03:04.000000005Z"); returns buf. */
#define TIME_TEXT_MAX 48
const char *time_text(struct timespec t, char buf[TIME_TEXT_MAX]);
/* As Go prints a time, in the machine's zone ("2026-11-24 02:03:04 +0000 UTC"); returns buf. */
const char *time_local_text(time_t t, char buf[TIME_TEXT_MAX]);
/* Parses RFC 3339 with any offset and fraction; digits behind the ninth are dropped. Returns 0 or -1. */
int time_parse(const char *s, struct timespec *out);
struct timespec time_now(void);
/* Milliseconds of a clock that nobody sets, for spans. */
int64_t time_monotonic_ms(void);
/* A span in Go's notation ("90s", "1h30m", "1.5h", "300ms"; numbers with units, the larger ones first or not) in
 * nanoseconds. Returns 0 or -1. */
int time_span(const char *s, int64_t *nanoseconds);
/* A moment as --since, --until and until= take it: RFC 3339, also without zone (UTC), seconds or time; seconds since 1970,
 * with a fraction; or a span back from now in Go's notation ("10m", "1h30m", "1.5h", "300ms"). Returns 0 or -1. */
int time_moment(const char *s, struct timespec *out);

#endif
