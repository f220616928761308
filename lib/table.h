/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists in columns, laid out as Docker's: every column but the last is as wide as its widest cell and three spaces, and
 * never narrower than ten (the figures Docker gives Go's text/tabwriter). Width is counted in code points of UTF-8. */
#ifndef KNARR_LIB_TABLE_H
#define KNARR_LIB_TABLE_H

#include <stddef.h>

#include "lib/str.h"

struct table;

/* columns is at least 1. */
struct table *table_new(size_t columns);

/* Columns narrower than this are made so wide, gap included. */
void table_min_width(struct table *t, size_t width);

/* The next cell, row by row; the first row is the heading. The text is copied; control characters in it, which may come
 * from an image, do not reach the terminal (str_one_line). */
void table_cell(struct table *t, const char *text);

/* Appends all rows to out, a line each. */
void table_print(const struct table *t, struct strbuf *out);

/* Lays out text whose cells end with tabs and rows with newlines, as Go's text/tabwriter does: rows may have different
 * numbers of cells, and a column is as wide as its cells in adjoining rows ask for. What follows a row's last tab is no
 * column. Appends to out. */
void table_text(const char *text, struct strbuf *out);

void table_free(struct table **t);
#define autotable __attribute__((cleanup(table_free)))

#endif
