/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "runtime/spec/kernel.h"
#include "runtime/spec/mount_options.h"

/* The mount that the options of list make, in *m. */
static void parse(struct spec *spec, const char *list)
{
	struct error err = ERROR_INIT;
	struct spec_mount *m = spec_add_mount(spec);

	m->destination = xstrdup("/x");
	m->type = xstrdup("tmpfs");
	assert_int_equal(spec_mount_options(m, list, &err), 0);
}

static void test_attributes(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct spec_mount *m;

	(void)state;
	parse(&spec, "ro,nosuid,nodev,noexec,nodiratime,nosymfollow");
	m = &spec.mounts[0];
	assert_int_equal(m->attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
					      MOUNT_ATTR_NOSYMFOLLOW);
	assert_int_equal(m->attr_clear, 0);
	parse(&spec, "rw,suid,dev,exec,diratime,symfollow");
	m = &spec.mounts[1];
	assert_int_equal(m->attr_set, 0);
	assert_int_equal(m->attr_clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODIRATIME |
						MOUNT_ATTR_NOSYMFOLLOW);
}

static void test_the_last_one_wins(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct spec_mount *m;

	(void)state;
	parse(&spec, "ro,rw,exec,noexec,strictatime,noatime");
	m = &spec.mounts[0];
	assert_int_equal(m->attr_set, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME);
	assert_int_equal(m->attr_clear, MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME);
	parse(&spec, "noatime,relatime");
	assert_int_equal(spec.mounts[1].attr_set, 0);
	assert_int_equal(spec.mounts[1].attr_clear, MOUNT_ATTR__ATIME);
	parse(&spec, "sync,dirsync,async");
	assert_int_equal(spec.mounts[2].options.len, 1);
	assert_string_equal(spec.mounts[2].options.items[0], "dirsync");
	assert_null(spec.mounts[2].options.items[1]);
}

static void test_recursive_attributes(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct spec_mount *m;

	(void)state;
	parse(&spec, "rro,rsuid,rnoatime,nodev");
	m = &spec.mounts[0];
	assert_int_equal(m->attr_set_recursive, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_int_equal(m->attr_clear_recursive, MOUNT_ATTR_NOSUID | MOUNT_ATTR__ATIME);
	assert_int_equal(m->attr_set, MOUNT_ATTR_NODEV);
}

static void test_binds(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	parse(&spec, "bind,ro");
	assert_string_equal(spec.mounts[0].type, "bind");
	assert_false(spec.mounts[0].recursive);
	parse(&spec, "rbind,ridmap");
	assert_string_equal(spec.mounts[1].type, "bind");
	assert_true(spec.mounts[1].recursive);
	assert_true(spec.mounts[1].idmap && spec.mounts[1].idmap_recursive);
	parse(&spec, "remount,ro");
	assert_true(spec.mounts[2].remount);
	assert_string_equal(spec.mounts[2].type, "tmpfs");
}

static void test_propagation(void **state)
{
	static const struct {
		const char *options;
		unsigned long propagation;
	} cases[] = {
		{ "private", MS_PRIVATE },       { "rprivate", MS_PRIVATE | MS_REC },
		{ "rslave", MS_SLAVE | MS_REC }, { "slave,shared", MS_SLAVE | MS_SHARED },
		{ "shared,slave", MS_SLAVE },    { "rshared,runbindable", MS_UNBINDABLE | MS_REC },
		{ "shared", MS_SHARED },         { "", 0 },
	};
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(&spec, cases[i].options);
		assert_int_equal(spec.mounts[i].propagation, cases[i].propagation);
	}
}

static void test_filesystem_options(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	const struct spec_mount *m;

	(void)state;
	parse(&spec, "defaults,,size=64k,tmpcopyup,silent,iversion,mode=1777,lazytime,lazytime");
	m = &spec.mounts[0];
	assert_true(m->copy_up);
	assert_int_equal(m->options.len, 3);
	assert_string_equal(m->options.items[0], "size=64k");
	assert_string_equal(m->options.items[1], "mode=1777");
	assert_string_equal(m->options.items[2], "lazytime");
}

static void test_nonsense(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	struct spec_mount *m = spec_add_mount(&spec);

	(void)state;
	assert_int_equal(spec_mount_option(m, "", &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(spec_mount_option(m, "a\nb", &err), -1);
	assert_int_equal(m->options.len, 0);
}

/* The search among the names relies on their order. */
static void test_every_name_is_found(void **state)
{
	const char *before = "", *name;

	(void)state;
	for (size_t i = 0; (name = spec_mount_option_name(i)); i++) {
		autospec struct spec spec = SPEC_INIT;

		assert_true(strcmp(before, name) < 0);
		before = name;
		parse(&spec, name);
		/* Known by itself, and not handed to the filesystem as an unknown word: but for its own flags. */
		assert_true(spec.mounts[0].options.len == 0 || strcmp(name, "sync") == 0 ||
			    strcmp(name, "dirsync") == 0 || strcmp(name, "lazytime") == 0 ||
			    strcmp(name, "mand") == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_the_last_one_wins),
		cmocka_unit_test(test_recursive_attributes),
		cmocka_unit_test(test_binds),
		cmocka_unit_test(test_propagation),
		cmocka_unit_test(test_filesystem_options),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_every_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
