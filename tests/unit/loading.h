/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of archives made by hand: layers and configurations for them, and what is expected of a load. */
#ifndef KNARR_TESTS_UNIT_LOADING_H
#define KNARR_TESTS_UNIT_LOADING_H

#include "image-tools/load.h"
#include "tests/unit/maketar.h"

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)

/* A layer's tar with one file. */
static inline void layer_tar(struct strbuf *b, const char *name, const char *text)
{
	tar_file(b, name, text);
	tar_end(b);
}

static inline const char *text_of(const void *data, size_t len, char buf[DIGEST_TEXT_MAX])
{
	struct digest d;

	digest_of(data, len, &d);
	return digest_text(&d, buf);
}

static inline char *config_for(const struct strbuf *layers, size_t n)
{
	struct strbuf b = STRBUF_INIT;
	char text[DIGEST_TEXT_MAX];

	strbuf_puts(
		&b,
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&b, "%s\"%s\"", i ? "," : "",
			      text_of(layers[i].data, layers[i].len, text));
	strbuf_puts(&b, "]}}");
	return strbuf_steal(&b);
}

static inline int load(const struct strbuf *archive, struct loaded *loaded, struct error *err)
{
	autoclose int fd = file_of(archive->data, archive->len);

	return load_fd(scratch_store, fd, "it", NULL, loaded, err);
}

static inline void expect_loaded(const struct strbuf *archive, const char *name, const char *config)
{
	autoloaded struct loaded loaded = LOADED_INIT;
	struct error err = ERROR_INIT;
	struct digest id, want;

	if (load(archive, &loaded, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(loaded.n, 1);
	digest_of(config, strlen(config), &want);
	assert_true(digest_equal(&loaded.images[0].id, &want));
	assert_int_equal(loaded.images[0].n_names, name != NULL);
	if (name) {
		autofree char *is = reference_text(&loaded.images[0].names[0], true);
		assert_string_equal(is, name);
		assert_int_equal(image_resolve(scratch_store, name, &id, &err), 0);
		assert_true(digest_equal(&id, &want));
	}
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

/* Refused with these words; the store is what it was: empty but for what before counts. */
static inline void expect_refused_beside(const struct strbuf *archive, const char *words,
					 int layers, int images)
{
	autoloaded struct loaded loaded = LOADED_INIT;
	struct error err = ERROR_INIT;

	if (load(archive, &loaded, &err) == 0)
		fail_msg("loaded, though %s", words);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
	assert_int_equal(count_names(scratch_store->layers_fd), layers);
	assert_int_equal(count_names(scratch_store->images_fd), images);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static inline void expect_refused(const struct strbuf *archive, const char *words)
{
	expect_refused_beside(archive, words, 0, 0);
	assert_false(exists(scratch_store->fd, "tags.json"));
}

#endif
