/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole archives, made here by hand: what is loaded, and that nothing at all remains of what is refused. The VM tests'
 * test_bad_input.py has more of the latter; here are those that need single bytes or documents wrong. */
#include "image-tools/load.h"

#include "image-tools/import.h"
#include "image-tools/tags.h"
#include "tests/unit/maketar.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX    "application/vnd.oci.image.index.v1+json"

/* A layer's tar with one file. */
static void layer_tar(struct strbuf *b, const char *name, const char *text)
{
	tar_file(b, name, text);
	tar_end(b);
}

static const char *text_of(const void *data, size_t len, char buf[DIGEST_TEXT_MAX])
{
	struct digest d;

	digest_of(data, len, &d);
	return digest_text(&d, buf);
}

static char *config_for(const struct strbuf *layers, size_t n)
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

static int load(const struct strbuf *archive, struct loaded *loaded, struct error *err)
{
	autoclose int fd = file_of(archive->data, archive->len);

	return load_fd(scratch_store, fd, "it", NULL, loaded, err);
}

static void expect_loaded(const struct strbuf *archive, const char *name, const char *config)
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
static void expect_refused_beside(const struct strbuf *archive, const char *words, int layers,
				  int images)
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

static void expect_refused(const struct strbuf *archive, const char *words)
{
	expect_refused_beside(archive, words, 0, 0);
	assert_false(exists(scratch_store->fd, "tags.json"));
}

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

/* ---- OCI */

struct oci {
	struct strbuf archive;
	struct strbuf layer;
	char *config;
};

static void put_blob(struct strbuf *b, const void *data, size_t len)
{
	char name[128], text[DIGEST_TEXT_MAX];

	snprintf(name, sizeof(name), "blobs/sha256/%s",
		 text_of(data, len, text) + strlen("sha256:"));
	tar_put(b, '0', name, data, len);
}

static char *descriptor(const char *type, const void *data, size_t len, const char *more)
{
	char text[DIGEST_TEXT_MAX];

	return str_format("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type,
			  text_of(data, len, text), len, more);
}

static void oci_begin(struct oci *o)
{
	*o = (struct oci){ 0 };
	layer_tar(&o->layer, "a", "1");
	o->config = config_for(&o->layer, 1);
	put_blob(&o->archive, o->layer.data, o->layer.len);
	put_blob(&o->archive, o->config, strlen(o->config));
	tar_file(&o->archive, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

static char *oci_manifest(struct oci *o)
{
	autofree char *config = descriptor("application/vnd.oci.image.config.v1+json", o->config,
					   strlen(o->config), "");
	autofree char *layer = descriptor("application/vnd.oci.image.layer.v1.tar", o->layer.data,
					  o->layer.len, "");
	char *manifest =
		str_format("{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}", config, layer);

	put_blob(&o->archive, manifest, strlen(manifest));
	return manifest;
}

static void oci_index(struct oci *o, const char *descriptors)
{
	autofree char *index = str_format("{\"schemaVersion\":2,\"manifests\":[%s]}", descriptors);

	tar_file(&o->archive, "index.json", index);
	tar_end(&o->archive);
}

static void oci_end(struct oci *o)
{
	strbuf_free(&o->archive);
	strbuf_free(&o->layer);
	free(o->config);
}

static void an_oci_archive_and_its_names(void **state)
{
	static const struct {
		const char *annotations, *name;
	} cases[] = {
		{ "", NULL },
		{ ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\"}", NULL },
		{ ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"user/web\"}",
		  "user/web:latest" },
		{ ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"web:2\"}", "web:2" },
		{ ",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/web:3\","
		  "\"org.opencontainers.image.ref.name\":\"3\"}",
		  "web:3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci o;

		oci_begin(&o);
		autofree char *manifest = oci_manifest(&o);
		autofree char *d =
			descriptor(OCI_MANIFEST, manifest, strlen(manifest), cases[i].annotations);
		oci_index(&o, d);
		expect_loaded(&o.archive, cases[i].name, o.config);
		oci_end(&o);
	}
}

static void of_several_platforms_ours_is_taken(void **state)
{
	struct oci o;

	(void)state;
	oci_begin(&o);
	autofree char *manifest = oci_manifest(&o);
	autofree char *other =
		descriptor(OCI_MANIFEST, "{}", 2,
			   ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}");
	autofree char *unknown =
		descriptor(OCI_MANIFEST, "{}", 2,
			   ",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}");
	autofree char *ours =
		descriptor(OCI_MANIFEST, manifest, strlen(manifest),
			   ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}");
	autofree char *nested = str_format("{\"manifests\":[%s,%s,%s]}", other, unknown, ours);
	put_blob(&o.archive, nested, strlen(nested));
	autofree char *d =
		descriptor(OCI_INDEX, nested, strlen(nested),
			   ",\"annotations\":{\"io.containerd.image.name\":\"multi:1\"}");
	oci_index(&o, d);
	expect_loaded(&o.archive, "multi:1", o.config);
	oci_end(&o);
}

static void documents_of_an_oci_archive_that_lie(void **state)
{
	char text[DIGEST_TEXT_MAX];
	struct oci o;

	(void)state;
	oci_begin(&o);
	autofree char *manifest = oci_manifest(&o);
	size_t len = strlen(manifest), whole = o.archive.len;
	autofree char *good = descriptor(OCI_MANIFEST, manifest, len, "");
	autofree char *arm =
		descriptor(OCI_MANIFEST, manifest, len,
			   ",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}");
	autofree char *shorter = descriptor(OCI_MANIFEST, manifest, len, "");
	autofree char *missing = descriptor(OCI_MANIFEST, "{}", 2, "");
	autofree char *layer = descriptor(OCI_MANIFEST, o.layer.data, o.layer.len, "");
	autofree char *no_size = str_format("{\"digest\":\"%s\"}", text_of(manifest, len, text));
	autofree char *negative = str_format("{\"digest\":\"%s\",\"size\":-1}", text);
	autofree char *named =
		descriptor(OCI_MANIFEST, manifest, len,
			   ",\"annotations\":{\"io.containerd.image.name\":\"Bad Name\"}");
	autofree char *numbered = descriptor(OCI_MANIFEST, manifest, len,
					     ",\"annotations\":{\"io.containerd.image.name\":1}");
	char *digit = strstr(shorter, "\"size\":") + strlen("\"size\":");
	*digit = *digit == '1' ? '2' : '1';
	const struct {
		const char *descriptors, *words;
	} cases[] = {
		{ "", "no image" },
		{ "1", "no object" },
		{ "{}", "without a digest" },
		{ "{\"digest\":\"sha256:../../../x\",\"size\":1}", "no digest" },
		{ "{\"digest\":\"sha512:00\",\"size\":1}", "sha512" },
		{ "{\"digest\":[],\"size\":1}", "\"digest\"" },
		{ no_size, "without a size" },
		{ negative, "\"size\"" },
		{ shorter, "is said to have" },
		{ missing, "not in the archive" },
		{ layer, "no JSON document" },
		{ arm, "other platforms" },
		{ named, "invalid reference" },
		{ numbered, "io.containerd.image.name" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o.archive.len = whole;
		oci_index(&o, cases[i].descriptors);
		expect_refused(&o.archive, cases[i].words);
	}
	/* a blob that is not what its name says */
	o.archive.len = whole;
	o.layer.data[600] ^= 1;
	char name[128];
	snprintf(name, sizeof(name), "blobs/sha256/%s", text + strlen("sha256:"));
	tar_put(&o.archive, '0', name, o.layer.data, o.layer.len);
	oci_index(&o, good);
	expect_refused(&o.archive, "is damaged: its digest is");
	oci_end(&o);
}

/* A name below blobs/ that is a link to another blob. */
static void a_blob_that_is_another(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char text[DIGEST_TEXT_MAX], name[128], target[128];
	static const char other[] = "{\"config\":{}}", said[] = "{}";

	(void)state;
	put_blob(&b, other, strlen(other));
	snprintf(target, sizeof(target), "%s",
		 text_of(other, strlen(other), text) + strlen("sha256:"));
	snprintf(name, sizeof(name), "blobs/sha256/%s",
		 text_of(said, strlen(said), text) + strlen("sha256:"));
	struct tar_block h = tar_header('2', name, 0);
	memcpy(h.link, target, strlen(target));
	tar_put_block(&b, h);
	autofree char *d = descriptor(OCI_MANIFEST, said, strlen(said), "");
	autofree char *index = str_format("{\"manifests\":[%s]}", d);
	tar_file(&b, "index.json", index);
	tar_end(&b);
	expect_refused(&b, "is another blob");
}

static void indexes_that_lead_to_indexes(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	char *inner = xstrdup("{\"manifests\":[]}");

	(void)state;
	for (int i = 0; i < 6; i++) {
		autofree char *d = descriptor(OCI_INDEX, inner, strlen(inner), "");

		put_blob(&b, inner, strlen(inner));
		free(inner);
		inner = str_format("{\"manifests\":[%s]}", d);
	}
	tar_file(&b, "index.json", inner);
	free(inner);
	tar_end(&b);
	expect_refused(&b, "deep");
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

static void an_import_is_an_image_of_one_layer(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	autoreference struct reference name = REFERENCE_INIT;
	struct import_options options = { .name = &name, .message = "by hand" };
	struct error err = ERROR_INIT;
	struct digest id, found;

	(void)state;
	layer_tar(&b, "bin/sh", "12345");
	autoclose int fd = file_of(b.data, b.len);
	assert_int_equal(reference_parse("imported:1", &name, &err), 0);
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

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_old_docker_archive_with_folders_and_links),
		WITH_STORE(an_image_without_layers_and_name),
		WITH_STORE(several_images_come_together_or_not_at_all),
		WITH_STORE(what_was_there_stays_when_a_load_fails),
		WITH_STORE(documents_of_a_docker_archive_that_lie),
		WITH_STORE(an_oci_archive_and_its_names),
		WITH_STORE(of_several_platforms_ours_is_taken),
		WITH_STORE(documents_of_an_oci_archive_that_lie),
		WITH_STORE(a_blob_that_is_another),
		WITH_STORE(indexes_that_lead_to_indexes),
		WITH_STORE(what_is_no_archive),
		WITH_STORE(every_truncation_is_refused),
		WITH_STORE(too_much_json),
		WITH_STORE(an_import_is_an_image_of_one_layer),
		WITH_STORE(an_import_of_garbage_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
