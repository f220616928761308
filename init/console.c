/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/console.h"

#include "init/file.h"
#include "init/say.h"
#include "init/supervise.h"
#include "init/winsize.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ttydefaults.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MS 150

/* --- which terminals --- */

static void add(const char *name, size_t len, char ttys[static CONSOLES_MAX][TTY_NAME_MAX],
		unsigned *n)
{
	char tty[TTY_NAME_MAX] = "";

	if (len == 0 || len >= TTY_NAME_MAX || *n == CONSOLES_MAX)
		return;
	memcpy(tty, name, len);
	/* tty0 is whatever virtual terminal is shown at the moment: nothing to keep a session on.
	 */
	if (strcmp(tty, "tty0") == 0)
		tty[3] = '1';
	/* Consoles that nobody can type at */
	if (strcmp(tty, "ttynull") == 0 || strncmp(tty, "netcon", 6) == 0)
		return;
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(ttys[i], tty) == 0)
			return;
	memcpy(ttys[(*n)++], tty, sizeof tty);
}

static bool is_active(const char *active, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = active; (at = strstr(at, name)); at += len)
		if ((at == active || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

unsigned console_list(const struct cmdline *cmd, const char *active,
		      char ttys[static CONSOLES_MAX][TTY_NAME_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < cmd->n_consoles; i++)
		if (is_active(active, cmd->consoles[i]))
			add(cmd->consoles[i], strlen(cmd->consoles[i]), ttys, &n);
	while (*active) {
		size_t len = strcspn(active, " ");

		add(active, len, ttys, &n);
		active += len + (active[len] == ' ');
	}
	if (n == 0)
		add("console", strlen("console"), ttys, &n);
	return n;
}

/* --- a session --- */

static bool is_virtual_terminal(const char *tty)
{
	return strncmp(tty, "tty", 3) == 0 && tty[3] >= '0' && tty[3] <= '9';
}

static bool is_serial(const char *tty)
{
	return !is_virtual_terminal(tty) && strncmp(tty, "hvc", 3) != 0;
}

/* What a terminal should be like before a shell has it, whatever the last program on it left. Speed
 * and width of a serial line stay as the kernel was told with console=. */
static void set_modes(int fd, bool raw_output)
{
	static const cc_t chars[NCCS] = {
		[VINTR] = CINTR,     [VQUIT] = CQUIT,     [VERASE] = CERASE, [VKILL] = CKILL,
		[VEOF] = CEOF,       [VSTART] = CSTART,   [VSTOP] = CSTOP,   [VSUSP] = CSUSP,
		[VREPRINT] = CRPRNT, [VWERASE] = CWERASE, [VLNEXT] = CLNEXT, [VDISCARD] = CDISCARD,
		[VMIN] = 1,
	};
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return;
	t.c_iflag = ICRNL | IXON | IUTF8;
	t.c_oflag = raw_output ? 0 : OPOST | ONLCR;
	t.c_cflag |= CREAD | CLOCAL;
	t.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
	memcpy(t.c_cc, chars, sizeof t.c_cc);
	tcsetattr(fd, TCSANOW, &t);
}

/* Opens the terminal as standard input, output and error and as the controlling one of this
 * session. */
static bool take_terminal(const struct console *c)
{
	char path[TTY_NAME_MAX + 8];
	int fd;

	snprintf(path, sizeof path, "/dev/%s", c->tty);
	/* Without O_NONBLOCK a serial line with no carrier would hold us here. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		complain("console %s: %s", c->tty, strerror(errno));
		return false;
	}
	fcntl(fd, F_SETFL, O_RDWR);
	if (!isatty(fd)) {
		complain("console %s is no terminal", c->tty);
		return false;
	}
	/* 1: taken from whatever session may still have it; the last shell is gone, this one is to
	 * work. */
	if (ioctl(fd, TIOCSCTTY, 1) < 0)
		complain("console %s: no job control: %s", c->tty, strerror(errno));
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	return true;
}

static void set_size(const struct console *c, bool ask)
{
	struct winsize size = { 0 };

	if (is_virtual_terminal(c->tty))
		return;
	ioctl(0, TIOCGWINSZ, &size);
	/* A virtio console is told its size by the host. A serial line's is what we set the last
	 * time, so ask anew. */
	if (size.ws_row && size.ws_col && !is_serial(c->tty))
		return;
	if (c->cmd->rows == 0 && ask && winsize_ask(0, clock_ms() + ANSWER_MS, c->gate_fd))
		return;
	if (c->cmd->rows == 0 && size.ws_row && size.ws_col)
		return;
	size.ws_row = c->cmd->rows ? c->cmd->rows : 24;
	size.ws_col = c->cmd->cols ? c->cmd->cols : 80;
	ioctl(0, TIOCSWINSZ, &size);
}

static void wait_for_gate(const struct console *c)
{
	struct pollfd gate = { .fd = c->gate_fd, .events = POLLIN };

	while (poll(&gate, 1, -1) < 0 && errno == EINTR)
		continue;
}

static void set_terminal_name(const struct console *c, char out[static 48])
{
	if (is_virtual_terminal(c->tty))
		snprintf(out, 48, "TERM=linux");
	else
		snprintf(out, 48, "TERM=%s", c->cmd->term[0] ? c->cmd->term : "vt220");
}

static void greet(const struct console *c)
{
	struct utsname host;
	char text[640];
	int n;

	uname(&host);
	n = snprintf(text, sizeof text,
		     "\nKnarr " KNARR_VERSION ", Linux %.64s, %.64s on %s\n"
		     "store: %s\n"
		     "Try: docker run -it --rm busybox sh\n\n",
		     host.release, host.nodename, c->tty,
		     c->store->ready ? c->store->text : "not ready yet");
	if (n > 0 && write(1, text, (size_t)n) < 0)
		complain("console %s: %s", c->tty, strerror(errno));
}

void console_shell(void *arg)
{
	const struct console *c = arg;
	const char *argv[] = { "-sh", NULL };
	char term[48];

	if (!take_terminal(c))
		return;
	set_modes(0, false);
	set_size(c, true);
	wait_for_gate(c);
	greet(c);
	if (chdir("/root") < 0 && chdir("/") < 0)
		complain("console %s: %s", c->tty, strerror(errno));
	set_terminal_name(c, term);
	run_program("/bin/sh", argv, term);
	complain("console %s: /bin/sh: %s", c->tty, strerror(errno));
}

/* --- one command --- */

static void report_status(const struct console *c, int code)
{
	char path[TTY_NAME_MAX + 8], text[8];
	struct termios t;
	int fd, n;

	if (c->cmd->status[0] == '\0')
		return;
	snprintf(path, sizeof path, "/dev/%s", c->cmd->status);
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &t) < 0) {
		complain("knarr.status=%s: %s", c->cmd->status, strerror(errno));
		return;
	}
	fcntl(fd, F_SETFL, O_WRONLY);
	t.c_oflag = 0;
	tcsetattr(fd, TCSANOW, &t);
	n = snprintf(text, sizeof text, "%d\n", code);
	if (write(fd, text, (size_t)n) != n)
		complain("knarr.status=%s: %s", c->cmd->status, strerror(errno));
	/* The machine goes off next: what is still in the line's buffer would go with it. */
	tcdrain(fd);
	close(fd);
}

static int run_command(const struct console *c)
{
	const char *argv[] = { "sh", "-c", c->cmd->exec, NULL };
	char term[48];
	int status;
	pid_t pid;

	if (c->cmd->exec[0] == '\0') {
		complain("knarr.exec= is not base64url of a command");
		return 125;
	}
	set_terminal_name(c, term);
	/* This session's leader waits in the foreground group beside the command: what the keyboard
	 * sends is the command's affair. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		if (chdir("/root") < 0 && chdir("/") < 0)
			_exit(125);
		run_program("/bin/sh", argv, term);
		complain("/bin/sh: %s", strerror(errno));
		_exit(127);
	}
	if (pid < 0) {
		complain("cannot start a process: %s", strerror(errno));
		return 125;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 125;
	return status_code(status);
}

void console_exec(void *arg)
{
	const struct console *c = arg;
	int code;

	if (!take_terminal(c)) {
		report_status(c, 125);
		return;
	}
	set_modes(0, true);
	set_size(c, false);
	wait_for_gate(c);
	code = run_command(c);
	tcdrain(1);
	report_status(c, code);
}
