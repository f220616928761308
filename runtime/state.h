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
	STATUS_RUNNING,
	STATUS_EXITED
};

struct container_state {
	enum container_status status;
	pid_t pid; /* of its first process, while it runs; that process is reaped only after "exited" is written */
	int exit_code; /* of the last run; 128 + n when killed by signal n */
	bool oom_killed;
	struct timespec started, finished; /* zero: never */
	char error
		[ERROR_MESSAGE_MAX]; /* why the last start failed, or how the container was lost; "" */
};

#define CONTAINER_STATE_INIT \
	{ \
		0 \
	}

/* "created", "running", "exited": as written, and as Docker's filters name them. */
const char *state_name(enum container_status status);

/* Reads state.json in dirfd; a missing file means STATUS_CREATED. -1 with err set: EINVAL (damaged). */
int state_read(int dirfd, struct container_state *out, struct error *err);

/* The same from a text; *out must be CONTAINER_STATE_INIT. */
int state_parse(const char *text, size_t len, struct container_state *out, struct error *err);

/* Replaces it. Allocates nothing. */
int state_write(int dirfd, const struct container_state *state, enum fs_durability durability,
		struct error *err);

#endif
