/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "image-tools/cmd/command.h"
#include "image-tools/cmd/pruning.h"
#include "image-tools/removal.h"
#include "lib/log.h"

struct rmi {
	image_users_fn users_of;
	bool force;
};

static int remove_one(const struct store *st, const char *word, void *arg, struct error *err)
{
	const struct rmi *rmi = arg;
	struct removal gone autoremoval = REMOVAL_INIT;
	int r = removal_of_image(st, rmi->users_of, word, rmi->force, &gone, err);

	for (size_t i = 0; i < gone.n; i++)
		printf("%s: %s\n", gone.items[i].untagged ? "Untagged" : "Deleted",
		       gone.items[i].text);
	pruning_tell_kept(&gone);
	/* As with Docker: what is to be gone and was not there is no failure of `rmi -f`, though worth a line. */
	if (r == 0 || !rmi->force || err->code != ENOENT)
		return r;
	log_error(err);
	return 0;
}

int cmd_rmi(struct command_context *ctx, int argc, char **argv)
{
	struct rmi rmi = { .users_of = ctx->image_users };
	bool no_prune = false;
	const struct cli_option options[] = {
		{ "force", 'f', CLI_BOOL, &rmi.force, NULL, "Force removal of the image" },
		{ "no-prune", 0, CLI_BOOL, &no_prune, NULL,
		  "Do not delete untagged parents (an image here has none)" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "rmi [OPTIONS] IMAGE [IMAGE...]",
		.summary = "Remove one or more images",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = -1,
	};
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	return status >= 0 ? status : command_each(ctx, argv + first, remove_one, &rmi);
}
