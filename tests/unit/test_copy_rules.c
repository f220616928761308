/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the words of `cp` mean, as a table. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/engine/copy_rules.h"

static void splitting(void **state)
{
	static const struct {
		const char *arg, *container, *path;
	} cases[] = {
		{ "web:/etc/passwd", "web", "/etc/passwd" },
		{ "web:etc", "web", "etc" },
		{ "web:", "web", "" },
		{ "web:a:b", "web", "a:b" },
		{ "0a1b:/x", "0a1b", "/x" },
		{ "/abs/path:with", NULL, "/abs/path:with" },
		{ "./a:b", NULL, "./a:b" },
		{ "../a:b", NULL, "../a:b" },
		{ ".hidden:b", NULL, ".hidden:b" },
		{ "relative/path", NULL, "relative/path" },
		{ "c:\\windows", "c", "\\windows" },
		{ "-", NULL, "-" },
		{ ":/x", NULL, ":/x" },
		{ "a/b:c", "a/b", "c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autofree char *container = NULL;
		const char *path;

		copy_split(cases[i].arg, &container, &path);
		assert_string_equal(path, cases[i].path);
		if (cases[i].container)
			assert_string_equal(container, cases[i].container);
		else
			assert_null(container);
	}
}

static void paths(void **state)
{
	static const struct {
		const char *base, *path, *text;
		bool folder, contents;
	} cases[] = {
		{ "/", "etc", "/etc", false, false },
		{ "/", "/etc/", "/etc", true, false },
		{ "/", "/etc/.", "/etc", true, true },
		{ "/", "", "/", true, true },
		{ "/", "/", "/", true, true },
		{ "/", "..", "/", true, true },
		{ "/", "../../etc/../x//y/./z", "/x/y/z", false, false },
		{ "/home/u", ".", "/home/u", true, true },
		{ "/home/u", "..", "/home", false, false },
		{ "/home/u", "a/b", "/home/u/a/b", false, false },
		{ "/home/u", "../../..", "/", true, true },
		{ "/home/u", "/a..b/...", "/a..b/...", false, false },
		{ "/home/u", "./", "/home/u", true, true },
		{ "/", "a/.//", "/a", true, true },
		{ "/", "a.", "/a.", false, false },
		{ "/home/u", "/x/.hidden", "/x/.hidden", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct copy_path autocopypath p;

		copy_path_parse(cases[i].base, cases[i].path, &p);
		assert_string_equal(p.text, cases[i].text);
		assert_int_equal(p.folder, cases[i].folder);
		assert_int_equal(p.contents, cases[i].contents);
	}
}

static void names(void **state)
{
	autofree char *a = copy_path_parent("/a/b"), *b = copy_path_parent("/a");
	autofree char *root = copy_path_parent("/");

	(void)state;
	assert_string_equal(a, "/a");
	assert_string_equal(b, "/");
	assert_string_equal(root, "/");
	assert_string_equal(copy_path_name("/a/b"), "b");
	assert_string_equal(copy_path_name("/"), "");
}

#define FAILS (-1)

/* Docker's documentation, row by row; the last column is the shape, or the errno and its words. */
static void rules(void **state)
{
	static const struct {
		const char *src;
		enum copy_kind src_kind;
		const char *dest;
		enum copy_kind dest_kind;
		int shape, code;
		const char *message;
	} cases[] = {
		{ "/s", COPY_FILE, "/d", COPY_MISSING, COPY_AS, 0, NULL },
		{ "/s", COPY_FILE, "/d/", COPY_MISSING, FAILS, ENOENT, "no such directory" },
		{ "/s", COPY_FILE, "/d/.", COPY_MISSING, FAILS, ENOENT, "no such directory" },
		{ "/s", COPY_FILE, "/d", COPY_FILE, COPY_AS, 0, NULL },
		{ "/s", COPY_FILE, "/d/", COPY_FILE, FAILS, ENOTDIR, "/d: not a directory" },
		{ "/s", COPY_FILE, "/d", COPY_FOLDER, COPY_INTO, 0, NULL },
		{ "/s", COPY_FILE, "/d/", COPY_FOLDER, COPY_INTO, 0, NULL },
		{ "/s/", COPY_FILE, "/d", COPY_FOLDER, FAILS, ENOTDIR, "/s: not a directory" },
		{ "/s/.", COPY_FILE, "/d", COPY_MISSING, FAILS, ENOTDIR, "/s: not a directory" },
		{ "/s", COPY_FOLDER, "/d", COPY_MISSING, COPY_AS, 0, NULL },
		{ "/s", COPY_FOLDER, "/d/", COPY_MISSING, COPY_AS, 0, NULL },
		{ "/s/.", COPY_FOLDER, "/d", COPY_MISSING, COPY_AS, 0, NULL },
		{ "/s", COPY_FOLDER, "/d", COPY_FILE, FAILS, EISDIR, "cannot copy directory" },
		{ "/s/.", COPY_FOLDER, "/d", COPY_FILE, FAILS, EISDIR, "cannot copy directory" },
		{ "/s", COPY_FOLDER, "/d", COPY_FOLDER, COPY_INTO, 0, NULL },
		{ "/s/", COPY_FOLDER, "/d", COPY_FOLDER, COPY_INTO, 0, NULL },
		{ "/s/.", COPY_FOLDER, "/d", COPY_FOLDER, COPY_CONTENTS, 0, NULL },
		{ "/s/.", COPY_FOLDER, "/d/.", COPY_FOLDER, COPY_CONTENTS, 0, NULL },
		{ "/", COPY_FOLDER, "/d", COPY_FOLDER, COPY_CONTENTS, 0, NULL },
		{ "/", COPY_FOLDER, "/d", COPY_MISSING, COPY_AS, 0, NULL },
		{ "/s", COPY_FILE, "/", COPY_FOLDER, COPY_INTO, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct copy_path autocopypath src, autocopypath dest;
		enum copy_shape shape = COPY_INTO;
		struct error err = ERROR_INIT;

		copy_path_parse("/", cases[i].src, &src);
		copy_path_parse("/", cases[i].dest, &dest);
		int r = copy_rules(&src, cases[i].src_kind, &dest, cases[i].dest_kind, &shape,
				   &err);
		if (cases[i].shape == FAILS) {
			assert_int_equal(r, -1);
			assert_int_equal(err.code, cases[i].code);
			assert_string_equal(err.message, cases[i].message);
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(shape, cases[i].shape);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitting),
		cmocka_unit_test(paths),
		cmocka_unit_test(names),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
