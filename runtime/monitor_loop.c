/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/cgroup.h"
#include "runtime/kernel.h"
#include "runtime/monitor_private.h"
#include "runtime/terminal.h"

static const enum control_type stream_type[2] = { CONTROL_STDOUT, CONTROL_STDERR };

bool monitor_pump(struct monitor *m, int stream)
{
	size_t room;
	unsigned char *data = clients_reserve(&m->clients, &room);
	ssize_t n = read(m->out[stream], data, room);

	if (n > 0) {
		log_writer_add(&m->log, (enum log_stream)stream, (const char *)data, (size_t)n);
		clients_publish(&m->clients, stream_type[stream], (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	/* The end of a pipe, or EIO: the other side of a terminal is closed. */
	if (m->in == m->out[stream])
		m->in = -1;
	cleanup_close(&m->out[stream]);
	m->out[stream] = -1;
	return false;
}

static void close_input(struct monitor *m)
{
	if (m->in >= 0 && m->in != m->out[0])
		cleanup_close(&m->in);
	if (m->in != m->out[0])
		m->in = -1;
}

/* What clients typed, to the container. Input for a container that takes none (any more) is thrown away. */
static void feed(struct monitor *m)
{
	const unsigned char *data;
	size_t len;

	while ((data = clients_input(&m->clients, &len))) {
		ssize_t n = m->in >= 0 ? write(m->in, data, len) : (ssize_t)len;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close_input(m);
			n = (ssize_t)len;
		}
		clients_input_taken(&m->clients, (size_t)n);
	}
	/* A terminal is never closed so: its users end input with ^D. */
	if (clients_input_ended(&m->clients) && m->c->config.stdin_once)
		close_input(m);
}

static int on_resize(void *arg, unsigned rows, unsigned cols)
{
	const struct monitor *m = arg;

	if (!m->c->config.tty || m->in < 0)
		return EINVAL;
	return terminal_resize(m->in, (unsigned short)rows, (unsigned short)cols) < 0 ? errno : 0;
}

static int on_signal(void *arg, int signo, uint32_t flags)
{
	const struct monitor *m = arg;

	(void)flags;
	return sys_pidfd_send_signal(m->sandbox.pidfd, signo) < 0 ? errno : 0;
}

static int on_pause(void *arg, bool pause)
{
	const struct monitor *m = arg;
	struct container_state *state = &m->c->state;
	struct error err = ERROR_INIT;

	if (state->paused == pause)
		return EALREADY;
	if (cgroup_freeze(m->cgroup_fd, pause, &err) < 0) {
		if (pause)
			cgroup_freeze(m->cgroup_fd, false, NULL);
		return err.code;
	}
	state->paused = pause;
	container_write_state(m->c, NULL);
	return 0;
}

void monitor_serve(struct monitor *m)
{
	const struct client_handlers handlers = { .arg = m,
						  .resize = on_resize,
						  .signal = on_signal,
						  .pause = on_pause };
	struct pollfd p[4 + 1 + CLIENTS_MAX];

	for (;;) {
		bool idle = clients_idle(&m->clients);
		size_t waiting = 0, n;

		feed(m);
		clients_input(&m->clients, &waiting);
		p[0] = (struct pollfd){ .fd = m->sandbox.pidfd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = idle ? m->out[0] : -1, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = idle ? m->out[1] : -1, .events = POLLIN };
		p[3] = (struct pollfd){ .fd = waiting ? m->in : -1, .events = POLLOUT };
		n = clients_poll(&m->clients, p + 4);
		if (poll(p, (nfds_t)(4 + n), -1) < 0)
			continue;
		if (p[1].revents)
			monitor_pump(m, 0);
		if (p[2].revents && clients_idle(&m->clients))
			monitor_pump(m, 1);
		clients_handle(&m->clients, p + 4, n, &handlers);
		if (p[0].revents)
			return;
	}
}

void monitor_serve_rest(struct monitor *m)
{
	const struct client_handlers handlers = { .arg = m,
						  .resize = on_resize,
						  .signal = on_signal,
						  .pause = on_pause };
	struct pollfd p[1 + CLIENTS_MAX];

	while (clients_left(&m->clients)) {
		size_t n = clients_poll(&m->clients, p);
		if (poll(p, (nfds_t)n, -1) > 0)
			clients_handle(&m->clients, p, n, &handlers);
	}
}
