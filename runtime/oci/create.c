/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `create` and `run`. */
#include <errno.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "runtime/oci/launch.h"

struct request {
	struct oci_launch launch;
	const char *bundle, *console_socket, *pid_file, *pidfd_socket;
	bool keep, no_subreaper;
};

/* The words that both take; returns as oci_parse. */
static int parse(const struct oci_context *ctx, struct request *r, bool run, int argc, char **argv,
		 int *first)
{
	const struct cli_option options[] = {
		{ "bundle", 'b', CLI_STRING, &r->bundle, "string",
		  "Folder of the bundle (default: the current one)" },
		{ "config", 'f', CLI_STRING, &r->launch.config, "string",
		  "Name of the configuration in the bundle (default \"config.json\")" },
		{ "console-socket", 0, CLI_STRING, &r->console_socket, "string",
		  "Socket that gets the master of the container's terminal" },
		{ "no-new-keyring", 0, CLI_BOOL, &r->launch.no_new_keyring, NULL,
		  "Give the container no session keyring of its own" },
		{ "no-pivot", 0, CLI_BOOL, &r->launch.no_pivot, NULL,
		  "Change the root by moving a mount, for a root on a ramdisk" },
		{ "pid-file", 0, CLI_STRING, &r->pid_file, "string",
		  "File that gets the process ID" },
		{ "pidfd-socket", 0, CLI_STRING, &r->pidfd_socket, "string",
		  "Socket that gets a pidfd of the process" },
		{ "preserve-fds", 0, CLI_INT, &r->launch.preserve_fds, "int",
		  "Number of further descriptors that stay open in the container" },
		/* The table of create ends here. */
		{ run ? "detach" : NULL, 'd', CLI_BOOL, &r->launch.detach, NULL,
		  "Return when the container runs" },
		{ "keep", 0, CLI_BOOL, &r->keep, NULL, "Do not delete the container when it ends" },
		{ "no-subreaper", 0, CLI_BOOL, &r->no_subreaper, NULL,
		  "Accepted for the sake of callers" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = run ? "run [OPTIONS] ID" : "create [OPTIONS] ID",
		.summary = run ? "Create and start a container from a bundle"
			       : "Create a container from a bundle",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};

	return oci_parse(ctx, &cmd, argc, argv, first);
}

static int create(const struct oci_context *ctx, const char *id, const struct oci_launch *launch,
		  struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	autospec struct spec spec = SPEC_INIT;
	struct sandbox sb = SANDBOX_INIT;

	if (oci_create(ctx, id, launch, &c, &spec, &sb, err) < 0)
		return -1;
	if (sandbox_detach(&sb, err) == 0)
		return 0;
	oci_destroy(ctx, &c, &spec, NULL);
	return -1;
}

/* Returns the status to end with, or -1 with err. */
static int run(const struct oci_context *ctx, const char *id, const struct oci_launch *launch,
	       bool keep, struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	autospec struct spec spec = SPEC_INIT;
	struct sandbox sb = SANDBOX_INIT;
	struct error last = ERROR_INIT;
	int status;

	if (oci_create(ctx, id, launch, &c, &spec, &sb, err) < 0)
		return -1;
	status = oci_start(ctx, &c, &spec, &sb, err);
	if (status == 0 && !launch->detach)
		status = oci_attend(&sb, spec.process.terminal, err);
	sandbox_close(&sb);
	if (status >= 0 && (launch->detach || keep))
		return status;
	if ((oci_container_lock(&c, &last) < 0 || oci_destroy(ctx, &c, &spec, &last) < 0) &&
	    last.code != ENOENT && status >= 0) {
		*err = last;
		return -1;
	}
	return status;
}

static int begin(struct oci_context *ctx, bool runs, int argc, char **argv)
{
	struct request r = { .bundle = ".", .launch.config = "config.json" };
	struct error err = ERROR_INIT;
	int first, status = parse(ctx, &r, runs, argc, argv, &first);

	if (status >= 0)
		return status;
	autofree char *bundle = oci_absolute(r.bundle);
	autofree char *console = oci_absolute(r.console_socket);
	autofree char *pid_file = oci_absolute(r.pid_file);
	autofree char *pidfd_socket = oci_absolute(r.pidfd_socket);
	r.launch.bundle = bundle;
	r.launch.console_socket = console;
	r.launch.pid_file = pid_file;
	r.launch.pidfd_socket = pidfd_socket;
	r.launch.detach |= !runs;
	if (oci_count_fds(&r.launch, &err) < 0)
		return oci_fail(ctx, &err);
	status = runs ? run(ctx, argv[first], &r.launch, r.keep, &err)
		      : create(ctx, argv[first], &r.launch, &err);
	return status < 0 ? oci_fail(ctx, &err) : status;
}

int oci_cmd_create(struct oci_context *ctx, int argc, char **argv)
{
	return begin(ctx, false, argc, argv);
}

int oci_cmd_run(struct oci_context *ctx, int argc, char **argv)
{
	return begin(ctx, true, argc, argv);
}
