/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `update`: other limits, or another restart policy, for a container that may be running. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/events.h"
#include "runtime/engine/limits.h"

struct update {
	struct limit_words words;
	const char *restart;
	enum restart_policy policy;
	unsigned int restart_max;
	struct container *c; /* the one that is being changed */
};

static int change_restart(const struct update *u, struct container_config *config,
			  struct error *err)
{
	if (!u->restart)
		return 0;
	if (config->auto_remove && u->policy != RESTART_NO)
		return error_set(
			err, EINVAL,
			"Restart policy cannot be updated because AutoRemove is enabled for the container");
	config->host.restart = u->policy;
	config->host.restart_max = u->restart_max;
	return 0;
}

/* The limits of a running container, too. Those that were in force are, when one is refused. */
static int change_cgroup(const struct container *c, const struct resources *before,
			 const struct resources *now, struct error *err)
{
	autofree char *name = container_cgroup(&c->config, err);
	autoclose int cgroup = c->state.status == STATUS_RUNNING ? cgroup_open(name, NULL) : -1;

	if (cgroup < 0 || cgroup_apply(cgroup, now, err) == 0)
		return 0;
	cgroup_apply(cgroup, before, NULL);
	return -1;
}

static int change(struct container_config *config, void *arg, struct error *err)
{
	const struct update *u = arg;
	struct host_config before autohostconfig = HOST_CONFIG_INIT;
	struct resources wanted autoresources = RESOURCES_INIT;
	int64_t cpus = 0;

	host_config_copy(&before, &config->host);
	if (limits_parse(&u->words, &wanted, &cpus, err) < 0 ||
	    limits_update(&config->host.resources, &config->host.nano_cpus, &wanted, cpus, err) <
		    0 ||
	    change_restart(u, config, err) < 0)
		return -1;
	return change_cgroup(u->c, &before.resources, &config->host.resources, err);
}

static int update_one(const struct store *st, const char *word, void *arg, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct update *u = arg;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	u->c = &c;
	if (container_edit(st, &c, change, u, err) < 0)
		return -1;
	events_container(st, &c.config, "update", NULL);
	puts(word);
	return 0;
}

static bool nothing_asked(const struct update *u)
{
	const struct limit_words *w = &u->words;

	return !u->restart && !w->memory && !w->memory_swap && !w->memory_reservation && !w->cpus &&
	       !w->cpuset_cpus && !w->cpuset_mems && w->cpu_shares == LIMIT_UNTYPED &&
	       w->cpu_period == LIMIT_UNTYPED && w->cpu_quota == LIMIT_UNTYPED &&
	       w->pids == LIMIT_UNTYPED && w->blkio_weight == LIMIT_UNTYPED;
}

/* What is wrong with the words themselves is said once, before any container is looked at. */
static int check_words(struct update *u, struct error *err)
{
	struct resources scratch autoresources = RESOURCES_INIT;
	int64_t cpus;

	if (nothing_asked(u))
		return error_set(err, EINVAL,
				 "you must provide one or more flags when using this command");
	if (u->restart && restart_policy_parse(u->restart, &u->policy, &u->restart_max, err) < 0)
		return -1;
	return limits_parse(&u->words, &scratch, &cpus, err);
}

int cmd_update(struct command_context *ctx, int argc, char **argv)
{
	struct update u = { .words = LIMIT_WORDS_INIT };
	const struct cli_option options[] = {
		LIMIT_OPTIONS(u.words),
		{ "restart", 0, CLI_STRING, &u.restart, "string",
		  "Restart policy to apply when a container exits" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "update [OPTIONS] CONTAINER [CONTAINER...]",
		.summary = "Update configuration of one or more containers",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (check_words(&u, &err) < 0 || !command_store(ctx, &err))
		return command_fail(&err);
	return command_each(ctx, argv + first, update_one, &u);
}
