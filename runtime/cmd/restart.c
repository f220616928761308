/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/cmd/stopping.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"
#include "runtime/monitor/start.h"

/* Each is started again, whether it ran or not. */
static int start_again(const struct store *st, const char *word, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int fd = -1;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	if (start_container(st, &c, 0, &fd, err) < 0)
		return error_prefix(err, "Cannot restart container %s", word);
	events_container(st, &c.config, "restart", NULL);
	puts(word);
	return 0;
}

int cmd_restart(struct command_context *ctx, int argc, char **argv)
{
	const struct stopping restart = {
		.usage = "restart [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Restart one or more containers",
		.time_help = "Seconds to wait before killing the container",
		.flags = CONTROL_SIGNAL_KEEP,
		.each = start_again,
	};

	return stopping_run(&restart, ctx, argc, argv);
}
