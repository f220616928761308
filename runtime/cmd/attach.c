/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/attach.h"

#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container.h"
#include "runtime/control.h"

static int attach(const struct store *st, const char *word, bool input, bool pass_signals)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct attach a = ATTACH_INIT;
	struct error err = ERROR_INIT;
	enum attach_end end = ATTACH_FAILED;
	autoclose int fd = -1;
	uint32_t flags;
	int code = 1;

	if (container_open(st, word, &c, &err) < 0)
		return command_fail(&err);
	fd = container_connect(st, &c, &err);
	if (fd < 0) {
		if (err.code == ESRCH)
			error_set(&err, ESRCH,
				  "You cannot attach to a stopped container, start it first");
		return command_fail(&err);
	}
	a.input = input && c.config.open_stdin;
	a.tty = c.config.tty;
	a.pass_signals = pass_signals;
	flags = CONTROL_ATTACH_OUTPUT | (a.input ? CONTROL_ATTACH_STDIN : 0);
	if (attach_prepare(&a, &err) == 0) {
		if (control_send(fd, CONTROL_ATTACH, &flags, sizeof(flags)) < 0)
			error_errno(&err, "cannot reach the monitor of container %s", word);
		else
			end = attach_monitor(&a, fd, &code, &err);
	}
	attach_finish(&a);
	if (end == ATTACH_DETACHED) {
		fputs("\nread escape sequence\n", stderr);
		return 0;
	}
	return end == ATTACH_EXITED ? code : command_fail(&err);
}

int cmd_attach(struct command_context *ctx, int argc, char **argv)
{
	bool no_stdin = false, sig_proxy = true;
	const struct cli_option options[] = {
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

	return status >= 0 ? status : attach(ctx->store, argv[first], !no_stdin, sig_proxy);
}
