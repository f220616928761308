/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"

int cmd_rename(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "rename CONTAINER NEW_NAME",
		.summary = "Rename a container",
		.options_anywhere = true,
		.min_args = 2,
		.max_args = 2,
	};
	struct container autocontainer c = CONTAINER_INIT;
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (container_open(ctx->store, argv[first], &c, &err) < 0 ||
	    container_rename(ctx->store, &c, argv[first + 1], &err) < 0)
		return command_fail(&err);
	return 0;
}
