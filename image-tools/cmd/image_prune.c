/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/prune.h"

#include <stdio.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/pruning.h"

int cmd_image_prune(struct command_context *ctx, int argc, char **argv)
{
	bool all = false, force = false;
	struct strv values autostrv = STRV_INIT;
	const struct cli_option options[] = {
		{ "all", 'a', CLI_BOOL, &all, NULL,
		  "Remove all unused images, not just dangling ones" },
		{ "filter", 0, CLI_LIST, &values, "filter",
		  "Provide filter values (e.g. \"until=<timestamp>\")" },
		{ "force", 'f', CLI_BOOL, &force, NULL, "Do not prompt for confirmation" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "image prune [OPTIONS]",
		.summary = "Remove unused images",
		.options = options,
		.options_anywhere = true,
		.more = "With them go layers and unfinished files that nothing in the store names.",
	};
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct removal gone autoremoval = REMOVAL_INIT;
	struct error err = ERROR_INIT;
	int first, r, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (prune_filter_parse(&values, &filter, &err) < 0)
		return command_fail(&err);
	if (!force &&
	    !pruning_confirmed(
		    all ? "WARNING! This will remove all images without at least one container associated to them.\n"
			  "Are you sure you want to continue?"
			: "WARNING! This will remove all dangling images.\n"
			  "Are you sure you want to continue?"))
		return command_done(0);
	r = prune_images(ctx->store, ctx->image_users, &filter, all, &gone, &err);
	pruning_print_images(&gone);
	pruning_tell_kept(&gone);
	if (r < 0)
		return command_fail(&err);
	pruning_print_total(gone.reclaimed);
	return command_done(0);
}
