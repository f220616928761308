/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `pause` and `resume`. */
#include <errno.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"

static int freeze(const struct oci_context *ctx, const char *id, bool frozen, struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	enum oci_status status;

	if (oci_container_open(ctx->root, id, &c, err) < 0)
		return -1;
	status = oci_container_status(&c);
	if (!frozen && status != OCI_PAUSED)
		return error_set(err, EINVAL, "container not paused");
	if (frozen && status == OCI_PAUSED)
		return error_set(err, EINVAL, "container paused already");
	if (frozen && status != OCI_RUNNING && status != OCI_CREATED)
		return error_set(err, ESRCH, "container not running or created: %s",
				 oci_status_name(status));
	autoclose int cgroup = oci_container_cgroup(&c);
	return cgroup_freeze(cgroup, frozen, err);
}

static int begin(struct oci_context *ctx, bool frozen, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = frozen ? "pause ID" : "resume ID",
		.summary = frozen ? "Suspend all processes inside a container"
				  : "Resume the processes of a paused container",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	return freeze(ctx, argv[first], frozen, &err) < 0 ? oci_fail(ctx, &err) : 0;
}

int oci_cmd_pause(struct oci_context *ctx, int argc, char **argv)
{
	return begin(ctx, true, argc, argv);
}

int oci_cmd_resume(struct oci_context *ctx, int argc, char **argv)
{
	return begin(ctx, false, argc, argv);
}
