/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "image-tools/layer.h"
#include "image-tools/load.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container.h"
#include "runtime/volume.h"

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

/* Each step is done whatever became of the one before: a machine that boots half-way is worth more than none. */
static int boot(const struct store *st)
{
	int (*const steps[])(const struct store *, struct error *) = {
		store_clean, container_recover_all, volume_recover_all, layer_sweep, load_built_in
	};
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
		.more = "Removes what a power cut left unfinished, reports containers that ran as exited, and loads the "
			"built-in busybox image into a store that has none.",
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : boot(ctx->store);
}
