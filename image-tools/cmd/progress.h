/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress as a line on stderr that is redrawn in place: what, bytes of bytes, bytes a second; one line a piece of work
 * remains. Only on a terminal: elsewhere nothing is drawn. */
#ifndef KNARR_IMAGE_TOOLS_CMD_PROGRESS_H
#define KNARR_IMAGE_TOOLS_CMD_PROGRESS_H

#include <stdbool.h>
#include <time.h>

#include "image-tools/progress.h"

struct drawn_progress {
	struct progress progress;
	struct timespec begun, drawn;
	bool busy;  /* a piece of work is under way */
	bool shown; /* its line stands on the terminal */
};

/* Returns what to hand to the library: NULL where there is nobody to draw for. */
struct progress *drawn_progress_init(struct drawn_progress *p, bool quiet);

/* Ends a line that stands half drawn, before something else is printed. */
void drawn_progress_end(struct drawn_progress *p);

#endif
