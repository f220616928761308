/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures and times as Docker's users read them, and the columns they stand in. */
#ifndef KNARR_LIB_HUMAN_H
#define KNARR_LIB_HUMAN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/str.h"

#define HUMAN_MAX 48

/* Bytes in decimal units with four significant digits at most, as Docker's columns: "0B", "4.27MB", "126MB"; returns buf. */
const char *human_size(uint64_t bytes, char buf[HUMAN_MAX]);

/* A span of seconds in Docker's words: "Less than a second", "About a minute", "3 hours", "5 weeks"; returns buf. */
const char *human_duration(int64_t seconds, char buf[HUMAN_MAX]);

/* Text like 64m, 1.5g, 512k, 1024 or 1GiB as bytes (binary units, as Docker's -m takes them). Returns 0 or -1. */
int human_parse_size(const char *s, int64_t *bytes);

/* RFC 3339 in UTC with nanoseconds ("2026-11-24T02:03:04.000000005Z"); returns buf. */
#define TIME_TEXT_MAX 48
const char *time_text(struct timespec t, char buf[TIME_TEXT_MAX]);
/* Parses RFC 3339 with any offset and fraction. Returns 0 or -1. */
int time_parse(const char *s, struct timespec *out);
struct timespec time_now(void);

/* A table whose columns are padded to their widest cell plus three spaces, as Docker prints its lists; the last column
 * is not padded. The first row is the heading. Cells are copied. */
struct table;
struct table *table_new(size_t columns);
void table_cell(struct table *t, const char *text);
void table_print(const struct table *t, struct strbuf *out);
void table_free(struct table **t);
#define autotable __attribute__((cleanup(table_free)))

#endif
