/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holding a running container still while its files are read: by its cgroup's freezer. Whatever becomes of us
 * meanwhile, SIGKILL too, it goes on afterwards: a child of ours waits for our end and thaws it. */
#ifndef KNARR_RUNTIME_FREEZE_H
#define KNARR_RUNTIME_FREEZE_H

#include <sys/types.h>

#include "lib/error.h"
#include "runtime/container/config.h"

struct freeze {
	int pipe_fd; /* its other end is the guard's; closing it thaws. -1: nothing was frozen */
	pid_t guard;
};

#define FREEZE_INIT \
	{ \
		.pipe_fd = -1 \
	}

/* Freezes the container c and returns when it stands still. One that is frozen already stays so, also at
 * freeze_end. One whose cgroup is not there (it has ended, or the machine has no cgroup v2) is no error. Returns 0
 * or -1 with err set. */
int freeze_begin(const struct container_config *c, struct freeze *f, struct error *err);

/* Lets it go on, and returns when it does. */
void freeze_end(struct freeze *f);
#define autofreeze __attribute__((cleanup(freeze_end)))

#endif
