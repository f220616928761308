/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a container that exists already: for `start`, `restart` and the machine's boot. */
#ifndef KNARR_RUNTIME_START_H
#define KNARR_RUNTIME_START_H

#include <stdint.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/container.h"

/* Returns when its program runs, *fd being the connection to its monitor (attach: CONTROL_ATTACH_..., what to be connected
 * to). One that runs already, or is about to be restarted by its policy, is left alone: *fd is -1. -1 with err set: EBUSY (it
 * is paused, or another command is at it), what its start failed with. */
int start_container(const struct store *st, struct container *c, uint32_t attach, int *fd,
		    struct error *err);

#endif
