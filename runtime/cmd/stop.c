/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/stop.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/str.h"
#include "runtime/command.h"
#include "runtime/signals.h"

int cmd_stop(struct command_context *ctx, int argc, char **argv)
{
	const char *signal_text = NULL;
	long seconds = STOP_DEFAULT_SECONDS;
	const struct cli_option options[] = {
		{ "signal", 's', CLI_STRING, &signal_text, "string",
		  "Signal to send to the container" },
		{ "time", 't', CLI_INT, &seconds, "int",
		  "Seconds to wait before killing the container (default 10; -1: for ever)" },
		{ "timeout", 0, CLI_INT, &seconds, "int", NULL },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "stop [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Stop one or more running containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status, signo = 0;
	size_t n;

	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	if (signal_text && (signo = signal_parse(signal_text)) < 0) {
		error_set(&err, EINVAL, "invalid signal: %s", signal_text);
		return command_fail(&err);
	}
	st = command_store(ctx, &err);
	if (!st)
		return command_fail(&err);
	n = (size_t)(argc - first);
	autofree struct stop_target *targets = xcalloc(n, sizeof(*targets));
	for (size_t i = 0; i < n; i++)
		targets[i].word = argv[first + (int)i];
	status = stop_all(st, targets, n, signo, seconds) ? 1 : 0;
	for (size_t i = 0; i < n; i++) {
		if (targets[i].err.code)
			log_error(&targets[i].err);
		else
			puts(targets[i].word);
	}
	return command_done(status);
}
