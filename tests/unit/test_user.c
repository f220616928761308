/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's rules for `-u`, over files that an image supplies. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "runtime/sandbox/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "broken\n"
			     "half:x:12\n"
			     "web:x:1000:1001::/srv/web:/bin/sh\n"
			     "1234:x:77:78::/home/number:/bin/sh\n"
			     "nohome:x:1002:1002:::/bin/sh\n"
			     "huge:x:4294967295:1::/:/bin/sh\n"
			     "last:x:1003:1003::/home/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,web\n"
			    "web:x:1001:\n"
			    "bad:x:\n"
			    "log:x:4:nobody,web\n"
			    "log2:x:4:web\n"
			    "webber:x:5:webmaster\n";

static int files_setup(void **state)
{
	if (scratch_setup(state) < 0)
		return -1;
	mkdirat(scratch(state), "etc", 0755);
	put_file(scratch(state), "etc/passwd", passwd);
	put_file(scratch(state), "etc/group", group);
	return 0;
}

/* "uid:gid:group,group home", or the message of the failure. */
static const char *resolve(void **state, const char *user)
{
	static char text[600];
	struct spec_process p = { .capabilities = {
					  .bounding = 1, .effective = 1, .permitted = 1 } };
	struct error err = ERROR_INIT;
	char *home = NULL;

	if (user_resolve(scratch(state), user, &p, &home, &err) < 0) {
		snprintf(text, sizeof(text), "%s", err.message);
		return text;
	}
	int n = snprintf(text, sizeof(text), "%u:%u:", p.uid, p.gid);
	for (size_t i = 0; i < p.n_groups; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%u", i ? "," : "",
			      p.groups[i]);
	snprintf(text + n, sizeof(text) - (size_t)n, " %s", home);
	assert_int_equal(p.capabilities.effective, p.uid ? 0 : 1);
	assert_int_equal(p.capabilities.permitted, p.uid ? 0 : 1);
	assert_int_equal(p.capabilities.bounding, 1);
	free(home);
	spec_process_free(&p);
	return text;
}

static void nothing_is_root(void **state)
{
	assert_string_equal(resolve(state, NULL), "0:0:0,10 /root");
	assert_string_equal(resolve(state, ""), "0:0:0,10 /root");
	assert_string_equal(resolve(state, "0"), "0:0:0,10 /root");
	assert_string_equal(resolve(state, "root"), "0:0:0,10 /root");
}

static void a_name_brings_its_groups(void **state)
{
	assert_string_equal(resolve(state, "web"), "1000:1001:1001,10,4 /srv/web");
	assert_string_equal(resolve(state, "1000"), "1000:1001:1001,10,4 /srv/web");
	assert_string_equal(resolve(state, "last"), "1003:1003:1003 /home/last");
	assert_string_equal(resolve(state, "nohome"), "1002:1002:1002 /");
}

static void a_group_takes_their_place(void **state)
{
	assert_string_equal(resolve(state, "web:log"), "1000:4:4 /srv/web");
	assert_string_equal(resolve(state, "web:99"), "1000:99:99 /srv/web");
	assert_string_equal(resolve(state, ":wheel"), "0:10:10 /root");
	assert_string_equal(resolve(state, "web:"), "1000:1001:1001,10,4 /srv/web");
}

static void a_number_needs_no_entry(void **state)
{
	assert_string_equal(resolve(state, "4711"), "4711:0:0 /");
	assert_string_equal(resolve(state, "4711:4712"), "4711:4712:4712 /");
	/* A name of digits goes before the number. */
	assert_string_equal(resolve(state, "1234"), "77:78:78 /home/number");
}

static void what_is_not_there_is_said(void **state)
{
	assert_string_equal(resolve(state, "nope"),
			    "unable to find user nope: no matching entries in passwd file");
	assert_string_equal(resolve(state, "web:nope"),
			    "unable to find group nope: no matching entries in group file");
	assert_string_equal(resolve(state, "half"),
			    "unable to find user half: no matching entries in passwd file");
	assert_string_equal(resolve(state, "huge"),
			    "unable to find user huge: no matching entries in passwd file");
	assert_string_equal(resolve(state, "-1"),
			    "unable to find user -1: no matching entries in passwd file");
	assert_string_equal(resolve(state, "4294967295"),
			    "uids and gids must be in range 0-2147483647: 4294967295");
	assert_string_equal(resolve(state, "web:bad"),
			    "unable to find group bad: no matching entries in group file");
}

static void an_image_without_the_files_has_numbers_only(void **state)
{
	unlinkat(scratch(state), "etc/passwd", 0);
	unlinkat(scratch(state), "etc/group", 0);
	assert_string_equal(resolve(state, NULL), "0:0:0 /");
	assert_string_equal(resolve(state, "5:6"), "5:6:6 /");
	assert_string_equal(resolve(state, "web"),
			    "unable to find user web: no matching entries in passwd file");
}

/* Neither is waited for, nor followed out of the root. */
static void what_is_no_file_is_no_database(void **state)
{
	unlinkat(scratch(state), "etc/passwd", 0);
	unlinkat(scratch(state), "etc/group", 0);
	mkfifoat(scratch(state), "etc/passwd", 0644);
	symlinkat("/proc/self/fd/0", scratch(state), "etc/group");
	assert_string_equal(resolve(state, "web"),
			    "unable to find user web: no matching entries in passwd file");
	assert_string_equal(resolve(state, "3"), "3:0:0 /");
	/* A device, which opening would fail at here, and do something with elsewhere. */
	unlinkat(scratch(state), "etc/passwd", 0);
	assert_int_equal(mknodat(scratch(state), "etc/passwd", S_IFCHR | 0644, 0), 0);
	assert_string_equal(resolve(state, "3"), "3:0:0 /");
	unlinkat(scratch(state), "etc/passwd", 0);
	symlinkat("/etc/passwd", scratch(state), "etc/passwd");
	assert_string_equal(resolve(state, "daemon"),
			    "unable to find user daemon: no matching entries in passwd file");
}

static void further_groups_are_added_once(void **state)
{
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;
	struct strv groups = STRV_INIT;

	strv_add(&groups, "log");
	strv_add(&groups, "4");
	strv_add(&groups, "99");
	assert_int_equal(user_add_groups(scratch(state), &groups, &p, &err), 0);
	assert_int_equal(p.n_groups, 2);
	assert_int_equal(p.groups[0], 4);
	assert_int_equal(p.groups[1], 99);
	strv_add(&groups, "nope");
	assert_int_equal(user_add_groups(scratch(state), &groups, &p, &err), -1);
	assert_string_equal(err.message,
			    "unable to find group nope: no matching entries in group file");
	strv_free(&groups);
	spec_process_free(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, files_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_root),
		TEST(a_name_brings_its_groups),
		TEST(a_group_takes_their_place),
		TEST(a_number_needs_no_entry),
		TEST(what_is_not_there_is_said),
		TEST(an_image_without_the_files_has_numbers_only),
		TEST(what_is_no_file_is_no_database),
		TEST(further_groups_are_added_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
