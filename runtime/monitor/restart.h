/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of --restart, as Docker has them (moby, restartmanager): who is started again, and after which pause. */
#ifndef KNARR_RUNTIME_RESTART_H
#define KNARR_RUNTIME_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/container/host_config.h"
#include "runtime/container/state.h"

/* Whether a container that nobody stopped and that ended with exit_code is started again; restarts: how often it was,
 * since a person started it. */
bool restart_wanted(const struct host_config *host, unsigned int restarts, int exit_code);

/* Milliseconds to wait before that: 100 ms, twice as long each time up to a minute, and 100 ms again after a run of ten
 * seconds or more. last: the pause before that run, 0 for none. */
int64_t restart_pause(int64_t last, int64_t ran_ms);

/* Whether a container that does not run is started when the machine does: "always" whatever became of it,
 * "unless-stopped" unless a person stopped it; one that was never started is not. */
bool restart_at_boot(const struct host_config *host, const struct container_state *state);

#endif
