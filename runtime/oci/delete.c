/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>

#include "lib/cleanup.h"
#include "runtime/oci/launch.h"
#include "runtime/spec/kernel.h"

/* With --force what is damaged goes, too, and what is not there is no error. */
static int remove_forced(const struct oci_context *ctx, const char *id, struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	struct error why = ERROR_INIT;

	if (oci_container_open(ctx->root, id, &c, &why) == 0) {
		/* One that is being made holds the lock until its process is gone. */
		autoclose int pidfd = oci_container_pidfd(&c, NULL);
		if (pidfd >= 0)
			sys_pidfd_send_signal(pidfd, SIGKILL);
	} else if (c.dir_fd < 0) {
		*err = why;
		return why.code == ENOENT ? 0 : -1;
	}
	if (oci_container_lock(&c, &why) < 0 && !c.locked) {
		*err = why;
		return why.code == ENOENT ? 0 : -1;
	}
	return oci_destroy(ctx, &c, NULL, err);
}

static int remove_stopped(const struct oci_context *ctx, const char *id, struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	enum oci_status status;

	if (oci_container_open(ctx->root, id, &c, err) < 0 || oci_container_lock(&c, err) < 0)
		return -1;
	status = oci_container_status(&c);
	/* The specification wants it stopped; runc and crun delete a created one as well, and their callers rely on it. */
	if (status != OCI_STOPPED && status != OCI_CREATED)
		return error_set(err, EBUSY, "cannot delete container %s that is not stopped: %s",
				 id, oci_status_name(status));
	return oci_destroy(ctx, &c, NULL, err);
}

int oci_cmd_delete(struct oci_context *ctx, int argc, char **argv)
{
	bool force = false;
	const struct cli_option options[] = {
		{ "force", 'f', CLI_BOOL, &force, NULL, "Kill the container if it is running" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "delete [OPTIONS] ID",
		.summary = "Delete what a stopped container holds",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	status = (force ? remove_forced : remove_stopped)(ctx, argv[first], &err);
	return status < 0 ? oci_fail(ctx, &err) : 0;
}
