/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container's monitor and the commands say to each other.
 *
 * Every running container has a stream socket at <run>/<id>/control, mode 0600; the command that started the container
 * holds the other end of a socket pair instead. Both directions carry frames: eight bytes of header (type and length of
 * what follows, 32 bits each, in the machine's byte order, since both ends are the same binary on the same machine), then
 * at most CONTROL_PAYLOAD_MAX bytes. A frame of another length, of an unknown type or against the rules below ends the
 * connection: the monitor owes a broken client nothing.
 *
 * From the command:
 *     ATTACH      u32 of CONTROL_ATTACH_...: wants the output from now on, and may send input
 *     STDIN       input; never more than CONTROL_WINDOW bytes beyond those credited back
 *     STDIN_END   no more input will come
 *     RESIZE      u16 rows, u16 columns
 *     SIGNAL      u32 signal, u32 of CONTROL_SIGNAL_...; with _REPLY it is answered by REPLY
 *     PAUSE       freeze the container; answered by REPLY: EALREADY when it is paused, EAGAIN while it is restarting
 *     UNPAUSE     thaw it; answered by REPLY: EALREADY when it is not paused
 *
 * From the monitor:
 *     STARTED     the program was executed. Only to the command that started it, as are
 *     FAILED      struct control_failed: it could not be, and the container is as it was before
 *     STDOUT, STDERR  output, to attached clients
 *     CREDIT      u32: that many bytes of input were taken
 *     REPLY       u32: errno of the request, 0 when done
 *     EXIT        struct control_exit: the last frame, to everybody, after the container has been cleaned up
 *
 * A connection that ends without EXIT means that the monitor died. To wait for a container is to connect and read. Where a
 * restart policy brings the container back, EXIT ends the connections of that one run, and the state says "restarting"
 * before it comes; a request that crosses it is lost, as the state then tells. */
#ifndef KNARR_RUNTIME_CONTROL_H
#define KNARR_RUNTIME_CONTROL_H

#include <stdint.h>
#include <sys/types.h>

#include "image-tools/store.h"
#include "lib/error.h"

#define CONTROL_PAYLOAD_MAX 16384
#define CONTROL_WINDOW      8192 /* bytes of input a client may have under way */
#define CONTROL_REQUEST_MAX 4096 /* payload of a frame from a command */

enum control_type {
	CONTROL_ATTACH = 1,
	CONTROL_STDIN,
	CONTROL_STDIN_END,
	CONTROL_RESIZE,
	CONTROL_SIGNAL,
	CONTROL_PAUSE,
	CONTROL_UNPAUSE,
	CONTROL_STARTED = 64,
	CONTROL_FAILED,
	CONTROL_STDOUT,
	CONTROL_STDERR,
	CONTROL_CREDIT,
	CONTROL_REPLY,
	CONTROL_EXIT
};

#define CONTROL_ATTACH_STDIN  1U
#define CONTROL_ATTACH_OUTPUT 2U

#define CONTROL_SIGNAL_REPLY 1U /* answer with REPLY */
#define CONTROL_SIGNAL_STOP  2U /* somebody wants it stopped: no restart policy brings it back */
#define CONTROL_SIGNAL_SHUTDOWN \
	4U /* with _STOP: the machine goes down; at its next boot it may run again */
#define CONTROL_SIGNAL_KEEP \
	8U /* with _STOP: it is to be started again at once: --rm does not remove it */

struct control_header {
	uint32_t type;
	uint32_t length;
};

struct control_failed {
	int32_t code; /* struct error's */
	int32_t status;
	char message[ERROR_MESSAGE_MAX];
};

struct control_exit {
	int32_t code;
	uint32_t oom_killed;
};

struct control_resize {
	uint16_t rows, cols;
};

struct control_signal {
	uint32_t signo, flags;
};

/* ---- Sockets */

/* Makes the container's listening socket (non-blocking). Replaces what a dead monitor left. -1 with err set. */
int control_listen(const struct store *st, const char *id, struct error *err);

/* Connects to the container's monitor. -1 with err set: ENOENT, ECONNREFUSED when there is none. */
int control_connect(const struct store *st, const char *id, struct error *err);

void control_unlink(const struct store *st, const char *id);

/* ---- The command's side; blocking. The monitor's side is runtime/monitor/clients.h. */

/* Sends one frame. Returns 0, or -1 with errno. */
int control_send(int fd, enum control_type type, const void *payload, size_t len);

struct control_frame {
	uint32_t type, length;
	unsigned char payload[CONTROL_PAYLOAD_MAX];
};

/* Reads one frame. Returns 1; 0 at the end of the connection; -1 with errno (EPROTO: not a frame of ours). */
int control_read(int fd, struct control_frame *frame);

/* As control_read, but waits for at most timeout_ms (-1: for ever); -1 with ETIMEDOUT when nothing begins by then. */
int control_read_within(int fd, struct control_frame *frame, int timeout_ms);

/* Turns FAILED into an error; returns -1. */
int control_failure(const struct control_frame *frame, struct error *err);

/* Sends a signal and waits for the answer. Returns 0, or -1 with errno: ESRCH when the container ended meanwhile. */
int control_signal(int fd, int signo, uint32_t flags);

/* Sends a request without payload that is answered by REPLY (PAUSE, UNPAUSE) and waits for the answer. Returns 0, or -1
 * with errno: ESRCH when the container ended meanwhile. */
int control_request(int fd, enum control_type type);

/* Reads on until EXIT comes or timeout_ms have passed in all, throwing away what else comes. Returns 0 with *out filled,
 * or -1 with errno: ETIMEDOUT, EPIPE (the monitor died). */
int control_wait(int fd, int timeout_ms, struct control_exit *out);

#endif
