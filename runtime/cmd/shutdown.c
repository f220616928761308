/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/str.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"
#include "runtime/monitor/stop.h"

static int stop_running(const struct store *st)
{
	const struct stop_options options = { .seconds = STOP_TIME_DEFAULT,
					      .flags = CONTROL_SIGNAL_SHUTDOWN };
	struct container *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0, running = 0, failed;

	if (container_list(st, &list, &n, &err) < 0)
		return command_fail(&err);
	autofree struct stop_target *targets = xcalloc(n + 1, sizeof(*targets));
	for (size_t i = 0; i < n; i++)
		if (list[i].state.status == STATUS_RUNNING)
			targets[running++].word = list[i].config.id;
	failed = stop_all(st, targets, running, &options);
	for (size_t i = 0; i < running; i++)
		if (targets[i].err.code)
			log_error(&targets[i].err);
	container_list_free(list, n);
	if (layer_sweep(st, &err) < 0)
		return command_fail(&err);
	return failed ? 1 : 0;
}

int cmd_shutdown(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "shutdown",
		.summary =
			"Stop all running containers, the newest first, before the machine goes down",
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : stop_running(ctx->store);
}
