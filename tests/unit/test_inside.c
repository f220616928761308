/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work in a container's user namespace, by a child of ours. Needs root. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/prctl.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/idmap.h"
#include "runtime/sandbox/inside.h"

static int tell(void *arg, uint64_t *bytes, struct error *err)
{
	int sig = 0;

	(void)err;
	prctl(PR_GET_PDEATHSIG, &sig);
	*bytes = (uint64_t)sig;
	*(uid_t *)arg = getuid();
	return getuid() == 0 ? 0 : -1;
}

/* A command that is killed must not leave it at work. */
static void the_child_ends_with_who_started_it(void **state)
{
	const struct spec_mapping map = { .inside = 0, .outside = 100000, .count = 10 };
	struct error err = ERROR_INIT;
	uint64_t sig = 0;
	uid_t uid = 1;

	(void)state;
	if (geteuid() != 0)
		skip();
	autoclose int userns = idmap_namespace(&map, 1, &map, 1, &err);
	assert_true(userns >= 0);
	assert_int_equal(inside_run(userns, tell, &uid, &sig, &err), 0);
	assert_int_equal(sig, SIGKILL);
	assert_int_equal(uid, 1); /* it was another process */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_child_ends_with_who_started_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
