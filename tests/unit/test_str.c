/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <limits.h>

#include "lib/str.h"

static void prefixes_and_suffixes(void **state)
{
	(void)state;
	assert_true(str_starts("sha256:ab", "sha256:"));
	assert_true(str_starts("a", ""));
	assert_false(str_starts("sha", "sha256:"));
	assert_true(str_ends("layer.tar", ".tar"));
	assert_true(str_ends(".tar", ".tar"));
	assert_false(str_ends("tar", ".tar"));
}

static void lists_with_commas(void **state)
{
	(void)state;
	assert_true(str_in_list("b", "a,b,c"));
	assert_true(str_in_list("a", "a"));
	assert_true(str_in_list("c", "a,b,c"));
	assert_false(str_in_list("b", "a,bb,c"));
	assert_false(str_in_list("a,b", "a,b"));
	assert_false(str_in_list("a", ""));
	assert_true(str_in_list("", "a,,b"));
}

static void decimal_numbers(void **state)
{
	unsigned long long n = 7;

	(void)state;
	assert_int_equal(str_to_u64("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(str_to_u64("0010", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(str_to_u64("18446744073709551615", ULLONG_MAX, &n), 0);
	assert_true(n == ULLONG_MAX);
	n = 7;
	assert_int_equal(str_to_u64("18446744073709551616", ULLONG_MAX, &n), -1);
	assert_int_equal(str_to_u64("99999999999999999999999", ULLONG_MAX, &n), -1);
	assert_int_equal(str_to_u64("11", 10, &n), -1);
	assert_int_equal(str_to_u64("", 10, &n), -1);
	assert_int_equal(str_to_u64("-1", 10, &n), -1);
	assert_int_equal(str_to_u64("+1", 10, &n), -1);
	assert_int_equal(str_to_u64(" 1", 10, &n), -1);
	assert_int_equal(str_to_u64("1 ", 10, &n), -1);
	assert_int_equal(str_to_u64("0x1", 10, &n), -1);
	assert_int_equal(n, 7); /* untouched by failures */
}

static void one_line(void **state)
{
	char text[] = "a\r\nb\tc\x1b[0m\x01\x7f \xe2\x80\xa6";

	(void)state;
	str_one_line(text);
	assert_string_equal(text, "a  b c?[0m?? \xe2\x80\xa6");
}

static void a_buffer_grows_and_stays_terminated(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	strbuf_reset(&b);
	strbuf_add(&b, NULL, 0);
	assert_string_equal(b.data, "");
	for (int i = 0; i < 10000; i++)
		strbuf_printf(&b, "%d,", i);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
	assert_int_equal(strlen(b.data), b.len);
	assert_string_equal(b.data + b.len - 5, "9999,");
	strbuf_reset(&b);
	assert_int_equal(b.len, 0);
	strbuf_putc(&b, 'x');
	strbuf_add(&b, "\0y", 2);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "x\0y", 4);
}

static void formatting_fills_a_buffer_to_the_brim(void **state)
{
	(void)state;
	/* every length around the first growth: the NUL must never be the byte that does not fit */
	for (int n = 0; n < 200; n++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		strbuf_puts(&b, "s");
		strbuf_printf(&b, "%*s", n, "");
		strbuf_printf(&b, "%s", "e");
		assert_int_equal(b.len, n + 2);
		assert_int_equal(b.data[b.len - 1], 'e');
		assert_int_equal(b.data[b.len], 0);
	}
}

static void stealing_leaves_an_empty_buffer(void **state)
{
	struct strbuf b = STRBUF_INIT;

	(void)state;
	char *s = strbuf_steal(&b);
	assert_string_equal(s, "");
	free(s);
	strbuf_puts(&b, "abc");
	s = strbuf_steal(&b);
	assert_string_equal(s, "abc");
	free(s);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

static void a_list_serves_as_argv(void **state)
{
	autostrv struct strv v = STRV_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		strv_addf(&v, "%d", i);
		assert_int_equal(v.len, i + 1);
		assert_null(v.items[v.len]);
	}
	assert_string_equal(v.items[0], "0");
	assert_string_equal(v.items[999], "999");
	assert_true(strv_contains(&v, "512"));
	assert_false(strv_contains(&v, "1000"));
}

static void a_list_can_be_added_to_itself(void **state)
{
	autostrv struct strv v = STRV_INIT;

	(void)state;
	strv_add(&v, "a");
	strv_take(&v, xstrdup("b"));
	strv_extend(&v, &v);
	autostrv struct strv empty = STRV_INIT;
	strv_extend(&v, &empty);
	char *s = strv_join(&v, ", ");
	assert_string_equal(s, "a, b, a, b");
	free(s);
	s = strv_join(&empty, ",");
	assert_string_equal(s, "");
	free(s);
}

static void environments(void **state)
{
	autostrv struct strv v = STRV_INIT;

	(void)state;
	assert_null(strv_env_get(&v, "A"));
	strv_env_set(&v, "NOT_THERE");
	assert_int_equal(v.len, 0);
	strv_env_set(&v, "PATH=/bin");
	strv_env_set(&v, "A=1");
	strv_env_set(&v, "AB=2");
	strv_env_set(&v, "PATH=/sbin=x");
	assert_int_equal(v.len, 3);
	assert_string_equal(v.items[0], "PATH=/sbin=x"); /* in its old place */
	assert_string_equal(strv_env_get(&v, "PATH"), "/sbin=x");
	assert_string_equal(strv_env_get(&v, "A"), "1");
	assert_null(strv_env_get(&v, "B"));
	assert_null(strv_env_get(&v, "PAT"));
	strv_env_set(&v, "E=");
	assert_string_equal(strv_env_get(&v, "E"), "");
	strv_env_set(&v, v.items[1]); /* its own text */
	assert_string_equal(strv_env_get(&v, "A"), "1");
	strv_env_set(&v, "A");
	assert_int_equal(v.len, 3);
	assert_null(strv_env_get(&v, "A"));
	assert_string_equal(v.items[1], "AB=2");
	assert_null(v.items[3]);
	for (int i = 0; i < 40; i++)
		strv_addf(&v, "K%d=%d", i, i); /* growing after something was taken out */
	assert_string_equal(strv_env_get(&v, "K39"), "39");
}

static void copies(void **state)
{
	(void)state;
	char *s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	s = xstrndup("ab", 100);
	assert_string_equal(s, "ab");
	free(s);
	s = str_format("%s-%03d", "x", 7);
	assert_string_equal(s, "x-007");
	free(s);
	free(xcalloc(0, 0));
	free(xmalloc(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_and_suffixes),
		cmocka_unit_test(lists_with_commas),
		cmocka_unit_test(decimal_numbers),
		cmocka_unit_test(one_line),
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(formatting_fills_a_buffer_to_the_brim),
		cmocka_unit_test(stealing_leaves_an_empty_buffer),
		cmocka_unit_test(a_list_serves_as_argv),
		cmocka_unit_test(a_list_can_be_added_to_itself),
		cmocka_unit_test(environments),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
