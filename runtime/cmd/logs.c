/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"
#include "runtime/container/logfile.h"

/* --since and --until */
static int parse_moment(const char *text, bool *has, struct timespec *out, struct error *err)
{
	if (!text)
		return 0;
	*has = true;
	if (time_moment(text, out) == 0)
		return 0;
	return error_set(
		err, EINVAL,
		"invalid time \"%s\": give one like 2026-11-24T02:03:04Z, seconds since 1970, or a span like 10m",
		text);
}

static int parse_tail(const char *text, int64_t *out, struct error *err)
{
	unsigned long long n;

	/* A negative number means all, as with Docker. */
	if (!text || strcmp(text, "all") == 0 ||
	    (*text == '-' && str_to_u64(text + 1, INT64_MAX, &n) == 0))
		return 0;
	if (str_to_u64(text, INT64_MAX, &n) < 0)
		return error_set(err, EINVAL,
				 "invalid --tail \"%s\": give a number of lines or \"all\"", text);
	*out = (int64_t)n;
	return 0;
}

/* Milliseconds until the moment that is asked for with --until; -1: for ever. */
static int patience(const struct log_options *o)
{
	struct timespec now = time_now();
	int64_t ms;

	if (!o->has_until)
		return -1;
	ms = (o->until.tv_sec - now.tv_sec) * 1000 + (o->until.tv_nsec - now.tv_nsec) / 1000000 + 1;
	return ms < 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms;
}

/* Shows what comes until the container ends, which its monitor tells on fd; also where a policy will start it again, as with
 * Docker. */
static int follow(struct log_reader *reader, int fd, struct error *err)
{
	char path[32], events[4096];
	autoclose int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd p[2] = { { .fd = watch, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	/* The folder: the log may not be there yet, and goes on in a new file when it is rotated. */
	if (watch < 0 || inotify_add_watch(watch, fs_fd_path(reader->dirfd, path),
					   IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0)
		return error_errno(err, "cannot watch the container's log");
	for (;;) {
		bool over = p[1].revents || patience(&reader->options) == 0;

		/* The copy comes after the watch was set and before each wait: nothing falls between. */
		if (log_reader_copy(reader, STDOUT_FILENO, STDERR_FILENO, err) < 0)
			return -1;
		if (over || reader->past)
			return 0;
		if (poll(p, 2, patience(&reader->options)) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		while (p[0].revents && read(watch, events, sizeof(events)) > 0)
			;
	}
}

static int logs(const struct store *st, const char *word, const struct log_options *options,
		bool following)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct log_reader reader;
	struct error err = ERROR_INIT;
	autoclose int fd = -1;
	int status;

	if (container_open(st, word, &c, &err) < 0)
		return command_fail(&err);
	if (c.config.host.log_driver && strcmp(c.config.host.log_driver, "none") == 0) {
		error_set(&err, ENOTSUP, "configured logging driver does not support reading");
		return command_fail(&err);
	}
	if (following)
		fd = container_connect(st, &c, NULL);
	if (log_reader_open(&reader, c.dirfd, options, &err) < 0)
		return command_fail(&err);
	status = fd >= 0 ? follow(&reader, fd, &err)
			 : log_reader_copy(&reader, STDOUT_FILENO, STDERR_FILENO, &err);
	log_reader_close(&reader);
	return status < 0 ? command_fail(&err) : 0;
}

int cmd_logs(struct command_context *ctx, int argc, char **argv)
{
	struct log_options o = LOG_OPTIONS_INIT;
	const char *since = NULL, *until = NULL, *tail = NULL;
	bool following = false;
	const struct cli_option options[] = {
		{ "details", 0, CLI_BOOL, &o.details, NULL, "Show extra details provided to logs" },
		{ "follow", 'f', CLI_BOOL, &following, NULL, "Follow log output" },
		{ "since", 0, CLI_STRING, &since, "string",
		  "Show logs since timestamp (e.g. \"2026-11-24T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)" },
		{ "tail", 'n', CLI_STRING, &tail, "string",
		  "Number of lines to show from the end of the logs (default \"all\")" },
		{ "timestamps", 't', CLI_BOOL, &o.timestamps, NULL, "Show timestamps" },
		{ "until", 0, CLI_STRING, &until, "string",
		  "Show logs before a timestamp (e.g. \"2026-11-24T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "logs [OPTIONS] CONTAINER",
		.summary = "Fetch the logs of a container",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (parse_tail(tail, &o.tail, &err) < 0 ||
	    parse_moment(since, &o.has_since, &o.since, &err) < 0 ||
	    parse_moment(until, &o.has_until, &o.until, &err) < 0)
		return command_fail(&err);
	return logs(ctx->store, argv[first], &o, following);
}
