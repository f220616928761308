/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/start.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"
#include "runtime/monitor/attach.h"

static int start_each(const struct store *st, const char *word, void *arg, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int fd = -1;

	(void)arg;
	if (container_open(st, word, &c, err) < 0 || start_container(st, &c, 0, &fd, err) < 0)
		return -1;
	puts(word);
	return 0;
}

/* A connection to what runs: the one that its start gave, or one to a container that ran already. */
static int connect_to(const struct store *st, struct container *c, uint32_t flags,
		      struct error *err)
{
	autoclose int fd = -1;

	if (start_container(st, c, flags, &fd, err) < 0)
		return -1;
	if (fd < 0) {
		fd = container_connect(st, c, err);
		if (fd >= 0 && control_send(fd, CONTROL_ATTACH, &flags, sizeof(flags)) < 0)
			return error_errno(err, "cannot reach the monitor of container %s",
					   c->config.name);
	}
	if (fd >= 0)
		events_container(st, &c->config, "attach", NULL);
	return STEAL_FD(fd);
}

static int start_attached(const struct store *st, const char *word, bool interactive,
			  struct attach *a)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct error err = ERROR_INIT;
	autoclose int fd = -1;
	enum attach_end end = ATTACH_FAILED;
	int code = 1;

	if (container_open(st, word, &c, &err) < 0)
		return command_fail(&err);
	a->input = interactive && c.config.open_stdin;
	a->tty = c.config.tty;
	a->pass_signals = true;
	if (attach_prepare(a, &err) == 0) {
		fd = connect_to(st, &c,
				CONTROL_ATTACH_OUTPUT | (a->input ? CONTROL_ATTACH_STDIN : 0),
				&err);
		if (fd >= 0)
			end = attach_monitor(a, fd, &code, &err);
	}
	attach_finish(a);
	if (end == ATTACH_EXITED)
		return code;
	if (end == ATTACH_DETACHED) {
		events_container(st, &c.config, "detach", NULL);
		fputs("\nread escape sequence\n", stderr);
		return 0;
	}
	/* A program that could not be started is a fault of ours here. */
	error_status(&err, 1);
	return command_fail(&err);
}

int cmd_start(struct command_context *ctx, int argc, char **argv)
{
	struct attach a = ATTACH_INIT;
	const char *keys = NULL;
	bool attach = false, interactive = false;
	const struct cli_option options[] = {
		{ "attach", 'a', CLI_BOOL, &attach, NULL,
		  "Attach STDOUT/STDERR and forward signals" },
		{ "detach-keys", 0, CLI_STRING, &keys, "string",
		  "Override the key sequence for detaching a container" },
		{ "interactive", 'i', CLI_BOOL, &interactive, NULL, "Attach container's STDIN" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "start [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Start one or more stopped containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (detach_keys_parse(keys, &a.keys, &err) < 0)
		return command_fail(&err);
	if (!attach && !interactive)
		return command_each(ctx, argv + first, start_each, NULL);
	if (argc - first > 1) {
		error_set(&err, EINVAL, "you cannot start and attach multiple containers at once");
		return command_fail(&err);
	}
	return start_attached(ctx->store, argv[first], interactive, &a);
}
