/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `stop` and `restart` have in common: their flags, and that all containers are stopped together before what became
 * of each is told in the order given. */
#ifndef KNARR_RUNTIME_CMD_STOPPING_H
#define KNARR_RUNTIME_CMD_STOPPING_H

#include "runtime/command.h"
#include "runtime/monitor/stop.h"

struct stopping {
	const char *usage, *summary;
	const char *time_help; /* of -t */
	uint32_t flags;        /* struct stop_options' */
	/* What is done with each that was stopped; -1 with err set. */
	int (*each)(const struct store *st, const char *word, struct error *err);
};

/* The whole command; returns its status. */
int stopping_run(const struct stopping *what, struct command_context *ctx, int argc, char **argv);

#endif
