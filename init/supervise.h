/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The children that PID 1 knows by name, in one table, and everything else that ends on this
 * machine. PID 1 does not wait for any of them: supervise_reap() collects what has ended and tells
 * the child's owner. Who wants a child back asks for it with service_again(), which holds back what
 * keeps failing. */
#ifndef KNARR_INIT_SUPERVISE_H
#define KNARR_INIT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVICES_MAX    24
#define SUPERVISE_NEVER INT64_MAX

/* Filled in by its owner (the first four fields; the rest zero), static: it must outlive the
 * machine. */
struct service {
	const char *name;       /* for messages */
	void (*run)(void *arg); /* the child's life; returning is the same as _exit(0) */
	void *arg;
	void (*ended)(struct service *); /* called in PID 1 when it has ended; may be NULL */
	pid_t pid;                       /* 0 while it does not run */
	int status;                      /* of its last end, as of waitpid(2) */
	int64_t started;                 /* clock_ms() of its last start */
	int64_t due;    /* when it starts by itself; SUPERVISE_NEVER if it does not */
	unsigned quick; /* ends in a row that came within two seconds of the start */
	bool known;     /* it is in the table */
};

/* Forks the child: in a session of its own, with an empty signal mask, standard input from
 * /dev/null and the output that PID 1 has (the console). If the machine has no room for a process,
 * the start is tried again later. */
void service_start(struct service *s);

/* Starts it again: at once, or later if it ends quickly time after time (service_delay). */
void service_again(struct service *s);

/* Milliseconds to hold back the next start after `quick` quick ends: nothing for the first three,
 * then 1 s, doubled each time, up to a minute. */
int64_t service_delay(unsigned quick);

/* Collects every ended child, PID 1's own and those it inherited. Returns false once no child is
 * left at all. */
bool supervise_reap(void);

/* Starts what is due at now. Returns when the next one is. */
int64_t supervise_due(int64_t now);

/* From now on nothing starts by itself: the machine goes down. service_start() still works. */
void supervise_hold(void);

/* A program's exit code, or 128 + the signal that ended it: the number a shell would give. */
int status_code(int status);

/* What a child does to become a program: execve(2) with the appliance's environment, plus extra
 * (NULL or one more "NAME=value"). Returns only if that failed, with errno. */
void run_program(const char *path, const char *const argv[], const char *extra);

#endif
