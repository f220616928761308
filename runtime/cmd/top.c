/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `top`: the container's processes in the columns that ps's options ask for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/process_table.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/events.h"

#define COLUMN_WIDTH 20 /* Docker's minimum */

static int show(const struct store *st, struct container *c, const struct process_table *t,
		struct error *err)
{
	struct strbuf out autostrbuf = STRBUF_INIT;
	autofree pid_t *pids = NULL;
	size_t n = 0;
	autofree char *name = container_cgroup(&c->config, err);

	autoclose int first = container_open_first(st, c, err);
	if (first < 0)
		return -1;
	autoclose int cgroup = cgroup_open(name, err);
	if (cgroup < 0 || cgroup_pids(cgroup, &pids, &n, err) < 0)
		return -1;
	process_table_print(t, pids, n, COLUMN_WIDTH, &out);
	fwrite(out.data, 1, out.len, stdout);
	events_container(st, &c->config, "top", NULL);
	return 0;
}

int cmd_top(struct command_context *ctx, int argc, char **argv)
{
	static const struct cli_command cmd = {
		.usage = "top CONTAINER [ps OPTIONS]",
		.summary = "Display the running processes of a container",
		.min_args = 1,
		.max_args = -1,
	};
	struct container autocontainer c = CONTAINER_INIT;
	struct error err = ERROR_INIT;
	struct process_table t autoprocesstable = PROCESS_TABLE_INIT;
	int first, result, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	result = container_open(ctx->store, argv[first], &c, &err);
	if (result == 0)
		result = process_table_parse(&t, argc - first - 1, argv + first + 1, &err);
	if (result == 0)
		result = show(ctx->store, &c, &t, &err);
	return result < 0 ? command_fail(&err) : command_done(0);
}
