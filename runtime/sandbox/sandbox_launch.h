/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sandbox_create (sandbox.c) and sandbox_exec (exec.c) have in common, and nobody else
 * needs. */
#ifndef KNARR_RUNTIME_SANDBOX_LAUNCH_H
#define KNARR_RUNTIME_SANDBOX_LAUNCH_H

#include "runtime/sandbox/sandbox.h"
#include "runtime/sandbox/sandbox_child.h"

/* Refuses a process without a program or with a relative working directory. */
int sandbox_check_process(const struct spec_process *p, struct error *err);

/* sandbox_plan.c: fills in what the plan says of the process; plan->process, ns and stdio_uid are set. Released in any
 * case, with the namespaces. */
int sandbox_plan_process(struct sandbox_plan *plan, const int stdio[3], struct error *err);
void sandbox_plan_release(struct sandbox_plan *plan);

/* Clones the child into plan->ns and returns when it waits before exec, or has failed and is gone. */
int sandbox_launch(struct sandbox_plan *plan, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err);

/* sandbox_words.c: the child's report as err; returns -1. The statuses are Docker's: 127 for what is not there, 126 for
 * what is there and cannot be executed. */
int sandbox_report_error(const struct sandbox_report *r, struct error *err);

/* exec.c: the pid behind a pidfd, as the caller's pid namespace has it. -1 with err set: ESRCH (it is gone). */
int sandbox_pid_of(int pidfd, pid_t *pid, struct error *err);

#endif
