/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/str.h"
#include "runtime/cgroup/cgroup_path.h"

static void expect(char *got, const char *path, const struct error *err)
{
	if (path) {
		assert_non_null(got);
		assert_string_equal(got, path);
	} else {
		assert_null(got);
		assert_int_equal(err->code, EINVAL);
	}
	free(got);
}

static void paths(void **state)
{
	static const struct {
		const char *text, *path; /* NULL: refused */
	} cases[] = {
		{ NULL, "knarr/id" },
		{ "", "knarr/id" },
		{ "/pods/a", "pods/a" },
		{ "pods//./a/", "pods/a" },
		{ "/a:b:c/d", "a:b:c/d" },
		{ "a:b", "a:b" },
		{ "a:b:c:d", "a:b:c:d" },
		{ "machine.slice:libpod:web", "machine.slice/libpod-web.scope" },
		{ "user-1.slice::web", "user.slice/user-1.slice/web.scope" },
		{ "a-b-c.slice:x:y", "a.slice/a-b.slice/a-b-c.slice/x-y.scope" },
		{ ":x:web", "system.slice/x-web.scope" },
		{ "-.slice:x:web", "x-web.scope" },
		{ "a.slice:x:web.slice", "a.slice/web.slice" },
		{ "..", NULL },
		{ "/pods/../..", NULL },
		{ "/", NULL },
		{ "/.", NULL },
		{ "a--b.slice:x:y", NULL },
		{ "-a.slice:x:y", NULL },
		{ ".slice:x:y", NULL },
		{ "a.slice:x:", NULL },
		{ "a.slice:x:../y", NULL },
		{ "../a:x:y", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;

		expect(cgroup_path(cases[i].text, "id", &err), cases[i].path, &err);
	}
}

static void parents(void **state)
{
	static const struct {
		const char *parent, *path;
	} cases[] = {
		{ NULL, "knarr/id" },
		{ "", "knarr/id" },
		{ "/pods", "pods/id" },
		{ "pods/a", "pods/a/id" },
		{ "/", "id" },
		{ "a-b.slice", "a.slice/a-b.slice/id" },
		{ "x/a-b.slice", "x/a-b.slice/id" },
		{ "../x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = ERROR_INIT;

		expect(cgroup_path_below(cases[i].parent, "id", &err), cases[i].path, &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
