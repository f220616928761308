/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/sandbox.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched/types.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "runtime/sandbox/hooks.h"
#include "runtime/sandbox/mounts.h"
#include "runtime/sandbox/rootfs.h"
#include "runtime/sandbox/sandbox_launch.h"
#include "runtime/spec/kernel.h"

/* ---- The child's messages */

/* One message of the child; *fd becomes the descriptor that came with it, or -1. Returns 1; 0 at
 * the end (the child has executed, or died); -1 with errno. */
static int receive_report(int sync_fd, struct sandbox_report *r, int *fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { .iov_base = r, .iov_len = sizeof(*r) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(sync_fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	/* A child that dies with unread words of ours behind it resets the connection. */
	if (n < 0)
		return errno == ECONNRESET ? 0 : -1;
	if (n == 0)
		return 0;

	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	if (n != sizeof(*r)) {
		cleanup_close(fd);
		errno = EPROTO;
		return -1;
	}
	r->detail[SANDBOX_DETAIL_MAX - 1] = '\0';
	return 1;
}

/* Ends a child that is of no use, waits for it and closes everything. status receives its wait
 * status. */
static void abandon(struct sandbox *sb, int *status)
{
	int dummy;
	pid_t pid = sb->pid;

	if (!status)
		status = &dummy;
	*status = 0;
	if (sb->pidfd >= 0)
		sys_pidfd_send_signal(sb->pidfd, SIGKILL);
	sandbox_close(sb);
	if (pid > 0)
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	sb->pid = -1;
}

/* The child died without a word: killed (memory limit, cgroup.kill, an administrator), or by a
 * filter of its own. */
static int silent_death(struct sandbox *sb, struct error *err)
{
	int status;

	abandon(sb, &status);
	if (WIFSIGNALED(status))
		error_set(
			err, ESRCH,
			"the container's process was killed by signal %d while it was being set up",
			WTERMSIG(status));
	else
		error_set(err, ESRCH, "the container's process ended while it was being set up");
	return error_status(err, 125);
}

/* What the child says is the terminal's master must be one: our own ioctls go to it from now on. */
static int accept_terminal(struct sandbox *sb, const struct spec_process *p, struct error *err)
{
	struct winsize size = { .ws_row = p->rows, .ws_col = p->cols };
	struct stat st;
	unsigned int number;

	if (fstat(sb->terminal_fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(5, 2) || sys_ioctl(sb->terminal_fd, TIOCGPTN, &number) < 0)
		return error_set(err, ENODEV, "the container's terminal is none");
	if ((p->rows || p->cols) && ioctl(sb->terminal_fd, TIOCSWINSZ, &size) < 0)
		return error_errno(err, "setting the terminal's size");
	return 0;
}

/* ---- What the parent does for the child: from outside, with rights that the child may not have */

static int set_oom_score(pid_t pid, int score, struct error *err)
{
	char path[48], text[16];
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	int len = snprintf(text, sizeof(text), "%d", score);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, text, (size_t)len) < 0)
		return error_errno(err, "setting oom_score_adj to %d", score);
	return 0;
}

static int set_scheduler(pid_t pid, const struct spec_scheduler *s, struct error *err)
{
	struct sched_attr attr = { .size = sizeof(attr),
				   .sched_policy = s->policy,
				   .sched_flags = s->flags,
				   .sched_nice = s->nice,
				   .sched_priority = s->priority,
				   .sched_runtime = s->runtime,
				   .sched_deadline = s->deadline,
				   .sched_period = s->period };

	if (syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
		return error_errno(err, "setting the scheduler's policy");
	return 0;
}

/* All of it holds from the program's first instruction, and none of our own are subject to it. */
static int set_limits(const struct sandbox_plan *plan, pid_t pid, bool rlimits, struct error *err)
{
	const struct spec_process *p = plan->process;

	for (size_t i = 0; rlimits && i < p->n_rlimits; i++)
		if (syscall(SYS_prlimit64, pid, p->rlimits[i].resource, &p->rlimits[i].limit,
			    NULL) < 0)
			return error_errno(err, "setting resource limits");
	if (p->scheduler.set && set_scheduler(pid, &p->scheduler, err) < 0)
		return -1;
	if (p->io_priority.set &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid,
		    p->io_priority.class << IOPRIO_CLASS_SHIFT | p->io_priority.priority) < 0)
		return error_errno(err, "setting the I/O priority");
	if (plan->affinity_final.len &&
	    syscall(SYS_sched_setaffinity, pid, plan->affinity_final.len,
		    plan->affinity_final.bits) < 0)
		return error_errno(err, "setting the CPU affinity to %s", p->affinity_final);
	return p->has_oom_score_adj ? set_oom_score(pid, p->oom_score_adj, err) : 0;
}

/* The state for hooks, through the caller; "{}" where nobody knows it. */
static char *state_of(const struct spec *spec, pid_t pid, const char *status)
{
	const struct spec_callbacks *c = spec->callbacks;
	char *state = c && c->state ? c->state(c->arg, pid, status) : NULL;

	return state ? state : xstrdup("{}");
}

/* What pid is called in its own pid namespace, which is what its hooks are to be told (runtime.md, "State"): the last number
 * of NSpid (proc_pid_status(5)). */
static pid_t inside_pid(pid_t pid)
{
	char path[32], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	char *numbers = strstr(text, "\nNSpid:");
	if (numbers)
		numbers[strcspn(numbers + 1, "\n") + 1] = '\0';
	char *last = numbers ? strrchr(numbers, '\t') : NULL;
	return last ? (pid_t)strtol(last, NULL, 10) : pid;
}

/* When the namespaces stand. */
static int furnish(const struct sandbox_plan *plan, pid_t pid, struct error *err)
{
	static const char *const status[2] = { "creating", "created" };
	const struct spec *spec = plan->spec;
	const struct spec_callbacks *c = spec->callbacks;

	if (plan->ns.has_offsets && namespaces_write_offsets(pid, spec, err) < 0)
		return -1;
	if (c && c->created && c->created(c->arg, pid, err) < 0)
		return -1;
	autofree char *creating = state_of(spec, pid, status[0]);
	if (hooks_run(&spec->hooks[HOOK_PRESTART], creating, err) < 0 ||
	    hooks_run(&spec->hooks[HOOK_CREATE_RUNTIME], creating, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (plan->state_fds[i] <= 0)
			continue;
		autofree char *state = state_of(spec, inside_pid(pid), status[i]);
		if (hooks_state_write(plan->state_fds[i], state) < 0)
			return error_errno(err, "the container's state for its hooks");
	}
	return 0;
}

static int tell_go(struct sandbox *sb, struct error *err)
{
	const char word = SANDBOX_GO;

	return send(sb->sync_fd, &word, 1, MSG_NOSIGNAL) == 1 ? 0 : silent_death(sb, err);
}

/* The bind mount that the child has come to. */
static int give_bind(struct sandbox *sb, const struct sandbox_plan *plan, int32_t i,
		     struct error *err)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char word = SANDBOX_GO;
	struct iovec data = { .iov_base = &word, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	if (i < 0 || (size_t)i >= plan->spec->n_mounts)
		return error_set(err, EPROTO,
				 "the container's process asks for no mount of its own");
	autoclose int mount = mounts_bind(plan->spec, (size_t)i, err);
	if (mount < 0)
		return -1;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &mount, sizeof(int));
	return sendmsg(sb->sync_fd, &message, MSG_NOSIGNAL) == 1 ? 0 : silent_death(sb, err);
}

/* The first stage has made the second, which takes its place. */
static int change_stage(struct sandbox *sb, int *fd, struct error *err)
{
	pid_t first = sb->pid, pid;

	if (sandbox_pid_of(*fd, &pid, err) < 0)
		return -1;
	while (waitpid(first, NULL, 0) < 0 && errno == EINTR)
		;
	cleanup_close(&sb->pidfd);
	sb->pidfd = STEAL_FD(*fd);
	sb->pid = pid;
	return 0;
}

static int give_maps(struct sandbox *sb, const struct sandbox_plan *plan, struct error *err)
{
	if (!plan->waits_first)
		return 0;
	if (namespaces_write_maps(sb->pid, plan->spec, err) < 0)
		return -1;
	return tell_go(sb, err);
}

/* Answers one message of the child's. Returns 1 when it was the last, 0, or -1 with err set. */
static int answer(struct sandbox *sb, const struct sandbox_plan *plan,
		  const struct sandbox_report *report, int *fd, struct error *err)
{
	if (report->step == STEP_STAGE && *fd >= 0)
		return change_stage(sb, fd, err) < 0 ? -1 : give_maps(sb, plan, err);
	if (report->step == STEP_TERMINAL && !report->code && *fd >= 0) {
		cleanup_close(&sb->terminal_fd);
		sb->terminal_fd = STEAL_FD(*fd);
		return accept_terminal(sb, plan->process, err);
	}
	if (report->step == STEP_NAMESPACED && plan->asks)
		return furnish(plan, sb->pid, err) < 0 ? -1 : tell_go(sb, err);
	if (report->step == STEP_BIND && plan->spec)
		return give_bind(sb, plan, report->code, err);
	if (report->step == STEP_READY) {
		if (set_limits(plan, sb->pid, report->code != 0, err) == 0)
			return 1;
		if (plan->spec)
			rootfs_unmount(plan->spec, plan->spec->root.path);
		return -1;
	}
	return sandbox_report_error(report, err);
}

static int await_ready(struct sandbox *sb, const struct sandbox_plan *plan, struct error *err)
{
	struct sandbox_report report;
	int result;

	if (!plan->ns.two_stages && give_maps(sb, plan, err) < 0)
		return -1;
	do {
		autoclose int fd = -1;
		int n = receive_report(sb->sync_fd, &report, &fd);

		if (n == 0)
			return silent_death(sb, err);
		if (n < 0)
			return error_errno(err, "hearing from the container's process");
		result = answer(sb, plan, &report, &fd, err);
	} while (result == 0);
	return result < 0 ? -1 : 0;
}

int sandbox_launch(struct sandbox_plan *plan, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err)
{
	int sync[2], own_pids = -1;
	uint64_t old_mask;

	*out = (struct sandbox)SANDBOX_INIT;
	if (sandbox_plan_process(plan, stdio, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
		return error_errno(err, "socketpair");
	plan->parent_fd = out->sync_fd = sync[0];
	plan->sync_fd = sync[1];
	if (plan->ns.pid_fd >= 0 && namespaces_enter_pid(plan->ns.pid_fd, &own_pids, err) < 0) {
		close(sync[1]);
		sandbox_close(out);
		return -1;
	}

	struct clone_args args = {
		.flags = (plan->ns.two_stages ? 0 : plan->ns.clone_flags) | CLONE_PIDFD |
			 (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&out->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (unsigned int)cgroup_fd : 0,
	};
	/* Blocked in the child until its handlers are gone: none of ours may run in it. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	int pid = sys_clone3(&args);
	if (pid == 0)
		sandbox_child(plan);
	int code = errno;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);

	close(sync[1]);
	out->pid = pid;
	if (pid < 0) {
		(void)namespaces_leave_pid(&own_pids, err);
		sandbox_close(out);
		return error_set(err, code, "starting the container's process: %s", strerror(code));
	}
	if (namespaces_leave_pid(&own_pids, err) < 0 || await_ready(out, plan, err) < 0) {
		abandon(out, NULL);
		return -1;
	}
	return 0;
}

/* Files in memory for what hooks of the child are told: it is known when the child is there already. */
static int open_states(struct sandbox_plan *plan, struct error *err)
{
	static const enum spec_stage stages[2] = { HOOK_CREATE_CONTAINER, HOOK_START_CONTAINER };

	for (int i = 0; i < 2; i++)
		if (plan->spec->hooks[stages[i]].n && (plan->state_fds[i] = hooks_state_file()) < 0)
			return error_errno(err, "the container's state for its hooks");
	return 0;
}

static bool asks(const struct sandbox_plan *plan)
{
	const struct spec *spec = plan->spec;

	for (size_t i = 0; i <= HOOK_START_CONTAINER; i++)
		if (spec->hooks[i].n)
			return true;
	return plan->ns.has_offsets || (spec->callbacks && spec->callbacks->created);
}

int sandbox_create(const struct spec *spec, int root_fd, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err)
{
	struct sandbox_plan plan = {
		.spec = spec,
		.process = &spec->process,
		.ns = NAMESPACE_PLAN_INIT,
		.root_fd = root_fd,
		.join_pidfd = -1,
		.start_fd = spec->start_fd,
	};

	*out = (struct sandbox)SANDBOX_INIT;
	if (sandbox_check_process(plan.process, err) < 0)
		return -1;
	int result = namespaces_prepare(spec, &plan.ns, err);
	if (result == 0) {
		plan.stdio_uid = namespaces_outside_id(spec->uid_mappings, spec->n_uid_mappings,
						       spec->process.uid);
		plan.waits_first = plan.ns.two_stages || (spec->namespaces & CLONE_NEWUSER);
		plan.asks = asks(&plan);
		result = open_states(&plan, err);
	}
	if (result == 0)
		result = rootfs_prepare(&plan, err);
	if (result == 0)
		result = sandbox_launch(&plan, stdio, cgroup_fd, out, err);
	rootfs_release(&plan);
	sandbox_plan_release(&plan);
	return result;
}

int sandbox_detach(struct sandbox *sb, struct error *err)
{
	const char word = SANDBOX_DETACH;

	if (send(sb->sync_fd, &word, 1, MSG_NOSIGNAL) != 1)
		return silent_death(sb, err);
	sandbox_close(sb);
	return 0;
}

int sandbox_attach(pid_t pid, int dirfd, const char *path, struct sandbox *out, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int at = openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	*out = (struct sandbox)SANDBOX_INIT;
	if (fd < 0)
		return error_errno(err, "socket");
	fs_fd_path(at, address.sun_path);
	if (at < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, ESRCH, "the container's process does not wait for its start");
	out->pid = pid;
	out->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (out->pidfd < 0)
		return error_errno(err, "the container's process");
	out->sync_fd = STEAL_FD(fd);
	return 0;
}

/* The listener of the child's filter, which it installs this moment as its descriptor number. */
static int fetch_listener(struct sandbox *sb, int number, struct error *err)
{
	struct pollfd p = { .fd = sb->sync_fd, .events = POLLIN };

	for (;;) {
		sb->seccomp_fd = (int)syscall(SYS_pidfd_getfd, sb->pidfd, number, 0);
		if (sb->seccomp_fd >= 0)
			return 0;
		if (errno != EBADF)
			return error_errno(err, "the listener of the seccomp filter");
		/* Something to read means that it could not be installed. */
		if (poll(&p, 1, 1) > 0)
			return 0;
	}
}

int sandbox_start(struct sandbox *sb, struct error *err)
{
	const char word = sb->seccomp_fd >= 0 ? SANDBOX_GO : SANDBOX_START;
	struct sandbox_report report;
	int fd, n = -1;

	if (sb->sync_fd < 0)
		return error_set(err, EINVAL, "the container's process was started already");
	if (send(sb->sync_fd, &word, 1, MSG_NOSIGNAL) == 1)
		n = receive_report(sb->sync_fd, &report, &fd);
	else if (errno == EPIPE || errno == ECONNRESET)
		return silent_death(sb, err);
	if (n > 0 && report.step == STEP_LISTENER && sb->seccomp_fd < 0) {
		if (fetch_listener(sb, report.code, err) < 0) {
			abandon(sb, NULL);
			return -1;
		}
		if (sb->seccomp_fd >= 0)
			return 0;
		n = receive_report(sb->sync_fd, &report, &fd);
	}
	if (n == 0) {
		cleanup_close(&sb->sync_fd);
		sb->sync_fd = -1;
		return 0;
	}
	if (n < 0)
		error_errno(err, "starting the container's process");
	else
		sandbox_report_error(&report, err);
	abandon(sb, NULL);
	return -1;
}

void sandbox_close(struct sandbox *sb)
{
	cleanup_close(&sb->sync_fd);
	cleanup_close(&sb->terminal_fd);
	cleanup_close(&sb->seccomp_fd);
	cleanup_close(&sb->pidfd);
	sb->sync_fd = sb->terminal_fd = sb->seccomp_fd = sb->pidfd = -1;
}
