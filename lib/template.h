/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates for `--format`: Go's text/template as Docker's users type it, over JSON values.
 *
 *     {{.State.Status}} {{index .Config.Labels "a.b"}} {{json .}} {{range $i, $e := .Mounts}}...{{else}}...{{end}}
 *     {{if}} {{else if}} {{with}} {{break}} {{continue}}, $variables, pipes, (parentheses), {{- trim -}}, comments, literals
 *
 * Functions: Go's and or not, eq ne lt le gt ge, len index slice, print printf println, html js urlquery, and Docker's
 * json join split lower upper title pad truncate. Not here: define, template, block, call. Messages are Go's, one line:
 *
 *     template: :1: unclosed action
 *     template: :1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"
 *
 * A template comes from a command line and may be anything: its length, nesting, steps and output are bounded.
 * Rules: pkg.go.dev/text/template; docs.docker.com/engine/cli/formatting. Values are lib/json.h's. */
#ifndef KNARR_LIB_TEMPLATE_H
#define KNARR_LIB_TEMPLATE_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/str.h"

#define TEMPLATE_TEXT_MAX   (64U << 10) /* bytes of a template */
#define TEMPLATE_OUTPUT_MAX (64U << 20) /* bytes that one run may write */

struct template;

/* Parses text. NULL with err set: EINVAL, `template: :LINE: ...`. The result does not refer to text. */
struct template *template_parse(const char *text, struct error *err);

/* Appends what t makes of data to out. All objects count as maps: a member that is missing is "<no value>". -1 with err
 * set, EINVAL; out then holds what was made so far. */
int template_run(const struct template *t, yyjson_val *data, struct strbuf *out, struct error *err);

/* In Go a value has a type, in JSON it does not: what is known of the types beyond the values themselves. With types,
 * objects are structs: a member that is missing is an error. Lists end with NULL; a NULL list is empty. */
struct template_types {
	/* Members that are maps: a missing key is no error, null is "map[]", keys are sorted. */
	const char *const *maps;
	/* Members that are lists: null is "[]". */
	const char *const *lists;
	/* Members that may be missing, and are nil or "" then; so are those of maps and lists, which are empty. */
	const char *const *optional, *const *optional_texts;
	/* Members of the root that are functions of one string, as in {{.Label "maintainer"}}: maps from their argument,
	 * and no part of {{json .}}. */
	const char *const *methods;
	/* The root is a row of a table: it has no members that no one knows of ("can't evaluate field X"), and {{json .}}
	 * writes <, > and & as \u003c, \u003e and \u0026, as Docker's lists do. */
	bool row;
	/* The root is the row of headings: json, split, join, title, lower, upper and truncate leave a heading as it is. */
	bool heading;
};

int template_run_typed(const struct template *t, yyjson_val *data,
		       const struct template_types *types, struct strbuf *out, struct error *err);

/* Whether t asks for the member name anywhere, or for all there is ({{.}}, {{json .}}): for what is costly to find out. */
bool template_mentions(const struct template *t, const char *name);

void template_free(struct template *t);
static inline void template_freep(struct template **t)
{
	template_free(*t);
}
#define autotemplate __attribute__((cleanup(template_freep)))

#endif
