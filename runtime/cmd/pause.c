/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `pause` and `unpause`: the monitor freezes its container, so that it knows and writes down what state it is in. */
#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"

/* In Docker's words. */
static int refuse(const struct container *c, bool pause, int code, struct error *err)
{
	const char *id = c->config.id;

	switch (code) {
	case EALREADY:
		return error_set(err, code,
				 pause ? "Container %s is already paused"
				       : "Container %s is not paused",
				 id);
	case EAGAIN:
		return error_set(err, code,
				 "Container %s is restarting, wait until the container is running",
				 id);
	case ESRCH:
		return error_set(err, code,
				 pause ? "container %s is not running"
				       : "Container %s is not paused",
				 pause ? c->config.name : id);
	case ENOTSUP:
		return error_set(err, code,
				 "this machine has no cgroup v2 to pause containers with");
	default:
		errno = code;
		return error_errno(err, "cannot %s container %s", pause ? "pause" : "unpause", id);
	}
}

static int set_paused(const struct store *st, const char *word, bool pause, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int fd = -1;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	fd = container_connect(st, &c, err);
	if (fd < 0 && err->code != ESRCH)
		return -1;
	if (fd < 0)
		return refuse(&c, pause, ESRCH, err);
	if (control_request(fd, pause ? CONTROL_PAUSE : CONTROL_UNPAUSE) < 0)
		return refuse(&c, pause, errno, err);
	puts(word);
	return 0;
}

static int pause_one(const struct store *st, const char *word, void *arg, struct error *err)
{
	return set_paused(st, word, *(bool *)arg, err);
}

static int run(struct command_context *ctx, const struct cli_command *cmd, int argc, char **argv,
	       bool pause)
{
	int first, status = command_begin(ctx, cmd, argc, argv, &first);

	return status >= 0 ? status : command_each(ctx, argv + first, pause_one, &pause);
}

int cmd_pause(struct command_context *ctx, int argc, char **argv)
{
	static const struct cli_command cmd = {
		.usage = "pause CONTAINER [CONTAINER...]",
		.summary = "Pause all processes within one or more containers",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};

	return run(ctx, &cmd, argc, argv, true);
}

int cmd_unpause(struct command_context *ctx, int argc, char **argv)
{
	static const struct cli_command cmd = {
		.usage = "unpause CONTAINER [CONTAINER...]",
		.summary = "Unpause all processes within one or more containers",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};

	return run(ctx, &cmd, argc, argv, false);
}
