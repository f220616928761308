/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a spec to a running process: one clone3 into cgroup and namespaces, and in the child mounts,
 * pivot_root, devices, limits, user, capabilities, seccomp, exec. No helper process and no second
 * execution of the binary. Between clone and exec the child allocates nothing, locks nothing and
 * prints nothing: the parent prepares, the child reports a failure over a pipe as a struct, and the
 * parent turns it into words.
 *
 * The root filesystem is a detached mount (fsmount(2)): it never appears in the host's mount table,
 * so that nothing is left there whatever dies. */
#ifndef KNARR_RUNTIME_SANDBOX_H
#define KNARR_RUNTIME_SANDBOX_H

#include <sys/types.h>

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* Mounts spec->root as a detached mount in the caller's own mount namespace's view and returns its
 * descriptor, or -1 with err set. The caller reads the image's /etc/passwd through it before
 * sandbox_create takes it. */
int sandbox_mount_root(const struct spec_root *root, struct error *err);

struct sandbox {
	pid_t pid;
	int pidfd;
	int terminal_fd; /* master of the container's terminal, or -1 */
	int seccomp_fd;  /* listener of its filter, or -1; see sandbox_start */
	int sync_fd;     /* to the waiting child; -1 once it runs */
};

/* clang-format off */
#define SANDBOX_INIT { .pid = -1, .pidfd = -1, .terminal_fd = -1, .seccomp_fd = -1, .sync_fd = -1 }
/* clang-format on */

/* Makes the container up to the last step before exec and returns with the child waiting there.
 * root_fd comes from sandbox_mount_root. stdio are the child's 0, 1, 2 (unused with a terminal; -1,
 * or the machine's /dev/null: a null device of the container's own). cgroup_fd is the cgroup to be born in (runtime/cgroup/cgroup.h; -1: the caller's). The child
 * is the caller's own: the caller waits for it. Returns 0, or -1 with err set and nothing left
 * behind; a program that is not there or not executable is found out here already (err->status as
 * with sandbox_start). root_fd and stdio stay the caller's. */
int sandbox_create(const struct spec *spec, int root_fd, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err);

/* Lets the waiting child execute its program. Returns 0 once exec has succeeded, or -1 with err set
 * and err->status 127 (not found), 126 (not executable) or 125, in the words Docker's users know;
 * the child has then ended and been waited for. If the process's filter has a listener, it returns 0
 * with seccomp_fd in hand and sync_fd still open: the caller gives the listener to whoever will
 * answer, and calls once more. The same goes for sandbox_exec. */
int sandbox_start(struct sandbox *sb, struct error *err);

/* Leaves the waiting child to itself (`knarr-oci create`): from now on it waits for a start on
 * spec->start_fd and does not end with the caller. Closes sb's descriptors. */
int sandbox_detach(struct sandbox *sb, struct error *err);

/* Takes up a child that sandbox_detach left waiting: connects to its socket, at path below dirfd.
 * pid is the child's; sandbox_start comes next. -1 with err set: ESRCH when nobody waits there. */
int sandbox_attach(pid_t pid, int dirfd, const char *path, struct sandbox *out, struct error *err);

/* Runs one more process inside the container whose first process is behind pidfd (exec): joins all
 * its namespaces and root, is born in cgroup_fd, and executes at once; errors as sandbox_start. The
 * process is the caller's child. Of process->custom_seccomp and labels it is as with the first one. */
int sandbox_exec(int pidfd, const struct spec_process *process, const int stdio[3], int cgroup_fd,
		 struct sandbox *out, struct error *err);

/* The root folder of the container whose process is behind pidfd, as an O_PATH descriptor for
 * fs_open_in_root and user_resolve; -1 with err set (ESRCH: it has ended). */
int sandbox_open_root(int pidfd, struct error *err);

/* The namespace of that type (CLONE_NEW...) which the process behind pidfd is in, for struct
 * spec_join; -1 with err set. */
int sandbox_open_namespace(int pidfd, uint64_t type, struct error *err);

/* Closes the descriptors and keeps the pid. A child that still waits before exec dies. */
void sandbox_close(struct sandbox *sb);

#endif
