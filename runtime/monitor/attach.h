/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The person's side of a running program: what comes out of it goes to our stdout and stderr, what is typed goes in,
 * signals are passed on, the terminal's size follows, the detach keys detach. For a container through its monitor's
 * connection (`run`, `start`, `attach`), for a process that `exec` added directly. */
#ifndef KNARR_RUNTIME_ATTACH_H
#define KNARR_RUNTIME_ATTACH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "runtime/monitor/detach_keys.h"

struct attach {
	bool input; /* pass our stdin on */
	bool tty; /* the other side is a terminal: ours goes raw when input is passed on, its size follows ours */
	struct detach_keys keys; /* with a terminal and input; n 0: none */
	bool mute[2];            /* its stdout and stderr are not for us */
	bool pass_signals;       /* to the other side; else they do to us what they always do */
	int signal_fd;           /* from attach_prepare; -1 without */
	sigset_t old_mask;
};

#define ATTACH_INIT \
	{ \
		.keys = DETACH_KEYS_INIT, .signal_fd = -1 \
	}

/* Checks that our stdin is a terminal where one is needed (`the input device is not a TTY`), and begins to collect
 * signals: from here on none is lost, and none ends us half-way. To be called before anything is started. */
int attach_prepare(struct attach *a, struct error *err);

/* Stops collecting. */
void attach_finish(struct attach *a);

enum attach_end {
	ATTACH_EXITED,   /* *code is set */
	ATTACH_DETACHED, /* by the keys; the program runs on */
	ATTACH_FAILED    /* err is set */
};

/* Copies between us and the monitor at fd until the container ends and all its output is written. */
enum attach_end attach_monitor(struct attach *a, int fd, int *code, struct error *err);

/* Copies between us and a child of ours until it has ended and nothing more of its output is there to read. in (-1: it
 * reads nothing of ours), out and error are our ends of its pipes; with a->tty, in and out are its terminal's master and
 * error is -1. in is taken over unless it is the terminal: closing it is how the program learns that our input is at its
 * end. pidfd is the child's; the child is reaped. */
enum attach_end attach_child(struct attach *a, int pidfd, int in, int out, int error, int *code,
			     struct error *err);

#endif
