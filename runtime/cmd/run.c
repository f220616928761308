/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/cmd/request.h"
#include "runtime/command.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"
#include "runtime/monitor/attach.h"
#include "runtime/monitor/monitor.h"
#include "runtime/monitor/terminal.h"

/* What the starting command is to be connected to: what -a names, else all but input that was not asked for. */
static uint32_t attached(const struct engine_request *r)
{
	bool output =
		!r->attach.len || engine_attaches(r, "stdout") || engine_attaches(r, "stderr");

	if (r->detach)
		return 0;
	return (output ? CONTROL_ATTACH_OUTPUT : 0) | (r->interactive ? CONTROL_ATTACH_STDIN : 0);
}

/* Why it could not be started, for `ps` and `inspect`; with --rm it goes. */
static void keep_or_remove(const struct store *st, struct container *c, const struct error *err)
{
	if (c->config.auto_remove) {
		container_remove(st, c, NULL);
		return;
	}
	c->state.exit_code = err->status ? err->status : 125;
	memcpy(c->state.error, err->message, sizeof(c->state.error));
	container_write_state(c, NULL);
}

/* Makes and starts the container; returns the connection to its monitor once the program runs, or -1 with err set. One that
 * cannot be started stays as made, as with Docker, unless it has --rm. */
static int start(const struct store *st, const struct request *r, struct container *c,
		 struct error *err)
{
	struct monitor_options options = { .remove_on_failure = r->engine.auto_remove,
					   .attach = attached(&r->engine) };
	struct spec autospec spec = SPEC_INIT;
	autoimage struct image *image = NULL;
	autoclose int fd = -1;

	if (request_create(st, r, c, &image, err) < 0)
		return -1;
	if (engine_spec(st, c, &spec, err) == 0) {
		if (r->engine.tty)
			terminal_size(STDIN_FILENO, &spec.process.rows, &spec.process.cols);
		fd = monitor_start(st, c, image, &spec, &options, err);
	}
	if (fd < 0) {
		keep_or_remove(st, c, err);
		return -1;
	}
	return monitor_started(fd, err) < 0 ? -1 : STEAL_FD(fd);
}

static int failed(struct error *err)
{
	if (!err->status)
		error_status(err, 125);
	return command_fail(err);
}

static int run(const struct store *st, const struct request *r)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct attach a = ATTACH_INIT;
	struct error err = ERROR_INIT;
	autoclose int fd = -1;
	int code = 125;

	a.input = r->engine.interactive;
	a.tty = r->engine.tty;
	a.pass_signals = r->sig_proxy;
	a.mute[0] = r->engine.attach.len && !engine_attaches(&r->engine, "stdout");
	a.mute[1] = r->engine.attach.len && !engine_attaches(&r->engine, "stderr");
	if (detach_keys_parse(r->detach_keys, &a.keys, &err) < 0)
		return failed(&err);
	if (r->engine.detach && r->engine.attach.len) {
		error_set(&err, EINVAL,
			  "conflicting options: cannot specify both --attach and --detach");
		return failed(&err);
	}
	if (!r->engine.detach && attach_prepare(&a, &err) < 0)
		return failed(&err);
	fd = start(st, r, &c, &err);
	if (fd < 0) {
		attach_finish(&a);
		return failed(&err);
	}
	if (r->engine.detach) {
		puts(c.config.id);
		return command_done(0);
	}
	events_container(st, &c.config, "attach", NULL);
	switch (attach_monitor(&a, fd, &code, &err)) {
	case ATTACH_EXITED:
		break;
	case ATTACH_DETACHED:
		events_container(st, &c.config, "detach", NULL);
		fputs("\nread escape sequence\n", stderr);
		code = 0;
		break;
	case ATTACH_FAILED:
		attach_finish(&a);
		return failed(&err);
	}
	attach_finish(&a);
	return code;
}

int cmd_run(struct command_context *ctx, int argc, char **argv)
{
	struct request r autorequest = REQUEST_INIT;
	struct cli_option *options autofree = request_options(&r, true);
	const struct cli_command cmd = {
		.usage = "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
		.summary = "Create and run a new container from an image",
		.options = options,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status;

	status = command_parse(&cmd, argc, argv, &first);
	if (status >= 0)
		return status;
	r.engine.image = argv[first];
	r.engine.args = argv + first + 1;
	st = command_store(ctx, &err);
	return st ? run(st, &r) : failed(&err);
}
