/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One more process inside a running container (runtime/sandbox/sandbox.h: sandbox_exec, sandbox_open_root).
 *
 * A pidfd names the container's process, so that a recycled pid can never be joined by mistake. The
 * pid namespace is joined by the parent for the moment of the clone, which only says where its next
 * children are born; all the others the child joins at once. So one clone makes the process, it is
 * the caller's own child, and there is no helper. */
#include <errno.h>
#include <stdio.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/sandbox/sandbox_launch.h"
#include "runtime/spec/kernel.h"

/* proc_pid_fdinfo(5), "Pid:"; -1 in it means the process is gone. */
int sandbox_pid_of(int pidfd, pid_t *pid, struct error *err)
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

	if (sandbox_pid_of(pidfd, &pid, err) < 0)
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

int sandbox_open_namespace(int pidfd, uint64_t type, struct error *err)
{
	char path[48];
	pid_t pid;

	if (sandbox_pid_of(pidfd, &pid, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, namespace_file(type));
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (sys_pidfd_send_signal(pidfd, 0) < 0)
		return error_set(err, ESRCH, "the container is not running");
	if (fd < 0)
		return error_errno(err, "the container's %s namespace", namespace_name(type));
	return STEAL_FD(fd);
}

/* What the machine calls the user id of the container whose process is pid: of its uid_map, lines of "inside outside
 * count" (user_namespaces(7)). */
static uid_t outside_uid(pid_t pid, uid_t id)
{
	char path[48], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		char *at;
		uint32_t inside = (uint32_t)strtoul(line, &at, 10);
		uint32_t outside = (uint32_t)strtoul(at, &at, 10);
		uint32_t count = (uint32_t)strtoul(at, NULL, 10);

		if (id >= inside && id - inside < count)
			return outside + (id - inside);
	}
	return id;
}

static int plan_exec(struct sandbox_plan *plan, int pidfd, struct error *err)
{
	pid_t pid;

	if (sandbox_pid_of(pidfd, &pid, err) < 0 ||
	    namespaces_of(pid, &plan->join_flags, &plan->ns.user, err) < 0)
		return -1;
	if (plan->ns.user)
		plan->stdio_uid = outside_uid(pid, plan->process->uid);
	plan->ns.pid_fd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
	if (plan->ns.pid_fd < 0)
		return error_errno(err, "the container's process");
	if (plan->join_flags & CLONE_NEWNS)
		return 0;
	/* The container's process is in a chroot of the machine's mounts. */
	plan->root_fd = sandbox_open_root(pidfd, err);
	return plan->root_fd < 0 ? -1 : 0;
}

int sandbox_exec(int pidfd, const struct spec_process *process, const int stdio[3], int cgroup_fd,
		 struct sandbox *out, struct error *err)
{
	struct sandbox_plan plan = {
		.process = process, .ns = NAMESPACE_PLAN_INIT, .root_fd = -1, .join_pidfd = pidfd
	};

	*out = (struct sandbox)SANDBOX_INIT;
	if (sandbox_check_process(process, err) < 0)
		return -1;
	/* A pid that was given to another meanwhile belongs to a process that pidfd is not: joining fails then. */
	pid_t pid;
	int result = plan_exec(&plan, pidfd, err);
	autoclose int leaf = result == 0 && sandbox_pid_of(pidfd, &pid, NULL) == 0
				     ? cgroup_open_leaf(cgroup_fd, pid)
				     : -1;
	if (result == 0)
		result = sandbox_launch(&plan, stdio, leaf >= 0 ? leaf : cgroup_fd, out, err);
	cleanup_close(&plan.root_fd);
	sandbox_plan_release(&plan);
	return result == 0 ? sandbox_start(out, err) : -1;
}
