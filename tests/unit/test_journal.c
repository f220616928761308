/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/journal.h"

#include <sys/file.h>

#include "image-tools/addition.h"
#include "tests/unit/maketar.h"

#define NAME "docker.io/library/web:1"

/* A sealed layer that holds text. */
static struct layer_writer *seal_layer(const char *text)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct layer_writer *w = layer_create(scratch_store, &err);

	assert_non_null(w);
	tar_file(&b, "file", text);
	tar_end(&b);
	assert_int_equal(layer_append(w, b.data, b.len, &err), 0);
	assert_int_equal(layer_seal(w, NULL, NULL, &err), 0);
	return w;
}

static char *config_of(const struct digest *diffid)
{
	char text[DIGEST_TEXT_MAX];

	return str_format("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
			  digest_text(diffid, text));
}

/* Adds an image with one layer that holds text, called NAME. */
static struct digest add(const char *text)
{
	struct layer_writer *w autolayer = seal_layer(text);
	char *json autofree = config_of(layer_diffid(w));
	struct reference name = { .repository = (char *)"docker.io/library/web",
				  .tag = (char *)"1" };
	struct addition_image img = { json, strlen(json), &name, 1, { { 0 } } };
	struct error err = ERROR_INIT;

	if (addition_publish(scratch_store, &w, 1, &img, 1, &err) < 0)
		fail_msg("%s", err.message);
	return img.id;
}

static struct digest only_diffid(const struct digest *id)
{
	struct error err = ERROR_INIT;
	autoimage struct image *img = image_open(scratch_store, id, &err);

	if (!img)
		fail_msg("%s", err.message);
	return img->diffids[0];
}

static void means(const struct digest *id)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	const struct digest *found;

	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	found = tags_find(&tags, NAME);
	assert_int_equal(found != NULL, id != NULL);
	if (id)
		assert_true(digest_equal(found, id));
}

static void an_addition_leaves_no_journal(void **state)
{
	struct digest id = add("one");

	(void)state;
	means(&id);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

/* As far as a command came that added an image of that name and died. */
enum reached { BEFORE_ALL, LAYER, IMAGE, NAMES };

static struct digest die_at(enum reached reached, const struct digest *before)
{
	struct layer_writer *w autolayer = seal_layer("new");
	char *json autofree = config_of(layer_diffid(w));
	struct journal j autojournal = JOURNAL_INIT;
	struct tag name = { (char *)NAME, { { 0 } } };
	struct error err = ERROR_INIT;
	struct digest id;
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	bool added;

	assert_int_equal(layer_sync(w, &err), 0);
	digest_of(json, strlen(json), &id);
	journal_note_layer(&j, layer_diffid(w));
	journal_note_image(&j, &id);
	journal_note_name(&j, NAME, before);
	assert_int_equal(journal_begin_locked(scratch_store, &j, &err), 0);
	if (reached >= LAYER)
		assert_int_equal(layer_publish_locked(w, &added, &err), 0);
	if (reached >= IMAGE)
		assert_int_equal(image_put(scratch_store, json, strlen(json), &id, &err), 0);
	name.id = id;
	if (reached >= NAMES)
		assert_int_equal(tags_set_locked(scratch_store, &name, 1, &err), 0);
	return id;
}

static void what_was_added_half_is_taken_back(void **state)
{
	struct digest old = add("old"), id;

	(void)state;
	for (int reached = BEFORE_ALL; reached <= NAMES; reached++) {
		id = die_at((enum reached)reached, &old);
		assert_true(journal_exists(scratch_store));
		journal_settle(scratch_store);
		assert_false(journal_exists(scratch_store));
		assert_false(image_exists(scratch_store, &id));
		assert_true(image_exists(scratch_store, &old));
		means(&old);
		assert_int_equal(count_names(scratch_store->layers_fd), 3);
		assert_int_equal(count_names(scratch_store->images_fd), 1);
		assert_int_equal(count_names(scratch_store->tmp_fd), 0);
	}
}

static void a_name_that_was_new_goes_again(void **state)
{
	(void)state;
	(void)die_at(NAMES, NULL);
	journal_settle(scratch_store);
	means(NULL);
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
}

/* The next command may be one that opened the store long ago. */
static void the_next_to_take_the_lock_settles(void **state)
{
	struct digest id;

	(void)state;
	(void)die_at(IMAGE, NULL);
	id = add("new"); /* the very image that was cut off */
	means(&id);
	(void)only_diffid(&id);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static void what_was_half_removed_goes_on(void **state)
{
	struct digest id = add("one"), diffid = only_diffid(&id);
	struct journal j autojournal = JOURNAL_INIT;
	struct error err = ERROR_INIT;
	int lock = store_lock(scratch_store, LOCK_EX, &err);

	(void)state;
	journal_note_name(&j, NAME, NULL);
	journal_note_image(&j, &id);
	journal_note_layer(&j, &diffid);
	assert_int_equal(journal_begin_locked(scratch_store, &j, &err), 0);
	close(lock);
	journal_settle(scratch_store);
	means(NULL);
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static void nobody_meddles_while_the_writer_lives(void **state)
{
	struct journal j autojournal = JOURNAL_INIT;
	struct error err = ERROR_INIT;
	struct digest id = add("one");
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);

	(void)state;
	journal_note_image(&j, &id);
	assert_int_equal(journal_begin_locked(scratch_store, &j, &err), 0);
	journal_settle(scratch_store);
	assert_true(journal_exists(scratch_store));
	assert_true(image_exists(scratch_store, &id));
	assert_int_equal(journal_end_locked(scratch_store, &err), 0);
}

static void a_failed_addition_is_taken_back(void **state)
{
	struct layer_writer *w autolayer = seal_layer("one");
	char *json autofree = config_of(&(struct digest){ { 1 } });
	struct reference name = { .repository = (char *)"docker.io/library/web",
				  .tag = (char *)"1" };
	struct addition_image img = { json, strlen(json), &name, 1, { { 0 } } };
	struct error err = ERROR_INIT;

	(void)state;
	/* the layer goes in, and then the image lacks another */
	assert_int_equal(addition_publish(scratch_store, &w, 1, &img, 1, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
	means(NULL);
}

/* Else it could find the image that is to go, and make a container of it. */
static void who_takes_the_shared_lock_settles_too(void **state)
{
	struct error err = ERROR_INIT;
	struct digest id;

	(void)state;
	id = die_at(IMAGE, NULL);
	autoclose int lock = store_lock(scratch_store, LOCK_SH, &err);
	assert_true(lock >= 0);
	assert_false(journal_exists(scratch_store));
	assert_false(image_exists(scratch_store, &id));
	assert_int_equal(close(store_lock(scratch_store, LOCK_SH | LOCK_NB, &err)), 0);
}

static void a_damaged_journal_stops_who_would_change_things(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	put_file(scratch_store->tmp_fd, JOURNAL_FILE, "{\"images\":3}");
	assert_int_equal(store_lock(scratch_store, LOCK_EX, &err), -1);
	assert_non_null(strstr(err.message, "killed command"));
	assert_non_null(strstr(err.message, "fsck --repair"));
	assert_true(journal_exists(scratch_store));
	assert_int_equal(close(store_lock(scratch_store, LOCK_SH, &err)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)
		TEST(an_addition_leaves_no_journal),
		TEST(what_was_added_half_is_taken_back),
		TEST(a_name_that_was_new_goes_again),
		TEST(the_next_to_take_the_lock_settles),
		TEST(what_was_half_removed_goes_on),
		TEST(nobody_meddles_while_the_writer_lives),
		TEST(a_failed_addition_is_taken_back),
		TEST(who_takes_the_shared_lock_settles_too),
		TEST(a_damaged_journal_stops_who_would_change_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
