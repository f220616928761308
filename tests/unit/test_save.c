/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What save writes: that load takes it in again as what it was, byte for byte the same each time, and that nothing
 * damaged goes out. */
#include "image-tools/save.h"

#include <sys/file.h>

#include "image-tools/load.h"
#include "image-tools/save_documents.h"
#include "image-tools/tags.h"
#include "tests/unit/maketar.h"

/* ---- A store with images */

static struct digest put_layer(const char *name, size_t len)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	autofree char *data = xcalloc(1, len + 1);
	struct error err = ERROR_INIT;
	struct layer_info info;
	struct layer_writer *w = layer_create(scratch_store, &err);

	memset(data, name[0], len);
	tar_put(&b, '0', name, data, len);
	tar_end(&b);
	assert_non_null(w);
	assert_int_equal(layer_append(w, b.data, b.len, &err), 0);
	assert_int_equal(layer_finish(w, NULL, &info, &err), 0);
	return info.diffid;
}

static struct digest put_image(const char *author, const struct digest *layers, size_t n)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	char text[DIGEST_TEXT_MAX];
	struct digest id;

	strbuf_printf(&b,
		      "{\"os\":\"linux\",\"author\":\"%s\",\"architecture\":\"amd64\",\"rootfs\":{"
		      "\"type\":\"layers\",\"diff_ids\":[",
		      author);
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&b, "%s\"%s\"", i ? ", " : "", digest_text(&layers[i], text));
	strbuf_puts(&b, "]}}");
	if (image_put(scratch_store, b.data, b.len, &id, &err) < 0)
		fail_msg("%s", err.message);
	return id;
}

static void tag(const char *name, const struct digest *id)
{
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(reference_parse(name, &ref, &err), 0);
	reference_default_tag(&ref);
	assert_int_equal(tags_set(scratch_store, &ref, id, &err), 0);
}

/* web:1 and web:2 share their lowest layer; web:2 has one layer twice, and one large enough for the thread. */
static struct digest layers[3], one, two;

static int images_setup(void **state)
{
	struct digest of_two[4];

	if (store_setup(state) < 0)
		return -1;
	layers[0] = put_layer("a", 10);
	layers[1] = put_layer("b", 0);
	layers[2] = put_layer("c", 3 << 20);
	one = put_image("one", layers, 1);
	of_two[0] = layers[0];
	of_two[1] = of_two[2] = layers[1];
	of_two[3] = layers[2];
	two = put_image("two", of_two, 4);
	tag("web:1", &one);
	tag("web:2", &two);
	tag("web:two", &two);
	tag("localhost:5000/user/web-server", &one);
	return 0;
}

/* ---- Saving */

static int collect(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static int find(const char *words, const char *platform, struct saved_images *images,
		struct error *err)
{
	autofree char *copy = xstrdup(words);
	char *list[8], *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		list[n++] = w;
	return saved_images_find(scratch_store, list, n, platform, images, err);
}

static void save(const char *words, enum save_format format, struct strbuf *out)
{
	autosaved struct saved_images images = SAVED_IMAGES_INIT;
	struct error err = ERROR_INIT;

	if (find(words, NULL, &images, &err) < 0 ||
	    save_archive(&images, format, collect, out, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_not_found(const char *words, const char *platform, int code, const char *say)
{
	autosaved struct saved_images images = SAVED_IMAGES_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(find(words, platform, &images, &err), -1);
	assert_int_equal(images.n, 0);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, say))
		fail_msg("\"%s\" does not say \"%s\"", err.message, say);
}

static char *file_in(const struct strbuf *archive, const char *name)
{
	const char *at = archive->data;

	/* Small archives of plain headers: found by their name at the start of a block. */
	for (size_t i = 0; i + 1024 <= archive->len; i += 512)
		if (strcmp(at + i, name) == 0)
			return xstrndup(at + i + 512, strtoul(at + i + 124, NULL, 8));
	return NULL;
}

static size_t count_in(const struct strbuf *archive, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i + 1024 <= archive->len; i += 512)
		n += strcmp(archive->data + i, name) == 0;
	return n;
}

/* ---- Tests */

static void expect_names(const struct loaded_image *img, const char *names)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < img->n_names; i++) {
		autofree char *name = reference_text(&img->names[i], true);

		strbuf_printf(&b, "%s%s", i ? " " : "", name);
	}
	assert_string_equal(b.data ? b.data : "", names);
}

static void what_is_saved_loads_as_what_it_was(void **state)
{
	char root[128];

	(void)state;
	for (int format = SAVE_DOCKER_ARCHIVE; format <= SAVE_OCI_ARCHIVE; format++) {
		autoloaded struct loaded loaded = LOADED_INIT;
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct error err = ERROR_INIT;

		save("web:2 localhost:5000/user/web-server", (enum save_format)format, &b);
		snprintf(root, sizeof(root), "%s/other%d", scratch_path, format);
		autostore struct store *other = store_open(root, &err);
		autoclose int fd = file_of(b.data, b.len);
		assert_non_null(other);
		if (load_fd(other, fd, "it", NULL, &loaded, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(loaded.n, 2);
		assert_true(digest_equal(&loaded.images[0].id, &two));
		assert_true(digest_equal(&loaded.images[1].id, &one));
		expect_names(&loaded.images[0], "web:2");
		expect_names(&loaded.images[1], "localhost:5000/user/web-server:latest");
		assert_int_equal(fs_remove_tree(AT_FDCWD, other->run, &err), 0);
	}
}

static void the_same_images_are_the_same_bytes(void **state)
{
	autostrbuf struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

	(void)state;
	save("web", SAVE_DOCKER_ARCHIVE, &a);
	save("web:1 web:2 web:two web", SAVE_DOCKER_ARCHIVE, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_int_equal(a.len % 512, 0);
}

static void every_layer_goes_out_once_bit_for_bit(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char name[BLOB_NAME_MAX], tar[DIGEST_HEX_MAX + 8];
	struct error err = ERROR_INIT;

	(void)state;
	save("web", SAVE_DOCKER_ARCHIVE, &b);
	for (int i = 0; i < 3; i++) {
		size_t len;

		digest_hex(&layers[i], tar);
		autofree char *stored = fs_read_file(scratch_store->layers_fd, strcat(tar, ".tar"),
						     16 << 20, &len, &err);
		assert_non_null(stored);
		assert_int_equal(count_in(&b, blob_name(&layers[i], name)), 1);
		assert_non_null(memmem(b.data, b.len, stored, len));
	}
}

static void the_documents_are_these(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, want = STRBUF_INIT, oci = STRBUF_INIT;
	char id[BLOB_NAME_MAX], layer[BLOB_NAME_MAX], hex[DIGEST_HEX_MAX];

	(void)state;
	save("web:1", SAVE_DOCKER_ARCHIVE, &b);
	autofree char *manifest = file_in(&b, "manifest.json");
	autofree char *repositories = file_in(&b, "repositories");
	autofree char *layout = file_in(&b, "oci-layout");
	autofree char *index = file_in(&b, "index.json");
	strbuf_printf(&want, "[{\"Config\":\"%s\",\"RepoTags\":[\"web:1\"],\"Layers\":[\"%s\"]}]",
		      blob_name(&one, id), blob_name(&layers[0], layer));
	assert_string_equal(manifest, want.data);
	strbuf_reset(&want);
	strbuf_printf(&want, "{\"web\":{\"1\":\"%s\"}}", digest_hex(&layers[0], hex));
	assert_string_equal(repositories, want.data);
	assert_string_equal(layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
	assert_non_null(strstr(
		index, "\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/web:1\","
		       "\"org.opencontainers.image.ref.name\":\"1\"},"
		       "\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}}]}"));
	save("web:1", SAVE_OCI_ARCHIVE, &oci);
	assert_null(file_in(&oci, "manifest.json"));
	assert_null(file_in(&oci, "repositories"));
	autofree char *same = file_in(&oci, "index.json");
	assert_string_equal(same, index);
}

static void names_and_ids(void **state)
{
	static const struct {
		const char *words;
		size_t images, names; /* of the first */
	} cases[] = {
		{ "web", 2, 1 },
		{ "web:two", 1, 1 },
		{ "web:two web:2 web:two", 1, 2 },
		{ "docker.io/library/web:2", 1, 1 },
		{ "localhost:5000/user/web-server", 1, 1 },
	};
	char text[DIGEST_TEXT_MAX], word[2 * DIGEST_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autosaved struct saved_images images = SAVED_IMAGES_INIT;
		struct error err = ERROR_INIT;

		if (find(cases[i].words, NULL, &images, &err) < 0)
			fail_msg("%s: %s", cases[i].words, err.message);
		assert_int_equal(images.n, cases[i].images);
		assert_int_equal(images.items[0].n_names, cases[i].names);
	}
	digest_text(&two, text);
	for (int i = 0; i < 3; i++) {
		autosaved struct saved_images images = SAVED_IMAGES_INIT;
		struct error err = ERROR_INIT;

		snprintf(word, sizeof(word), i == 2 ? "%.12s" : "%s", i == 0 ? text : text + 7);
		if (find(word, NULL, &images, &err) < 0)
			fail_msg("%s: %s", word, err.message);
		assert_int_equal(images.n, 1);
		assert_int_equal(images.items[0].n_names, 0);
		assert_int_equal(images.items[0].n_layers, 4);
		assert_int_equal(images.n_layers, 3);
	}
	expect_not_found("nowhere", NULL, ENOENT, "nowhere");
	expect_not_found("web:1 web:3", NULL, ENOENT, "web:3");
	expect_not_found("Web", NULL, EINVAL, "lowercase");
}

static void platforms(void **state)
{
	static const char *const good[] = { "linux", "linux/amd64", "linux/amd64/v2",
					    "linux/arm64,linux/amd64" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		autosaved struct saved_images images = SAVED_IMAGES_INIT;
		struct error err = ERROR_INIT;

		if (find("web", good[i], &images, &err) < 0)
			fail_msg("%s: %s", good[i], err.message);
	}
	expect_not_found("web", "linux/arm64", ENOENT, "linux/amd64, not for linux/arm64");
	expect_not_found("web", "windows", ENOENT, "windows");
	expect_not_found("web", "linux/amd", ENOENT, "linux/amd");
	expect_not_found("web", "", ENOENT, "not for");
	expect_not_found("web", ",/", ENOENT, "not for");
}

/* ---- Damage */

static int open_stored(int dirfd, const struct digest *d, const char *suffix)
{
	char name[DIGEST_HEX_MAX + 8];
	int fd = openat(dirfd, strcat((char *)digest_hex(d, name), suffix), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void a_damaged_layer_does_not_go_out_whole(void **state)
{
	static const off_t where[] = { 600, 1 << 20, (3 << 20) + 500 };
	char name[BLOB_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		autosaved struct saved_images images = SAVED_IMAGES_INIT;
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct error err = ERROR_INIT;
		autoclose int fd = open_stored(scratch_store->layers_fd, &layers[2], ".tar");

		assert_int_equal(pwrite(fd, "x", 1, where[i]), 1);
		assert_int_equal(find("web", NULL, &images, &err), 0);
		assert_int_equal(
			save_archive(&images, SAVE_DOCKER_ARCHIVE, collect, &b, NULL, &err), -1);
		assert_int_equal(err.code, EUCLEAN);
		assert_non_null(strstr(err.message, "is damaged: its digest is"));
		/* Its beginning may have gone out, its end has not. */
		assert_true(b.len < 3 << 20);
		assert_int_equal(count_in(&b, blob_name(&layers[2], name)), 1);
		assert_int_equal(pwrite(fd, "c", 1, where[i]), 1);
	}
}

static void a_layer_of_another_length_or_none_is_damaged(void **state)
{
	autoclose int fd = open_stored(scratch_store->layers_fd, &layers[0], ".tar");
	char name[DIGEST_HEX_MAX + 8];

	(void)state;
	assert_int_equal(ftruncate(fd, 1024), 0);
	expect_not_found("web:1", NULL, EUCLEAN, "its tar has 1024 bytes, not 2048");
	digest_hex(&layers[0], name);
	assert_int_equal(unlinkat(scratch_store->layers_fd, strcat(name, ".tar"), 0), 0);
	expect_not_found("web:1", NULL, EUCLEAN, "its tar is missing");
	digest_hex(&layers[0], name);
	assert_int_equal(unlinkat(scratch_store->layers_fd, strcat(name, ".json"), 0), 0);
	expect_not_found("web:1", NULL, ENOENT, "is not in the store");
}

/* It becomes shorter between being found and being read. */
static void a_layer_that_shrinks(void **state)
{
	autosaved struct saved_images images = SAVED_IMAGES_INIT;
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	autoclose int fd = open_stored(scratch_store->layers_fd, &layers[2], ".tar");

	(void)state;
	assert_int_equal(find("web", NULL, &images, &err), 0);
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	assert_int_equal(save_archive(&images, SAVE_DOCKER_ARCHIVE, collect, &b, NULL, &err), -1);
	assert_int_equal(err.code, EUCLEAN);
	assert_non_null(strstr(err.message, "ends too early"));
}

static void a_damaged_configuration(void **state)
{
	autoclose int fd = open_stored(scratch_store->images_fd, &one, ".json");

	(void)state;
	assert_int_equal(pwrite(fd, "{ ", 2, 0), 2);
	expect_not_found("web:1", NULL, EUCLEAN, "does not match its ID");
}

static int fail_at(void *context, const void *data, size_t len, struct error *err)
{
	size_t *left = context;

	(void)data;
	if (len > *left)
		return error_set(err, ENOSPC, "full");
	*left -= len;
	return 0;
}

static void an_output_that_fails_anywhere(void **state)
{
	autosaved struct saved_images images = SAVED_IMAGES_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(find("web", NULL, &images, &err), 0);
	for (size_t room = 0; room < 3 << 20; room += 200000) {
		size_t left = room;

		err = (struct error)ERROR_INIT;
		assert_int_equal(
			save_archive(&images, SAVE_OCI_ARCHIVE, fail_at, &left, NULL, &err), -1);
		assert_int_equal(err.code, ENOSPC);
	}
}

/* What rmi takes away meanwhile is still written. */
static void an_image_removed_meanwhile(void **state)
{
	autosaved struct saved_images images = SAVED_IMAGES_INIT;
	autostrbuf struct strbuf b = STRBUF_INIT, before = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	save("web:2", SAVE_DOCKER_ARCHIVE, &before);
	assert_int_equal(find("web:2", NULL, &images, &err), 0);
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	assert_int_equal(image_remove_locked(scratch_store, &two, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(layer_remove_locked(scratch_store, &layers[i], &err), 0);
	assert_int_equal(save_archive(&images, SAVE_DOCKER_ARCHIVE, collect, &b, NULL, &err), 0);
	assert_int_equal(b.len, before.len);
	assert_memory_equal(b.data, before.data, b.len);
}

/* A layer of no bytes has no last piece that could be held back. */
static void a_layer_cut_to_nothing(void **state)
{
	struct saved_layer layer = { .diffid = layers[0], .size = 0 };
	size_t none = 0;
	struct saved_image img = {
		.id = one, .json = (char *)"{}", .len = 2, .layers = &none, .n_layers = 1
	};
	struct saved_images images = { .items = &img, .n = 1, .layers = &layer, .n_layers = 1 };
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	layer.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(save_archive(&images, SAVE_OCI_ARCHIVE, collect, &b, NULL, &err), -1);
	assert_int_equal(err.code, EUCLEAN);
	close(layer.fd);
}

#define WITH_IMAGES(test) cmocka_unit_test_setup_teardown(test, images_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_IMAGES(what_is_saved_loads_as_what_it_was),
		WITH_IMAGES(the_same_images_are_the_same_bytes),
		WITH_IMAGES(every_layer_goes_out_once_bit_for_bit),
		WITH_IMAGES(the_documents_are_these),
		WITH_IMAGES(names_and_ids),
		WITH_IMAGES(platforms),
		WITH_IMAGES(a_damaged_layer_does_not_go_out_whole),
		WITH_IMAGES(a_layer_of_another_length_or_none_is_damaged),
		WITH_IMAGES(a_layer_that_shrinks),
		WITH_IMAGES(a_layer_cut_to_nothing),
		WITH_IMAGES(a_damaged_configuration),
		WITH_IMAGES(an_output_that_fails_anywhere),
		WITH_IMAGES(an_image_removed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
