/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/capability.h"
#include "runtime/kernel.h"
#include "runtime/rootfs.h"
#include "runtime/sandbox_launch.h"

/* ---- Words */

static const char *const step_words[STEP_COUNT] = {
	[STEP_NAMESPACE] = "entering the container's namespaces",
	[STEP_ROOT] = "changing the root filesystem:",
	[STEP_MOUNT] = "mounting",
	[STEP_MOUNT_POINT] = "making the mount point",
	[STEP_MOUNT_PROC] = "refusing to mount over what is no ordinary folder:",
	[STEP_DEVICE] = "making the device",
	[STEP_MASK] = "masking",
	[STEP_READONLY] = "making read-only",
	[STEP_HOSTNAME] = "setting the hostname to",
	[STEP_LOOPBACK] = "bringing up the network interface",
	[STEP_SYSCTL] = "setting the sysctl",
	[STEP_TERMINAL] = "making the terminal",
	[STEP_STDIO] = "arranging stdin, stdout and stderr",
	[STEP_RLIMIT] = "setting resource limits",
	[STEP_USER] = "changing the user",
	[STEP_CAPABILITY] = "setting capabilities",
	[STEP_SECCOMP] = "installing the seccomp filter",
};

/* strerror in the words of Docker (that is, of Go), which begin in lower case. */
static const char *why(int code, char buf[64])
{
	snprintf(buf, 64, "%s", strerror(code));
	if (buf[0] >= 'A' && buf[0] <= 'Z' && !(buf[1] >= 'A' && buf[1] <= 'Z'))
		buf[0] = (char)(buf[0] - 'A' + 'a');
	return buf;
}

/* Turns the child's report into err. The statuses are Docker's: 127 for what is not there, 126 for
 * what is there and cannot be executed. */
static int report_error(const struct sandbox_report *r, struct error *err)
{
	char buf[64];
	const char *d = r->detail;
	const char *reason = why(r->code, buf);

	switch (r->step) {
	case STEP_NOT_IN_PATH:
		error_set(err, r->code, "exec: \"%s\": executable file not found in $PATH", d);
		return error_status(err, 127);
	case STEP_STAT:
		error_set(err, r->code, "exec: \"%s\": stat %s: %s", d, d, reason);
		return error_status(err, r->code == ENOENT ? 127 : 126);
	case STEP_NO_PROGRAM:
		error_set(err, r->code, "exec: \"%s\": %s", d, reason);
		return error_status(err, 126);
	case STEP_EXEC:
		error_set(err, r->code, "exec %s: %s", d, reason);
		return error_status(err, r->code == ENOENT ? 127 : 126);
	case STEP_CWD:
		error_set(err, r->code, "working directory \"%s\": %s", d, reason);
		return error_status(err, r->code == ENOTDIR || r->code == EACCES ? 126 : 125);
	default:
		break;
	}
	const char *words = r->step > 0 && r->step < STEP_COUNT ? step_words[r->step] : NULL;
	if (!words)
		words = "setting up the container";
	error_set(err, r->code, d[0] ? "%s %s: %s" : "%s%s: %s", words, d, reason);
	return error_status(err, 125);
}

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

/* ---- Launching, for sandbox_create and sandbox_exec */

/* The paths at which args.items[0] may be found, NULL-terminated. */
static char **list_candidates(const struct spec_process *p)
{
	struct strv v = STRV_INIT;
	const char *name = p->args.items[0];
	const char *path = strv_env_get(&p->env, "PATH");

	if (strchr(name, '/')) {
		strv_add(&v, name);
		return v.items;
	}
	/* Only absolute folders: a relative one, or an empty one, would be the working
	 * directory. */
	for (const char *at = path ? path : ""; *at;) {
		size_t len = strcspn(at, ":");

		if (at[0] == '/')
			strv_addf(&v, "%.*s/%s", (int)len, at, name);
		at += len + (at[len] == ':');
	}
	return v.items ? v.items : xcalloc(1, sizeof(char *));
}

static void free_candidates(char **candidates)
{
	struct strv v = { .items = candidates };

	while (candidates && candidates[v.len])
		v.len++;
	strv_free(&v);
}

int sandbox_check_process(const struct spec_process *p, struct error *err)
{
	if (!p->args.len || !p->args.items[0][0])
		return error_set(err, EINVAL, "no command specified");
	if (!p->cwd || p->cwd[0] != '/')
		return error_set(err, EINVAL, "working directory \"%s\" is not an absolute path",
				 p->cwd ? p->cwd : "");
	return 0;
}

/* Everything is raised in the host's view, on a child that cannot be anyone else's yet. */
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

static int await_ready(struct sandbox *sb, const struct spec_process *p, struct error *err)
{
	struct sandbox_report report;
	int fd;

	for (;;) {
		int n = receive_report(sb->sync_fd, &report, &fd);

		if (n == 0)
			return silent_death(sb, err);
		if (n < 0)
			return error_errno(err, "hearing from the container's process");
		if (fd >= 0) {
			cleanup_close(&sb->terminal_fd);
			sb->terminal_fd = fd;
			if (accept_terminal(sb, p, err) < 0)
				return -1;
			continue;
		}
		if (report.step != STEP_READY)
			return report_error(&report, err);
		return p->has_oom_score_adj ? set_oom_score(sb->pid, p->oom_score_adj, err) : 0;
	}
}

int sandbox_launch(struct sandbox_plan *plan, uint64_t flags, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err)
{
	autoclose int null = -1;
	int sync[2];
	uint64_t old_mask;

	*out = (struct sandbox)SANDBOX_INIT;
	for (int i = 0; i < 3; i++) {
		plan->stdio[i] = stdio ? stdio[i] : -1;
		if (plan->stdio[i] >= 0 || plan->process->terminal)
			continue;
		if (null < 0 && (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
			return error_errno(err, "/dev/null");
		plan->stdio[i] = null;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
		return error_errno(err, "socketpair");
	plan->parent_fd = out->sync_fd = sync[0];
	plan->sync_fd = sync[1];
	plan->candidates = list_candidates(plan->process);
	plan->all_capabilities = capability_all();

	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
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
	free_candidates(plan->candidates);
	plan->candidates = NULL;
	out->pid = pid;
	if (pid < 0) {
		sandbox_close(out);
		return error_set(err, code, "starting the container's process: %s", strerror(code));
	}
	if (await_ready(out, plan->process, err) < 0) {
		abandon(out, NULL);
		return -1;
	}
	return 0;
}

int sandbox_create(const struct spec *spec, int root_fd, const int stdio[3], int cgroup_fd,
		   struct sandbox *out, struct error *err)
{
	struct sandbox_plan plan = {
		.spec = spec,
		.process = &spec->process,
		.root_fd = root_fd,
		.join_pidfd = -1,
		.start_fd = spec->start_fd,
	};

	*out = (struct sandbox)SANDBOX_INIT;
	if (sandbox_check_process(plan.process, err) < 0)
		return -1;
	int result = rootfs_prepare(&plan, err);
	if (result == 0)
		result = sandbox_launch(&plan, spec->namespaces & ~(uint64_t)CLONE_NEWCGROUP, stdio,
					cgroup_fd, out, err);
	rootfs_release(&plan);
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

int sandbox_start(struct sandbox *sb, struct error *err)
{
	const char word = SANDBOX_START;
	struct sandbox_report report;
	int fd, n = -1;

	if (sb->sync_fd < 0)
		return error_set(err, EINVAL, "the container's process was started already");
	if (send(sb->sync_fd, &word, 1, MSG_NOSIGNAL) == 1)
		n = receive_report(sb->sync_fd, &report, &fd);
	else if (errno == EPIPE || errno == ECONNRESET)
		return silent_death(sb, err);
	if (n == 0) {
		cleanup_close(&sb->sync_fd);
		sb->sync_fd = -1;
		return 0;
	}
	if (n < 0)
		error_errno(err, "starting the container's process");
	else
		report_error(&report, err);
	abandon(sb, NULL);
	return -1;
}

void sandbox_close(struct sandbox *sb)
{
	cleanup_close(&sb->sync_fd);
	cleanup_close(&sb->terminal_fd);
	cleanup_close(&sb->pidfd);
	sb->sync_fd = sb->terminal_fd = sb->pidfd = -1;
}
