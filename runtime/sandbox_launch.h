/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sandbox_create (sandbox.c) and sandbox_exec (exec.c) have in common, and nobody else
 * needs. */
#ifndef KNARR_RUNTIME_SANDBOX_LAUNCH_H
#define KNARR_RUNTIME_SANDBOX_LAUNCH_H

#include "runtime/sandbox.h"
#include "runtime/sandbox_child.h"

/* Refuses a process without a program or with a relative working directory. */
int sandbox_check_process(const struct spec_process *p, struct error *err);

/* Clones the child with flags (CLONE_NEW...) and returns when it waits before exec, or has failed
 * and is gone. Fills in the plan's stdio, sockets, candidates and capabilities. */
int sandbox_launch(struct sandbox_plan *plan, uint64_t flags, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err);

#endif
