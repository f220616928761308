/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup v2 tree below which containers live: <cgroup2 mount>/knarr/<id>. A container is born
 * in its cgroup (clone3's CLONE_INTO_CGROUP), is killed whole through it (cgroup.kill) and counted
 * through it.
 *
 * The mount is found in /proc/self/mountinfo, so that a v1 machine with a "unified" mount beside
 * the old hierarchies works too, with the controllers that v2 was given there. A machine without
 * any cgroup2 mount runs containers in the caller's cgroup: one warning (log_warn_once), and every
 * function here takes the -1 that cgroup_create then returns. */
#ifndef KNARR_RUNTIME_CGROUP_H
#define KNARR_RUNTIME_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/error.h"
#include "runtime/spec/resources.h"
#include "runtime/spec/spec.h"

/* Makes the cgroup name ("knarr/<id>", relative to the cgroup2 mount; runtime/cgroup/cgroup_path.h) and what is missing above it,
 * with all controllers the machine offers turned on for it, and returns a descriptor of its folder for sandbox_create and
 * for the functions below. -1 with err untouched (err->code 0): this machine has no cgroup2, go on
 * without; -1 with err set: a failure. An existing cgroup of that name is taken over if it is
 * empty, else EBUSY. */
int cgroup_create(const char *name, struct error *err);

/* Makes the limits of r hold for the cgroup, as runc and crun translate the runtime-spec for cgroup v2; what r leaves unset
 * stays as it is. Returns 0, or -1 with err set and the limits before the one that failed in force: ENOTSUP, naming the
 * controller or the file that this kernel lacks; EINVAL, a value that it refuses. Where a controller belongs to cgroup v1
 * on this machine, or there is no cgroup v2 at all (cgroup_fd -1), one warning is all. */
int cgroup_apply(int cgroup_fd, const struct resources *r, struct error *err);

/* Which devices the processes in the cgroup may open and make: the rules of spec->resources, of which later ones win, and
 * Docker's default ones in any case (runtime/cgroup/device_filter.h). For each container, before its first process: without rules
 * of its own this loads no program below "knarr", where the default one holds, unless the container may load programs itself
 * and could put one in its place. Calling it again replaces what it did before. Returns 0 or -1 with err set. */
int cgroup_allow_devices(int cgroup_fd, const struct spec *spec, struct error *err);

/* Opens an existing one; -1 with err set (ENOENT: no such cgroup). A name of NULL is none that exists, here and for
 * cgroup_remove. */
int cgroup_open(const char *name, struct error *err);

/* Where a process can be added: a cgroup that has passed controllers on to those below it takes none itself (cgroup v2's rule of
 * no internal processes), as with systemd or another container host inside. That of process pid is opened then. -1: cgroup_fd
 * takes processes, or there is no other. */
int cgroup_open_leaf(int cgroup_fd, pid_t pid);

/* SIGKILL to every process in it and below it, including those being forked. Returns at once; the
 * processes are gone when cgroup_populated says so. Returns 0 or -1 with err set. A descriptor of
 * -1 is no error. */
int cgroup_kill(int cgroup_fd, struct error *err);

/* Removes the cgroup and empty ones below it (a container may have made some), waiting up to
 * timeout_ms for dying processes to leave. What is not there is no error. Returns 0, or -1 with err
 * set (EBUSY: still populated). */
int cgroup_remove(const char *name, int timeout_ms, struct error *err);

/* Processes in it and in all cgroups below, as pids of the caller's namespace; *pids is the
 * caller's to free. */
int cgroup_pids(int cgroup_fd, pid_t **pids, size_t *n, struct error *err);

/* Whether any process lives in it or below. */
bool cgroup_populated(int cgroup_fd);

/* Freezes or thaws all of it and waits (up to a second) until the kernel says it is done. */
int cgroup_freeze(int cgroup_fd, bool frozen, struct error *err);
bool cgroup_frozen(int cgroup_fd);

#endif
