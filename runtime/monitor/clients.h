/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's side of runtime/container/control.h: a table of connected commands. Nothing is allocated while the container runs.
 *
 * There is one buffer of output for all: the monitor reads from the container only while every attached client has taken
 * what was read before. So a client that does not read holds the container's output up once its socket is full (about
 * 200 KiB), as an attached client of Docker does, and a container cannot make the monitor grow. After the container's
 * end what is left is read at once, into memory (at most TAIL_MAX), so that the end is recorded and the log whole
 * whatever a client does; the clients then get it at their own pace. */
#ifndef KNARR_RUNTIME_CLIENTS_H
#define KNARR_RUNTIME_CLIENTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/container/control.h"

#define CLIENTS_MAX 64 /* connected at once; more wait in the socket's backlog */

struct client {
	int fd; /* -1: free */
	bool attached, has_input, input_ended, starter;
	bool reply_due, started_due, exit_sent;
	uint32_t reply, credit; /* due to it */
	size_t sent;            /* of the shared output */
	size_t frame_len, frame_sent;
	unsigned char frame[sizeof(struct control_header) + sizeof(struct control_exit)];
	size_t in_len; /* bytes of an unfinished request */
	size_t input_start, input_len;
	struct client_buffers *buffers; /* its own, of struct clients */
};

/* Apart from the rest, so that looking through the table does not bring them all into memory. */
struct client_buffers {
	unsigned char in[sizeof(struct control_header) + CONTROL_REQUEST_MAX];
	unsigned char input[CONTROL_WINDOW]; /* for the container, not yet taken */
};

struct clients {
	int listener; /* -1: closed */
	struct client items[CLIENTS_MAX];
	struct client_buffers buffers[CLIENTS_MAX];
	unsigned char *out; /* frames for all attached clients */
	size_t out_len, out_cap;
	bool ended;
	struct control_exit exit;
	unsigned char first[sizeof(struct control_header) +
			    CONTROL_PAYLOAD_MAX]; /* out, while the container runs */
};

/* What the monitor does at a client's request; each returns 0 or an errno value. */
struct client_handlers {
	void *arg;
	int (*resize)(void *arg, unsigned rows, unsigned cols);
	int (*signal)(void *arg, int signo, uint32_t flags);
	int (*pause)(void *arg, bool pause); /* or unpause */
};

/* Takes over the listener. */
void clients_init(struct clients *t, int listener);

/* Adds the command that started the container; attach as in CONTROL_ATTACH_... */
void clients_add_starter(struct clients *t, int fd, uint32_t attach);

/* Tells the starter that the program runs. A starter that is not attached is let go. */
void clients_started(struct clients *t);

/* ---- Output */

/* Whether the container may be read from. */
bool clients_idle(struct clients *t);

/* Room for at most CONTROL_PAYLOAD_MAX bytes of output, in *room; then clients_publish sends the first len of it to all
 * who are attached. While the container runs only when clients_idle; after its end at any time (see above). */
unsigned char *clients_reserve(struct clients *t, size_t *room);
void clients_publish(struct clients *t, enum control_type stream, size_t len);

/* ---- Input */

/* Input that waits for the container: returns its bytes and length, or NULL. */
const unsigned char *clients_input(const struct clients *t, size_t *len);
/* The first len bytes of it were taken. */
void clients_input_taken(struct clients *t, size_t len);
/* Whether the last client that could give input has ended it or gone, since the last call. */
bool clients_input_ended(struct clients *t);

/* ---- The loop */

/* Fills up to CLIENTS_MAX + 1 elements of p; returns their number. */
size_t clients_poll(struct clients *t, struct pollfd *p);
/* Does what poll(2) said about them. */
void clients_handle(struct clients *t, const struct pollfd *p, size_t n,
		    const struct client_handlers *h);

/* The last word to everybody, also to those who wait in the backlog of the listener, which is closed. */
void clients_exit(struct clients *t, const struct control_exit *exit);
/* Whether somebody has not got all yet. */
bool clients_left(const struct clients *t);

/* The last word of one run, to those who are connected; the listener stays open for the next. Whoever has not got all by
 * then is served on (by a process of its own, see runtime/monitor/monitor.c) or let go by clients_next_run. */
void clients_run_over(struct clients *t, const struct control_exit *exit);
void clients_next_run(struct clients *t);

#endif
