/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "runtime/oci/launch.h"

static int start(const struct oci_context *ctx, const char *id, struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	autospec struct spec spec = SPEC_INIT;
	struct sandbox sb = SANDBOX_INIT;
	enum oci_status status;

	if (oci_container_open(ctx->root, id, &c, err) < 0 || oci_container_lock(&c, err) < 0 ||
	    oci_container_config(&c, &spec, err) < 0)
		return -1;
	status = oci_container_status(&c);
	if (status == OCI_STOPPED)
		return error_set(err, EINVAL, "cannot start a container that has stopped");
	if (status == OCI_PAUSED)
		return error_set(err, EINVAL, "cannot start a paused container; resume it first");
	if (status != OCI_CREATED)
		return error_set(err, EINVAL, "cannot start an already running container");
	int result = sandbox_attach(c.pid, c.dir_fd, "start", &sb, err);
	if (result == 0)
		result = oci_start(ctx, &c, &spec, &sb, err);
	sandbox_close(&sb);
	return result;
}

int oci_cmd_start(struct oci_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "start ID",
		.summary = "Execute the program of a created container",
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	return start(ctx, argv[first], &err) < 0 ? oci_fail(ctx, &err) : 0;
}
