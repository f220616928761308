/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/stop.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/signals.h"
#include "lib/str.h"
#include "runtime/command.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"
#include "runtime/monitor/start.h"

/* All were stopped together; each is started again, whether it ran or not. */
static int start_again(const struct store *st, const char *word, void *arg, struct error *err)
{
	const struct stop_target *target = (*(struct stop_target **)arg)++;
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int fd = -1;

	if (target->err.code) {
		*err = target->err;
		return -1;
	}
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
	struct stop_options stop = { .seconds = STOP_TIME_DEFAULT, .flags = CONTROL_SIGNAL_KEEP };
	const char *signal_text = NULL;
	const struct cli_option options[] = {
		{ "signal", 's', CLI_STRING, &signal_text, "string",
		  "Signal to send to the container" },
		{ "time", 't', CLI_INT, &stop.seconds, "int",
		  "Seconds to wait before killing the container" },
		{ "timeout", 0, CLI_INT, &stop.seconds, "int", NULL },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "restart [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Restart one or more containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);
	struct stop_target *next;

	if (status >= 0)
		return status;
	if (signal_text && (stop.signo = signal_parse(signal_text)) < 0) {
		error_set(&err, EINVAL, "invalid signal: %s", signal_text);
		return command_fail(&err);
	}
	autofree struct stop_target *targets = stop_targets(argv + first);
	stop_all(ctx->store, targets, (size_t)(argc - first), &stop);
	next = targets;
	return command_each(ctx, argv + first, start_again, &next);
}
