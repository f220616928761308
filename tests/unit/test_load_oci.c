/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OCI layouts, as archives and as folders, made here by hand. */
#include "tests/unit/loading.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX    "application/vnd.oci.image.index.v1+json"

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
		{ arm, "no image for linux/amd64" },
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

/* What else stands in an index is passed over, if it is known for what it is before its layers are. */
static void what_is_no_image_for_us_is_passed_over(void **state)
{
	static const char foreign[] =
		"{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[]}}";
	struct oci o;

	(void)state;
	oci_begin(&o);
	put_blob(&o.archive, foreign, strlen(foreign));
	put_blob(&o.archive, "{}", 2);
	autofree char *arm_config = descriptor("application/vnd.oci.image.config.v1+json", foreign,
					       strlen(foreign), "");
	autofree char *arm = str_format("{\"config\":%s,\"layers\":[]}", arm_config);
	autofree char *empty = descriptor("application/vnd.oci.empty.v1+json", "{}", 2, "");
	autofree char *signature = str_format("{\"config\":%s,\"layers\":[%s]}", empty, empty);
	put_blob(&o.archive, arm, strlen(arm));
	put_blob(&o.archive, signature, strlen(signature));
	autofree char *ours = oci_manifest(&o);
	autofree char *d[3] = { descriptor(OCI_MANIFEST, arm, strlen(arm), ""),
				descriptor(OCI_MANIFEST, signature, strlen(signature), ""),
				descriptor(OCI_MANIFEST, ours, strlen(ours), "") };
	size_t whole = o.archive.len;
	autofree char *others = str_format("%s,%s", d[0], d[1]);
	oci_index(&o, others);
	expect_refused(&o.archive, "no image for linux/amd64");
	o.archive.len = whole;
	autofree char *nested = str_format("{\"manifests\":[%s,%s,%s]}", d[0], d[1], d[2]);
	put_blob(&o.archive, nested, strlen(nested));
	autofree char *index = descriptor(OCI_INDEX, nested, strlen(nested), "");
	oci_index(&o, index);
	expect_loaded(&o.archive, NULL, o.config);
	free(d[1]);
	free(d[2]);
	oci_end(&o);
}

static void of_several_of_our_platform_the_plainest_is_taken(void **state)
{
	struct oci o;

	(void)state;
	oci_begin(&o);
	autofree char *manifest = oci_manifest(&o);
	autofree char *v3 = descriptor(
		OCI_MANIFEST, "{}", 2,
		",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v3\"}");
	autofree char *plain =
		descriptor(OCI_MANIFEST, manifest, strlen(manifest),
			   ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}");
	autofree char *nested = str_format("{\"manifests\":[%s,%s]}", v3, plain);
	put_blob(&o.archive, nested, strlen(nested));
	autofree char *d = descriptor(OCI_INDEX, nested, strlen(nested), "");
	oci_index(&o, d);
	expect_loaded(&o.archive, NULL, o.config);
	oci_end(&o);
}

static void a_layout_of_a_later_version(void **state)
{
	struct oci o;

	(void)state;
	oci_begin(&o);
	autofree char *manifest = oci_manifest(&o);
	autofree char *d = descriptor(OCI_MANIFEST, manifest, strlen(manifest), "");
	tar_file(&o.archive, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
	oci_index(&o, d);
	expect_refused(&o.archive, "version 2.0.0");
	oci_end(&o);
}

/* Each index names the next 40 times, and the last leads to nothing: 40^4 ways. */
static void indexes_that_have_no_end(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	static const char config[] = "{\"os\":\"plan9\",\"rootfs\":{}}";
	autofree char *c = descriptor("", config, strlen(config), "");
	char *inner = str_format("{\"config\":%s}", c);

	(void)state;
	put_blob(&b, config, strlen(config));
	for (int i = 0; i < 4; i++) {
		autofree char *d = descriptor(OCI_INDEX, inner, strlen(inner), "");
		autostrbuf struct strbuf many = STRBUF_INIT;

		put_blob(&b, inner, strlen(inner));
		free(inner);
		for (int j = 0; j < 40; j++)
			strbuf_printf(&many, "%s%s", j ? "," : "", d);
		inner = str_format("{\"manifests\":[%s]}", many.data);
	}
	tar_file(&b, "index.json", inner);
	free(inner);
	tar_end(&b);
	expect_refused(&b, "more than 16384 manifests");
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

/* The list that Docker 25 writes into an archive without an image of its own kind. */
static void an_empty_list_beside_an_index(void **state)
{
	struct oci o;

	(void)state;
	oci_begin(&o);
	autofree char *manifest = oci_manifest(&o);
	autofree char *d = descriptor(OCI_MANIFEST, manifest, strlen(manifest), "");
	tar_file(&o.archive, "manifest.json", "[]");
	oci_index(&o, d);
	expect_loaded(&o.archive, NULL, o.config);
	oci_end(&o);
}

/* ---- Folders */

/* The archive's files as a folder of the scratch folder's. */
static int unpacked(const struct strbuf *archive, const char *name)
{
	autofree char *command = str_format("mkdir %s/%s && tar -xf - -C %s/%s", scratch_path, name,
					    scratch_path, name);
	FILE *tar = popen(command, "w");

	assert_non_null(tar);
	assert_int_equal(fwrite(archive->data, 1, archive->len, tar), archive->len);
	assert_int_equal(pclose(tar), 0);
	autofree char *path = str_format("%s/%s", scratch_path, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void a_folder_is_read_as_far_as_it_is_needed(void **state)
{
	autoloaded struct loaded loaded = LOADED_INIT;
	struct error err = ERROR_INIT;
	struct oci o;

	(void)state;
	oci_begin(&o);
	/* a blob that is not what it is called, and that nothing names */
	tar_file(&o.archive,
		 "blobs/sha256/0000000000000000000000000000000000000000000000000000000000000000",
		 "wrong");
	autofree char *manifest = oci_manifest(&o);
	autofree char *d = descriptor(OCI_MANIFEST, manifest, strlen(manifest),
				      ",\"annotations\":{\"io.containerd.image.name\":\"web:1\"}");
	oci_index(&o, d);
	expect_refused(&o.archive, "is damaged");
	autoclose int fd = unpacked(&o.archive, "layout");
	if (load_fd(scratch_store, fd, "it", NULL, &loaded, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(loaded.n, 1);
	assert_string_equal(loaded.images[0].names[0].repository, "docker.io/library/web");
	oci_end(&o);
}

static void refuse_folder(int fd, const char *words)
{
	autoloaded struct loaded loaded = LOADED_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(load_fd(scratch_store, fd, "it", NULL, &loaded, &err), -1);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" does not say \"%s\"", err.message, words);
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static void a_folder_is_not_left(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, layer = STRBUF_INIT;

	layer_tar(&layer, "a", "1");
	autofree char *config = config_for(&layer, 1);
	tar_file(&b, "c", config);
	tar_end(&b);
	autoclose int fd = unpacked(&b, "folder");
	refuse_folder(fd, "neither manifest.json nor index.json");
	put_file(scratch(state), "outside.tar", "x");
	assert_int_equal(symlinkat("../outside.tar", fd, "l"), 0);
	put_file(fd, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]");
	refuse_folder(fd, "not in the archive");
	put_file(fd, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"../outside.tar\"]}]");
	refuse_folder(fd, "not in the archive");
	put_file(fd, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\".\"]}]");
	refuse_folder(fd, "is no file");
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	put_file(fd, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"fifo\"]}]");
	refuse_folder(fd, "is no file");
	assert_int_equal(symlinkat("loop", fd, "loop"), 0);
	put_file(fd, "manifest.json", "[{\"Config\":\"loop\"}]");
	refuse_folder(fd, "Too many levels");
	put_file(fd, "index.json", "{\"manifests\":[{\"digest\":\"");
	assert_int_equal(unlinkat(fd, "manifest.json", 0), 0);
	refuse_folder(fd, "index.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_oci_archive_and_its_names),
		WITH_STORE(of_several_platforms_ours_is_taken),
		WITH_STORE(documents_of_an_oci_archive_that_lie),
		WITH_STORE(what_is_no_image_for_us_is_passed_over),
		WITH_STORE(of_several_of_our_platform_the_plainest_is_taken),
		WITH_STORE(a_layout_of_a_later_version),
		WITH_STORE(indexes_that_have_no_end),
		WITH_STORE(a_blob_that_is_another),
		WITH_STORE(indexes_that_lead_to_indexes),
		WITH_STORE(an_empty_list_beside_an_index),
		WITH_STORE(a_folder_is_read_as_far_as_it_is_needed),
		WITH_STORE(a_folder_is_not_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
