/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docker-archives, archives of any kind, and imports, made here by hand: what is taken, and that nothing at all remains of
 * what is refused. (OCI: test_load_oci.c.) tests/vm/test_load_bad.py has more of the latter; here are those that need
 * single bytes or documents wrong. */
#include "image-tools/archived_image.h"
#include "image-tools/import.h"
#include "image-tools/platform.h"
#include "image-tools/tags.h"
#include "tests/unit/loading.h"

/* ---- docker-archive */

static void an_old_docker_archive_with_folders_and_links(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct strbuf layers[2] = { STRBUF_INIT, STRBUF_INIT };

	(void)state;
	layer_tar(&layers[0], "a", "1");
	layer_tar(&layers[1], "b", "2");
	autofree char *config = config_for(layers, 2);
	tar_file(&b, "first/VERSION", "1.0");
	tar_file(&b, "first/json", "{}");
	tar_put(&b, '0', "./first/layer.tar", layers[0].data, layers[0].len);
	tar_put(&b, '0', "real.tar", layers[1].data, layers[1].len);
	tar_link(&b, '2', "second/layer.tar", "../real.tar");
	tar_link(&b, '1', "third/layer.tar", "second/layer.tar");
	tar_file(&b, "config.json", config);
	tar_file(
		&b, "manifest.json",
		"[{\"Config\":\"config.json\",\"RepoTags\":[\"old:1\"],\"Layers\":[\"first/layer.tar\",\"third/layer.tar\"]}]");
	tar_end(&b);
	expect_loaded(&b, "old:1", config);
	assert_int_equal(count_names(scratch_store->layers_fd), 6);
	strbuf_free(&layers[0]);
	strbuf_free(&layers[1]);
}

static void an_image_without_layers_and_name(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	autofree char *config = config_for(NULL, 0);

	(void)state;
	tar_file(&b, "manifest.json", "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":null}]");
	tar_file(&b, "c", config);
	tar_end(&b);
	expect_loaded(&b, NULL, config);
}

static void several_images_come_together_or_not_at_all(void **state)
{
	autoloaded struct loaded loaded = LOADED_INIT;
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct strbuf layers[2] = { STRBUF_INIT, STRBUF_INIT };
	struct error err = ERROR_INIT;
	size_t without_manifest;

	(void)state;
	layer_tar(&layers[0], "a", "1");
	layer_tar(&layers[1], "b", "2");
	autofree char *one = config_for(layers, 1);
	autofree char *two = config_for(layers, 2);
	tar_put(&b, '0', "l0", layers[0].data, layers[0].len);
	tar_put(&b, '0', "l1", layers[1].data, layers[1].len);
	tar_file(&b, "one", one);
	tar_file(&b, "two", two);
	without_manifest = b.len;
	tar_file(&b, "manifest.json",
		 "[{\"Config\":\"one\",\"RepoTags\":[\"one\",\"x/one:b\"],\"Layers\":[\"l0\"]},"
		 "{\"Config\":\"two\",\"RepoTags\":[\"two\"],\"Layers\":[\"l1\",\"l0\"]}]");
	tar_end(&b);
	expect_refused(&b, "layer 1 is");
	b.len = without_manifest;
	tar_file(&b, "manifest.json",
		 "[{\"Config\":\"one\",\"RepoTags\":[\"one\",\"x/one:b\"],\"Layers\":[\"l0\"]},"
		 "{\"Config\":\"two\",\"RepoTags\":[\"two\"],\"Layers\":[\"l0\",\"l1\"]}]");
	tar_end(&b);
	assert_int_equal(load(&b, &loaded, &err), 0);
	assert_int_equal(loaded.n, 2);
	assert_int_equal(loaded.images[0].n_names, 2);
	assert_int_equal(count_names(scratch_store->layers_fd), 6);
	strbuf_free(&layers[0]);
	strbuf_free(&layers[1]);
}

static void what_was_there_stays_when_a_load_fails(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, bad = STRBUF_INIT;
	struct strbuf layer = STRBUF_INIT;

	(void)state;
	layer_tar(&layer, "a", "1");
	autofree char *config = config_for(&layer, 1);
	tar_put(&b, '0', "l", layer.data, layer.len);
	tar_file(&b, "c", config);
	tar_file(&b, "manifest.json",
		 "[{\"Config\":\"c\",\"RepoTags\":[\"x\"],\"Layers\":[\"l\"]}]");
	tar_end(&b);
	expect_loaded(&b, "x:latest", config);
	/* the same layer and one more, and a tags.json that cannot be changed: the last step fails */
	put_file(scratch_store->fd, "tags.json", "damaged");
	autofree char *none = config_for(NULL, 0);
	tar_file(&bad, "c2", none);
	tar_put(&bad, '0', "l", layer.data, layer.len);
	tar_file(&bad, "c", config);
	tar_file(
		&bad, "manifest.json",
		"[{\"Config\":\"c\",\"RepoTags\":[\"x\"],\"Layers\":[\"l\"]},{\"Config\":\"c2\",\"Layers\":[]}]");
	tar_end(&bad);
	expect_refused_beside(&bad, "tags.json is damaged", 3, 1);
	strbuf_free(&layer);
}

static void documents_of_a_docker_archive_that_lie(void **state)
{
	static const struct {
		const char *manifest, *words;
	} cases[] = {
		{ "{}", "no list" },
		{ "[1]", "no object" },
		{ "[{}]", "no \"Config\"" },
		{ "[{\"Config\":1}]", "\"Config\"" },
		{ "[{\"Config\":\"nowhere\"}]", "not in the archive" },
		{ "[{\"Config\":\"../c\"}]", "not in the archive" },
		{ "[{\"Config\":\"loop\"}]", "not in the archive" },
		{ "[{\"Config\":\"out\"}]", "not in the archive" },
		{ "[{\"Config\":\"l\"}]", "no JSON document" },
		{ "[{\"Config\":\"c\",\"Layers\":[\"c\"]}]", "no tar archive" },
		{ "[{\"Config\":\"c\",\"Layers\":[\"nowhere\"]}]", "not in the archive" },
		{ "[{\"Config\":\"c\",\"Layers\":[]}]", "names 1 layers, the manifest 0" },
		{ "[{\"Config\":\"c\",\"Layers\":[\"l\",\"l\"]}]",
		  "names 1 layers, the manifest 2" },
		{ "[{\"Config\":\"c\",\"Layers\":[\"other\"]}]",
		  "but the image configuration names" },
		{ "[{\"Config\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json\",\"Layers\":[\"l\"]}]",
		  "does not have the digest" },
		{ "[{\"Config\":\"c\",\"Config\":\"c\",\"Layers\":[\"l\"]}]", "Config" },
		{ "[{\"Config\":\"c\",\"RepoTags\":[\"UPPER\"],\"Layers\":[\"l\"]}]", "lowercase" },
		{ "[{\"Config\":\"c\",\"RepoTags\":\"x\",\"Layers\":[\"l\"]}]", "RepoTags" },
		{ "[]", "no image" },
	};
	struct strbuf layer = STRBUF_INIT, other = STRBUF_INIT;

	(void)state;
	layer_tar(&layer, "a", "1");
	layer_tar(&other, "a", "2");
	autofree char *config = config_for(&layer, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;

		tar_put(&b, '0', "l", layer.data, layer.len);
		tar_put(&b, '0', "other", other.data, other.len);
		tar_file(&b, "c", config);
		tar_file(&b,
			 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
			 config);
		tar_link(&b, '2', "loop", "loop");
		tar_link(&b, '2', "out", "../../c");
		tar_file(&b, "manifest.json", cases[i].manifest);
		tar_end(&b);
		expect_refused(&b, cases[i].words);
	}
	strbuf_free(&layer);
	strbuf_free(&other);
}

/* ---- Any archive */

static void what_is_no_archive(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	expect_refused(&b, "no tar archive");
	for (int i = 0; i < 200; i++)
		strbuf_puts(&b, "just text\n");
	expect_refused(&b, "no tar archive");
	strbuf_reset(&b);
	layer_tar(&b, "etc/passwd", "root");
	expect_refused(&b, "neither manifest.json nor index.json");
}

static void every_truncation_is_refused(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct strbuf layer = STRBUF_INIT;
	size_t whole;

	(void)state;
	layer_tar(&layer, "a", "1");
	autofree char *config = config_for(&layer, 1);
	tar_put(&b, '0', "l", layer.data, layer.len);
	tar_file(&b, "c", config);
	tar_file(&b, "manifest.json",
		 "[{\"Config\":\"c\",\"RepoTags\":[\"x\"],\"Layers\":[\"l\"]}]");
	whole = b.len;
	for (b.len = 0; b.len < whole; b.len += 61)
		expect_refused(&b, "it");
	b.len = whole;
	expect_loaded(&b, "x:latest", config);
	strbuf_free(&layer);
}

static void too_much_json(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	size_t len = 7 << 20;
	autofree char *text = xmalloc(len);

	(void)state;
	memset(text, ' ', len);
	text[0] = '{';
	for (int i = 0; i < 5; i++)
		tar_put(&b, '0', "x.json", text, len);
	expect_refused(&b, "JSON documents");
}

static void an_archive_of_too_many_files(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char name[32];

	(void)state;
	for (unsigned i = 0; i <= ARCHIVE_MEMBERS_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		tar_file(&b, name, "");
	}
	tar_end(&b);
	expect_refused(&b, "more than 20000 files");
}

static void a_list_of_too_many_images(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, list = STRBUF_INIT;
	autofree char *config = config_for(NULL, 0);

	(void)state;
	for (int i = 0; i <= ARCHIVED_IMAGES_MAX; i++)
		strbuf_printf(&list, "%s{\"Config\":\"c\"}", i ? "," : "[");
	strbuf_puts(&list, "]");
	tar_file(&b, "c", config);
	tar_file(&b, "manifest.json", list.data);
	tar_end(&b);
	expect_refused(&b, "more than 4096 images");
}

static void an_archive_of_docker_before_1_10(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	tar_file(&b, "repositories", "{\"x\":{\"latest\":\"1\"}}");
	tar_end(&b);
	expect_refused(&b, "Docker before 1.10");
}

static void an_image_for_another_machine(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	(void)state;
	tar_file(&b, "c", "{\"os\":\"linux\",\"architecture\":\"arm64\",\"rootfs\":{}}");
	tar_file(&b, "manifest.json", "[{\"Config\":\"c\"}]");
	tar_end(&b);
	expect_refused(&b, "image is for linux/arm64");
}

static void which_platforms_are_ours(void **state)
{
	static const char *const ours[] = { "linux/amd64", "linux", "amd64", "LINUX/x86_64" };
	static const char *const others[] = {
		"", "/", "linux/", "linux/arm64", "windows/amd64", "linux/amd64/v3"
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(platform_check(ours[i], &err), 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(platform_check(others[i], &err), -1);
}

/* ---- Imports */

static void an_import_is_an_image_of_one_layer(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	autoreference struct reference name = REFERENCE_INIT;
	struct strv changes autostrv = STRV_INIT;
	struct import_options options = { .name = &name,
					  .message = "by hand",
					  .changes = &changes };
	struct error err = ERROR_INIT;
	struct digest id, found;

	(void)state;
	layer_tar(&b, "bin/sh", "12345");
	autoclose int fd = file_of(b.data, b.len);
	assert_int_equal(reference_parse("imported:1", &name, &err), 0);
	strv_add(&changes, "CMD [\"sh\"]");
	assert_int_equal(import_fd(scratch_store, fd, "it", &options, &id, &err), 0);
	assert_int_equal(image_resolve(scratch_store, "imported:1", &found, &err), 0);
	assert_true(digest_equal(&id, &found));
	autoimage struct image *img = image_open(scratch_store, &id, &err);
	assert_non_null(img);
	assert_int_equal(img->n_diffids, 1);
	assert_int_equal(img->size, 5);
	assert_string_equal(img->os, "linux");
	assert_string_equal(img->architecture, "amd64");
	assert_string_equal(img->history[0].comment, "by hand");
	assert_string_equal(img->config.cmd.items[0], "sh");
	assert_non_null(img->created);
}

static void an_import_of_garbage_leaves_nothing(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct import_options options = { 0 };
	struct error err = ERROR_INIT;
	struct digest id;

	(void)state;
	layer_tar(&b, "../../etc/passwd", "x");
	autoclose int climbing = file_of(b.data, b.len), text = file_of("text", 4),
		      nothing = file_of("", 0);
	assert_int_equal(import_fd(scratch_store, climbing, "it", &options, &id, &err), -1);
	assert_int_equal(import_fd(scratch_store, text, "it", &options, &id, &err), -1);
	assert_int_equal(import_fd(scratch_store, nothing, "it", &options, &id, &err), -1);
	assert_string_equal(err.message, "it: it is no tar archive");
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_old_docker_archive_with_folders_and_links),
		WITH_STORE(an_image_without_layers_and_name),
		WITH_STORE(several_images_come_together_or_not_at_all),
		WITH_STORE(what_was_there_stays_when_a_load_fails),
		WITH_STORE(documents_of_a_docker_archive_that_lie),
		WITH_STORE(what_is_no_archive),
		WITH_STORE(every_truncation_is_refused),
		WITH_STORE(too_much_json),
		WITH_STORE(an_archive_of_too_many_files),
		WITH_STORE(a_list_of_too_many_images),
		WITH_STORE(an_archive_of_docker_before_1_10),
		WITH_STORE(an_image_for_another_machine),
		cmocka_unit_test(which_platforms_are_ours),
		WITH_STORE(an_import_is_an_image_of_one_layer),
		WITH_STORE(an_import_of_garbage_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
