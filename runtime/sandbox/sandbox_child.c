/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/sandbox_child.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/sandbox/hooks.h"
#include "runtime/sandbox/rootfs.h"
#include "runtime/sandbox/sandbox_process.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"

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

int sandbox_send_report(const struct sandbox_plan *plan, int fd)
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

bool sandbox_read_word(int fd, char *word)
{
	ssize_t n;

	do
		n = read(fd, word, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Tells the parent how far we are, with a descriptor if fd is one. */
static void say(struct sandbox_plan *plan, enum sandbox_step step, int fd)
{
	plan->report.step = (int32_t)step;
	plan->report.code = step == STEP_READY ? plan->limits_left : 0;
	plan->report.detail[0] = '\0';
	/* With nobody to hear it there is nobody to go on for. */
	if (sandbox_send_report(plan, fd) < 0)
		_exit(125);
}

int sandbox_ask_bind(struct sandbox_plan *plan, size_t i)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char word;
	struct iovec data = { .iov_base = &word, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n;
	int fd;

	plan->report.step = STEP_BIND;
	plan->report.code = (int32_t)i;
	plan->report.detail[0] = '\0';
	if (sandbox_send_report(plan, -1) < 0)
		_exit(125);
	do
		n = recvmsg(plan->sync_fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		_exit(125);
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* The parent's word that its part is done. */
static void await_go(struct sandbox_plan *plan)
{
	char word;

	if (!sandbox_read_word(plan->sync_fd, &word) || word != SANDBOX_GO)
		_exit(125);
}

static int run_hooks(struct sandbox_plan *plan, enum spec_stage stage, int state_fd)
{
	const struct spec_hooks *hooks = &plan->spec->hooks[stage];
	struct sandbox_report *r = &plan->report;

	for (size_t i = 0; i < hooks->n; i++) {
		if (hook_run(&hooks->items[i], state_fd, r->detail, sizeof(r->detail)) < 0) {
			r->step = STEP_HOOK;
			r->code = ECANCELED;
			return -1;
		}
	}
	return 0;
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

/* ---- Namespaces */

static int join_namespaces(struct sandbox_plan *plan)
{
	for (size_t i = 0; i < plan->ns.n_joins; i++)
		if (sys_setns(plan->ns.joins[i].fd, (int)plan->ns.joins[i].type) < 0)
			return sandbox_fault(plan, STEP_NAMESPACE,
					     namespace_name(plan->ns.joins[i].type));
	return 0;
}

/* The first of two stages (runtime/sandbox/namespaces.h). Returns in the second. */
static int clone_second_stage(struct sandbox_plan *plan)
{
	int pidfd = -1;
	struct clone_args args = { .flags = plan->ns.clone_flags | CLONE_PARENT | CLONE_PIDFD,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd };

	if (join_namespaces(plan) < 0)
		return -1;
	/* Joined now: root there, whom what is made next belongs to. */
	if (!(plan->ns.clone_flags & CLONE_NEWUSER) && sandbox_become_root(plan) < 0)
		return -1;
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, "second stage");
	if (pid == 0)
		return 0;
	say(plan, STEP_STAGE, pidfd);
	_exit(0);
}

/* Furnishes the namespaces that are new, and makes the container's root ours. */
static int enter_new(struct sandbox_plan *plan, struct rootfs_fds *fds, int *master, int *slave)
{
	const struct spec *spec = plan->spec;

	if (plan->ns.unshared && sys_unshare(plan->ns.unshared) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, "new");
	if (plan->asks) {
		say(plan, STEP_NAMESPACED, -1);
		await_go(plan);
	}
	if (rootfs_attach(plan, fds) < 0 || rootfs_furnish(plan, fds) < 0 ||
	    run_hooks(plan, HOOK_CREATE_CONTAINER, plan->state_fds[0]) < 0 ||
	    rootfs_enter(plan) < 0 || set_names(plan) < 0)
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
		*master = sandbox_open_terminal(plan, fds, slave);
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
	if (sys_setns(plan->join_pidfd, (int)plan->join_flags) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, NULL);
	if (plan->root_fd >= 0 && (fchdir(plan->root_fd) < 0 || chroot(".") < 0))
		return sandbox_fault(plan, STEP_ROOT, "chroot");
	if (plan->ns.user && sandbox_become_root(plan) < 0)
		return -1;
	fds->root = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
	if (fds->root < 0)
		return sandbox_fault(plan, STEP_ROOT, "/");
	if (plan->process->terminal) {
		*master = sandbox_open_terminal(plan, fds, slave);
		if (*master < 0)
			return -1;
	}
	return 0;
}

/* ---- The whole of it */

static int set_cpus(struct sandbox_plan *plan, const struct sandbox_cpus *cpus)
{
	if (cpus->len && syscall(SYS_sched_setaffinity, 0, cpus->len, cpus->bits) < 0)
		return sandbox_fault(plan, STEP_AFFINITY, NULL);
	return 0;
}

/* Before anything of the container is in sight. */
static int begin(struct sandbox_plan *plan)
{
	close(plan->parent_fd);
	for (int sig = 1; sig <= 64; sig++)
		(void)sys_signal_default(sig);
	/* While we are visible to processes of the container, and are not its program yet, none of
	 * them may trace us or reach what is ours through /proc: with dumpable off that takes
	 * CAP_SYS_PTRACE over the HOST's user namespace. execve turns it on again. (Against
	 * CVE-2016-9962, CVE-2019-5736.) */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, NULL);
	if (plan->ns.two_stages && clone_second_stage(plan) < 0)
		return -1;
	if (plan->waits_first)
		await_go(plan);
	if (!plan->ns.two_stages && join_namespaces(plan) < 0)
		return -1;
	if (plan->spec && plan->ns.user && sandbox_become_root(plan) < 0)
		return -1;
	if (setsid() < 0 && errno != EPERM)
		return sandbox_fault(plan, STEP_NAMESPACE, "session");
	if (sandbox_new_keyring(plan) < 0 || sandbox_open_label(plan) < 0 ||
	    set_cpus(plan, &plan->affinity_initial) < 0)
		return -1;
	if (plan->spec && plan->spec->has_personality && personality(plan->spec->personality) < 0)
		return sandbox_fault(plan, STEP_PERSONALITY, NULL);
	umask(0);
	return 0;
}

/* Limits are the parent's to raise, who has the right to in the machine's user namespace. Where nobody has it, the parent may
 * not even lower those of another user's process: what we may do ourselves we do while we are who the parent is. */
static void try_limits(struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	for (size_t i = 0; i < p->n_rlimits; i++)
		if (syscall(SYS_prlimit64, 0, p->rlimits[i].resource, &p->rlimits[i].limit, NULL) <
		    0)
			plan->limits_left = errno;
}

static int set_up(struct sandbox_plan *plan, const char **program)
{
	const struct spec_process *p = plan->process;
	struct rootfs_fds fds = { .root = -1, .proc = -1, .devpts = -1 };
	int master = -1, slave = -1;

	if (begin(plan) < 0 ||
	    (plan->spec ? enter_new : enter_running)(plan, &fds, &master, &slave) < 0)
		return -1;

	/* The working directory: with no way through /proc's links, and looked up inside the
	 * root. The first process's was made; that of a further one must be there, as with runc. */
	int cwd = sys_open_in_root(fds.root, p->cwd, O_PATH | O_DIRECTORY);
	if (cwd < 0 || fchdir(cwd) < 0)
		return sandbox_fault(plan, STEP_CWD, p->cwd);

	/* The master goes up now, before all but stdio is closed. */
	if (master >= 0)
		say(plan, STEP_TERMINAL, master);
	else if (sandbox_open_null(plan, &fds) < 0)
		return -1;
	if (sandbox_arrange_descriptors(plan, master >= 0 ? (int[3]){ slave, slave, slave }
							  : plan->stdio) < 0)
		return -1;
	if (master >= 0 && ioctl(0, TIOCSCTTY, 0) < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "controlling terminal");
	sandbox_own_stdio(plan);

	if (capability_drop_bounding(plan->capabilities.bounding, plan->all_capabilities) < 0)
		return sandbox_fault(plan, STEP_CAPABILITY, "bounding set");
	try_limits(plan);
	if (sandbox_set_user(plan) < 0)
		return -1;
	umask(p->umask == (mode_t)-1 ? 022 : p->umask);
	*program = sandbox_find_program(plan);
	return *program ? 0 : -1;
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
		if (sandbox_read_word(plan->sync_fd, &word) && word == SANDBOX_START)
			break;
	}
	close(plan->start_fd);
}

/* Waits for the parent's word. Returns only if it says so. */
static void await_word(struct sandbox_plan *plan)
{
	char word;

	say(plan, STEP_READY, -1);
	if (!sandbox_read_word(plan->sync_fd, &word))
		_exit(125);
	if (word == SANDBOX_DETACH && plan->start_fd > 0)
		await_start(plan);
	else if (word != SANDBOX_START)
		_exit(125);
}

/* LISTEN_PID is who reads it (sd_listen_fds(3)): known only now, and here. */
static void name_listener(struct sandbox_plan *plan)
{
	size_t at = sizeof(plan->listen_pid);
	int pid = getpid();

	if (!plan->listen_pid_at)
		return;
	plan->listen_pid[--at] = '\0';
	do
		plan->listen_pid[--at] = (char)('0' + pid % 10);
	while ((pid /= 10) > 0);
	at -= strlen("LISTEN_PID=");
	memcpy(plan->listen_pid + at, "LISTEN_PID=", strlen("LISTEN_PID="));
	plan->process->env.items[plan->listen_pid_at - 1] = plan->listen_pid + at;
}

static int execute(struct sandbox_plan *plan, const char *program)
{
	const struct spec_process *p = plan->process;

	if (plan->spec && run_hooks(plan, HOOK_START_CONTAINER, plan->state_fds[1]) < 0)
		return -1;
	if (sandbox_set_privileges(plan) < 0)
		return -1;
	if (plan->spec && plan->spec->init && sandbox_become_init(plan) < 0)
		return -1;
	name_listener(plan);
	sys_sigprocmask(SIG_SETMASK, 0, NULL);
	execve(program, p->args.items, p->env.items);
	return sandbox_fault(plan, STEP_EXEC, program);
}

void sandbox_child(struct sandbox_plan *plan)
{
	const char *program = NULL;

	if (set_up(plan, &program) == 0) {
		await_word(plan);
		execute(plan, program);
	}
	if (plan->spec)
		rootfs_withdraw(plan);
	sandbox_send_report(plan, -1);
	_exit(125);
}
