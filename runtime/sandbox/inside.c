/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/inside.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runtime/spec/kernel.h"

/* Shared with the child. */
struct inside {
	pid_t pid;
	int result;
	uint64_t bytes;
	struct error err;
};

static int enter(int userns_fd, struct error *err)
{
	/* As with exec (sandbox_child.c): nobody in there may trace us or look into what we have open. */
	if (sys_setns(userns_fd, CLONE_NEWUSER) < 0 || sys_setgroups(0, NULL) < 0 ||
	    sys_setresgid(0) < 0 || sys_setresuid(0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "the container's user namespace");
	return 0;
}

struct inside *inside_start(int userns_fd, inside_fn fn, void *arg, struct error *err)
{
	struct inside *in =
		mmap(NULL, sizeof(*in), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (in == MAP_FAILED) {
		error_errno(err, "cannot start a process");
		return NULL;
	}
	*in = (struct inside){ .result = -1 };
	pid_t parent = getpid();
	fflush(NULL); /* or the child would write it a second time */
	pid_t pid = fork();
	if (pid < 0) {
		error_errno(err, "cannot start a process");
		munmap(in, sizeof(*in));
		return NULL;
	}
	if (pid == 0) {
		/* Only now: a change of the user takes it away again (prctl(2)). */
		int entered = enter(userns_fd, &in->err);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (entered == 0 && getppid() == parent)
			in->result = fn(arg, &in->bytes, &in->err);
		_exit(0);
	}
	in->pid = pid;
	return in;
}

int inside_wait(struct inside *in, uint64_t *bytes, struct error *err)
{
	int result, status = 0;

	while (waitpid(in->pid, &status, 0) < 0 && errno == EINTR)
		;
	result = in->result;
	if (bytes)
		*bytes = in->bytes;
	if (result < 0 && in->err.code && err)
		*err = in->err;
	else if (result < 0)
		error_set(err, ESRCH, "a process of ours was killed (wait status %d)", status);
	munmap(in, sizeof(*in));
	return result;
}

int inside_run(int userns_fd, inside_fn fn, void *arg, uint64_t *bytes, struct error *err)
{
	uint64_t none = 0;
	struct inside *in;

	if (userns_fd < 0)
		return fn(arg, bytes ? bytes : &none, err);
	in = inside_start(userns_fd, fn, arg, err);
	return in ? inside_wait(in, bytes, err) : -1;
}
