/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/volume.h"
#include "runtime/monitor/stop.h"

struct how {
	bool force, volumes, links;
};

static int refuse(const struct container *c, struct error *err)
{
	if (c->state.paused)
		return error_set(err, EBUSY,
				 "cannot remove container \"/%s\": container is paused and must be "
				 "unpaused first",
				 c->config.name);
	return error_set(err, EBUSY,
			 "cannot remove container \"/%s\": container is %s: stop the container "
			 "before removing or force remove",
			 c->config.name, state_name(&c->state));
}

static int remove_one(const struct store *st, const char *word, const struct how *how,
		      struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	if (c.state.status == STATUS_RUNNING) {
		if (!how->force)
			return refuse(&c, err);
		if (stop_kill(st, c.config.id, err) < 0)
			return -1;
		/* With --rm its monitor has removed it. */
		if (c.config.auto_remove)
			return 0;
	}
	if (container_lock_soon(st, &c, err) < 0)
		return -1;
	if (container_remove(st, &c, err) < 0)
		return -1;
	return how->volumes ? volumes_remove_anonymous(st, &c.config, err) : 0;
}

static int remove_each(const struct store *st, const char *word, void *arg, struct error *err)
{
	const struct how *how = arg;

	if (remove_one(st, word, how, err) == 0) {
		puts(word);
		return 0;
	}
	/* As with Docker: what is to be gone and was not there is no failure of `rm -f`, though worth a line. */
	if (!how->force || err->code != ENOENT)
		return -1;
	log_error(err);
	return 0;
}

int cmd_rm(struct command_context *ctx, int argc, char **argv)
{
	struct how how = { 0 };
	const struct cli_option options[] = {
		{ "force", 'f', CLI_BOOL, &how.force, NULL,
		  "Force the removal of a running container (uses SIGKILL)" },
		{ "link", 'l', CLI_BOOL, &how.links, NULL, NULL },
		{ "volumes", 'v', CLI_BOOL, &how.volumes, NULL,
		  "Remove anonymous volumes associated with the container" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "rm [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Remove one or more containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (how.links) {
		error_set(&err, ENOTSUP, "there are no links between containers to remove");
		return command_fail(&err);
	}
	status = command_each(ctx, argv + first, remove_each, &how);
	layer_sweep_idle(ctx->store);
	return status;
}
