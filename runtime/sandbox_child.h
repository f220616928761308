/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the two sides of a clone, for runtime/sandbox.c, exec.c, rootfs.c and sandbox_child.c
 * alone: the plan that the parent makes, and the words in which the child reports.
 *
 * The child is a copy of the parent and reads the plan where it lies. It makes plain system calls
 * only: no malloc, no stdio, no locks, nothing of libc that keeps state. It may be killed at any
 * point and nothing remains, since all it makes lives in its own namespaces. */
#ifndef KNARR_RUNTIME_SANDBOX_CHILD_H
#define KNARR_RUNTIME_SANDBOX_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/spec.h"

/* What the child was about when it failed; the parent has a sentence for each (sandbox.c). */
enum sandbox_step {
	STEP_READY, /* no failure: set up, waiting for the word to execute */
	STEP_NAMESPACE,
	STEP_ROOT,
	STEP_MOUNT,
	STEP_MOUNT_POINT,
	STEP_MOUNT_PROC, /* the mount point of proc or sysfs is a link or no folder */
	STEP_DEVICE,
	STEP_MASK,
	STEP_READONLY,
	STEP_HOSTNAME,
	STEP_LOOPBACK,
	STEP_SYSCTL,
	STEP_TERMINAL,
	STEP_STDIO,
	STEP_RLIMIT,
	STEP_CWD,
	STEP_USER,
	STEP_CAPABILITY,
	STEP_SECCOMP,
	STEP_NOT_IN_PATH, /* no candidate of the search along PATH exists */
	STEP_STAT,        /* the program cannot be seen (detail: its path) */
	STEP_NO_PROGRAM,  /* it is a folder, or not executable (detail: its path) */
	STEP_EXEC,        /* execve itself (detail: the path tried) */
	STEP_COUNT
};

#define SANDBOX_DETAIL_MAX 240

/* The words of the parent to a child that is ready. */
#define SANDBOX_START  's'
#define SANDBOX_DETACH 'd' /* wait on plan->start_fd instead */

struct sandbox_report {
	int32_t step;
	int32_t code; /* errno */
	char detail[SANDBOX_DETAIL_MAX];
};

struct sandbox_plan {
	const struct spec *spec; /* NULL: a further process of a running container */
	const struct spec_process *process;
	int root_fd;     /* detached mount of the root */
	int *mount_fds;  /* for each mount of spec: made by the parent, detached, or -1 */
	int *device_fds; /* the same for each of its devices */
	int join_pidfd;  /* exec: whose namespaces to join */
	int stdio[3];    /* all valid unless process->terminal */
	int sync_fd;     /* the child's end of the socket */
	int start_fd;    /* listening, where a start may come from after SANDBOX_DETACH; 0: none */
	int parent_fd;   /* the parent's, which the child closes, to see when the parent is gone */
	char **candidates; /* paths to try, NULL-terminated */
	uint64_t all_capabilities;
	struct sandbox_report report; /* room for what the child says; its copy is its own */
};

/* The child's whole life up to exec; reports over plan->sync_fd and never returns. */
_Noreturn void sandbox_child(struct sandbox_plan *plan);

/* Notes what failed, with errno; returns -1. detail may be NULL; what does not fit is cut. */
int sandbox_fault(struct sandbox_plan *plan, enum sandbox_step step, const char *detail);

/* Opens path below the root as the container sees it, making what is missing, behind links to nowhere as well: folders of
 * 0755, and with is_file an empty file of 0644 as the last part. Returns an O_PATH descriptor or -1 with errno.
 * Async-signal-safe (runtime/mount_point.c). */
int sandbox_make_path(int root_fd, const char *path, bool is_file);

/* The same for the folder that path lies in; *name becomes its last part, which is a name (EINVAL: it is none). */
int sandbox_make_parent(int root_fd, const char *path, const char **name);

#endif
