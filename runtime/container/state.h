/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container is doing: containers/<id>/state.json, written by its monitor alone. It is replaced in one step but not
 * synced while the container runs: after a power cut no container runs, whatever the file says. */
#ifndef KNARR_RUNTIME_STATE_H
#define KNARR_RUNTIME_STATE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "lib/error.h"
#include "lib/fs.h"

enum container_status {
	STATUS_CREATED, /* never started, or its program could not be executed; also where there is no state.json */
	STATUS_RUNNING, /* it has a monitor: also while paused, or waiting to be started again by its policy */
	STATUS_EXITED
};

/* What its health checks say, as `ps` shows it; the results themselves are in health.json (runtime/container/health_log.h). */
enum health_status {
	HEALTH_NONE, /* it has no health check */
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY
};

struct container_state {
	enum container_status status;
	bool paused; /* running, and frozen */
	bool restarting; /* "running" as Docker has it: the last run is over, the next is due; pid is 0 */
	bool oom_killed;
	bool manually_stopped; /* by `stop` or `kill`, not by a shutdown: unless-stopped stays down over a boot */
	enum health_status health;
	unsigned int restart_count; /* by the policy, since a person started it */
	pid_t pid; /* of its first process, while it runs; that process is reaped only after its end is written */
	int exit_code;                     /* of the last run; 128 + n when killed by signal n */
	struct timespec started, finished; /* zero: never */
	char error
		[ERROR_MESSAGE_MAX]; /* why the last start failed, or how the container was lost; "" */
};

#define CONTAINER_STATE_INIT \
	{ \
		0 \
	}

/* "created", "running", "paused", "restarting", "exited": as Docker's filters name them. */
const char *state_name(const struct container_state *state);

/* "none", "starting", "healthy", "unhealthy" */
const char *health_name(enum health_status status);

/* Reads state.json in dirfd; a missing file means STATUS_CREATED. -1 with err set: EINVAL (damaged). */
int state_read(int dirfd, struct container_state *out, struct error *err);

/* The same from a text; *out must be CONTAINER_STATE_INIT. */
int state_parse(const char *text, size_t len, struct container_state *out, struct error *err);

/* Replaces it. Allocates nothing. */
int state_write(int dirfd, const struct container_state *state, enum fs_durability durability,
		struct error *err);

#endif
