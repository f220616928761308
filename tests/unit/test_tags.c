/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tags.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "tests/unit/maketar.h"

static int set(const char *name, uint8_t byte)
{
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	struct digest id;

	memset(&id, byte, sizeof(id));
	assert_int_equal(reference_parse(name, &ref, &err), 0);
	reference_default_tag(&ref);
	return tags_set(scratch_store, &ref, &id, &err);
}

static void a_store_begins_without_tags(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 0);
	assert_null(tags_find(&tags, "docker.io/library/x:latest"));
}

static void tags_are_kept_sorted_and_replaced(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(set("z", 1), 0);
	assert_int_equal(set("a:2", 2), 0);
	assert_int_equal(set("a:1", 3), 0);
	assert_int_equal(set("z", 4), 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 3);
	assert_string_equal(tags.items[0].name, "docker.io/library/a:1");
	assert_string_equal(tags.items[1].name, "docker.io/library/a:2");
	assert_string_equal(tags.items[2].name, "docker.io/library/z:latest");
	assert_int_equal(tags_find(&tags, "docker.io/library/z:latest")->bytes[0], 4);
}

static void several_are_set_in_one_step(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	char one[] = "h.test/one:1", two[] = "h.test/two:2", again[] = "h.test/one:1";
	const struct tag changes[] = { { one, { { 1 } } },
				       { two, { { 2 } } },
				       { again, { { 3 } } } };
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);

	(void)state;
	assert_int_equal(tags_set_locked(scratch_store, changes, 3, &err), 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 2);
	assert_int_equal(tags_find(&tags, "h.test/one:1")->bytes[0], 3);
}

/* As an archive may have them; with a sort or a search for each this took hours. */
static void very_many_are_set_in_one_step(void **state)
{
	enum { MANY = 100000 };
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	struct tag *changes autofree = xcalloc(MANY, sizeof(*changes));
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	struct timespec from, to;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		changes[i] = (struct tag){ str_format("h.test/n:%u", i * 7919 % MANY), { { 1 } } };
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	assert_int_equal(tags_set_locked(scratch_store, changes, MANY, &err), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_true(to.tv_sec - from.tv_sec < 20);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, MANY);
	for (size_t i = 0; i < MANY; i++)
		free(changes[i].name);
}

/* A file that could not be read again would be the end of all names. */
static void too_many_are_refused_and_nothing_changes(void **state)
{
	enum { MANY = 40000, LENGTH = 1800 };
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	struct tag *changes autofree = xcalloc(MANY, sizeof(*changes));
	autoclose int lock = -1;

	(void)state;
	assert_int_equal(set("a", 1), 0);
	for (unsigned int i = 0; i < MANY; i++)
		changes[i] = (struct tag){ str_format("%0*u", LENGTH, i), { { 1 } } };
	lock = store_lock(scratch_store, LOCK_EX, &err);
	assert_int_equal(tags_set_locked(scratch_store, changes, MANY, &err), -1);
	assert_int_equal(err.code, EFBIG);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 1);
	for (size_t i = 0; i < MANY; i++)
		free(changes[i].name);
}

static void several_are_removed_in_one_step(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	char a[] = "docker.io/library/a:latest", c[] = "docker.io/library/c:latest",
	     none[] = "docker.io/library/none:latest";
	char *names[] = { c, none, a, a };

	(void)state;
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(set((const char *[]){ "a", "b", "c", "d" }[i], i), 0);
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	assert_int_equal(tags_remove_locked(scratch_store, names, 4, &err), 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 2);
	assert_string_equal(tags.items[0].name, "docker.io/library/b:latest");
	assert_string_equal(tags.items[1].name, "docker.io/library/d:latest");
	assert_int_equal(tags_remove_locked(scratch_store, NULL, 0, &err), 0);
}

static void a_name_without_a_tag_is_not_set(void **state)
{
	struct error err = ERROR_INIT;
	struct digest id = { { 0 } };
	char name[] = "docker.io/library/x";
	struct reference ref = { .repository = name };

	(void)state;
	assert_int_equal(tags_set(scratch_store, &ref, &id, &err), -1);
	assert_false(exists(scratch_store->fd, "tags.json"));
}

static void damage_is_named_and_nothing_overwritten(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"tags\":[]}",
		"{\"tags\":{\"a\":1}}",
		"{\"tags\":{\"a\":\"sha256:12\"}}",
		"{\"tags\":{\"a\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
		"\"a\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		autotags struct tags tags = TAGS_INIT;
		struct error err = ERROR_INIT;

		put_file(scratch_store->fd, "tags.json", bad[i]);
		assert_int_equal(tags_read(scratch_store, &tags, &err), -1);
		assert_int_equal(err.code, EUCLEAN);
		assert_non_null(strstr(err.message, "tags.json is damaged"));
		assert_int_equal(set("x", 1), -1);
		autofree char *still =
			fs_read_file(scratch_store->fd, "tags.json", 4096, NULL, &err);
		assert_string_equal(still, bad[i]);
	}
}

static void a_name_is_taken_away_by_zeros(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	char one[] = "docker.io/library/a:1", none[] = "docker.io/library/none:1";
	const struct tag changes[] = { { one, { { 0 } } }, { none, { { 0 } } } };

	(void)state;
	assert_int_equal(set("a:1", 1), 0);
	assert_int_equal(set("a:2", 2), 0);
	assert_int_equal(tags_set_locked(scratch_store, changes, 2, &err), 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 1);
	assert_string_equal(tags.items[0].name, "docker.io/library/a:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_store_begins_without_tags, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(tags_are_kept_sorted_and_replaced, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(several_are_set_in_one_step, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(very_many_are_set_in_one_step, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(too_many_are_refused_and_nothing_changes,
						store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(several_are_removed_in_one_step, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(a_name_without_a_tag_is_not_set, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(damage_is_named_and_nothing_overwritten,
						store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(a_name_is_taken_away_by_zeros, store_setup,
						store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
