/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/cmd/pruning.h"
#include "runtime/cmd/pruning.h"
#include "runtime/command.h"

#include <stdio.h>

int pruning_containers(const struct store *st, const struct prune_filter *filter,
		       uint64_t *reclaimed, struct error *err)
{
	struct strv ids autostrv = STRV_INIT;
	int r = prune_containers(st, filter, &ids, reclaimed, err);

	if (ids.len)
		printf("Deleted Containers:\n");
	for (size_t i = 0; i < ids.len; i++)
		puts(ids.items[i]);
	if (ids.len)
		putchar('\n');
	return r;
}

int cmd_container_prune(struct command_context *ctx, int argc, char **argv)
{
	bool force = false;
	struct strv values autostrv = STRV_INIT;
	const struct cli_option options[] = {
		{ "filter", 0, CLI_LIST, &values, "filter",
		  "Provide filter values (e.g. \"until=<timestamp>\")" },
		{ "force", 'f', CLI_BOOL, &force, NULL, "Do not prompt for confirmation" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "container prune [OPTIONS]",
		.summary = "Remove all stopped containers",
		.options = options,
		.options_anywhere = true,
	};
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct error err = ERROR_INIT;
	uint64_t reclaimed = 0;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (prune_filter_parse(&values, &filter, &err) < 0)
		return command_fail(&err);
	if (!force && !pruning_confirmed("WARNING! This will remove all stopped containers.\n"
					 "Are you sure you want to continue?"))
		return command_done(0);
	if (pruning_containers(ctx->store, &filter, &reclaimed, &err) < 0)
		return command_fail(&err);
	pruning_print_total(reclaimed);
	return command_done(0);
}
