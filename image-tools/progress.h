/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the library tells a command how far long work has come. What is done with it (a line redrawn, nothing) is the
 * command's affair; NULL where the library takes a struct progress means that nobody wants to know. */
#ifndef KNARR_IMAGE_TOOLS_PROGRESS_H
#define KNARR_IMAGE_TOOLS_PROGRESS_H

#include <stdint.h>

struct progress {
	/* done bytes of total (0: not known) of what is worked at; called often, so it must be cheap. */
	void (*step)(struct progress *p, const char *what, uint64_t done, uint64_t total);
	/* That piece of work is through. */
	void (*finish)(struct progress *p, const char *what, uint64_t done);
};

static inline void progress_step(struct progress *p, const char *what, uint64_t done,
				 uint64_t total)
{
	if (p)
		p->step(p, what, done, total);
}

static inline void progress_finish(struct progress *p, const char *what, uint64_t done)
{
	if (p)
		p->finish(p, what, done);
}

#endif
