/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/fsck.h"

#include <sys/file.h>
#include <sys/mount.h>

#include "image-tools/addition.h"
#include "image-tools/fsck_parts.h"
#include "image-tools/removal.h"
#include "image-tools/tags.h"
#include "tests/unit/maketar.h"

/* What the last check said, line by line. */
static struct strbuf said;

static void hear(struct fsck *f, const char *line)
{
	(void)f;
	strbuf_printf(&said, "%s\n", line);
}

static struct fsck check(bool repair)
{
	struct fsck f = { .st = scratch_store, .repair = repair, .say = hear };
	struct error err = ERROR_INIT;

	strbuf_reset(&said);
	strbuf_puts(&said, "");
	if (fsck_store(&f, &err) < 0)
		fail_msg("%s", err.message);
	return f;
}

static void is_clean(void)
{
	struct fsck f = check(false);

	if (f.left || f.mended || f.noted)
		fail_msg("not clean:\n%s", said.data);
}

/* Finds so many things with text in what it says of them, mends all but left of them, and is clean but for those then. */
static void finds(const char *text, size_t found, size_t left)
{
	struct fsck f = check(false);

	if (!strstr(said.data, text) || f.left != found)
		fail_msg("not %zu things with '%s', but:\n%s", found, text, said.data);
	f = check(true);
	if (!strstr(said.data, text) || f.left != left || f.mended != found - left)
		fail_msg("did not mend all but %zu:\n%s", left, said.data);
	f = check(false);
	if (f.left != left)
		fail_msg("still:\n%s", said.data);
}

static struct digest diffid;

/* An image called name of one layer, whose DiffID becomes diffid. */
static struct digest add(const char *text, const char *name)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct layer_writer *w autolayer = layer_create(scratch_store, NULL);
	struct reference ref autoreference = REFERENCE_INIT;
	char diffid_text[DIGEST_TEXT_MAX];
	char *json autofree = NULL;
	struct addition_image img = { .names = &ref, .n_names = 1 };
	struct error err = ERROR_INIT;

	tar_dir(&b, "folder");
	tar_file(&b, "folder/file", text);
	tar_end(&b);
	assert_int_equal(layer_append(w, b.data, b.len, &err), 0);
	assert_int_equal(layer_seal(w, NULL, NULL, &err), 0);
	diffid = *layer_diffid(w);
	json = str_format("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
			  digest_text(&diffid, diffid_text));
	img.json = json;
	img.len = strlen(json);
	assert_int_equal(reference_parse(name, &ref, &err), 0);
	if (addition_publish(scratch_store, &w, 1, &img, 1, &err) < 0)
		fail_msg("%s", err.message);
	return img.id;
}

static char file_buf[DIGEST_HEX_MAX + 8];

static const char *file_of_layer(const char *suffix)
{
	digest_hex(&diffid, file_buf);
	return strcat(file_buf, suffix);
}

static void change(int dirfd, const char *path, off_t at)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "?", 1, at), 1);
	close(fd);
}

static void nothing_is_wrong_with_what_was_just_added(void **state)
{
	struct fsck f;

	(void)state;
	is_clean();
	add("one", "a:1");
	add("two", "b:1");
	f = check(false);
	assert_string_equal(said.data, "");
	assert_int_equal(f.n_layers, 2);
	assert_int_equal(f.n_images, 2);
	assert_int_equal(f.n_names, 2);
	assert_int_equal(f.layer_bytes, 2 * 2560);
}

static void a_changed_tar_is_quarantined_and_healed(void **state)
{
	char *kept autofree = NULL;

	(void)state;
	add("one", "a:1");
	change(scratch_store->layers_fd, file_of_layer(".tar"), 1024);
	/* the image that needs it is named, and stays wrong */
	finds("its tar has digest", 2, 1);
	assert_non_null(strstr(said.data, "image a:1 cannot be used"));
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	kept = str_format("quarantine/layer-%s.reason", file_of_layer(".tar"));
	assert_true(exists(scratch_store->fd, kept));
	add("one", "a:1");
	(void)check(true);
	is_clean();
	assert_false(exists(scratch_store->fd, "quarantine"));
}

static void a_cut_or_missing_tar_is_named(void **state)
{
	char path[32];
	int fd;

	(void)state;
	add("one", "a:1");
	fd = openat(scratch_store->layers_fd, file_of_layer(".tar"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(truncate(fs_fd_path(fd, path), 100), 0);
	close(fd);
	finds("its tar has 100 bytes, not 2560", 2, 1);
	add("two", "b:1");
	assert_int_equal(unlinkat(scratch_store->layers_fd, file_of_layer(".tar"), 0), 0);
	finds("its tar is missing", 3, 2);
}

static void index_and_record_are_made_again(void **state)
{
	struct fsck f;

	(void)state;
	add("one", "a:1");
	change(scratch_store->layers_fd, file_of_layer(".erofs"), 1100);
	finds("its index is not what its tar gives", 1, 0);
	assert_int_equal(unlinkat(scratch_store->layers_fd, file_of_layer(".erofs"), 0), 0);
	finds("its index is missing", 1, 0);
	put_file(scratch_store->layers_fd, file_of_layer(".json"), "{\"tarSize\":\"x\"}");
	finds("its record is damaged", 1, 0);
	put_file(scratch_store->layers_fd, file_of_layer(".json"), "{\"tarSize\":1}");
	finds("its record is not what its tar gives", 1, 0);
	assert_int_equal(unlinkat(scratch_store->layers_fd, file_of_layer(".json"), 0), 0);
	f = check(false);
	assert_int_equal(f.left, 1);
	/* the next start must not take for litter what an image needs */
	assert_int_equal(store_clean(scratch_store, NULL), 0);
	finds("its record is missing", 1, 0);
	is_clean();
}

/* An image whose configuration is not what it was. */
static void add_damaged(const char *text, const char *name)
{
	struct digest id = add(text, name);
	char hex[DIGEST_HEX_MAX];
	char *file autofree = str_format("%s.json", digest_hex(&id, hex));

	change(scratch_store->images_fd, file, 3);
}

static void a_damaged_configuration_is_quarantined_with_its_names(void **state)
{
	struct fsck f;

	(void)state;
	add_damaged("one", "a:1");
	f = check(false);
	assert_int_equal(f.left, 1);
	assert_non_null(strstr(said.data, "image a:1: its configuration does not hash to its ID"));
	f = check(true);
	assert_int_equal(f.left, 0);
	/* its layers stay until it is known that nobody needs them */
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
	add("one", "a:1");
	(void)check(true);
	is_clean();
}

static void names_that_lead_nowhere_go(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	char nowhere[] = "docker.io/library/none:1", no_name[] = "Not A Name";
	struct tag changes[] = { { nowhere, { { 1 } } }, { no_name, { { 1 } } } };
	int lock;

	(void)state;
	changes[1].id = add("one", "a:1");
	lock = store_lock(scratch_store, LOCK_EX, &err);
	assert_int_equal(tags_set_locked(scratch_store, changes, 2, &err), 0);
	close(lock);
	finds("leads to image", 2, 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 1);
	assert_string_equal(tags.items[0].name, "docker.io/library/a:1");
}

static void of_a_damaged_list_of_names_the_good_ones_stay(void **state)
{
	autotags struct tags tags = TAGS_INIT;
	struct error err = ERROR_INIT;
	struct digest id;
	char text[DIGEST_TEXT_MAX];
	char *json autofree = NULL;

	(void)state;
	id = add("one", "a:1");
	json = str_format(
		"{\"tags\":{\"docker.io/library/a:1\":\"%s\",\"docker.io/library/b:1\":7}}",
		digest_text(&id, text));
	put_file(scratch_store->fd, "tags.json", json);
	finds("tags.json is damaged", 1, 0);
	assert_int_equal(tags_read(scratch_store, &tags, &err), 0);
	assert_int_equal(tags.n, 1);
	put_file(scratch_store->fd, "tags.json", "{\"tags");
	finds("names are lost", 1, 0);
}

static void what_nobody_needs_goes(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct layer_writer *w;
	struct error err = ERROR_INIT;

	(void)state;
	add("one", "a:1");
	w = layer_create(scratch_store, &err);
	tar_file(&b, "orphan", "x");
	tar_end(&b);
	assert_int_equal(layer_append(w, b.data, b.len, &err), 0);
	assert_int_equal(layer_finish(w, NULL, NULL, &err), 0);
	finds("no image needs it", 1, 0);
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
	put_file(scratch_store->layers_fd, "litter", "x");
	put_file(scratch_store->images_fd, ".tmp-0000000000000000", "x");
	finds("layers/sha256/litter: left over", 2, 0);
}

static void layers_stay_while_a_damaged_image_may_need_them(void **state)
{
	struct fsck f;

	(void)state;
	add_damaged("one", "a:1");
	f = check(true);
	assert_int_equal(f.mended, 2); /* the configuration, its name */
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
}

static void what_is_being_made_is_no_fault(void **state)
{
	struct fsck f;

	(void)state;
	put_file(scratch_store->tmp_fd, "half", "x");
	f = check(false);
	assert_int_equal(f.left, 0);
	assert_int_equal(f.noted, 1);
	(void)check(true);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static int no_users(const struct store *st, struct image_users *out, struct error *err)
{
	(void)st;
	(void)err;
	*out = (struct image_users)IMAGE_USERS_INIT;
	return 0;
}

static void remove_image(const char *name)
{
	struct removal out autoremoval = REMOVAL_INIT;
	struct error err = ERROR_INIT;

	if (removal_of_image(scratch_store, no_users, name, true, &out, &err) < 0)
		fail_msg("%s", err.message);
}

/* The part of a check that comes after the survey s. */
static struct fsck look_at_layers(struct survey *s)
{
	struct fsck f = { .st = scratch_store, .say = hear };
	struct error err = ERROR_INIT;

	strbuf_reset(&said);
	strbuf_puts(&said, "");
	assert_int_equal(fsck_layers(&f, s, &err), 0);
	fsck_needs(&f, s);
	assert_int_equal(fsck_orphans(&f, s, &err), 0);
	return f;
}

static void what_changes_under_the_check_is_no_fault(void **state)
{
	struct survey s autosurvey = SURVEY_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add("one", "a:1");
	assert_int_equal(survey_under_lock(scratch_store, &s, &err), 0);
	remove_image("a:1");
	assert_int_equal(look_at_layers(&s).left, 0);
	add("one", "a:1");
	assert_int_equal(look_at_layers(&s).left, 0);
	/* But damage is one, also in what the survey has not seen. */
	change(scratch_store->layers_fd, file_of_layer(".tar"), 600);
	assert_int_equal(look_at_layers(&s).left, 2);
}

static void folders_that_others_may_change_are_set_right(void **state)
{
	struct stat s;

	(void)state;
	assert_int_equal(fchmod(scratch_store->layers_fd, 0777), 0);
	finds("others may change it", 1, 0);
	assert_int_equal(fstat(scratch_store->layers_fd, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0700);
	assert_int_equal(fchmod(scratch_store->tmp_fd, 0755), 0);
	finds("others may look into it", 1, 0);
}

/* Holds the layer; the same status as layer_hold's. */
static int hold(struct layer_hold *h, struct error *err)
{
	error_clear(err);
	return layer_hold(scratch_store, &diffid, 1, h, err);
}

static void a_damaged_layer_is_not_mounted(void **state)
{
	struct layer_hold h = { 0 };
	struct error err = ERROR_INIT;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	add("one", "a:1");
	fd = openat(scratch_store->layers_fd, file_of_layer(".tar"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 512), 0);
	close(fd);
	assert_int_equal(hold(&h, &err), -1);
	assert_int_equal(err.code, EUCLEAN);
	assert_non_null(strstr(err.message, "knarr fsck --repair"));
	add("two", "b:1");
	assert_int_equal(unlinkat(scratch_store->layers_fd, file_of_layer(".erofs"), 0), 0);
	assert_int_equal(hold(&h, &err), -1);
	assert_non_null(strstr(err.message, "knarr fsck --repair"));
	add("three", "c:1");
	change(scratch_store->layers_fd, file_of_layer(".erofs"), 1024);
	assert_int_equal(hold(&h, &err), -1);
	assert_non_null(strstr(err.message, "knarr fsck --repair"));
}

static void a_damaged_layer_in_use_is_refused_to_newcomers(void **state)
{
	struct layer_hold h = { 0 }, other = { 0 };
	struct error err = ERROR_INIT;
	struct fsck f;

	(void)state;
	if (geteuid() != 0)
		skip();
	add("one", "a:1");
	if (hold(&h, &err) < 0)
		fail_msg("%s", err.message);
	change(scratch_store->layers_fd, file_of_layer(".tar"), 1024);
	f = check(true);
	assert_int_equal(f.mended, 1);
	assert_int_equal(hold(&other, &err), -1);
	/* healed, but the mount still is of the damaged file */
	add("one", "a:1");
	assert_int_equal(hold(&other, &err), -1);
	assert_int_equal(err.code, EBUSY);
	layer_release(&h);
	if (hold(&other, &err) < 0)
		fail_msg("%s", err.message);
	layer_release(&other);
}

static int setup(void **state)
{
	if (store_setup(state) < 0)
		return -1;
	strbuf_reset(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, store_teardown)
		TEST(nothing_is_wrong_with_what_was_just_added),
		TEST(a_changed_tar_is_quarantined_and_healed),
		TEST(a_cut_or_missing_tar_is_named),
		TEST(index_and_record_are_made_again),
		TEST(a_damaged_configuration_is_quarantined_with_its_names),
		TEST(names_that_lead_nowhere_go),
		TEST(of_a_damaged_list_of_names_the_good_ones_stay),
		TEST(what_nobody_needs_goes),
		TEST(layers_stay_while_a_damaged_image_may_need_them),
		TEST(what_is_being_made_is_no_fault),
		TEST(what_changes_under_the_check_is_no_fault),
		TEST(folders_that_others_may_change_are_set_right),
		TEST(a_damaged_layer_is_not_mounted),
		TEST(a_damaged_layer_in_use_is_refused_to_newcomers),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	strbuf_free(&said);
	return failed;
}
