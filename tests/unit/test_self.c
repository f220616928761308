/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CVE-2019-5736 against a copy of this very program: it hands its own file to a shell, which writes
 * to it once nobody executes it any more. */
#include "tests/unit/unit.h"

#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/sandbox/self.h"

#define VICTIM "victim"

static int attack(char **argv)
{
	if (strcmp(argv[1], "protected") == 0)
		self_protect(argv);
	autofree char *script =
		str_format("echo owned 2>/dev/null >/proc/self/fd/%d && exit 1; exit 0",
			   open("/proc/self/exe", O_RDONLY));
	/* Until our own process image is gone the file is busy; then the way through /proc is
	 * open. */
	execl("/bin/sh", "sh", "-c", script, (char *)NULL);
	return 9;
}

static int attack_a_copy(const char *how)
{
	autofree char *command =
		str_format("cp /proc/%d/exe %s/" VICTIM " && cd %s && exec ./" VICTIM " %s",
			   (int)getpid(), scratch_path, scratch_path, how);
	int status = system(command);

	return WEXITSTATUS(status);
}

static void the_program_cannot_be_written_through_proc(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("needs root, skipped\n");
		skip();
	}
	assert_int_equal(attack_a_copy("bare"), 1);
	assert_int_equal(attack_a_copy("protected"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_program_cannot_be_written_through_proc,
						scratch_setup, scratch_teardown),
	};

	if (argc > 1)
		return attack(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
