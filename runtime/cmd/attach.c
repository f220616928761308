/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/attach.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"

/* -1 with err set, in Docker's words, for one that cannot be attached to as it is. */
static int check(const struct container *c, struct error *err)
{
	if (c->state.status != STATUS_RUNNING)
		return error_set(err, ESRCH,
				 "You cannot attach to a stopped container, start it first");
	if (c->state.paused)
		return error_set(err, EBUSY,
				 "You cannot attach to a paused container, unpause it first");
	if (c->state.restarting)
		return error_set(err, EBUSY,
				 "You cannot attach to a restarting container, wait until it is "
				 "running");
	return 0;
}

static int attach(const struct store *st, const char *word, bool input, bool pass_signals,
		  const char *keys)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct attach a = ATTACH_INIT;
	struct error err = ERROR_INIT;
	enum attach_end end = ATTACH_FAILED;
	autoclose int fd = -1;
	uint32_t flags;
	int code = 1;

	if (detach_keys_parse(keys, &a.keys, &err) < 0 || container_open(st, word, &c, &err) < 0 ||
	    check(&c, &err) < 0)
		return command_fail(&err);
	fd = container_connect(st, &c, &err);
	if (fd < 0)
		return command_fail(&err);
	a.input = input && c.config.open_stdin;
	a.tty = c.config.tty;
	a.pass_signals = pass_signals;
	flags = CONTROL_ATTACH_OUTPUT | (a.input ? CONTROL_ATTACH_STDIN : 0);
	if (attach_prepare(&a, &err) == 0) {
		if (control_send(fd, CONTROL_ATTACH, &flags, sizeof(flags)) < 0)
			error_errno(&err, "cannot reach the monitor of container %s", word);
		else
			events_container(st, &c.config, "attach", NULL);
		if (!err.code)
			end = attach_monitor(&a, fd, &code, &err);
	}
	attach_finish(&a);
	if (end == ATTACH_DETACHED) {
		events_container(st, &c.config, "detach", NULL);
		fputs("\nread escape sequence\n", stderr);
		return 0;
	}
	return end == ATTACH_EXITED ? code : command_fail(&err);
}

int cmd_attach(struct command_context *ctx, int argc, char **argv)
{
	bool no_stdin = false, sig_proxy = true;
	const char *keys = NULL;
	const struct cli_option options[] = {
		{ "detach-keys", 0, CLI_STRING, &keys, "string",
		  "Override the key sequence for detaching a container" },
		{ "no-stdin", 0, CLI_BOOL, &no_stdin, NULL, "Do not attach STDIN" },
		{ "sig-proxy", 0, CLI_BOOL, &sig_proxy, NULL,
		  "Proxy all received signals to the process (default true)" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "attach [OPTIONS] CONTAINER",
		.summary =
			"Attach local standard input, output, and error streams to a running container",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : attach(ctx->store, argv[first], !no_stdin, sig_proxy, keys);
}
