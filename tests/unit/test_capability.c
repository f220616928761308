/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/spec/capability.h"

static void names_and_numbers_agree(void **state)
{
	(void)state;
	assert_int_equal(capability_from_name("CAP_CHOWN"), CAP_CHOWN);
	assert_int_equal(capability_from_name("cap_sys_admin"), CAP_SYS_ADMIN);
	assert_int_equal(capability_from_name("net_raw"), CAP_NET_RAW);
	assert_int_equal(capability_from_name("CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
	assert_int_equal(capability_from_name(""), -1);
	assert_int_equal(capability_from_name("CAP_"), -1);
	assert_int_equal(capability_from_name("CAP_CAP_CHOWN"), -1);
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		assert_int_equal(capability_from_name(capability_name(i)), i);
	assert_null(capability_name(-1));
	assert_null(capability_name(64));
}

static void the_default_set_is_dockers(void **state)
{
	static const int set[] = {
		CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
		CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
		CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
		CAP_KILL,    CAP_AUDIT_WRITE
	};
	uint64_t mask = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		mask |= UINT64_C(1) << set[i];
	assert_int_equal(mask, CAPABILITY_DOCKER_DEFAULT);
}

static uint64_t flags(const char *add, const char *drop, struct error *err)
{
	autostrv struct strv a = STRV_INIT, d = STRV_INIT;
	uint64_t out = 0;

	if (add)
		strv_add(&a, add);
	if (drop)
		strv_add(&d, drop);
	return capability_apply_flags(7, &a, &d, &out, err) < 0 ? UINT64_MAX : out;
}

static void flags_add_and_drop(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(flags(NULL, NULL, &err), 7);
	assert_int_equal(flags("KILL", NULL, &err), 7 | 1 << CAP_KILL);
	assert_int_equal(flags(NULL, "chown", &err), 6);
	assert_int_equal(flags("CHOWN", "ALL", &err), 1);
	assert_int_equal(flags("ALL", "CHOWN", &err), capability_all() & ~UINT64_C(1));
	assert_int_equal(flags("CHOWN", "CHOWN", &err), 7);
	assert_int_equal(flags("FLY", NULL, &err), UINT64_MAX);
	assert_string_equal(err.message, "invalid CapAdd: unknown capability: \"FLY\"");
}

static void the_kernels_own_number_bounds_them(void **state)
{
	autofree char *text =
		fs_read_file(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 16, NULL, NULL);

	(void)state;
	assert_non_null(text);
	assert_int_equal(capability_all(), (UINT64_C(2) << atoi(text)) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers_agree),
		cmocka_unit_test(the_default_set_is_dockers),
		cmocka_unit_test(flags_add_and_drop),
		cmocka_unit_test(the_kernels_own_number_bounds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
