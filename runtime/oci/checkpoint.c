/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `checkpoint` and `restore`, which Knarr does not do. */
#include <errno.h>

#include "runtime/oci/command.h"

static int refuse(const struct oci_context *ctx, const char *command)
{
	struct error err = ERROR_INIT;

	error_set(&err, ENOTSUP, "%s: this runtime does not save and restore processes", command);
	return oci_fail(ctx, &err);
}

int oci_cmd_checkpoint(struct oci_context *ctx, int argc, char **argv)
{
	(void)argc;
	return refuse(ctx, argv[0]);
}

int oci_cmd_restore(struct oci_context *ctx, int argc, char **argv)
{
	(void)argc;
	return refuse(ctx, argv[0]);
}
