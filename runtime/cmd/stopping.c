/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/stopping.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/signals.h"
#include "lib/str.h"

struct told {
	const struct stopping *what;
	const struct stop_target *next;
};

static int tell(const struct store *st, const char *word, void *arg, struct error *err)
{
	struct told *told = arg;
	const struct stop_target *target = told->next++;

	if (target->err.code) {
		*err = target->err;
		return -1;
	}
	return told->what->each(st, word, err);
}

int stopping_run(const struct stopping *what, struct command_context *ctx, int argc, char **argv)
{
	struct stop_options stop = { .seconds = STOP_TIME_DEFAULT, .flags = what->flags };
	const char *signal_text = NULL;
	const struct cli_option options[] = {
		{ "signal", 's', CLI_STRING, &signal_text, "string",
		  "Signal to send to the container" },
		{ "time", 't', CLI_INT, &stop.seconds, "int", what->time_help },
		{ "timeout", 0, CLI_INT, &stop.seconds, "int", NULL },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = what->usage,
		.summary = what->summary,
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (signal_text && (stop.signo = signal_parse(signal_text)) < 0) {
		error_set(&err, EINVAL, "invalid signal: %s", signal_text);
		return command_fail(&err);
	}
	autofree struct stop_target *targets = stop_targets(argv + first);
	struct told told = { what, targets };
	stop_all(ctx->store, targets, (size_t)(argc - first), &stop);
	return command_each(ctx, argv + first, tell, &told);
}
