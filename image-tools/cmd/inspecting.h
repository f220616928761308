/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the inspect commands have in common: objects are added one by one and printed together, as an array of JSON
 * (four spaces a level; `--format json`: on one line) or as what a template makes of each, a line an object. What goes
 * wrong with one of them is kept, and told after the others were shown. */
#ifndef KNARR_IMAGE_TOOLS_CMD_INSPECTING_H
#define KNARR_IMAGE_TOOLS_CMD_INSPECTING_H

#include "lib/error.h"
#include "lib/json.h"

struct inspecting;

/* format NULL or "": JSON. NULL with err set, status 64 as Docker's: `template parsing error: ...`. */
struct inspecting *inspecting_new(const char *format, struct error *err);

/* The document that objects are made in. */
yyjson_mut_doc *inspecting_doc(struct inspecting *i);

void inspecting_add(struct inspecting *i, yyjson_mut_val *object);
void inspecting_fail(struct inspecting *i, const struct error *err);

/* Prints all, on standard output and standard error. Returns the command's status: 0, or 1 if anything failed. */
int inspecting_print(struct inspecting *i);

void inspecting_free(struct inspecting *i);
static inline void inspecting_freep(struct inspecting **i)
{
	inspecting_free(*i);
}
#define autoinspecting __attribute__((cleanup(inspecting_freep)))

/* The options' help. */
#define INSPECTING_FORMAT_HELP \
	"Format output using a custom template: 'json', or 'TEMPLATE' (a Go template)"

#endif
