/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal a person sits at, as `run`, `attach` and `exec` use it: raw mode that is undone on every way out, its
 * size, and the signals that are passed on. */
#ifndef KNARR_RUNTIME_TERMINAL_H
#define KNARR_RUNTIME_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

/* Puts the terminal fd into raw mode and remembers how it was. The old mode comes back by terminal_restore, at exit(3),
 * and before the process dies of a signal that is a fault of its own. One terminal at a time. Returns 0 or -1. */
int terminal_raw(int fd, struct error *err);
/* Async-signal-safe; without a terminal in raw mode it does nothing. */
void terminal_restore(void);

/* The size of the terminal fd; both 0 when it is none or does not know. */
void terminal_size(int fd, unsigned short *rows, unsigned short *cols);
int terminal_resize(int fd, unsigned short rows, unsigned short cols);

/* ---- Signals */

/* Blocks the signals that a command passes on to its container (all whose default would end or stop it, but for KILL,
 * STOP and the faults of the program itself), and SIGWINCH, and returns a signalfd for them; *old gets the mask as
 * it was. SIGPIPE keeps its meaning: a reader of ours that is gone ends us as it would any program. -1 with err. */
int terminal_signals(sigset_t *old, struct error *err);

/* The next signal from that descriptor (non-blocking), 0 when there is none. */
int terminal_next_signal(int signal_fd);

#endif
