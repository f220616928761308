/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container.h"
#include "runtime/control.h"

static int wait_one(const struct store *st, const char *word, int *code, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct control_exit last;
	autoclose int fd = -1;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	if (c.state.status == STATUS_RUNNING) {
		fd = container_connect(st, &c, NULL);
		if (fd >= 0 && control_wait(fd, -1, &last) == 0) {
			*code = last.code;
			return 0;
		}
		/* It ended before we came, or its monitor died: the state tells. */
		if (container_refresh(st, &c, err) < 0)
			return -1;
	}
	*code = c.state.exit_code;
	return 0;
}

int cmd_wait(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "wait CONTAINER [CONTAINER...]",
		.summary = "Block until one or more containers stop, then print their exit codes",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status;

	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	st = command_store(ctx, &err);
	if (!st)
		return command_fail(&err);
	status = 0;
	for (int i = first; i < argc; i++) {
		struct error each = ERROR_INIT;
		int code = 0;

		if (wait_one(st, argv[i], &code, &each) == 0) {
			printf("%d\n", code);
			fflush(stdout);
			continue;
		}
		log_error(&each);
		status = 1;
	}
	return command_done(status);
}
