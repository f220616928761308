/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/table.h"

#include <string.h>

#include "lib/cleanup.h"

#define GAP       3
#define WIDTH_MIN 10

struct table {
	size_t columns;
	struct strv cells; /* row by row */
};

struct table *table_new(size_t columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->columns = columns;
	return t;
}

void table_cell(struct table *t, const char *text)
{
	char *cell = xstrdup(text);

	str_one_line(cell);
	strv_take(&t->cells, cell);
}

/* Code points: every byte that does not continue one. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
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
		widths[i] = WIDTH_MIN;
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

void table_free(struct table **t)
{
	if (!*t)
		return;
	strv_free(&(*t)->cells);
	free(*t);
	*t = NULL;
}
