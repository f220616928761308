/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/attach.h"
#include "runtime/command.h"
#include "runtime/control.h"
#include "runtime/engine.h"
#include "runtime/monitor.h"
#include "runtime/terminal.h"

/* Starts a container that exists. *fd becomes the connection to its monitor, or -1 when it runs already. */
static int start(const struct store *st, struct container *c, uint32_t attach, int *fd,
		 struct error *err)
{
	struct monitor_options options = { .attach = attach };
	struct spec autospec spec = SPEC_INIT;
	autoimage struct image *image = NULL;

	*fd = -1;
	if (c->state.status == STATUS_RUNNING)
		return 0;
	if (container_lock(st, c, err) < 0) {
		/* Another `start` came first? */
		if (err->code != EBUSY || container_refresh(st, c, NULL) < 0 ||
		    c->state.status != STATUS_RUNNING)
			return -1;
		error_clear(err);
		return 0;
	}
	image = image_open(st, &c->config.image_id, err);
	if (!image || engine_spec(st, c, &spec, err) < 0)
		return -1;
	if (attach && c->config.tty)
		terminal_size(STDIN_FILENO, &spec.process.rows, &spec.process.cols);
	*fd = monitor_start(st, c, image, &spec, &options, err);
	if (*fd < 0 || monitor_started(*fd, err) < 0) {
		cleanup_close(fd);
		*fd = -1;
		return -1;
	}
	return 0;
}

static int start_each(const struct store *st, const char *word, void *arg, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int fd = -1;

	(void)arg;
	if (container_open(st, word, &c, err) < 0 || start(st, &c, 0, &fd, err) < 0)
		return -1;
	puts(word);
	return 0;
}

static int start_attached(const struct store *st, const char *word, bool interactive)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct attach a = ATTACH_INIT;
	struct error err = ERROR_INIT;
	autoclose int fd = -1;
	enum attach_end end = ATTACH_FAILED;
	int code = 1;

	if (container_open(st, word, &c, &err) < 0)
		return command_fail(&err);
	a.input = interactive && c.config.open_stdin;
	a.tty = c.config.tty;
	a.pass_signals = true;
	if (attach_prepare(&a, &err) == 0 &&
	    start(st, &c, CONTROL_ATTACH_OUTPUT | (a.input ? CONTROL_ATTACH_STDIN : 0), &fd,
		  &err) == 0) {
		if (fd >= 0)
			end = attach_monitor(&a, fd, &code, &err);
		else
			error_set(&err, EBUSY, "container %s is running already; see '%s attach'",
				  word, log_program());
	}
	attach_finish(&a);
	if (end == ATTACH_DETACHED)
		return 0;
	return end == ATTACH_EXITED ? code : command_fail(&err);
}

int cmd_start(struct command_context *ctx, int argc, char **argv)
{
	bool attach = false, interactive = false;
	const struct cli_option options[] = {
		{ "attach", 'a', CLI_BOOL, &attach, NULL,
		  "Attach STDOUT/STDERR and forward signals" },
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
	if (!attach && !interactive)
		return command_each(ctx, argv + first, start_each, NULL);
	if (argc - first > 1) {
		error_set(&err, EINVAL, "you cannot start and attach multiple containers at once");
		return command_fail(&err);
	}
	return start_attached(ctx->store, argv[first], interactive);
}
