/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <sys/utsname.h>

#include "runtime/command.h"

int cmd_version(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "version",
		.summary = "Show the Knarr version information",
		.options_anywhere = true,
	};
	struct utsname u = { 0 };
	int first, status;

	(void)ctx;
	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	uname(&u);
	printf("Knarr:\n Version:           %s\n OS/Arch:           linux/amd64\n Kernel Version:    %s\n",
	       KNARR_VERSION, u.release);
	return command_done(0);
}
