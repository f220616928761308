/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of a container's health check: its command executed in the container as `exec` would, by a short-lived child of the
 * monitor's, which may allocate and wait. The command gets a cgroup of its own below the container's, so that one that
 * does not end in time can be killed with all it has started.
 *
 * The child holds none of the monitor's connections and locks, and dies with it. */
#ifndef KNARR_RUNTIME_PROBE_H
#define KNARR_RUNTIME_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image-tools/store.h"
#include "runtime/container/container.h"
#include "runtime/container/health_log.h"

struct probe {
	pid_t pid;          /* the child; -1: none is under way */
	int fd;             /* readable when there is a result, or part of it */
	int cgroup_fd;      /* the container's; -1: none. The caller's */
	int64_t give_up_ms; /* of the monotonic clock: the child itself is late */
	size_t got;         /* bytes of the result */
	struct health_result result;
};

/* clang-format off */
#define PROBE_INIT { .pid = -1, .fd = -1, .cgroup_fd = -1 }
/* clang-format on */

/* Begins. pidfd is the container's first process. Returns 0 or -1 with errno. */
int probe_begin(struct probe *p, const struct store *st, const struct container *c, int pidfd,
		int cgroup_fd);

/* Takes what there is. Returns true when p->result is complete and the child gone. */
bool probe_take(struct probe *p);

/* Kills it with all it has started. Nothing under way: nothing to do. */
void probe_cancel(struct probe *p);

#endif
