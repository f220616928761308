/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates: whatever is typed behind --format is run or refused with one line, in bounded time and memory, and the same
 * text gives the same result twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/template.h"

static const char document[] =
	"{\"Id\":\"0123\",\"n\":null,\"t\":true,\"i\":-5,\"u\":18446744073709551615,\"f\":2.5e-7,"
	"\"s\":\"a<\\u0000\\u001b\\u00e9\\u2028\",\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"Cmd\":[\"x\",\"y z\",null,[1,{\"k\":\"v\"}]],\"o\":{\"p\":{\"q\":1}},\"Label\":{\"a\":\"b\"}}";

static const char *const maps[] = { "Labels", "n", NULL };
static const char *const lists[] = { "Cmd", NULL };
static const char *const methods[] = { "Label", NULL };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void try_run(const struct template *t, yyjson_val *root, const struct template_types *types)
{
	struct strbuf first autostrbuf = STRBUF_INIT, second autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	int r = template_run_typed(t, root, types, &first, &err);

	require(r == 0 || (err.code && err.message[0] && !strchr(err.message, '\n')));
	if (first.len > 100000)
		return;
	require(template_run_typed(t, root, types, &second, NULL) == r && first.len == second.len);
	require(!first.len || memcmp(first.data, second.data, first.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct template_types types = { .maps = maps, .lists = lists },
					   row = { .methods = methods, .row = true },
					   heading = { .methods = methods,
						       .row = true,
						       .heading = true };
	autofree char *text = xstrndup((const char *)data, size);
	struct error err = ERROR_INIT;
	struct template *t autotemplate = template_parse(text, &err);
	autojson yyjson_doc *doc = NULL;

	if (!t) {
		require(err.code && err.message[0] && !strchr(err.message, '\n'));
		return 0;
	}
	doc = json_parse(document, sizeof(document) - 1, "document", &err);
	require(doc);
	template_mentions(t, "s");
	try_run(t, yyjson_doc_get_root(doc), NULL);
	try_run(t, yyjson_doc_get_root(doc), &types);
	try_run(t, yyjson_doc_get_root(doc), &row);
	try_run(t, yyjson_doc_get_root(doc), &heading);
	return 0;
}
