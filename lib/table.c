/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/table.h"

#include <stdbool.h>
#include <string.h>

#include "lib/cleanup.h"

#define GAP       3
#define WIDTH_MIN 10

struct table {
	size_t columns, min_width;
	struct strv cells; /* row by row */
};

struct table *table_new(size_t columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->columns = columns;
	t->min_width = WIDTH_MIN;
	return t;
}

void table_min_width(struct table *t, size_t width)
{
	t->min_width = width;
}

void table_cell(struct table *t, const char *text)
{
	char *cell = xstrdup(text);

	str_one_line(cell);
	strv_take(&t->cells, cell);
}

/* Code points: every byte that does not continue one. */
static size_t width_of_bytes(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static size_t width_of(const char *s)
{
	return width_of_bytes(s, strlen(s));
}

static void put_spaces(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_putc(out, ' ');
}

void table_print(const struct table *t, struct strbuf *out)
{
	if (!t->columns)
		return;
	autofree size_t *widths = xcalloc(t->columns, sizeof(*widths));
	for (size_t i = 0; i < t->columns; i++)
		widths[i] = t->min_width;
	for (size_t i = 0; i < t->cells.len; i++) {
		size_t width = width_of(t->cells.items[i]) + GAP;
		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->cells.len; i++) {
		const char *cell = t->cells.items[i];
		size_t column = i % t->columns;

		strbuf_puts(out, cell);
		if (column + 1 == t->columns || i + 1 == t->cells.len)
			strbuf_putc(out, '\n');
		else
			put_spaces(out, widths[column] - width_of(cell));
	}
}

struct cell {
	const char *text;
	size_t len;
	size_t width; /* of its column here, once known; 0: no column's */
	bool last;    /* of its row */
};

static struct cell *split_cells(const char *text, size_t *n)
{
	struct cell *cells;
	size_t count = 1;

	for (const char *c = text; *c; c++)
		count += *c == '\t' || *c == '\n';
	cells = xcalloc(count, sizeof(*cells));
	for (*n = 0; *text; (*n)++) {
		struct cell *cell = &cells[*n];

		cell->text = text;
		cell->len = strcspn(text, "\t\n");
		cell->last = text[cell->len] != '\t';
		text += cell->len + (text[cell->len] != '\0');
	}
	return cells;
}

/* Gives the cells of column, which start[i] names in the row i, their width, run by run of rows that have it. Whether any
 * row had it. */
static bool set_column(struct cell *cells, const size_t *start, size_t rows, size_t column)
{
	bool any = false;

	for (size_t i = 0; i < rows;) {
		size_t width = WIDTH_MIN, end = i;

		for (; end < rows && start[end + 1] - start[end] > column + 1; end++) {
			const struct cell *c = &cells[start[end] + column];
			size_t w = width_of_bytes(c->text, c->len) + GAP;

			width = w > width ? w : width;
		}
		for (size_t row = i; row < end; row++)
			cells[start[row] + column].width = width;
		any |= end > i;
		i = end > i ? end : i + 1;
	}
	return any;
}

void table_text(const char *text, struct strbuf *out)
{
	size_t n, rows = 0;
	autofree struct cell *cells = split_cells(text, &n);
	autofree size_t *start = xcalloc(n + 1, sizeof(*start));

	for (size_t i = 0; i < n; i++)
		if (cells[i].last || i + 1 == n)
			start[++rows] = i + 1;
	for (size_t column = 0; set_column(cells, start, rows, column);)
		column++;
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &cells[i];

		strbuf_add(out, c->text, c->len);
		if (c->last)
			strbuf_putc(out, '\n');
		else if (c->width)
			put_spaces(out, c->width - width_of_bytes(c->text, c->len));
	}
}

void table_free(struct table **t)
{
	if (!*t)
		return;
	strv_free(&(*t)->cells);
	free(*t);
	*t = NULL;
}
