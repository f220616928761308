/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/restart.h"

#define PAUSE_MIN 100
#define PAUSE_MAX 60000
#define RAN_WELL  10000 /* milliseconds of a run after which the past is forgotten */

bool restart_wanted(const struct host_config *host, unsigned int restarts, int exit_code)
{
	switch (host->restart) {
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return true;
	case RESTART_ON_FAILURE:
		return exit_code != 0 && (host->restart_max == 0 || restarts < host->restart_max);
	case RESTART_NO:
		break;
	}
	return false;
}

int64_t restart_pause(int64_t last, int64_t ran_ms)
{
	if (last == 0 || ran_ms >= RAN_WELL)
		return PAUSE_MIN;
	return 2 * last > PAUSE_MAX ? PAUSE_MAX : 2 * last;
}

bool restart_at_boot(const struct host_config *host, const struct container_state *state)
{
	if (state->status == STATUS_RUNNING || (!state->started.tv_sec && !state->started.tv_nsec))
		return false;
	return host->restart == RESTART_ALWAYS ||
	       (host->restart == RESTART_UNLESS_STOPPED && !state->manually_stopped);
}
