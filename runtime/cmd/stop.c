/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "runtime/cmd/stopping.h"

static int name(const struct store *st, const char *word, struct error *err)
{
	(void)st;
	(void)err;
	puts(word);
	return 0;
}

int cmd_stop(struct command_context *ctx, int argc, char **argv)
{
	const struct stopping stop = {
		.usage = "stop [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Stop one or more running containers",
		.time_help =
			"Seconds to wait before killing the container (default --stop-timeout, or 10; -1: for ever)",
		.each = name,
	};

	return stopping_run(&stop, ctx, argc, argv);
}
