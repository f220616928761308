/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/reference.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "tests/unit/unit.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void names_are_completed_and_shown_short_again(void **state)
{
	static const struct {
		const char *text, *repository, *tag, *familiar;
	} cases[] = {
		{ "busybox", "docker.io/library/busybox", "latest", "busybox:latest" },
		{ "busybox:1.36", "docker.io/library/busybox", "1.36", "busybox:1.36" },
		{ "library/busybox", "docker.io/library/busybox", "latest", "busybox:latest" },
		{ "docker.io/busybox", "docker.io/library/busybox", "latest", "busybox:latest" },
		{ "index.docker.io/busybox", "docker.io/library/busybox", "latest",
		  "busybox:latest" },
		{ "user/name:x", "docker.io/user/name", "x", "user/name:x" },
		{ "user/deep/name", "docker.io/user/deep/name", "latest", "user/deep/name:latest" },
		{ "docker.io/library/a/b", "docker.io/library/a/b", "latest",
		  "library/a/b:latest" },
		{ "localhost/x", "localhost/x", "latest", "localhost/x:latest" },
		{ "127.0.0.1:5000/debian:bookworm", "127.0.0.1:5000/debian", "bookworm",
		  "127.0.0.1:5000/debian:bookworm" },
		{ "[::1]:5000/x", "[::1]:5000/x", "latest", "[::1]:5000/x:latest" },
		{ "Example.Test/x", "Example.Test/x", "latest", "Example.Test/x:latest" },
		{ "a.b-c__d---e/f_g:T.-_9", "a.b-c__d---e/f_g", "T.-_9", NULL },
		{ "x-y.z/q", "x-y.z/q", "latest", "x-y.z/q:latest" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autoreference struct reference ref = REFERENCE_INIT;
		struct error err = ERROR_INIT;

		if (!cases[i].familiar) { /* its first part is a domain with '_' in it, which there cannot be */
			assert_int_equal(reference_parse(cases[i].text, &ref, &err), -1);
			continue;
		}
		if (reference_parse(cases[i].text, &ref, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.message);
		reference_default_tag(&ref);
		autofree char *familiar = reference_text(&ref, true);
		assert_string_equal(ref.repository, cases[i].repository);
		assert_string_equal(ref.tag, cases[i].tag);
		assert_string_equal(familiar, cases[i].familiar);
	}
}

static void a_digest_stands_behind_the_tag(void **state)
{
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(reference_parse("x@sha256:" HEX, &ref, &err), 0);
	assert_true(ref.has_digest);
	assert_null(ref.tag);
	reference_default_tag(&ref);
	assert_null(ref.tag);
	autofree char *text = reference_text(&ref, true);
	assert_string_equal(text, "x@sha256:" HEX);
	reference_free(&ref);

	assert_int_equal(reference_parse("h:1/x:t@sha256:" HEX, &ref, &err), 0);
	autofree char *whole = reference_text(&ref, false);
	assert_string_equal(whole, "h:1/x:t@sha256:" HEX);
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"/",
		"@",
		"a:",
		":a",
		"a:b:c",
		"a//b",
		"/a",
		"a/",
		"a/:b",
		".",
		"..",
		"../x",
		"a/../b",
		"-a",
		"a-",
		"a..b",
		"a___b",
		"_a",
		"a.",
		"Upper",
		"user/Upper",
		"a b",
		"a\tb",
		"a\nb",
		"a:-x",
		"a:.x",
		"a:x y",
		"a@",
		"a@x",
		"a@sha256:12",
		"a@md5:" HEX,
		HEX,
		"h:x/y",
		"h:/y",
		"[::1/y",
		"[]/y",
		"a.-b/c",
		"-h.x/c",
		"\xc3\xa4",
		"x:"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"012345678901234567890123456789012345678901234567890123456789",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		autoreference struct reference ref = REFERENCE_INIT;
		struct error err = ERROR_INIT;

		if (reference_parse(bad[i], &ref, &err) == 0)
			fail_msg("\"%s\" was taken for a name", bad[i]);
		assert_int_equal(err.code, EINVAL);
		assert_non_null(strstr(err.message, "invalid reference format"));
		assert_null(ref.repository);
	}
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	assert_int_equal(reference_parse("BusyBox", &ref, &err), -1);
	assert_non_null(strstr(err.message, "must be lowercase"));
}

static void long_names_have_an_end(void **state)
{
	autoreference struct reference ref = REFERENCE_INIT;
	struct error err = ERROR_INIT;
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[255 - strlen("library/")] = '\0';
	assert_int_equal(reference_parse(text, &ref, &err), 0);
	text[255 - strlen("library/")] = 'a';
	text[256 - strlen("library/")] = '\0';
	reference_free(&ref);
	assert_int_equal(reference_parse(text, &ref, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_completed_and_shown_short_again),
		cmocka_unit_test(a_digest_stands_behind_the_tag),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(long_names_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
