/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/cmd/request.h"
#include "runtime/command.h"

int cmd_create(struct command_context *ctx, int argc, char **argv)
{
	struct request r autorequest = REQUEST_INIT;
	struct cli_option *options autofree = request_options(&r, false);
	const struct cli_command cmd = {
		.usage = "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
		.summary = "Create a new container",
		.options = options,
		.min_args = 1,
		.max_args = -1,
	};
	struct container autocontainer c = CONTAINER_INIT;
	autoimage struct image *image = NULL;
	struct error err = ERROR_INIT;
	int first, status;

	status = command_begin(ctx, &cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	r.engine.image = argv[first];
	r.engine.args = argv + first + 1;
	if (request_create(ctx->store, &r, &c, &image, &err) < 0)
		return command_fail(&err);
	puts(c.config.id);
	return command_done(0);
}
