/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the two sides of a clone, for runtime/sandbox/sandbox.c, exec.c, rootfs.c and sandbox_child.c
 * alone: the plan that the parent makes, and the words in which the child reports.
 *
 * The child is a copy of the parent and reads the plan where it lies. It makes plain system calls
 * only: no malloc, no stdio, no locks, nothing of libc that keeps state. It may be killed at any
 * point and nothing remains, since all it makes lives in its own namespaces. */
#ifndef KNARR_RUNTIME_SANDBOX_CHILD_H
#define KNARR_RUNTIME_SANDBOX_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/sandbox/namespaces.h"
#include "runtime/spec/spec.h"

/* What the child was about when it failed; the parent has a sentence for each (sandbox.c). */
enum sandbox_step {
	STEP_BIND, /* no failure: the bind mount whose number is the code is wanted (spec.ordered_mounts) */
	STEP_READY,      /* no failure: set up, waiting for the word to execute */
	STEP_STAGE,      /* nor this: the second stage is cloned, its pidfd comes along */
	STEP_NAMESPACED, /* nor this: the namespaces stand, the parent may do its part */
	STEP_LISTENER,   /* nor this: the filter's listener will be descriptor number `code` */
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
	STEP_TERMINAL, /* with code 0 no failure: the terminal's master comes along */
	STEP_STDIO,
	STEP_CWD,
	STEP_USER,
	STEP_CAPABILITY,
	STEP_SECCOMP,
	STEP_KEYRING,
	STEP_PERSONALITY,
	STEP_AFFINITY,
	STEP_LABEL,
	STEP_HOOK,        /* detail: the whole sentence */
	STEP_NOT_IN_PATH, /* no candidate of the search along PATH exists */
	STEP_STAT,        /* the program cannot be seen (detail: its path) */
	STEP_NO_PROGRAM,  /* it is a folder, or not executable (detail: its path) */
	STEP_EXEC,        /* execve itself (detail: the path tried) */
	STEP_COUNT
};

#define SANDBOX_DETAIL_MAX 240

/* The words of the parent to a child that is ready. */
#define SANDBOX_START  's'
#define SANDBOX_GO     'g' /* the parent has done its part: ID maps, STEP_NAMESPACED, STEP_LISTENER */
#define SANDBOX_DETACH 'd' /* wait on plan->start_fd instead */

struct sandbox_report {
	int32_t step;
	int32_t code; /* errno */
	char detail[SANDBOX_DETAIL_MAX];
};

/* What a process may be told of the machine's CPUs (sched_setaffinity(2)). */
struct sandbox_cpus {
	uint8_t bits[1024];
	size_t len; /* bytes in use; 0: leave as it is */
};

struct sandbox_plan {
	const struct spec *spec; /* NULL: a further process of a running container */
	const struct spec_process *process;
	struct namespace_plan ns;
	int root_fd; /* detached mount of the root; exec: the folder that is the root in the machine's mounts, or -1 */
	enum {
		ROOT_DETACHED,
		ROOT_ATTACHED,
		ROOT_ENTERED
	} place;         /* where the child has got with it */
	int *mount_fds;  /* for each mount of spec: made by the parent, detached, or -1 */
	int *device_fds; /* for each of its devices: to be bound, or -1 */
	int nodes_fd;   /* the detached filesystem that device_fds lie in, or -1: each is a mount */
	int join_pidfd; /* exec: whose namespaces to join */
	uint64_t join_flags; /* exec: which of them, see namespaces_of */
	int stdio[3];        /* -1: /dev/null; unused with process->terminal */
	uid_t stdio_uid;     /* with ns.user: what the machine calls process->uid */
	int sync_fd;         /* the child's end of the socket */
	int start_fd;  /* listening, where a start may come from after SANDBOX_DETACH; 0: none */
	int parent_fd; /* the parent's, which the child closes, to see when the parent is gone */
	int state_fds
		[2]; /* the state for hooks: of createContainer, of startContainer; 0: no such hooks */
	int label_fd; /* where the label of the program goes; 0: it has none */
	char label[256];
	bool asks;         /* the parent has something to do when the namespaces stand */
	bool waits_first;  /* the parent has something to do (ID maps) before anything else */
	char **candidates; /* paths to try, NULL-terminated */
	uint64_t all_capabilities;
	struct spec_capabilities
		capabilities; /* process->capabilities, of those that there are to give */
	struct sandbox_cpus affinity_initial, affinity_final;
	const struct sock_fprog *filter; /* NULL: none */
	unsigned int filter_flags;
	size_t listen_pid_at; /* which of process->env is LISTEN_PID, plus 1; 0: none */
	char listen_pid[24];
	int limits_left; /* child: not 0, an errno value, where the parent must set the resource limits; told by STEP_READY's code */
	struct sandbox_report report; /* room for what the child says; its copy is its own */
};

/* The child's whole life up to exec; reports over plan->sync_fd and never returns. */
_Noreturn void sandbox_child(struct sandbox_plan *plan);

/* Notes what failed, with errno; returns -1. detail may be NULL; what does not fit is cut. */
int sandbox_fault(struct sandbox_plan *plan, enum sandbox_step step, const char *detail);

/* Sends the report, with a descriptor if fd is one. -1: nobody is there. */
int sandbox_send_report(const struct sandbox_plan *plan, int fd);

/* One word from the other end of a socket; false at its end. */
bool sandbox_read_word(int fd, char *word);

/* Child: has the parent make the bind mount number i; its descriptor. Where there is none the parent knows why, and the child
 * ends. */
int sandbox_ask_bind(struct sandbox_plan *plan, size_t i);

/* Opens path below the root as the container sees it, making what is missing, behind links to nowhere as well: folders of
 * 0755, and with is_file an empty file of 0644 as the last part. Returns an O_PATH descriptor or -1 with errno.
 * Async-signal-safe (runtime/sandbox/mount_point.c). */
int sandbox_make_path(int root_fd, const char *path, bool is_file);

/* The same for the folder that path lies in; *name becomes its last part, which is a name (EINVAL: it is none). */
int sandbox_make_parent(int root_fd, const char *path, const char **name);

#endif
