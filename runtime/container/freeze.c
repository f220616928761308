/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/container.h"
#include "runtime/spec/kernel.h"

/* The guard: reads until the other end of the pipe is closed, and thaws. What ends us (^C at the terminal, a hang-up)
 * must not end it before that: all signals are blocked. */
__attribute__((noreturn)) static void guard(int pipe_fd, int cgroup_fd)
{
	char c;

	setsid();
	/* Of all we inherited it needs two: no pipe of ours, no lock, may stay open through it. */
	if (dup2(pipe_fd, 0) < 0 || dup2(cgroup_fd, 1) < 0)
		_exit(1);
	sys_close_range(2, ~0U, 0);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	_exit(cgroup_freeze(1, false, NULL) < 0);
}

int freeze_begin(const struct container_config *c, struct freeze *f, struct error *err)
{
	autofree char *name = container_cgroup(c, err);
	autoclose int cgroup_fd = cgroup_open(name, err);
	sigset_t all, old;
	int ends[2];

	*f = (struct freeze)FREEZE_INIT;
	if (cgroup_fd < 0 && err->code != ENOENT)
		return -1;
	if (cgroup_fd < 0 || cgroup_frozen(cgroup_fd)) {
		error_clear(err);
		return 0;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	/* Nor may a ^C end it before it has said so: what it is to thaw may be frozen by then. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	f->guard = fork();
	if (f->guard == 0) {
		close(ends[1]);
		guard(ends[0], cgroup_fd);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(ends[0]);
	f->pipe_fd = ends[1];
	if (f->guard < 0) {
		freeze_end(f);
		return error_errno(err, "cannot start a process");
	}
	if (cgroup_freeze(cgroup_fd, true, err) < 0) {
		freeze_end(f);
		/* It ended this very moment: nothing moves any more. */
		if (cgroup_populated(cgroup_fd))
			return -1;
		error_clear(err);
	}
	return 0;
}

void freeze_end(struct freeze *f)
{
	if (f->pipe_fd < 0)
		return;
	cleanup_close(&f->pipe_fd);
	f->pipe_fd = -1;
	if (f->guard > 0)
		while (waitpid(f->guard, NULL, 0) < 0 && errno == EINTR)
			;
}
