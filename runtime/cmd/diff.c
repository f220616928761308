/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/difference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/engine/engine.h"
#include "runtime/sandbox/sandbox.h"

/* Two descriptors are open for each folder on the way down, which is as deep as the container has made it. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* All that lies below the container's own layer, as one mount that has no name: the image's layers, and the places that
 * Knarr mounts things on, so that these do not show as the container's. */
static int open_lower(const struct store *st, const struct image *image, struct layer_hold *hold,
		      struct error *err)
{
	struct spec_root root = { 0 };
	autoclose int mount = -1;

	if (layer_hold(st, image->diffids, image->n_diffids, hold, err) < 0)
		return -1;
	for (size_t i = hold->n; i-- > 0;)
		strv_add(&root.lowers, hold->paths[i]);
	engine_skeleton(st, &root.lowers);
	mount = sandbox_mount_root(&root, err);
	strv_free(&root.lowers);
	if (mount < 0)
		return -1;
	int fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot open the image's layers") : fd;
}

static int list(const struct store *st, const char *word, struct strv *out, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	autoclose int upper = -1, lower = -1;
	struct image *image autoimage = NULL;
	struct layer_hold hold = { 0 };
	int r;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	upper = openat(c.dirfd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return errno == ENOENT
			       ? 0
			       : error_errno(err, "cannot open the writable layer of container %s",
					     c.config.name);
	image = image_open(st, &c.config.image_id, err);
	if (!image)
		return -1;
	lower = open_lower(st, image, &hold, err);
	r = lower < 0 ? -1 : difference_list(upper, lower, out, err);
	layer_release(&hold);
	return r < 0 || container_refresh(st, &c, err) < 0 ? -1 : 0;
}

int cmd_diff(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "diff CONTAINER",
		.summary = "Inspect changes to files or directories on a container's filesystem",
		.min_args = 1,
		.max_args = 1,
	};
	struct strv lines autostrv = STRV_INIT;
	struct error err = ERROR_INIT;
	const struct store *st;
	int first, status = command_parse(&cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	allow_many_files();
	st = command_store(ctx, &err);
	if (!st || list(st, argv[first], &lines, &err) < 0)
		return command_fail(&err);
	for (size_t i = 0; i < lines.len; i++)
		puts(lines.items[i]);
	return command_done(0);
}
