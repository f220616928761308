/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/new_image.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "tests/unit/unit.h"

#define DIFFID "1111111111111111111111111111111111111111111111111111111111111111"

static char *write_image(struct new_image *n, struct error *err)
{
	size_t len;
	char *json = new_image_write(n, &len, err);

	if (json)
		assert_int_equal(strlen(json), len);
	return json;
}

static struct digest some_diffid(void)
{
	struct digest d;

	assert_int_equal(digest_from_hex(DIFFID, &d), 0);
	return d;
}

static void without_a_parent(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct digest d = some_diffid();
	struct new_image n = { .config = &c,
			       .diffid = &d,
			       .created = { 1700000000, 5 },
			       .comment = "Imported from -" };
	struct error err = ERROR_INIT;
	char *json autofree = NULL;

	(void)state;
	strv_add(&c.cmd, "sh");
	json = write_image(&n, &err);
	assert_string_equal(
		json,
		"{\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"sh\"]},"
		"\"created\":\"2023-11-14T22:13:20.000000005Z\",\"history\":[{"
		"\"created\":\"2023-11-14T22:13:20.000000005Z\",\"comment\":\"Imported from -\"}],"
		"\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" DIFFID
		"\"]}}");
}

static const char parent[] =
	"{\"variant\":\"v8\",\"architecture\":\"arm64\",\"os\":\"linux\",\"author\":\"old\",\"created\":\"2001-01-01T00:00:00Z\","
	"\"container\":\"abc\",\"container_config\":{\"Cmd\":[\"x\"]},\"docker_version\":\"20.10\","
	"\"config\":{\"Hostname\":\"h\",\"Cmd\":[\"old\"],\"Entrypoint\":[\"gone\"],\"StopTimeout\":7,\"Labels\":{\"a\":\"b\"}},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
	"2222222222222222222222222222222222222222222222222222222222222222\"]},"
	"\"history\":[{\"created_by\":\"first\"}],\"x.y\":{\"z\":[1,2]}}";

static void on_a_parent(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct digest d = some_diffid();
	struct new_image n = { .parent = parent,
			       .parent_len = sizeof(parent) - 1,
			       .config = &c,
			       .diffid = &d,
			       .created = { 1700000000, 0 },
			       .created_by = "sh -c \"x\"",
			       .author = "me <me@example.org>",
			       .comment = "why" };
	struct error err = ERROR_INIT;
	char *json autofree = NULL;
	struct image *img autoimage = NULL;

	(void)state;
	strv_add(&c.cmd, "new");
	strv_add(&c.labels, "z=1");
	strv_add(&c.labels, "a=2");
	strv_add(&c.exposed_ports, "80/tcp");
	strv_add(&c.exposed_ports, "443/tcp");
	json = write_image(&n, &err);
	assert_non_null(json);
	assert_non_null(strstr(
		json, "{\"architecture\":\"arm64\",\"author\":\"me <me@example.org>\",\"config\":{"
		      "\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{}},\"Cmd\":[\"new\"],"
		      "\"Labels\":{\"a\":\"2\",\"z\":\"1\"},\"StopTimeout\":7},\"created\":"));
	assert_non_null(strstr(json, "\"variant\":\"v8\",\"x.y\":{\"z\":[1,2]}}"));
	assert_null(strstr(json, "container"));
	assert_null(strstr(json, "docker_version"));
	assert_null(strstr(json, "gone"));
	img = image_parse(json, strlen(json), &err);
	assert_non_null(img);
	assert_int_equal(img->n_diffids, 2);
	assert_true(digest_equal(&img->diffids[1], &d));
	assert_int_equal(img->n_history, 2);
	assert_string_equal(img->history[0].created_by, "first");
	assert_string_equal(img->history[1].created_by, "sh -c \"x\"");
	assert_string_equal(img->history[1].author, "me <me@example.org>");
	assert_string_equal(img->history[1].comment, "why");
	assert_false(img->history[1].empty_layer);
}

static void an_empty_change_is_no_layer(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct new_image n = { .parent = parent, .parent_len = sizeof(parent) - 1, .config = &c };
	struct error err = ERROR_INIT;
	char *json autofree = write_image(&n, &err);
	struct image *img autoimage = image_parse(json, strlen(json), &err);
	uint8_t zeros[1024] = { 0 };
	struct digest d;

	(void)state;
	assert_int_equal(img->n_diffids, 1);
	assert_true(img->history[1].empty_layer);
	digest_of(zeros, sizeof(zeros), &d);
	assert_true(new_image_is_empty(&d));
	d = some_diffid();
	assert_false(new_image_is_empty(&d));
}

static void a_config_comes_back(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct new_image n = { .config = &c };
	struct error err = ERROR_INIT;
	char *json autofree = NULL, *again autofree = NULL;
	struct image *img autoimage = NULL;

	(void)state;
	strv_add(&c.env, "A=b=c");
	strv_add(&c.on_build, "RUN x");
	strv_add(&c.shell, "/bin/ash");
	strv_add(&c.volumes, "/v");
	c.user = xstrdup("u");
	c.working_dir = xstrdup("/w");
	c.stop_signal = xstrdup("SIGINT");
	strv_add(&c.healthcheck.test, "CMD-SHELL");
	strv_add(&c.healthcheck.test, "true");
	c.healthcheck.interval = 5000000000;
	c.healthcheck.retries = 2;
	json = write_image(&n, &err);
	img = image_parse(json, strlen(json), &err);
	assert_non_null(img);
	image_config_free(&c);
	image_config_copy(&c, &img->config);
	again = write_image(&n, &err);
	assert_string_equal(json, again);
	assert_non_null(strstr(json, "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
				     "\"Interval\":5000000000,\"Retries\":2}"));
}

static void nulls_and_wrong_types(void **state)
{
	static const char nulls[] =
		"{\"config\":null,\"history\":null,\"rootfs\":{\"diff_ids\":null},\"os\":\"\"}";
	static const char *const wrong[] = { "[]", "{\"config\":1}", "{\"history\":{}}",
					     "{\"rootfs\":{\"diff_ids\":{}}}", "{" };
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct new_image n = { .parent = nulls, .parent_len = sizeof(nulls) - 1, .config = &c };
	struct error err = ERROR_INIT;
	char *json autofree = write_image(&n, &err);

	(void)state;
	assert_non_null(strstr(json, "\"os\":\"linux\""));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		n.parent = wrong[i];
		n.parent_len = strlen(wrong[i]);
		assert_null(write_image(&n, &err));
		assert_int_equal(err.code, EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_parent),
		cmocka_unit_test(on_a_parent),
		cmocka_unit_test(an_empty_change_is_no_layer),
		cmocka_unit_test(a_config_comes_back),
		cmocka_unit_test(nulls_and_wrong_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
