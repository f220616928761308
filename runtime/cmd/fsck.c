/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/fsck.h"

#include <stdio.h>

#include "image-tools/cmd/progress.h"
#include "lib/human.h"
#include "lib/log.h"
#include "runtime/command.h"
#include "runtime/container/fsck_containers.h"
#include "runtime/engine/fsck_volumes.h"

/* The statuses of fsck(8). */
enum { CLEAN = 0, MENDED = 1, LEFT = 4, NOT_CHECKED = 8 };

/* A check in a terminal: a half-drawn line of progress must not run into what is said. */
struct shown {
	struct fsck fsck;
	struct drawn_progress drawn;
};

static void say(struct fsck *f, const char *line)
{
	drawn_progress_end(&((struct shown *)f)->drawn);
	printf("%s\n", line);
	fflush(stdout);
}

static void sum_up(const struct fsck *f)
{
	char size[HUMAN_MAX];

	printf("%zu layers (%s), %zu images, %zu names, %zu containers, %zu volumes: ", f->n_layers,
	       human_size(f->layer_bytes, size), f->n_images, f->n_names, f->n_containers,
	       f->n_volumes);
	if (f->mended)
		printf("%zu mended, ", f->mended);
	if (f->left)
		printf("%zu wrong\n", f->left);
	else
		printf("%s\n", f->mended ? "now clean" : "clean");
}

int cmd_fsck(struct command_context *ctx, int argc, char **argv)
{
	struct shown s = { .fsck = { .say = say } };
	bool quiet = false;
	const struct cli_option options[] = {
		{ "repair", 0, CLI_BOOL, &s.fsck.repair, NULL, "Mend what can be mended" },
		{ "quiet", 'q', CLI_BOOL, &quiet, NULL, "Say only what is wrong" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "fsck [OPTIONS]",
		.summary =
			"Check that the store is whole: layers, images, names, containers and volumes",
		.options = options,
		.options_anywhere = true,
		.more = "A line tells what is wrong and what --repair would do. Indexes and records are made anew; damaged "
			"layers and configurations are moved to quarantine/ in the store, with the reason, and loading "
			"the image again heals it; names that lead nowhere and what nobody needs are removed.\n\n"
			"Exit status: 0 all is well, 1 all that was wrong is mended, 4 something is wrong, 8 the check "
			"could not be done.",
	};
	struct error err = ERROR_INIT;
	int first, r = command_parse(&cmd, argc, argv, &first);

	if (r >= 0)
		return r;
	s.fsck.st = command_store(ctx, &err);
	s.fsck.progress = drawn_progress_init(&s.drawn, quiet);
	if (s.fsck.st)
		r = fsck_store(&s.fsck, &err) < 0 || fsck_containers(&s.fsck, &err) < 0 ||
		    fsck_volumes(&s.fsck, &err) < 0;
	drawn_progress_end(&s.drawn);
	if (!s.fsck.st || r) {
		error_status(&err, NOT_CHECKED);
		return command_fail(&err);
	}
	if (!quiet)
		sum_up(&s.fsck);
	return command_done(s.fsck.left ? LEFT : s.fsck.mended ? MENDED : CLEAN);
}
