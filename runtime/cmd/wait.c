/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"

static int wait_one(const struct store *st, const char *word, int *code, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct control_exit last;
	autoclose int fd = -1;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	while (c.state.status == STATUS_RUNNING) {
		cleanup_close(&fd);
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

static int wait_each(const struct store *st, const char *word, void *arg, struct error *err)
{
	int code = 0;

	(void)arg;
	if (wait_one(st, word, &code, err) < 0)
		return -1;
	printf("%d\n", code);
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
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : command_each(ctx, argv + first, wait_each, NULL);
}
