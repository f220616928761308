/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor against a client that sends anything, in any pieces, while output comes and goes: no more input is kept
 * than the window allows, and what the client is sent are whole frames. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/monitor/clients.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int on_resize(void *arg, unsigned rows, unsigned cols)
{
	(void)arg;
	require(rows <= UINT16_MAX && cols <= UINT16_MAX);
	return 0;
}

static int on_signal(void *arg, int signo, uint32_t flags)
{
	(void)arg;
	(void)flags;
	require(signo >= 0 && signo <= 64);
	return ESRCH;
}

/* What the client has been sent: frames of known types, up to where the monitor has come. */
static void read_frames(int fd)
{
	static struct control_frame frame;

	while (control_read_within(fd, &frame, 0) > 0)
		require(frame.type >= CONTROL_STARTED && frame.type <= CONTROL_EXIT);
	require(errno != EPROTO);
}

static void turn(struct clients *t)
{
	static const struct client_handlers handlers = { .resize = on_resize, .signal = on_signal };
	struct pollfd p[1 + CLIENTS_MAX];
	size_t n = clients_poll(t, p), len, room;

	if (poll(p, (nfds_t)n, 0) > 0)
		clients_handle(t, p, n, &handlers);
	if (clients_input(t, &len)) {
		require(len > 0 && len <= CONTROL_WINDOW);
		clients_input_taken(t, (len + 1) / 2);
	}
	clients_input_ended(t);
	if (clients_idle(t)) {
		unsigned char *to = clients_reserve(t, &room);
		require(room == CONTROL_PAYLOAD_MAX);
		memset(to, 'x', 100);
		clients_publish(t, CONTROL_STDOUT, 100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of each piece says how long the piece is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct clients table;
	const struct control_exit last = { .code = 1 };
	int pair[2];

	memset(&table, 0, sizeof(table));
	clients_init(&table, -1);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	clients_add_starter(&table, pair[0], size && data[0] & 1 ? CONTROL_ATTACH_STDIN : 0);
	while (size > 1) {
		size_t len = data[0] < size - 1 ? data[0] : size - 1;

		if (send(pair[1], data + 1, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		data += 1 + len;
		size -= 1 + len;
		turn(&table);
		read_frames(pair[1]);
	}
	clients_exit(&table, &last);
	read_frames(pair[1]);
	require(!clients_left(&table));
	close(pair[1]);
	return 0;
}
