/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/engine/ports.h"

/* A container's network is the machine's own or none (--network): no port of it is published under another number. So there
 * is nothing to list, and of one port that is asked for the answer is Docker's for one that is not published. */
static int port(const struct store *st, const char *word, const char *asked, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct ports p;

	if (container_open(st, word, &c, err) < 0)
		return -1;
	if (!asked)
		return 0;
	if (!ports_parse(asked, &p) || p.first != p.last)
		return error_set(err, EINVAL, "invalid port \"%.100s\"", asked);
	return error_set(err, ENOENT, "No public port '%llu/%.20s' published for %s", p.first,
			 p.protocol, word);
}

int cmd_port(struct command_context *ctx, int argc, char **argv)
{
	const struct cli_command cmd = {
		.usage = "port CONTAINER [PRIVATE_PORT[/PROTO]]",
		.summary = "List port mappings or a specific mapping for the container",
		.min_args = 1,
		.max_args = 2,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (port(ctx->store, argv[first], argc - first > 1 ? argv[first + 1] : NULL, &err) < 0)
		return command_fail(&err);
	return command_done(0);
}
