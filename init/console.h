/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminals of the machine. Each console that the kernel uses gets a session of its own: a
 * controlling terminal in sane modes, its window size, a few lines of greeting and a root shell;
 * or, with knarr.exec= on the kernel's command line, the first of them runs that one command.
 * Opening a terminal may wait and asking it for its size does, so all of this happens in the
 * session's child. */
#ifndef KNARR_INIT_CONSOLE_H
#define KNARR_INIT_CONSOLE_H

#include "init/cmdline.h"
#include "init/main.h"
#include "init/store.h"

#include <stdbool.h>

/* One session; filled by PID 1 before the fork, read in the child. */
struct console {
	char tty[TTY_NAME_MAX];
	const struct cmdline *cmd;
	const struct store_report *store;
	int gate_fd; /* readable once prompts may appear (PID 1 sees to it); never read from */
};

/* Names the terminals that get a session, in order of preference: those of console= on the command
 * line that the kernel really uses (listed in `active`, the text of /sys/class/tty/console/active),
 * then the rest of `active`; "console" itself if that leaves none. tty0 stands for tty1. Returns
 * how many. */
unsigned console_list(const struct cmdline *cmd, const char *active,
		      char ttys[static CONSOLES_MAX][TTY_NAME_MAX]);

/* The child's life (struct service: run), arg a struct console: a login shell. Does not return
 * unless it fails. */
void console_shell(void *arg);

/* The child's life, arg a struct console: the command of knarr.exec=, its exit status written in
 * figures and a newline to the terminal of knarr.status=. What the command writes goes out as it
 * is: no newline becomes two characters. */
void console_exec(void *arg);

#endif
