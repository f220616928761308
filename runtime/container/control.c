/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"

#define BACKLOG 32

/* sun_path has 108 bytes, too few for some roots: the address goes through the descriptor of the folder. */
static void address(const struct store *st, const char *id, struct sockaddr_un *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%.64s/control", st->run_fd,
		 id);
}

int control_listen(const struct store *st, const char *id, struct error *err)
{
	struct sockaddr_un sa;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	address(st, id, &sa);
	/* The mode of the socket's file is that of the socket at bind: no moment in which others could connect. */
	if (fchmod(fd, 0600) < 0)
		return error_errno(err, "cannot make a socket");
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		if (errno == EADDRINUSE) {
			control_unlink(st, id);
			if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
				goto bound;
		}
		return error_errno(err, "cannot make the socket %s/%.64s/control", st->run, id);
	}
bound:
	if (listen(fd, BACKLOG) < 0) {
		error_errno(err, "cannot listen at %s/%.64s/control", st->run, id);
		control_unlink(st, id);
		return -1;
	}
	return STEAL_FD(fd);
}

int control_connect(const struct store *st, const char *id, struct error *err)
{
	struct sockaddr_un sa;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	address(st, id, &sa);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return error_errno(err, "cannot reach the monitor of container %.12s", id);
	return STEAL_FD(fd);
}

void control_unlink(const struct store *st, const char *id)
{
	char name[80];

	snprintf(name, sizeof(name), "%.64s/control", id);
	unlinkat(st->run_fd, name, 0);
}

int control_send(int fd, enum control_type type, const void *payload, size_t len)
{
	struct control_header header = { .type = type, .length = (uint32_t)len };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)(uintptr_t)payload, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };

	while (msg.msg_iovlen > 0) {
		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		for (size_t sent = (size_t)n; msg.msg_iovlen > 0;) {
			struct iovec *v = msg.msg_iov;
			if (sent < v->iov_len) {
				v->iov_base = (char *)v->iov_base + sent;
				v->iov_len -= sent;
				break;
			}
			sent -= v->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
	}
	return 0;
}

int control_read(int fd, struct control_frame *frame)
{
	struct control_header header;
	ssize_t n = fs_read_full(fd, &header, sizeof(header));

	/* A monitor that dies with requests of ours unread makes the kernel report a reset: an end like any other. */
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n != (ssize_t)sizeof(header) || header.length > CONTROL_PAYLOAD_MAX)
		goto bad;
	frame->type = header.type;
	frame->length = header.length;
	if (header.length &&
	    fs_read_full(fd, frame->payload, header.length) != (ssize_t)header.length)
		goto bad;
	return 1;
bad:
	if (n >= 0)
		errno = EPROTO;
	return -1;
}

int control_read_within(int fd, struct control_frame *frame, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n <= 0 ? -1 : control_read(fd, frame);
}

int control_failure(const struct control_frame *frame, struct error *err)
{
	struct control_failed failed;

	if (frame->length != sizeof(failed))
		return error_set(err, EPROTO, "the container's monitor speaks another language");
	memcpy(&failed, frame->payload, sizeof(failed));
	failed.message[sizeof(failed.message) - 1] = '\0';
	error_set(err, failed.code, "%s", failed.message);
	return error_status(err, failed.status);
}

/* Sends what is answered by REPLY, and waits for that. */
static int ask(int fd, enum control_type type, const void *payload, size_t len)
{
	struct control_frame frame;
	uint32_t code;
	int n;

	if (control_send(fd, type, payload, len) < 0) {
		if (errno == EPIPE || errno == ECONNRESET)
			errno = ESRCH;
		return -1;
	}
	while ((n = control_read(fd, &frame)) > 0 && frame.type != CONTROL_EXIT) {
		if (frame.type != CONTROL_REPLY || frame.length != sizeof(code))
			continue;
		memcpy(&code, frame.payload, sizeof(code));
		errno = (int)code;
		return code ? -1 : 0;
	}
	if (n >= 0)
		errno = ESRCH;
	return -1;
}

int control_signal(int fd, int signo, uint32_t flags)
{
	struct control_signal request = { .signo = (uint32_t)signo,
					  .flags = flags | CONTROL_SIGNAL_REPLY };

	return ask(fd, CONTROL_SIGNAL, &request, sizeof(request));
}

int control_request(int fd, enum control_type type)
{
	return ask(fd, type, NULL, 0);
}

int control_wait(int fd, int timeout_ms, struct control_exit *out)
{
	int64_t end = time_monotonic_ms() + timeout_ms;
	struct control_frame frame;
	int n;

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - time_monotonic_ms();

		if (timeout_ms >= 0 && left < 0)
			left = 0;
		n = control_read_within(fd, &frame, (int)left);
		if (n < 0)
			return -1;
		if (n == 0) {
			errno = EPIPE;
			return -1;
		}
		if (frame.type == CONTROL_EXIT && frame.length == sizeof(*out)) {
			memcpy(out, frame.payload, sizeof(*out));
			return 0;
		}
	}
}
