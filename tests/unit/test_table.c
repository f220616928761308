/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "lib/table.h"

static void columns_stand_as_in_docker_images(void **state)
{
	autotable struct table *t = table_new(5);
	autostrbuf struct strbuf out = STRBUF_INIT;
	static const char *const cells[] = { "REPOSITORY",  "TAG",    "IMAGE ID", "CREATED",
					     "SIZE",        "debian", "bookworm", "c07f1ba3a55f",
					     "2 hours ago", "117MB" };

	(void)state;
	for (size_t i = 0; i < 10; i++)
		table_cell(t, cells[i]);
	table_print(t, &out);
	assert_string_equal(out.data,
			    "REPOSITORY   TAG        IMAGE ID       CREATED       SIZE\n"
			    "debian       bookworm   c07f1ba3a55f   2 hours ago   117MB\n");
}

static void an_empty_column_keeps_ten(void **state)
{
	autotable struct table *t = table_new(2);
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	table_cell(t, "PORTS");
	table_cell(t, "NAMES");
	table_cell(t, "");
	table_cell(t, "web");
	table_print(t, &out);
	assert_string_equal(out.data, "PORTS     NAMES\n          web\n");
}

static void width_counts_characters_not_bytes(void **state)
{
	autotable struct table *t = table_new(2);
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	table_cell(t, "\"nginx -g 'daemon of\xe2\x80\xa6\"");
	table_cell(t, "x");
	table_cell(t, "12345678901234567890123456");
	table_cell(t, "y");
	table_print(t, &out);
	assert_string_equal(out.data, "\"nginx -g 'daemon of\xe2\x80\xa6\"       x\n"
				      "12345678901234567890123456   y\n");
}

static void one_column_is_not_padded(void **state)
{
	autotable struct table *t = table_new(1);
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	table_print(t, &out);
	assert_int_equal(out.len, 0);
	table_cell(t, "a");
	table_cell(t, "b");
	table_print(t, &out);
	assert_string_equal(out.data, "a\nb\n");
}

static void a_cell_cannot_steer_the_terminal(void **state)
{
	autotable struct table *t = table_new(1);
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	table_cell(t, "RUN a \t&& b\n\x1b[31m");
	table_print(t, &out);
	assert_string_equal(out.data, "RUN a  && b ?[31m\n");
}

static void text_with_tabs_is_laid_out_as_by_tabwriter(void **state)
{
	static const struct {
		const char *text, *result;
	} list[] = {
		{ "", "" },
		{ "no tabs\nat all\n", "no tabs\nat all\n" },
		{ "A\tB\tC\n1\tlong enough for ten\t3\n",
		  "A         B                     C\n1         long enough for ten   3\n" },
		{ "A\tB\n\tx\n", "A         B\n          x\n" },
		{ "A\tB\t\nC\n", "A         B         \nC\n" },
		/* a column ends where a row has none of it, and begins anew behind */
		{ "long enough for ten\tB\nplain\nC\tD\n",
		  "long enough for ten   B\nplain\nC         D\n" },
		{ "a\tb", "a         b\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT;

		table_text(list[i].text, &out);
		assert_string_equal(out.data ? out.data : "", list[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_stand_as_in_docker_images),
		cmocka_unit_test(an_empty_column_keeps_ten),
		cmocka_unit_test(width_counts_characters_not_bytes),
		cmocka_unit_test(one_column_is_not_padded),
		cmocka_unit_test(a_cell_cannot_steer_the_terminal),
		cmocka_unit_test(text_with_tabs_is_laid_out_as_by_tabwriter),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
