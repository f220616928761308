/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "image-tools/cmd/listing.h"

static const struct listing_field fields[] = {
	{ "ID", "IMAGE ID" },
	{ "Name", "NAMES" },
	{ "Size", "SIZE" },
	{ 0 },
};
static const struct listing_kind kind = { fields, "{{.ID}}\t{{.Name}}\t{{.Size}}" };

/* Two rows in the form asked for, or the message. */
static char *print(const char *format)
{
	static const char *const rows[][3] = { { "1", "<one>", "5B" },
					       { "2", "a\tb\x1b[1m", NULL } };
	struct strv labels autostrv = STRV_INIT;
	struct strbuf out = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct listing *l autolisting = listing_new(&kind, format, &err);

	strv_add(&labels, "maintainer=me");
	if (l) {
		listing_row(l, rows[0], &labels);
		listing_row(l, rows[1], NULL);
		if (listing_print(l, &out, &err) == 0)
			return strbuf_steal(&out);
	}
	assert_int_equal(out.len, 0);
	return xstrdup(err.message);
}

static void check(const char *format, const char *expected)
{
	char *found = print(format);

	assert_string_equal(found, expected);
	free(found);
}

static void without_a_format_there_are_the_usual_columns(void **state)
{
	static const char *const table = "IMAGE ID   NAMES     SIZE\n"
					 "1          <one>     5B\n"
					 "2          a b?[1m   \n";

	(void)state;
	check(NULL, table);
	check("", table);
	check("table", table);
}

static void a_table_of_ones_own(void **state)
{
	(void)state;
	check("table {{.Name}}\\t{{upper .ID}}", "NAMES     IMAGE ID\n<one>     1\na b?[1m   2\n");
	check("table {{.Label \"maintainer\"}}\t{{.ID}}",
	      "maintainer   IMAGE ID\nme           1\n             2\n");
	check("table {{.ID}}", "IMAGE ID\n1\n2\n");
}

static void a_template_a_row(void **state)
{
	(void)state;
	check("{{.ID}}={{.Name}}", "1=<one>\n2=a\tb\x1b[1m\n");
	check(" {{.ID}}\\n-\\t{{.Label \"maintainer\"}} ", "1\n-\tme\n2\n-\t\n");
	check("x", "x\nx\n");
}

static void json_is_an_object_a_line(void **state)
{
	static const char *const lines =
		"{\"ID\":\"1\",\"Name\":\"\\u003cone\\u003e\",\"Size\":\"5B\"}\n"
		"{\"ID\":\"2\",\"Name\":\"a\\tb\\u001b[1m\",\"Size\":\"\"}\n";

	(void)state;
	check("json", lines);
	check("{{json .}}", lines);
}

static void a_bad_format_is_one_line_and_nothing_else(void **state)
{
	(void)state;
	check("{{.ID", "template parsing error: template: :1: unclosed action");
	check("{{.Nope}}", "template parsing error: template: :1:2: executing \"\" at <.Nope>: "
			   "can't evaluate field Nope");
	check("table {{.ID}}\t{{.Nope}}",
	      "template parsing error: template: :1:10: executing \"\" at "
	      "<.Nope>: can't evaluate field Nope");
}

static void an_empty_list_still_has_headings(void **state)
{
	struct strbuf out autostrbuf = STRBUF_INIT;
	struct listing *l autolisting = listing_new(&kind, NULL, NULL);
	struct listing *plain autolisting = listing_new(&kind, "{{.ID}}", NULL);

	(void)state;
	assert_int_equal(listing_print(l, &out, NULL), 0);
	assert_string_equal(out.data, "IMAGE ID   NAMES     SIZE\n");
	strbuf_reset(&out);
	assert_int_equal(listing_print(plain, &out, NULL), 0);
	assert_int_equal(out.len, 0);
}

static void costly_fields_are_asked_for(void **state)
{
	static const struct {
		const char *format;
		bool wants;
	} list[] = { { NULL, true },
		     { "{{.ID}}", false },
		     { "{{json .}}", true },
		     { "json", false },
		     { "table {{.Size}}", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct listing *l autolisting = listing_new(&kind, list[i].format, NULL);

		assert_int_equal(listing_wants(l, "Size"), list[i].wants);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_format_there_are_the_usual_columns),
		cmocka_unit_test(a_table_of_ones_own),
		cmocka_unit_test(a_template_a_row),
		cmocka_unit_test(json_is_an_object_a_line),
		cmocka_unit_test(a_bad_format_is_one_line_and_nothing_else),
		cmocka_unit_test(an_empty_list_still_has_headings),
		cmocka_unit_test(costly_fields_are_asked_for),
	};

	return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
