/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container's health checks found: health.json beside state.json, in the form in which Docker's inspect shows it,
 * written by the monitor after each check and replaced in one step:
 *
 *     {"Status":"healthy","FailingStreak":0,"Log":[{"Start":...,"End":...,"ExitCode":0,"Output":"..."}]}
 *
 * And the rules by which results make a status, Docker's (moby, daemon/health.go). Nothing here allocates but
 * health_log_put; the checks themselves are run by runtime/monitor/probe.h. */
#ifndef KNARR_RUNTIME_HEALTH_LOG_H
#define KNARR_RUNTIME_HEALTH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "image-tools/image.h"
#include "lib/error.h"
#include "lib/json.h"
#include "runtime/container/state.h"

#define HEALTH_RESULTS    5
#define HEALTH_OUTPUT_MAX 4224 /* bytes: 4096 of what a check printed, and what is said of it */

struct health_result {
	struct timespec start, end;
	int exit_code; /* 0: healthy; -1: it did not end in time, or could not be run */
	size_t len;
	char output[HEALTH_OUTPUT_MAX];
};

struct health_log {
	enum health_status status;
	unsigned int failing_streak;
	size_t n; /* results, the oldest first */
	struct health_result results[HEALTH_RESULTS];
};

/* Whether the container is to be asked at all: there is a test, and it is not NONE. */
bool health_wanted(const struct image_healthcheck *check);

/* Nanoseconds from one check's end to the next one's start, when the container has been running for so long: start_interval
 * while it is starting within its start period, else interval. */
int64_t health_interval(const struct image_healthcheck *check, enum health_status status,
			int64_t running);

/* Nanoseconds that a check may take. */
int64_t health_timeout(const struct image_healthcheck *check);

/* Takes a result in; running is how long the container had been running at its start. Within the start period of a
 * container that is still starting a failure does not count. Returns whether the status is another now. */
bool health_log_add(struct health_log *log, const struct image_healthcheck *check,
		    const struct health_result *result, int64_t running);

/* Replaces health.json in dirfd. Returns 0, or -1 with err set. */
int health_log_write(int dirfd, const struct health_log *log, struct error *err);

/* For a container that starts anew: no file. */
void health_log_remove(int dirfd);

/* Adds "Health" to state as inspect shows it, with the status of s and the results of the file in dirfd, if it is there.
 * Nothing for a container without health checks. */
void health_log_put(yyjson_mut_doc *doc, yyjson_mut_val *state, int dirfd,
		    const struct container_state *s);

#endif
