/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/store.h"

#include "image-tools/summary.h"
#include "lib/digest.h"

/* A layer of which nothing but its figures is there, and an image on it. */
static struct digest put_image(const char *created, unsigned size)
{
	char json[512], name[DIGEST_HEX_MAX + 8], hex[DIGEST_HEX_MAX], text[DIGEST_TEXT_MAX];
	struct digest layer, id;

	digest_of(&size, sizeof(size), &layer);
	snprintf(name, sizeof(name), "%s.json", digest_hex(&layer, hex));
	snprintf(json, sizeof(json),
		 "{\"tarSize\":4096,\"size\":%u,\"entries\":1,\"indexed\":true}", size);
	put_file(st.layers_fd, name, json);
	snprintf(
		json, sizeof(json),
		"{\"created\":\"%s\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		created, digest_text(&layer, text));
	digest_of(json, strlen(json), &id);
	snprintf(name, sizeof(name), "%s.json", digest_hex(&id, hex));
	put_file(st.images_fd, name, json);
	return id;
}

static void remove_image(const struct digest *id)
{
	char name[DIGEST_HEX_MAX + 8], hex[DIGEST_HEX_MAX];

	snprintf(name, sizeof(name), "%s.json", digest_hex(id, hex));
	assert_int_equal(unlinkat(st.images_fd, name, 0), 0);
}

static void expect(const struct digest *id, int64_t seconds, uint64_t size)
{
	struct image_summaries all autoimagesummaries = IMAGE_SUMMARIES_INIT;
	const struct image_summary *s;

	assert_int_equal(image_summaries(&st, &all, NULL), 0);
	s = image_summaries_find(&all, id);
	assert_non_null(s);
	assert_null(s->damage);
	assert_int_equal(s->size, size);
	assert_int_equal(s->has_created, seconds != 0);
	assert_int_equal(s->created.tv_sec, seconds);
}

static size_t count(void)
{
	struct image_summaries all autoimagesummaries = IMAGE_SUMMARIES_INIT;

	assert_int_equal(image_summaries(&st, &all, NULL), 0);
	return all.n;
}

static void the_second_look_is_as_the_first(void **state)
{
	struct digest a, b;

	(void)state;
	assert_int_equal(count(), 0);
	assert_false(exists(st.run_fd, "summaries"));
	a = put_image("2021-01-01T00:00:00Z", 5);
	b = put_image("", 7);
	for (int i = 0; i < 2; i++) {
		expect(&a, 1609459200, 5);
		expect(&b, 0, 7);
		assert_true(exists(st.run_fd, "summaries"));
	}
}

static void what_comes_and_goes_is_seen(void **state)
{
	struct digest a = put_image("2021-01-01T00:00:00Z", 5), b;

	(void)state;
	expect(&a, 1609459200, 5);
	b = put_image("2022-01-01T00:00:00Z", 6);
	expect(&b, 1640995200, 6);
	assert_int_equal(count(), 2);
	remove_image(&a);
	assert_int_equal(count(), 1);
	expect(&b, 1640995200, 6);
}

static void a_broken_file_is_none(void **state)
{
	static const char *const texts[] = {
		"", "nonsense", "knarr-summary-1\0and then something else altogether"
	};
	struct digest a = put_image("2021-01-01T00:00:00Z", 5);
	struct stat whole;
	int fd;

	(void)state;
	expect(&a, 1609459200, 5);
	assert_int_equal(fstatat(st.run_fd, "summaries", &whole, 0), 0);
	/* One byte after the other is changed: the sum in the file's end tells. */
	for (off_t at = 0; at < whole.st_size; at += 7) {
		char c;

		fd = openat(st.run_fd, "summaries", O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c = (char)~c;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
		expect(&a, 1609459200, 5);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file(st.run_fd, "summaries", texts[i]);
		expect(&a, 1609459200, 5);
	}
	fd = openat(st.run_fd, "summaries", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, whole.st_size - 1), 0);
	close(fd);
	expect(&a, 1609459200, 5);
}

static void a_damaged_image_is_told_of_and_not_remembered(void **state)
{
	struct digest a = put_image("2021-01-01T00:00:00Z", 5), bad;
	struct image_summaries all autoimagesummaries = IMAGE_SUMMARIES_INIT;
	char name[DIGEST_HEX_MAX + 8], hex[DIGEST_HEX_MAX];

	(void)state;
	memset(&bad, 0xab, sizeof(bad));
	snprintf(name, sizeof(name), "%s.json", digest_hex(&bad, hex));
	put_file(st.images_fd, name, "{}");
	for (int i = 0; i < 2; i++) {
		image_summaries_free(&all);
		assert_int_equal(image_summaries(&st, &all, NULL), 0);
		assert_int_equal(all.n, 2);
		assert_non_null(strstr(image_summaries_find(&all, &bad)->damage, "damaged"));
		assert_null(image_summaries_find(&all, &a)->damage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_look_is_as_the_first, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(what_comes_and_goes_is_seen, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(a_broken_file_is_none, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_image_is_told_of_and_not_remembered,
						store_setup, store_teardown),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
