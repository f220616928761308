/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/signals.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"

/* Sends it. Returns the connection to wait on, or -1 with err set. */
static int deliver(const struct store *st, struct container *c, int signo, struct error *err)
{
	for (int attempt = 0;; attempt++) {
		autoclose int fd = container_connect(st, c, err);

		if (fd < 0)
			return -1;
		/* Who kills does not want the container back. */
		if (control_signal(fd, signo, signo == SIGKILL ? CONTROL_SIGNAL_STOP : 0) == 0)
			return STEAL_FD(fd);
		/* A run that ended this moment may have been the last, or its policy brings the container back. */
		if (errno != ESRCH || attempt == 3 || container_refresh(st, c, NULL) < 0)
			return error_errno(err, "container %s", c->config.name);
	}
}

static int send_signal(const struct store *st, const char *word, void *arg, struct error *err)
{
	const int signo = *(int *)arg;
	struct container autocontainer c = CONTAINER_INIT;
	struct control_exit last;
	autoclose int fd = -1;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	fd = deliver(st, &c, signo, err);
	if (fd < 0)
		return error_prefix(err, "cannot kill container: %s", word);
	/* What is killed is gone when we return, as with Docker; other signals may do anything or nothing. */
	if (signo == SIGKILL)
		control_wait(fd, 10000, &last);
	puts(word);
	return 0;
}

int cmd_kill(struct command_context *ctx, int argc, char **argv)
{
	const char *signal_text = "KILL";
	const struct cli_option options[] = {
		{ "signal", 's', CLI_STRING, &signal_text, "string",
		  "Signal to send to the container (default \"KILL\")" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "kill [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Kill one or more running containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, signo, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	signo = signal_parse(signal_text);
	if (signo < 0) {
		error_set(&err, EINVAL, "invalid signal: %s", signal_text);
		return command_fail(&err);
	}
	return command_each(ctx, argv + first, send_signal, &signo);
}
