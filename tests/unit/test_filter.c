/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "image-tools/cmd/filter.h"

static const char *const known[] = { "label", "name", "dangling", NULL };

static int parse(const char *words, struct filters *out, struct error *err)
{
	struct strv list autostrv = STRV_INIT;
	char *copy = xstrdup(words), *rest = copy, *word;

	while ((word = strsep(&rest, ";")))
		strv_add(&list, word);
	free(copy);
	return filters_parse(&list, known, out, err);
}

static void words_become_keys_and_values(void **state)
{
	struct filters f autofilters = FILTERS_INIT;
	size_t i = 0;

	(void)state;
	assert_int_equal(parse("name=a; NAME = b=c ;;label=x", &f, NULL), 0);
	assert_int_equal(f.n, 3);
	assert_string_equal(filters_next(&f, "name", &i), "a");
	assert_string_equal(filters_next(&f, "name", &i), "b=c");
	assert_null(filters_next(&f, "name", &i));
	assert_true(filters_has(&f, "label") && !filters_has(&f, "dangling"));
	assert_true(filters_allow(&f, "name", "a") && filters_allow(&f, "name", "b=c"));
	assert_false(filters_allow(&f, "name", "b"));
	assert_true(filters_allow(&f, "dangling", "anything"));
}

static void bad_words_are_refused(void **state)
{
	static const struct {
		const char *words, *message;
		int status;
	} list[] = {
		{ "name=a;colour=red", "invalid filter 'colour'", 0 },
		{ "=x", "invalid filter ''", 0 },
		{ "name",
		  "invalid argument \"name\" for \"-f, --filter\" flag: bad format of filter (expected name=value)",
		  125 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct filters f autofilters = FILTERS_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(parse(list[i].words, &f, &err), -1);
		assert_string_equal(err.message, list[i].message);
		assert_int_equal(err.status, list[i].status);
		assert_int_equal(f.n, 0);
	}
}

static void truth_has_four_spellings(void **state)
{
	static const struct {
		const char *words;
		int result; /* -1: refused */
	} list[] = {
		{ "dangling=true", 1 },  { "dangling=1", 1 },
		{ "dangling=false", 0 }, { "dangling=0;dangling=false", 0 },
		{ "dangling=yes", -1 },  { "dangling=1;dangling=0", -1 },
		{ "name=x", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct filters f autofilters = FILTERS_INIT;
		struct error err = ERROR_INIT;
		bool first = true, second = false;

		assert_int_equal(parse(list[i].words, &f, NULL), 0);
		assert_int_equal(filters_bool(&f, "dangling", &first, &err),
				 list[i].result < 0 ? -1 : 0);
		filters_bool(&f, "dangling", &second, NULL);
		if (list[i].result < 0)
			assert_non_null(strstr(err.message, "invalid filter 'dangling=["));
		else if (list[i].result == 2) /* not asked for: both stay as they were */
			assert_true(first && !second);
		else
			assert_true(first == list[i].result && second == list[i].result);
	}
}

static void all_labels_must_be_there(void **state)
{
	static const struct {
		const char *words;
		bool fits;
	} list[] = {
		{ "label=a", true },         { "label=a=1", true },        { "label=a=2", false },
		{ "label=b", true },         { "label=b=", true },         { "label=c", false },
		{ "label=a;label=b", true }, { "label=a;label=c", false }, { "label=d=x=y", true },
		{ "name=z", true },
	};
	struct strv labels autostrv = STRV_INIT;

	(void)state;
	strv_add(&labels, "a=1");
	strv_add(&labels, "b=");
	strv_add(&labels, "d=x=y");
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct filters f autofilters = FILTERS_INIT;

		assert_int_equal(parse(list[i].words, &f, NULL), 0);
		assert_int_equal(filters_match_labels(&f, &labels), list[i].fits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_keys_and_values),
		cmocka_unit_test(bad_words_are_refused),
		cmocka_unit_test(truth_has_four_spellings),
		cmocka_unit_test(all_labels_must_be_there),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
