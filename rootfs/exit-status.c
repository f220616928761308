/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `make run CMD=...` is to end with the command's exit status, but make has one status for every failure. So make loads
 * this and, when all is done, calls $(exit-with FILE): make ends at once with the number that stands in FILE, which is
 * removed. Built and loaded for `make run CMD=...` alone (GNU make's manual, "Loading Dynamic Objects"). */
#include <gnumake.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int plugin_is_GPL_compatible;
int exit_status_gmk_setup(void);

static char *exit_with(const char *name, unsigned int argc, char **argv)
{
	FILE *f = fopen(argv[0], "re");
	char text[8] = "";

	(void)name;
	(void)argc;
	/* Without a status the recipe goes on, and fails in make's own way. */
	if (!f || !fgets(text, sizeof(text), f))
		return NULL;
	fclose(f);
	unlink(argv[0]);
	fflush(NULL);
	exit((int)strtol(text, NULL, 10));
}

int exit_status_gmk_setup(void)
{
	gmk_add_function("exit-with", exit_with, 1, 1, 0);
	return 1;
}
