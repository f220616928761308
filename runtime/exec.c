/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One more process inside a running container (runtime/sandbox.h: sandbox_exec, sandbox_open_root).
 *
 * A pidfd names the container's process, so that a recycled pid can never be joined by mistake. The
 * pid namespace is joined by the parent for the moment of the clone, which only says where its next
 * children are born; all the others the child joins at once. So one clone makes the process, it is
 * the caller's own child, and there is no helper. */
#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/kernel.h"
#include "runtime/sandbox_launch.h"

/* The pid behind a pidfd (proc_pid_fdinfo(5), "Pid:"); -1 in it means the process is gone. */
static int pid_of(int pidfd, pid_t *pid, struct error *err)
{
	char path[48], text[512];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, sizeof(text) - 1);
	if (n < 0)
		return error_errno(err, "the container's process");
	text[n] = '\0';

	const char *line = strstr(text, "\nPid:");
	*pid = line ? (pid_t)strtol(line + 5, NULL, 10) : -1;
	return *pid > 0 ? 0 : error_set(err, ESRCH, "the container is not running");
}

int sandbox_open_root(int pidfd, struct error *err)
{
	char path[48];
	pid_t pid;

	if (pid_of(pidfd, &pid, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Still alive now means that the pid was its own when the folder was opened. */
	if (sys_pidfd_send_signal(pidfd, 0) < 0)
		return error_set(err, ESRCH, "the container is not running");
	if (fd < 0)
		return error_errno(err, "the container's root");
	return STEAL_FD(fd);
}

int sandbox_exec(int pidfd, const struct spec_process *process, const int stdio[3], int cgroup_fd,
		 struct sandbox *out, struct error *err)
{
	struct sandbox_plan plan = { .process = process, .root_fd = -1, .join_pidfd = pidfd };
	autoclose int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	*out = (struct sandbox)SANDBOX_INIT;
	if (sandbox_check_process(process, err) < 0)
		return -1;
	if (own < 0)
		return error_errno(err, "/proc/self/ns/pid");
	if (sys_setns(pidfd, CLONE_NEWPID) < 0) {
		if (errno == ESRCH)
			return error_set(err, ESRCH, "the container is not running");
		return error_errno(err, "joining the container's pid namespace");
	}
	int result = sandbox_launch(&plan, 0, stdio, cgroup_fd, out, err);
	if (sys_setns(own, CLONE_NEWPID) < 0 && result == 0) {
		sandbox_close(out);
		return error_errno(err, "leaving the container's pid namespace");
	}
	return result == 0 ? sandbox_start(out, err) : -1;
}
