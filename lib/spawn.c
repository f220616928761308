/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define OUTPUT_MAX ((size_t)64 << 10)

/* Never returns. sink is where stdout and stderr go; what else is open stays open, for fn may need it. */
static _Noreturn void child(int (*fn)(void *), void *arg, int null, int sink, pid_t parent)
{
	sigset_t none;

	/* The parent may have gone before the request for its death signal was in place. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(125);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(sink, STDOUT_FILENO) < 0 ||
	    dup2(sink, STDERR_FILENO) < 0)
		_exit(125);
	/* The caller may have blocked or taken over signals for itself. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	int status = fn(arg);
	fflush(NULL);
	_exit(status & 0xff);
}

/* Reads to the end even when no more is kept: a child that writes into a full pipe would never end. */
static void collect(int fd, struct strbuf *output)
{
	char buf[4096];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		size_t room = output->len < OUTPUT_MAX ? OUTPUT_MAX - output->len : 0;
		strbuf_add(output, buf, (size_t)n < room ? (size_t)n : room);
	}
}

int spawn_function(int (*fn)(void *), void *arg, struct strbuf *output, struct error *err)
{
	int ends[2] = { -1, -1 };
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return error_errno(err, "cannot open /dev/null");
	if (output && pipe2(ends, O_CLOEXEC))
		return error_errno(err, "cannot make a pipe");
	autoclose int reader = ends[0], writer = ends[1];

	/* Else the child would write what we have buffered a second time. */
	fflush(stdout);
	fflush(stderr);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(err, "cannot start a child process");
	if (pid == 0)
		child(fn, arg, null, output ? writer : null, parent);

	if (output) {
		close(STEAL_FD(writer));
		collect(reader, output);
	}
	int status;
	pid_t got;
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_errno(err, "cannot wait for a child process");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
