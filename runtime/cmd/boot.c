/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "image-tools/layer.h"
#include "image-tools/load.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/volume.h"
#include "runtime/monitor/restart.h"
#include "runtime/monitor/start.h"

/* The image that the appliance brings along, and the name it is known by. */
#define BUILT_IN_ARCHIVE "/usr/share/knarr/busybox.tar"
#define BUILT_IN_NAME    "docker.io/library/busybox:latest"

/* Loads the built-in image into a store that has none of that name: a person's own busybox is left alone. */
static int load_built_in(const struct store *st, struct error *err)
{
	struct loaded autoloaded loaded = LOADED_INIT;
	struct tags autotags tags = TAGS_INIT;

	if (access(BUILT_IN_ARCHIVE, R_OK) < 0)
		return 0;
	if (tags_read(st, &tags, err) < 0)
		return -1;
	return tags_find(&tags, BUILT_IN_NAME)
		       ? 0
		       : load_file(st, BUILT_IN_ARCHIVE, NULL, &loaded, err);
}

static int oldest_first(const void *a, const void *b)
{
	const struct timespec *x = &(*(struct container *const *)a)->config.created;
	const struct timespec *y = &(*(struct container *const *)b)->config.created;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Those whose restart policy wants it, in the order in which they were made: one may be in another's namespaces. */
static int start_containers(const struct store *st, struct error *err)
{
	struct container *list;
	size_t n, chosen = 0;

	if (container_list(st, &list, &n, err) < 0)
		return -1;
	autofree const struct container **order = xcalloc(n + 1, sizeof(struct container *));
	for (size_t i = 0; i < n; i++)
		if (restart_at_boot(&list[i].config.host, &list[i].state))
			order[chosen++] = &list[i];
	qsort(order, chosen, sizeof(order[0]), oldest_first);
	for (size_t i = 0; i < chosen; i++) {
		struct container autocontainer c = CONTAINER_INIT;
		struct error local = ERROR_INIT;
		autoclose int fd = -1;

		if (container_open(st, order[i]->config.id, &c, &local) < 0 ||
		    start_container(st, &c, 0, &fd, &local) < 0) {
			error_prefix(&local, "container %s", order[i]->config.name);
			log_error(&local);
		}
	}
	container_list_free(list, n);
	return 0;
}

/* Each step is done whatever became of the one before: a machine that boots half-way is worth more than none. */
static int boot(const struct store *st)
{
	int (*const steps[])(const struct store *,
			     struct error *) = { store_clean,        container_recover_all,
						 volume_recover_all, layer_sweep,
						 load_built_in,      start_containers };
	int status = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct error err = ERROR_INIT;

		if (steps[i](st, &err) == 0)
			continue;
		log_error(&err);
		status = 1;
	}
	return status;
}

int cmd_boot(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "boot",
		.summary = "Set the store in order after the machine has started",
		.more = "Removes what a power cut left unfinished, reports containers that ran as exited, loads the "
			"built-in busybox image into a store that has none, and starts the containers whose restart "
			"policy is always, or unless-stopped and nobody stopped them.",
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : boot(ctx->store);
}
