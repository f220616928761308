/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress as a line on stderr that is redrawn in place, in Docker's form; one line a piece of work remains:
 *
 *     5f70bf18a086: Loading layer [=====================>                 ]  41.3MB/77.8MB
 *
 * Only on a terminal: elsewhere nothing is drawn, as with Docker. */
#ifndef KNARR_IMAGE_TOOLS_CMD_PROGRESS_H
#define KNARR_IMAGE_TOOLS_CMD_PROGRESS_H

#include <stdbool.h>
#include <time.h>

#include "image-tools/progress.h"

struct drawn_progress {
	struct progress progress;
	const char *
		verb; /* what is being done: "Loading layer"; may be set after drawn_progress_init */
	struct timespec drawn;
	uint64_t total; /* of the piece of work under way, as last told */
	bool busy;      /* a piece of work is under way */
	bool shown;     /* its line stands on the terminal */
};

/* Returns what to hand to the library: NULL where there is nobody to draw for. */
struct progress *drawn_progress_init(struct drawn_progress *p, bool quiet);

/* Ends a line that stands half drawn, before something else is printed. */
void drawn_progress_end(struct drawn_progress *p);

/* The same, but the line goes: for work of which one line tells in the end. */
void drawn_progress_erase(struct drawn_progress *p);

#endif
