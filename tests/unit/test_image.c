/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/image.h"

#include <sys/file.h>

#include "image-tools/tags.h"
#include "tests/unit/maketar.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void a_configuration_is_read(void **state)
{
	static const char json[] =
		"{\"created\":\"2020-01-02T03:04:05Z\",\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"\","
		"\"config\":{\"Env\":[\"A=b\",\"PATH=/bin\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"d\"],\"Shell\":null,"
		"\"Volumes\":{\"/v\":{}},\"ExposedPorts\":{\"80/tcp\":{},\"80\":{},\"53/udp\":{},\"443\":{}},\"Labels\":{\"k\":\"v\"},\"User\":\"1:2\","
		"\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGQUIT\",\"Unknown\":[1,2]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]},"
		"\"history\":[{\"created_by\":\"ADD\"},{\"created_by\":\"CMD\",\"empty_layer\":true}],\"docker_version\":\"1\"}";
	struct error err = ERROR_INIT;
	autoimage struct image *img = image_parse(json, strlen(json), &err);
	struct digest id;

	(void)state;
	assert_non_null(img);
	digest_of(json, strlen(json), &id);
	assert_true(digest_equal(&img->id, &id));
	assert_string_equal(img->created, "2020-01-02T03:04:05Z");
	assert_null(img->author);
	assert_int_equal(img->config.env.len, 2);
	assert_string_equal(img->config.entrypoint.items[0], "/e");
	assert_string_equal(img->config.cmd.items[1], "d");
	assert_int_equal(img->config.shell.len, 0);
	assert_string_equal(img->config.volumes.items[0], "/v");
	assert_int_equal(img->config.exposed_ports.len, 3);
	assert_string_equal(img->config.exposed_ports.items[0], "80/tcp");
	assert_string_equal(img->config.exposed_ports.items[1], "53/udp");
	assert_string_equal(img->config.exposed_ports.items[2], "443/tcp");
	assert_string_equal(img->config.labels.items[0], "k=v");
	assert_string_equal(img->config.user, "1:2");
	assert_string_equal(img->config.working_dir, "/w");
	assert_string_equal(img->config.stop_signal, "SIGQUIT");
	assert_int_equal(img->n_diffids, 1);
	assert_int_equal(img->n_history, 2);
	assert_true(img->history[1].empty_layer);
}

static void what_is_no_configuration_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"rootfs\":[]}",
		"{\"rootfs\":{\"type\":\"other\"}}",
		"{\"rootfs\":{\"diff_ids\":{}}}",
		"{\"rootfs\":{\"diff_ids\":[1]}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:12\"]}}",
		"{\"rootfs\":{\"diff_ids\":[\"../../x\"]}}",
		"{\"rootfs\":{},\"config\":[]}",
		"{\"rootfs\":{},\"config\":{\"Env\":\"A=b\"}}",
		"{\"rootfs\":{},\"config\":{\"Cmd\":[null]}}",
		"{\"rootfs\":{},\"config\":{\"Volumes\":[]}}",
		"{\"rootfs\":{},\"config\":{\"User\":0}}",
		"{\"rootfs\":{},\"config\":{\"User\":\"a\\u0000b\"}}",
		"{\"rootfs\":{},\"history\":{}}",
		"{\"rootfs\":{},\"history\":[1]}",
		"{\"rootfs\":{},\"rootfs\":{}}",
		"{\"rootfs\":{},\"history\":[{\"empty_layer\":1}]}",
		"{\"rootfs\":{}} x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;

		if (image_parse(bad[i], strlen(bad[i]), &err))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, EINVAL);
		assert_true(err.message[0]);
	}
}

static struct digest put_image(const struct digest *layer, const char *created)
{
	char text[DIGEST_TEXT_MAX];
	autofree char *json = str_format(
		"{\"created\":\"%s\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		created, digest_text(layer, text));
	struct error err = ERROR_INIT;
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	struct digest id;

	if (image_put(scratch_store, json, strlen(json), &id, &err) < 0)
		fail_msg("%s", err.message);
	return id;
}

static void images_are_kept_byte_for_byte(void **state)
{
	struct digest layer = layer_of("f", "hello"), id = put_image(&layer, "2020");
	struct error err = ERROR_INIT;
	autoimage struct image *img = image_open(scratch_store, &id, &err);
	autofree struct digest *ids = NULL;
	size_t n;

	(void)state;
	assert_non_null(img);
	assert_int_equal(img->size, 5);
	assert_true(image_exists(scratch_store, &id));
	assert_int_equal(image_list(scratch_store, &ids, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_true(digest_equal(ids, &id));
	assert_int_equal(image_remove_locked(scratch_store, &id, &err), 0);
	assert_null(image_open(scratch_store, &id, &err));
	assert_int_equal(err.code, ENOENT);
}

static void an_image_needs_its_layers(void **state)
{
	static const char json[] =
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}}";
	struct error err = ERROR_INIT;
	struct digest id;

	(void)state;
	assert_int_equal(image_put(scratch_store, json, strlen(json), &id, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
}

static void damage_is_noticed(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image(&layer, "2020");
	struct error err = ERROR_INIT;
	char name[DIGEST_HEX_MAX + 8];

	(void)state;
	strcat((char *)digest_hex(&layer, name), ".json");
	put_file(scratch_store->layers_fd, name, "{");
	assert_null(image_open(scratch_store, &id, &err));
	assert_int_equal(err.code, EUCLEAN);
	strcat((char *)digest_hex(&id, name), ".json");
	put_file(scratch_store->images_fd, name, "{\"rootfs\":{}}");
	assert_null(image_open(scratch_store, &id, &err));
	assert_int_equal(err.code, EUCLEAN);
	assert_non_null(strstr(err.message, "does not match its ID"));
}

static int resolve(const char *name, struct digest *id, struct error *err)
{
	*err = (struct error)ERROR_INIT;
	return image_resolve(scratch_store, name, id, err);
}

static void names_are_resolved(void **state)
{
	struct digest layer = layer_of("f", "x"), id = put_image(&layer, "2020"), found;
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err;
	char hex[DIGEST_HEX_MAX], text[DIGEST_TEXT_MAX];

	(void)state;
	digest_hex(&id, hex);
	assert_int_equal(reference_parse("h.test/web:1", &ref, &err), 0);
	assert_int_equal(tags_set(scratch_store, &ref, &id, &err), 0);
	autofree char *by_digest = str_format("web@%s", digest_text(&id, text));
	const char *const good[] = { "h.test/web:1", hex, text, by_digest };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (resolve(good[i], &found, &err) < 0 || !digest_equal(&found, &id))
			fail_msg("%s: %s", good[i], err.message);
	for (int len = 63; len; len--) {
		hex[len] = '\0';
		assert_int_equal(resolve(hex, &found, &err), 0);
	}
	text[20] = '\0'; /* sha256: and some digits */
	assert_int_equal(resolve(text, &found, &err), 0);

	static const char *const missing[] = { "h.test/web", "web",         "zzz",
					       HEX,          "sha256:" HEX, "x@sha256:" HEX };
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		assert_int_equal(resolve(missing[i], &found, &err), -1);
		assert_int_equal(err.code, ENOENT);
		assert_non_null(strstr(err.message, "not found; see 'knarr images'"));
	}
	static const char *const bad[] = { "", "Web", "a b", "sha256:xyz", "sha256:", "../x" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(resolve(bad[i], &found, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
}

static void an_ambiguous_prefix_is_refused(void **state)
{
	struct digest layer = layer_of("f", "x"), found;
	struct error err;
	char prefix[2] = "", created[8];
	bool seen[256] = { false };

	(void)state;
	/* until two begin with the same digit */
	for (int i = 0; !prefix[0]; i++) {
		struct digest id;
		char hex[DIGEST_HEX_MAX];

		snprintf(created, sizeof(created), "%d", i);
		id = put_image(&layer, created);
		digest_hex(&id, hex);
		if (seen[(uint8_t)hex[0]])
			prefix[0] = hex[0];
		seen[(uint8_t)hex[0]] = true;
	}
	assert_int_equal(resolve(prefix, &found, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.message, "ambiguous"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_read),
		cmocka_unit_test(what_is_no_configuration_is_refused),
		WITH_STORE(images_are_kept_byte_for_byte),
		WITH_STORE(an_image_needs_its_layers),
		WITH_STORE(damage_is_noticed),
		WITH_STORE(names_are_resolved),
		WITH_STORE(an_ambiguous_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
