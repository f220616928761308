/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t raw_fd = -1;

void terminal_restore(void)
{
	int fd = raw_fd;

	if (fd < 0)
		return;
	raw_fd = -1;
	/* From the background the change of mode would stop us with SIGTTOU and leave the terminal raw. */
	sigset_t block, old;
	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	sigprocmask(SIG_BLOCK, &block, &old);
	tcsetattr(fd, TCSADRAIN, &saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void on_fault(int signo)
{
	terminal_restore();
	raise(signo); /* SA_RESETHAND: now with its default action */
}

int terminal_raw(int fd, struct error *err)
{
	static bool prepared;
	static const int faults[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE };
	struct termios raw;

	if (tcgetattr(fd, &saved) < 0)
		return error_errno(err, "cannot read the mode of the terminal");
	if (!prepared) {
		struct sigaction sa = { .sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND };
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			sigaction(faults[i], &sa, NULL);
		atexit(terminal_restore);
		prepared = true;
	}
	raw = saved;
	cfmakeraw(&raw);
	raw_fd = fd;
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0) {
		raw_fd = -1;
		return error_errno(err, "cannot set the mode of the terminal");
	}
	return 0;
}

void terminal_size(int fd, unsigned short *rows, unsigned short *cols)
{
	struct winsize ws = { 0 };

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0)
		ws.ws_row = ws.ws_col = 0;
	*rows = ws.ws_row;
	*cols = ws.ws_col;
}

int terminal_resize(int fd, unsigned short rows, unsigned short cols)
{
	struct winsize ws = { .ws_row = rows, .ws_col = cols };

	return ioctl(fd, TIOCSWINSZ, &ws);
}

int terminal_signals(sigset_t *old, struct error *err)
{
	static const int keep[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG,  SIGTTIN, SIGTTOU,
				    SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS };
	static const int ignorable[] = { SIGHUP, SIGINT, SIGQUIT };
	struct sigaction sa;
	sigset_t set;
	int fd;

	sigfillset(&set);
	/* What we were told to ignore (nohup(1), a shell's background jobs) means our container just as little. */
	for (size_t i = 0; i < sizeof(ignorable) / sizeof(ignorable[0]); i++)
		if (sigaction(ignorable[i], NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			sigdelset(&set, ignorable[i]);
	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		sigdelset(&set, keep[i]);
	if (sigprocmask(SIG_BLOCK, &set, old) < 0)
		return error_errno(err, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		error_errno(err, "cannot make a signalfd");
		sigprocmask(SIG_SETMASK, old, NULL);
	}
	return fd;
}

int terminal_next_signal(int signal_fd)
{
	struct signalfd_siginfo info;

	return read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo
									     : 0;
}
