/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox_child.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "runtime/capability.h"
#include "runtime/kernel.h"
#include "runtime/rootfs.h"
#include "runtime/seccomp.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int sandbox_fault(struct sandbox_plan *plan, enum sandbox_step step, const char *detail)
{
	struct sandbox_report *r = &plan->report;
	size_t len = detail ? strlen(detail) : 0;

	r->code = errno;
	r->step = (int32_t)step;
	if (len >= sizeof(r->detail))
		len = sizeof(r->detail) - 1;
	if (len)
		memcpy(r->detail, detail, len);
	r->detail[len] = '\0';
	return -1;
}

/* Sends the report, with a descriptor if fd is one. */
static int send_report(const struct sandbox_plan *plan, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { .iov_base = (void *)&plan->report, .iov_len = sizeof(plan->report) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	return sendmsg(plan->sync_fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* ---- Settings of the new namespaces */

static int set_names(struct sandbox_plan *plan)
{
	const struct spec *spec = plan->spec;

	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return sandbox_fault(plan, STEP_HOSTNAME, spec->hostname);
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return sandbox_fault(plan, STEP_HOSTNAME, spec->domainname);
	return 0;
}

static int raise_loopback(struct sandbox_plan *plan)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
		return sandbox_fault(plan, STEP_LOOPBACK, "lo");
	lo.ifr_flags = (short)(lo.ifr_flags | IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return sandbox_fault(plan, STEP_LOOPBACK, "lo");
	close(fd);
	return 0;
}

/* KEY=VALUE. Written through the descriptor of the container's own procfs, so that nothing mounted
 * or linked over /proc turns the write elsewhere. */
static int set_sysctl(struct sandbox_plan *plan, const struct rootfs_fds *fds, const char *setting)
{
	char path[256] = "sys/";
	const char *eq = strchr(setting, '=');
	size_t len = eq ? (size_t)(eq - setting) : 0;

	errno = EINVAL;
	if (!len || len + 5 > sizeof(path))
		return sandbox_fault(plan, STEP_SYSCTL, setting);
	memcpy(path + 4, setting, len);
	path[len + 4] = '\0';
	/* net.ipv4.conf.eth0.x, or net/ipv4/conf/eth0.1/x where a name has a dot of its own
	 * (sysctl(8)). */
	if (!strchr(path + 4, '/'))
		for (char *c = path + 4; *c; c++)
			if (*c == '.')
				*c = '/';

	errno = ENOENT;
	int fd = fds->proc < 0
			 ? -1
			 : sys_openat2(fds->proc, path, O_WRONLY, 0,
				       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd < 0 || write(fd, eq + 1, strlen(eq + 1)) < 0)
		return sandbox_fault(plan, STEP_SYSCTL, setting);
	close(fd);
	return 0;
}

/* ---- Terminal and stdio */

/* Opens a new terminal: its master, and its slave in *slave. devpts is the container's own, from
 * when it was mounted; in a running container (-1) the path is looked up, and what is found there
 * must be the multiplexer of a devpts. */
static int open_terminal(struct sandbox_plan *plan, const struct rootfs_fds *fds, int *slave)
{
	int unlock = 0, master;
	struct stat st;
	struct statfs fs;

	if (fds->devpts >= 0) {
		master = openat(fds->devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	} else {
		/* O_NONBLOCK: a FIFO in its place must not hold us. */
		master = sys_openat2(fds->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0,
				     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (master >= 0 &&
		    (fstat(master, &st) < 0 || fstatfs(master, &fs) < 0 || !S_ISCHR(st.st_mode) ||
		     st.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC)) {
			errno = ENODEV;
			return sandbox_fault(plan, STEP_TERMINAL, "/dev/pts/ptmx");
		}
		if (master >= 0 && fcntl(master, F_SETFL, O_RDWR) < 0)
			return sandbox_fault(plan, STEP_TERMINAL, "/dev/pts/ptmx");
	}
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "/dev/pts/ptmx");
	/* The slave straight from the master, without a path. */
	*slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "/dev/pts");
	return master;
}

/* Puts 0, 1, 2 in place, the socket at 3 and the one that listens for a start at 4; closes all the
 * rest, whoever opened it: the host's folders must not be within reach of the program, nor of a
 * working directory such as /proc/self/fd/7 (CVE-2024-21626). */
static int arrange_descriptors(struct sandbox_plan *plan, const int stdio[3])
{
	const int from[5] = { stdio[0], stdio[1], stdio[2], plan->sync_fd, plan->start_fd };
	const int n = plan->start_fd > 0 ? 5 : 4;
	int high[5];

	for (int i = 0; i < n; i++) {
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 5);
		if (high[i] < 0)
			return sandbox_fault(plan, STEP_STDIO, NULL);
	}
	for (int i = 0; i < n; i++)
		if ((i < 3 ? dup2(high[i], i) : dup3(high[i], i, O_CLOEXEC)) < 0)
			return sandbox_fault(plan, STEP_STDIO, NULL);
	plan->sync_fd = 3;
	plan->start_fd = n > 4 ? 4 : 0;
	return sys_close_range((unsigned int)n, ~0U, 0) < 0
		       ? sandbox_fault(plan, STEP_STDIO, NULL)
		       : 0;
}

/* A user other than root can open /dev/stdout again only if the pipe or terminal behind it is his;
 * what is a file of the host stays as it is. */
static void own_stdio(const struct spec_process *p)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && st.st_uid != p->uid &&
		    (S_ISFIFO(st.st_mode) || p->terminal))
			(void)!fchown(fd, p->uid, (gid_t)-1);
	}
}

/* ---- The process */

static int set_user(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	/* Without this, leaving uid 0 would empty the permitted set (capabilities(7)). */
	if (p->uid && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_USER, NULL);
	if (sys_setgroups(p->n_groups, p->groups) < 0 || sys_setresgid(p->gid) < 0 ||
	    sys_setresuid(p->uid) < 0)
		return sandbox_fault(plan, STEP_USER, NULL);
	if (!p->uid)
		return 0;

	/* The effective set went all the same; what the filter's installation needs comes back
	 * until set_privileges. */
	struct spec_capabilities sets = p->capabilities;
	sets.permitted |= UINT64_C(1) << CAP_SYS_ADMIN;
	sets.effective |= UINT64_C(1) << CAP_SYS_ADMIN;
	sets.ambient = 0;
	if (capability_set(&sets) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, NULL);
	return 0;
}

/* 0 if path is a program, else an errno value, as Go's exec.LookPath and so Docker finds it. */
static int program_fault(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!(st.st_mode & 0111) || sys_executable(path) < 0)
		return EACCES;
	return 0;
}

/* The program to execute, or NULL after sandbox_fault. */
static const char *find_program(struct sandbox_plan *plan)
{
	const char *name = plan->process->args.items[0];
	int fault = ENOENT;

	for (char **path = plan->candidates; *path; path++) {
		fault = program_fault(*path);
		if (!fault)
			return *path;
	}
	errno = fault;
	if (!strchr(name, '/'))
		sandbox_fault(plan, STEP_NOT_IN_PATH, name);
	else
		sandbox_fault(plan,
			      fault == EISDIR || fault == EACCES ? STEP_NO_PROGRAM : STEP_STAT,
			      name);
	return NULL;
}

/* What takes rights away, last of all. The filter goes before the capabilities: without
 * no_new_privs only CAP_SYS_ADMIN may install one. */
static int set_privileges(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, "no_new_privs");
	if (p->seccomp && seccomp_install(p->seccomp) < 0)
		return sandbox_fault(plan, STEP_SECCOMP, NULL);
	if (capability_set(&p->capabilities) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, NULL);
	return 0;
}

static int set_limits(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	for (size_t i = 0; i < p->n_rlimits; i++)
		if (syscall(SYS_prlimit64, 0, p->rlimits[i].resource, &p->rlimits[i].limit, NULL) <
		    0)
			return sandbox_fault(plan, STEP_RLIMIT, NULL);
	return 0;
}

/* Enters the namespaces that clone3 made, and furnishes them. */
static int enter_new(struct sandbox_plan *plan, struct rootfs_fds *fds, int *master, int *slave)
{
	const struct spec *spec = plan->spec;

	/* Not among clone3's flags: there it would take the parent's cgroup for its root, not the
	 * one born into. */
	if ((spec->namespaces & CLONE_NEWCGROUP) && sys_unshare(CLONE_NEWCGROUP) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, "cgroup");
	if (rootfs_attach(plan, fds) < 0 || rootfs_furnish(plan, fds) < 0 || rootfs_enter(plan) < 0 ||
	    set_names(plan) < 0)
		return -1;
	if ((spec->namespaces & CLONE_NEWNET) && raise_loopback(plan) < 0)
		return -1;
	for (size_t i = 0; i < spec->sysctls.len; i++)
		if (set_sysctl(plan, fds, spec->sysctls.items[i]) < 0)
			return -1;
	if (plan->process->terminal) {
		errno = ENOENT;
		if (fds->devpts < 0)
			return sandbox_fault(plan, STEP_TERMINAL, "/dev/pts");
		*master = open_terminal(plan, fds, slave);
		if (*master < 0 || rootfs_console(plan, fds, *slave) < 0)
			return -1;
	}
	/* Made while the root can still be written, entered when all that must be covered is. */
	int cwd = sandbox_make_path(fds->root, plan->process->cwd, false);
	if (cwd < 0)
		return sandbox_fault(plan, STEP_CWD, plan->process->cwd);
	close(cwd);
	return rootfs_seal(plan, fds);
}

/* Joins the namespaces of a running container. The pid namespace is joined already, by birth
 * (exec.c). */
static int enter_running(struct sandbox_plan *plan, struct rootfs_fds *fds, int *master, int *slave)
{
	if (sys_setns(plan->join_pidfd, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
						CLONE_NEWCGROUP) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, NULL);
	fds->root = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (fds->root < 0)
		return sandbox_fault(plan, STEP_ROOT, "/");
	if (plan->process->terminal) {
		*master = open_terminal(plan, fds, slave);
		if (*master < 0)
			return -1;
	}
	return 0;
}

static int set_up(struct sandbox_plan *plan, const char **program)
{
	const struct spec_process *p = plan->process;
	struct rootfs_fds fds = { .root = -1, .proc = -1, .devpts = -1 };
	int master = -1, slave = -1;

	close(plan->parent_fd);
	for (int sig = 1; sig <= 64; sig++)
		(void)sys_signal_default(sig);
	/* While we are visible to processes of the container, and are not its program yet, none of
	 * them may trace us or reach what is ours through /proc: with dumpable off that takes
	 * CAP_SYS_PTRACE over the HOST's user namespace. execve turns it on again. (Against
	 * CVE-2016-9962, CVE-2019-5736.) */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, NULL);
	if (setsid() < 0 && errno != EPERM)
		return sandbox_fault(plan, STEP_NAMESPACE, "session");
	umask(0);
	if ((plan->spec ? enter_new : enter_running)(plan, &fds, &master, &slave) < 0)
		return -1;

	/* The working directory: with no way through /proc's links, and looked up inside the
	 * root. */
	int cwd = sandbox_make_path(fds.root, p->cwd, false);
	if (cwd < 0 || fchdir(cwd) < 0)
		return sandbox_fault(plan, STEP_CWD, p->cwd);

	if (master >= 0) {
		/* The master goes up now, before all but stdio is closed. */
		plan->report.step = STEP_TERMINAL;
		plan->report.code = 0;
		if (send_report(plan, master) < 0)
			return sandbox_fault(plan, STEP_TERMINAL, NULL);
	}
	if (arrange_descriptors(plan, master >= 0 ? (int[3]){ slave, slave, slave } : plan->stdio) <
	    0)
		return -1;
	if (master >= 0 && ioctl(0, TIOCSCTTY, 0) < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "controlling terminal");
	own_stdio(p);

	if (set_limits(plan) < 0)
		return -1;
	if (capability_drop_bounding(p->capabilities.bounding, plan->all_capabilities) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, "bounding set");
	if (set_user(plan) < 0)
		return -1;
	umask(p->umask == (mode_t)-1 ? 022 : p->umask);
	*program = find_program(plan);
	return *program ? 0 : -1;
}

/* One word from the other end; false at its end. */
static bool read_word(int fd, char *word)
{
	ssize_t n;

	do
		n = read(fd, word, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* After SANDBOX_DETACH: the parent is gone. Whoever connects and says so lets us go, and hears what
 * becomes of it as the parent would have; one that goes without a word leaves us as we were. */
static void await_start(struct sandbox_plan *plan)
{
	char word;

	for (;;) {
		close(plan->sync_fd);
		do
			plan->sync_fd = accept4(plan->start_fd, NULL, NULL, SOCK_CLOEXEC);
		while (plan->sync_fd < 0 && (errno == EINTR || errno == ECONNABORTED));
		if (plan->sync_fd < 0)
			_exit(125);
		if (read_word(plan->sync_fd, &word) && word == SANDBOX_START)
			break;
	}
	close(plan->start_fd);
}

/* Waits for the parent's word. Returns only if it says so. */
static void await_word(struct sandbox_plan *plan)
{
	char word;

	plan->report.step = STEP_READY;
	plan->report.code = 0;
	plan->report.detail[0] = '\0';
	if (send_report(plan, -1) < 0 || !read_word(plan->sync_fd, &word))
		_exit(125);
	if (word == SANDBOX_DETACH && plan->start_fd > 0)
		await_start(plan);
	else if (word != SANDBOX_START)
		_exit(125);
}

void sandbox_child(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;
	const char *program = NULL;

	if (set_up(plan, &program) == 0) {
		await_word(plan);
		if (set_privileges(plan) == 0) {
			sys_sigprocmask(SIG_SETMASK, 0, NULL);
			execve(program, p->args.items, p->env.items);
			sandbox_fault(plan, STEP_EXEC, program);
		}
	}
	send_report(plan, -1);
	_exit(125);
}
