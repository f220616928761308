/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/cleanup.h"
#include "lib/signals.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"
#include "runtime/spec/kernel.h"

/* To every process of its cgroup, whether the first still lives or not. */
static int kill_all(int cgroup, int signo, struct error *err)
{
	autofree pid_t *pids = NULL;
	size_t n;

	if (signo == SIGKILL)
		return cgroup_kill(cgroup, err);
	if (cgroup_pids(cgroup, &pids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (kill(pids[i], signo) < 0 && errno != ESRCH)
			return error_errno(err, "sending signal %d to process %d", signo,
					   (int)pids[i]);
	return 0;
}

static int send_signal(const struct oci_context *ctx, const char *id, int signo, bool all,
		       struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;

	if (oci_container_open(ctx->root, id, &c, err) < 0)
		return -1;
	autoclose int cgroup = oci_container_cgroup(&c);
	if (all && cgroup >= 0)
		return kill_all(cgroup, signo, err);

	autoclose int pidfd = oci_container_pidfd(&c, err);
	if (pidfd < 0)
		return -1;
	/* Where it has no pid namespace of its own, the end of its first process is not that of the others. */
	if (c.shares_pids && signo == SIGKILL && cgroup >= 0)
		return kill_all(cgroup, signo, err);
	if (sys_pidfd_send_signal(pidfd, signo) == 0)
		return 0;
	if (errno == ESRCH)
		return error_set(err, ESRCH, "container not running");
	return error_errno(err, "sending signal %d", signo);
}

int oci_cmd_kill(struct oci_context *ctx, int argc, char **argv)
{
	bool all = false;
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &all, NULL,
		  "Send the signal to all processes of the container" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "kill [OPTIONS] ID [SIGNAL]",
		.summary = "Send a signal (default: SIGTERM) to a container's first process",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 2,
	};
	struct error err = ERROR_INIT;
	int first, signo = SIGTERM, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (first + 1 < argc && (signo = signal_parse(argv[first + 1])) < 0) {
		error_set(&err, EINVAL, "unknown signal \"%s\"", argv[first + 1]);
		return oci_fail(ctx, &err);
	}
	return send_signal(ctx, argv[first], signo, all, &err) < 0 ? oci_fail(ctx, &err) : 0;
}
