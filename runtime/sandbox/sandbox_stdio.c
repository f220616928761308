/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors of the child: terminal, stdio, and that no other is left. */
#include <errno.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "runtime/sandbox/sandbox_process.h"
#include "runtime/spec/kernel.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* devpts is the container's own, from when it was mounted; in a running container (-1) the path is looked up, and what is
 * found there must be the multiplexer of a devpts. */
int sandbox_open_terminal(struct sandbox_plan *plan, const struct rootfs_fds *fds, int *slave)
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

static int is_null(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* The container's /dev/null, which its root may own or give another mode as he likes: the machine's would be the
 * machine's. Where it has none, one on a tmpfs that is mounted nowhere. */
int sandbox_open_null(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	int null = -1;

	for (int i = 0; i < 3; i++) {
		if (plan->stdio[i] >= 0)
			continue;
		if (null < 0)
			null = sys_openat2(fds->root, "/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK,
					   0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (null >= 0 && (!is_null(null) || fcntl(null, F_SETFL, O_RDWR) < 0)) {
			close(null);
			null = -1;
		}
		if (null < 0) {
			int fs = sys_fsopen("tmpfs");
			int mount =
				fs >= 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0
					? sys_fsmount(fs, MOUNT_ATTR_NOEXEC)
					: -1;

			if (mount >= 0 &&
			    mknodat(mount, "null", S_IFCHR | 0666, makedev(1, 3)) == 0)
				null = openat(mount, "null", O_RDWR | O_CLOEXEC);
		}
		if (null < 0)
			return sandbox_fault(plan, STEP_STDIO, "/dev/null");
		plan->stdio[i] = null;
	}
	return 0;
}

/* The host's folders must not be within reach of the program, nor of a working directory such as /proc/self/fd/7
 * (CVE-2024-21626): of what is open, whoever opened it, stdio and the descriptors to be preserved stay, and behind them
 * those that we still need and execve closes. Those among the preserved that are ours execve closes as well. */
int sandbox_arrange_descriptors(struct sandbox_plan *plan, const int stdio[3])
{
	int *const own[] = { &plan->sync_fd, &plan->start_fd, &plan->state_fds[1],
			     &plan->label_fd };
	const int n_own = (int)(sizeof(own) / sizeof(own[0]));
	const int first = 3 + plan->process->preserve_fds;
	int high[3 + sizeof(own) / sizeof(own[0])], next = first;

	for (int i = 0; i < 3 + n_own; i++) {
		int from = i < 3 ? stdio[i] : *own[i - 3];

		if (i >= 3 && from <= 0)
			continue;
		high[i] = fcntl(from, F_DUPFD_CLOEXEC, first + n_own);
		if (high[i] < 0)
			return sandbox_fault(plan, STEP_STDIO, NULL);
	}
	for (int i = 0; i < 3 + n_own; i++) {
		if (i < 3) {
			if (dup2(high[i], i) < 0)
				return sandbox_fault(plan, STEP_STDIO, NULL);
		} else if (*own[i - 3] > 0) {
			if (dup3(high[i], next, O_CLOEXEC) < 0)
				return sandbox_fault(plan, STEP_STDIO, NULL);
			*own[i - 3] = next++;
		}
	}
	return sys_close_range((unsigned int)next, ~0U, 0) < 0
		       ? sandbox_fault(plan, STEP_STDIO, NULL)
		       : 0;
}

/* A user other than root can open /dev/stdout again only if the pipe or terminal behind it is his;
 * what is a file of the host stays as it is. (Pipes, for a user namespace: the parent has done it.) */
void sandbox_own_stdio(const struct sandbox_plan *plan)
{
	const struct spec_process *p = plan->process;

	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && st.st_uid != p->uid &&
		    (p->terminal || (S_ISFIFO(st.st_mode) && !plan->ns.user)))
			(void)!fchown(fd, p->uid, (gid_t)-1);
	}
}
