/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/rescue.h"

#include "init/main.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char stack[32 * 1024];

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

static void put_hex(int fd, unsigned long value)
{
	char text[19] = "0x";

	for (int i = 0; i < 16; i++)
		text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
	put(fd, text);
}

static void take_console(void)
{
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		open("/dev/console", O_RDWR);
	}
	ioctl(0, TIOCSCTTY, 1);
}

static pid_t open_shell(void)
{
	static char *argv[] = { (char *)"-sh", NULL };
	static char *env[] = { (char *)"PATH=" SEARCH_PATH, (char *)"HOME=/", (char *)"TERM=vt220",
			       NULL };
	pid_t pid = fork();
	sigset_t none;

	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	/* The shell that has the terminal would share the keyboard with ours, letter by letter:
	 * it is hung up. */
	signal(SIGHUP, SIG_IGN);
	take_console();
	vhangup();
	take_console();
	signal(SIGHUP, SIG_DFL);
	execve("/bin/sh", argv, env);
	put(2, "init: /bin/sh cannot be run\n");
	_exit(127);
}

/* Only what is safe in a signal handler; it never returns to what has gone wrong. */
static void fault(int sig, siginfo_t *info, void *context)
{
	const struct timespec pause = { .tv_sec = 1 };
	pid_t shell = -1;
	int fd;

	(void)context;
	if (getpid() != 1) {
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	put(fd, "\ninit: PID 1 has failed (");
	put(fd, sig == SIGSEGV  ? "SIGSEGV"
		: sig == SIGBUS ? "SIGBUS"
		: sig == SIGILL ? "SIGILL"
		: sig == SIGFPE ? "SIGFPE"
				: "SIGABRT");
	put(fd, " at ");
	put_hex(fd, (unsigned long)info->si_addr);
	put(fd,
	    "). This is a fault of Knarr's.\n"
	    "init: containers go on, a shell follows. Then: 'knarr shutdown; sync; poweroff -f'\n");
	for (;;) {
		int status;
		pid_t pid;

		if (shell < 0)
			shell = open_shell();
		pid = waitpid(-1, &status, 0);
		if (pid == shell || pid < 0) {
			shell = -1;
			nanosleep(&pause, NULL);
		}
	}
}

void rescue_arm(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_sigaction = fault,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t where = { .ss_sp = stack, .ss_size = sizeof stack };

	sigaltstack(&where, NULL);
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		sigaction(faults[i], &action, NULL);
}
