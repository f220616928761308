/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/json.h"

static yyjson_doc *parse(const char *text, struct error *err)
{
	return json_parse(text, strlen(text), "x.json", err);
}

static void assert_refused(const char *text, const char *message)
{
	struct error err = ERROR_INIT;

	assert_null(parse(text, &err));
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.message, message);
}

static void a_document_is_an_object_or_array(void **state)
{
	struct error err = ERROR_INIT;
	static const char *const bad[] = { "1", "\"a\"", "null", "true" };

	(void)state;
	yyjson_doc_free(parse(" {} ", &err));
	yyjson_doc_free(parse("[]\n", &err));
	assert_int_equal(err.code, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i], "x.json: neither an object nor an array");
}

static void syntax_errors_say_where(void **state)
{
	struct error err = ERROR_INIT;
	static const char *const bad[] = { "",           "{",
					   "[1,]",       "{\"a\":1}x",
					   "{a:1}",      "[01]",
					   "[NaN]",      "[\"\t\"]",
					   "// x\n[]",   "[\"\\x\"]",
					   "[\"\xff\"]", "{\"a\"}",
					   "[1 2]",      "\xef\xbb\xbf[]",
					   "[1e999]",    "[\"\\ud800\"]" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error_clear(&err);
		assert_null(parse(bad[i], &err));
		assert_int_equal(err.code, EINVAL);
	}
	assert_null(parse("{\n \"a\": 1,\n \"b\": x\n}", &err));
	assert_true(strstr(err.message, "x.json: line 3, column 7: ") == err.message);
	/* a NUL inside, which the text's length shows */
	assert_null(json_parse("[1]\0[", 5, "x.json", &err));
}

static void depth_has_a_limit(void **state)
{
	struct error err = ERROR_INIT;
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		strbuf_reset(&b);
		for (int i = 0; i < depth; i++)
			strbuf_puts(&b, i % 2 ? "[1," : "{\"a\":");
		strbuf_puts(&b, "2");
		for (int i = depth; i-- > 0;)
			strbuf_puts(&b, i % 2 ? "]" : "}");
		autojson yyjson_doc *doc = parse(b.data, &err);
		if (depth == JSON_DEPTH_MAX)
			assert_non_null(doc);
		else
			assert_null(doc);
	}
	assert_string_equal(err.message, "x.json: nested deeper than 64 levels");

	/* a bomb of brackets neither recurses nor takes long */
	strbuf_reset(&b);
	for (int i = 0; i < 1000000; i++)
		strbuf_putc(&b, '[');
	assert_null(parse(b.data, &err));
	for (int i = 0; i < 1000000; i++)
		strbuf_putc(&b, ']');
	assert_null(parse(b.data, &err));
	assert_string_equal(err.message, "x.json: nested deeper than 64 levels");
}

static void a_key_stands_once(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "x.json: key \"a\" stands twice in one object");
	assert_refused("[{},{\"b\":{\"c\":[{\"\":1,\"\":1}]}}]",
		       "x.json: key \"\" stands twice in one object");
	assert_refused("{\"a\":1,\"\\u0061\":2}", "x.json: key \"a\" stands twice in one object");
	assert_refused("{\"a\\n\":1,\"a\\n\":2}", "x.json: key \"a \" stands twice in one object");
	/* the same key elsewhere, and keys that begin alike */
	autojson yyjson_doc *doc = parse(
		"{\"a\":{\"a\":1},\"aa\":[{\"a\":1},{\"a\":1}],\"\":0,\"A\":1,\"a\\u0000\":1,\"a\\u0000b\":1}",
		&err);
	assert_non_null(doc);
}

static void keys_of_large_objects_are_compared_quickly(void **state)
{
	struct error err = ERROR_INIT;
	autostrbuf struct strbuf b = STRBUF_INIT;
	enum { COUNT = 200000 };

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		strbuf_reset(&b);
		strbuf_puts(&b, "{");
		for (int i = 0; i < COUNT; i++)
			strbuf_printf(&b, "\"key%d\":[],", i);
		strbuf_printf(&b, "\"key%d\":0}", twice ? 123456 : COUNT);
		clock_t start = clock();
		autojson yyjson_doc *doc = parse(b.data, &err);
		/* Comparing each with each would take minutes. */
		assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
		if (twice)
			assert_null(doc);
		else
			assert_non_null(doc);
	}
	assert_string_equal(err.message, "x.json: key \"key123456\" stands twice in one object");

	/* around the size where the way of comparing changes */
	for (int count = 14; count < 20; count++) {
		strbuf_reset(&b);
		for (int i = 0; i < count; i++)
			strbuf_printf(&b, "%s\"k%d\":0", i ? "," : "{", i);
		strbuf_puts(&b, ",\"k0\":1}");
		assert_null(parse(b.data, &err));
	}
}

static void members_by_type(void **state)
{
	struct error err = ERROR_INIT;
	autojson yyjson_doc *doc = parse(
		"{\"s\":\"text\",\"e\":\"\",\"t\":true,\"f\":false,\"i\":-5,\"u\":18446744073709551615,"
		"\"m\":9223372036854775807,\"o\":{\"x\":1},\"a\":[1],\"n\":null}",
		&err);
	yyjson_val *o = yyjson_doc_get_root(doc), *v = NULL;
	const char *s = "before";
	bool b = false;
	int64_t i = 1;
	uint64_t u = 1;

	(void)state;
	assert_int_equal(json_get_str(o, "s", &s, &err), 0);
	assert_string_equal(s, "text");
	assert_int_equal(json_get_str(o, "e", &s, &err), 0);
	assert_string_equal(s, "");
	assert_int_equal(json_get_bool(o, "t", &b, &err), 0);
	assert_true(b);
	assert_int_equal(json_get_bool(o, "f", &b, &err), 0);
	assert_false(b);
	assert_int_equal(json_get_i64(o, "i", &i, &err), 0);
	assert_true(i == -5);
	assert_int_equal(json_get_i64(o, "m", &i, &err), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(json_get_u64(o, "u", &u, &err), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(json_get_obj(o, "o", &v, &err), 0);
	assert_true(yyjson_is_obj(v));
	assert_int_equal(json_get_arr(o, "a", &v, &err), 0);
	assert_true(yyjson_is_arr(v));
	assert_int_equal(err.code, 0);
}

static void absent_members_change_nothing(void **state)
{
	struct error err = ERROR_INIT;
	autojson yyjson_doc *doc = parse("{\"n\":null}", &err);
	yyjson_val *objects[] = { yyjson_doc_get_root(doc), NULL,
				  yyjson_obj_get(yyjson_doc_get_root(doc), "n") };
	autostrv struct strv list = STRV_INIT;

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const char *s = "before";
		bool b = true;
		int64_t i = 7;
		uint64_t u = 8;
		yyjson_val *v = NULL;
		for (int null = 0; null < 2; null++) {
			const char *key = null ? "n" : "none";
			assert_int_equal(json_get_str(objects[k], key, &s, &err), 0);
			assert_int_equal(json_get_bool(objects[k], key, &b, &err), 0);
			assert_int_equal(json_get_i64(objects[k], key, &i, &err), 0);
			assert_int_equal(json_get_u64(objects[k], key, &u, &err), 0);
			assert_int_equal(json_get_obj(objects[k], key, &v, &err), 0);
			assert_int_equal(json_get_arr(objects[k], key, &v, &err), 0);
			assert_int_equal(json_get_strv(objects[k], key, &list, &err), 0);
			assert_int_equal(json_get_map(objects[k], key, &list, &err), 0);
			assert_int_equal(json_get_set(objects[k], key, &list, &err), 0);
		}
		assert_string_equal(s, "before");
		assert_true(b);
		assert_true(i == 7 && u == 8);
		assert_null(v);
	}
	assert_int_equal(list.len, 0);
}

static void wrong_types_are_refused_by_name(void **state)
{
	struct error err = ERROR_INIT;
	autojson yyjson_doc *doc = parse(
		"{\"n\":1.5,\"s\":\"a\\u0000b\",\"i\":-1,\"b\":18446744073709551615,\"l\":[\"a\",1],\"t\":\"1\","
		"\"m\":{\"a\":1},\"eq\":{\"a=b\":\"c\"},\"z\":{\"a\\u0000\":\"c\"},\"huge\":18446744073709551616}",
		&err);
	yyjson_val *o = yyjson_doc_get_root(doc), *v = NULL;
	const char *s = NULL;
	bool b;
	int64_t i;
	uint64_t u;
	autostrv struct strv list = STRV_INIT;

	(void)state;
	assert_non_null(doc);
	assert_int_equal(json_get_str(o, "n", &s, &err), -1);
	assert_string_equal(err.message, "\"n\" must be a string");
	assert_int_equal(json_get_str(o, "s", &s, &err), -1);
	assert_string_equal(err.message, "\"s\" must be a string without NUL characters");
	assert_int_equal(json_get_bool(o, "i", &b, &err), -1);
	assert_int_equal(json_get_i64(o, "n", &i, &err), -1);
	assert_int_equal(json_get_i64(o, "b", &i, &err), -1);
	assert_int_equal(json_get_i64(o, "t", &i, &err), -1);
	assert_int_equal(json_get_u64(o, "i", &u, &err), -1);
	assert_int_equal(json_get_u64(o, "huge", &u, &err), -1);
	assert_int_equal(json_get_obj(o, "l", &v, &err), -1);
	assert_int_equal(json_get_arr(o, "m", &v, &err), -1);
	assert_int_equal(json_get_strv(o, "l", &list, &err), -1);
	assert_int_equal(json_get_strv(o, "m", &list, &err), -1);
	assert_int_equal(json_get_map(o, "m", &list, &err), -1);
	assert_int_equal(json_get_map(o, "eq", &list, &err), -1);
	assert_int_equal(json_get_map(o, "z", &list, &err), -1);
	assert_int_equal(json_get_set(o, "z", &list, &err), -1);
	/* something that is no object where one is expected */
	assert_int_equal(json_get_str(yyjson_obj_get(o, "l"), "x", &s, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_null(s);
}

static void lists_maps_and_sets_survive_the_round(void **state)
{
	struct error err = ERROR_INIT;
	autostrv struct strv list = STRV_INIT, map = STRV_INIT, set = STRV_INIT, empty = STRV_INIT;
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	size_t len;

	(void)state;
	yyjson_mut_doc_set_root(doc, root);
	strv_add(&list, "b");
	strv_add(&list, "a");
	strv_add(&list, "b");
	strv_add(&map, "z=1");
	strv_add(&map, "a=x=y");
	strv_add(&map, "z=2"); /* the last one counts */
	strv_add(&map, "no-value");
	strv_add(&map, "ab=");
	strv_add(&set, "80/tcp");
	strv_add(&set, "443/tcp");
	strv_add(&set, "80/tcp");
	json_put_strv(doc, root, "l", &list);
	json_put_map(doc, root, "m", &map);
	json_put_set(doc, root, "s", &set);
	json_put_strv(doc, root, "e1", &empty);
	json_put_map(doc, root, "e2", &empty);
	json_put_set(doc, root, "e3", &empty);
	autofree char *text = json_write(doc, false, &len);
	assert_string_equal(text, "{\"l\":[\"b\",\"a\",\"b\"],"
				  "\"m\":{\"a\":\"x=y\",\"ab\":\"\",\"no-value\":\"\",\"z\":\"2\"},"
				  "\"s\":{\"443/tcp\":{},\"80/tcp\":{}}}");
	assert_int_equal(len, strlen(text));

	autojson yyjson_doc *back = json_parse(text, len, "x", &err);
	yyjson_val *o = yyjson_doc_get_root(back);
	autostrv struct strv all = STRV_INIT;
	assert_int_equal(json_get_strv(o, "l", &all, &err), 0);
	assert_int_equal(json_get_map(o, "m", &all, &err), 0);
	assert_int_equal(json_get_set(o, "s", &all, &err), 0);
	autofree char *joined = strv_join(&all, " ");
	assert_string_equal(joined, "b a b a=x=y ab= no-value= z=2 443/tcp 80/tcp");
}

static void pretty_is_four_spaces(void **state)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_arr(doc);

	(void)state;
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, root);
	yyjson_mut_obj_add_str(doc, o, "Id", "a/b");
	autofree char *text = json_write(doc, true, NULL);
	assert_string_equal(text, "[\n    {\n        \"Id\": \"a/b\"\n    }\n]");
}

static void bytes_that_are_no_text_are_marked(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b" },
		{ "\xc3\xa9\xc3", "\xc3\xa9\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* "/", too long */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
		{ "\xf4\x90\x80\x80",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* beyond the last */
		{ "\xf0\x9f\x9a\xa2\xfe", "\xf0\x9f\x9a\xa2\xef\xbf\xbd" },
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *root = yyjson_mut_obj(doc);
		const char *s = NULL;
		size_t len;
		yyjson_mut_doc_set_root(doc, root);
		yyjson_mut_obj_add_str(doc, root, "k", cases[i].in);
		autofree char *text = json_write(doc, false, &len);
		assert_int_equal(strlen(text), len);
		autojson yyjson_doc *back = json_parse(text, len, "x", &err);
		assert_int_equal(json_get_str(yyjson_doc_get_root(back), "k", &s, &err), 0);
		assert_string_equal(s, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_an_object_or_array),
		cmocka_unit_test(syntax_errors_say_where),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(a_key_stands_once),
		cmocka_unit_test(keys_of_large_objects_are_compared_quickly),
		cmocka_unit_test(members_by_type),
		cmocka_unit_test(absent_members_change_nothing),
		cmocka_unit_test(wrong_types_are_refused_by_name),
		cmocka_unit_test(lists_maps_and_sets_survive_the_round),
		cmocka_unit_test(pretty_is_four_spaces),
		cmocka_unit_test(bytes_that_are_no_text_are_marked),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
