/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `--init`: the first process of a container for programs that are none: it reaps what is orphaned, passes signals on, and
 * ends as the program does. It is the child itself, which stays what it is instead of executing anything: nothing of it is
 * a file in the container, and its program file is the one that runtime/sandbox/self.h keeps from being written. It has the
 * program's user, capabilities and filter, and cannot be traced. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/sandbox/sandbox_process.h"
#include "runtime/sandbox/self.h"
#include "runtime/spec/kernel.h"

/* A program with a terminal is in its foreground, in a process group of its own: so ^C reaches it once, from the terminal,
 * and not a second time through us. */
static void take_foreground(const struct sandbox_plan *plan)
{
	pid_t own = getpid();

	setpgid(0, 0);
	if (plan->process->terminal)
		(void)ioctl(0, TIOCSPGRP, &own); /* SIGTTOU, which it gives, is blocked */
}

/* Reaps all that has ended; true with the wait status of the program when it is among them. */
static bool reap(pid_t program, int *status)
{
	int one;
	bool ended = false;

	for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;)
		if (pid == program) {
			*status = one;
			ended = true;
		}
	return ended;
}

_Noreturn static void serve(pid_t program)
{
	const uint64_t all = ~UINT64_C(0);
	int status;

	for (;;) {
		siginfo_t info;
		int sig = (int)syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof(all));

		if (sig == SIGCHLD && reap(program, &status))
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		/* Of the terminal's own, those for a background process are none of the program's. */
		if (sig > 0 && sig != SIGCHLD && sig != SIGTTIN && sig != SIGTTOU)
			kill(program, sig);
	}
}

int sandbox_become_init(struct sandbox_plan *plan)
{
	/* In the machine's pid namespace, orphans would go past us. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, "init");
	/* The old clone: filters that cannot look into clone3's arguments refuse it. */
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
	if (pid < 0)
		return sandbox_fault(plan, STEP_NAMESPACE, "init");
	if (pid == 0) {
		take_foreground(plan);
		return 0;
	}
	/* The other end is to see the end of it when the program is executed; our own copies would hide that. */
	sys_close_range(3, ~0U, 0);
	self_rename("knarr-init");
	serve(pid);
}
