/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON from outside: whatever json_parse lets through has the promises of lib/json.h (an object or array, no key twice,
 * not too deep), every getter answers on every member, and what was written is read back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* An error is one short line, and never "no error". */
static void check_error(const struct error *err)
{
	require(err->code != 0 && err->message[0] && strlen(err->message) < ERROR_MESSAGE_MAX);
	require(!strchr(err->message, '\n') && !strchr(err->message, '\x1b'));
}

static void ask_for(yyjson_val *obj, const char *key)
{
	struct error err = ERROR_INIT;
	autostrv struct strv list = STRV_INIT;
	const char *s = NULL;
	bool b;
	int64_t i;
	uint64_t u;
	yyjson_val *v = NULL;
	int failed = 0;

	failed -= json_get_str(obj, key, &s, &err);
	failed -= json_get_bool(obj, key, &b, &err);
	failed -= json_get_i64(obj, key, &i, &err);
	failed -= json_get_u64(obj, key, &u, &err);
	failed -= json_get_obj(obj, key, &v, &err);
	failed -= json_get_arr(obj, key, &v, &err);
	failed -= json_get_strv(obj, key, &list, &err);
	failed -= json_get_map(obj, key, &list, &err);
	failed -= json_get_set(obj, key, &list, &err);
	if (failed)
		check_error(&err);
	for (size_t n = 0; n < list.len; n++)
		require(list.items[n] != NULL);
}

/* Recursion is safe here: that the depth is bounded is what is being tested. */
static void visit(yyjson_val *v, int depth)
{
	size_t at, max;
	yyjson_val *key, *member;

	require(depth <= JSON_DEPTH_MAX + 1);
	yyjson_arr_foreach(v, at, max, member) visit(member, depth + 1);
	yyjson_obj_foreach(v, at, max, key, member)
	{
		const char *name = yyjson_get_str(key);
		if (strlen(name) == yyjson_get_len(key)) {
			require(yyjson_obj_get(v, name) == member); /* the only one */
			ask_for(v, name);
		}
		visit(member, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	autojson yyjson_doc *doc = json_parse((const char *)data, size, "input", &err);

	if (!doc) {
		check_error(&err);
		return 0;
	}
	visit(yyjson_doc_get_root(doc), 1);

	automutjson yyjson_mut_doc *copy = yyjson_doc_mut_copy(doc, NULL);
	size_t len;
	autofree char *text = json_write(copy, size % 2, &len);
	autojson yyjson_doc *again = json_parse(text, len, "copy", &err);
	require(again && yyjson_equals(yyjson_doc_get_root(doc), yyjson_doc_get_root(again)));
	return 0;
}
