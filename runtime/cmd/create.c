/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "runtime/cmd/request.h"
#include "runtime/command.h"

int cmd_create(struct command_context *ctx, int argc, char **argv)
{
	struct engine_request r autorequest = ENGINE_REQUEST_INIT;
	struct cli_option options[REQUEST_OPTIONS];
	const struct cli_command cmd = {
		.usage = "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
		.summary = "Create a new container",
		.options = options,
		.min_args = 1,
		.max_args = -1,
		.more = request_more,
	};
	struct container autocontainer c = CONTAINER_INIT;
	autoimage struct image *image = NULL;
	struct error err = ERROR_INIT;
	int first, status;

	request_options(&r, false, options);
	status = command_begin(ctx, &cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	r.image = argv[first];
	r.args = argv + first + 1;
	if (request_create(ctx->store, &r, &c, &image, &err) < 0)
		return command_fail(&err);
	puts(c.config.id);
	return command_done(0);
}
