/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands list, in every form `--format` knows: rows of named fields become Docker's table, a table of one's own
 * choice, one JSON object a line, or what a template makes of each row.
 *
 *     (nothing), table         the columns that kind->columns names
 *     table {{.ID}}\t{{.Tag}}  these columns, under the headings of their fields
 *     json                     an object a line with all fields, as {{json .}}
 *     {{.ID}}: {{.Tag}}        a line a row
 *
 * In a format, \t and \n stand for tab and newline. Control characters in fields, which may come from an image, reach no
 * table; what a template prints is as it is, for programs to read. */
#ifndef KNARR_IMAGE_TOOLS_CMD_LISTING_H
#define KNARR_IMAGE_TOOLS_CMD_LISTING_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/str.h"

/* The option's help. */
#define LISTING_FORMAT_HELP \
	"Format output using a custom template: 'table' (in columns, default), 'table TEMPLATE', 'json', or " \
	"'TEMPLATE' (a Go template)"

struct listing_field {
	const char *name;    /* "CreatedAt" */
	const char *heading; /* "CREATED AT" */
};

struct listing_kind {
	const struct listing_field
		*fields;     /* sorted by name, as Docker's JSON has them; ended by a NULL name */
	const char *columns; /* a template: "{{.Repository}}\t{{.Tag}}" */
};

/* format as a template's text: \t and \n become what they stand for. The caller frees. */
char *listing_template_text(const char *format);

struct listing;

/* format may be NULL. NULL with err set: `template parsing error: template: :1: ...`. */
struct listing *listing_new(const struct listing_kind *kind, const char *format, struct error *err);

/* Whether the output will show the field: what is costly to find out and not shown may be left out of the rows. */
bool listing_wants(const struct listing *l, const char *field);

/* Adds a row: a value for each of kind's fields, in their order; NULL is "". labels (KEY=VALUE, may be NULL) are what
 * {{.Label "KEY"}} finds. All is copied. */
void listing_row(struct listing *l, const char *const *values, const struct strv *labels);

/* Appends the headings, where the form has them, and all rows to out. -1 with err set, and nothing appended: the template
 * asks for what rows do not have. */
int listing_print(struct listing *l, struct strbuf *out, struct error *err);

void listing_free(struct listing *l);
static inline void listing_freep(struct listing **l)
{
	listing_free(*l);
}
#define autolisting __attribute__((cleanup(listing_freep)))

#endif
