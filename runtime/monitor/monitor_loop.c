/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/signals.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/events.h"
#include "runtime/monitor/monitor_private.h"
#include "runtime/monitor/stop.h"
#include "runtime/monitor/terminal.h"
#include "runtime/spec/kernel.h"

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

static int thaw(struct monitor *m)
{
	struct error err = ERROR_INIT;

	if (cgroup_freeze(m->cgroup_fd, false, &err) < 0)
		return err.code;
	m->c->state.paused = false;
	container_write_state(m->c, NULL);
	monitor_health_begin(m);
	monitor_refresh_config(m);
	events_container(m->st, &m->c->config, "unpause", NULL);
	return 0;
}

static int freeze(struct monitor *m)
{
	struct error err = ERROR_INIT;

	monitor_health_end(m);
	if (cgroup_freeze(m->cgroup_fd, true, &err) < 0) {
		cgroup_freeze(m->cgroup_fd, false, NULL);
		monitor_health_begin(m);
		return err.code;
	}
	m->c->state.paused = true;
	container_write_state(m->c, NULL);
	monitor_refresh_config(m);
	events_container(m->st, &m->c->config, "pause", NULL);
	return 0;
}

static int on_pause(void *arg, bool pause)
{
	struct monitor *m = arg;

	if (m->sandbox.pidfd < 0)
		return EAGAIN;
	if (m->c->state.paused == pause)
		return EALREADY;
	return pause ? freeze(m) : thaw(m);
}

/* As with Docker, a signal is meant to end the container if it is its stop signal or, where it has none of its own, any.
 * What the container survives for as long as `stop` would wait was not meant so, however. */
static bool means_end(const struct monitor *m, int signo)
{
	const char *own = m->c->config.run.stop_signal;

	return signo == SIGKILL || !own || signal_parse(own) == signo;
}

static void want_stop(struct monitor *m, int signo, uint32_t flags)
{
	struct container_state *state = &m->c->state;
	bool lasting = (flags & CONTROL_SIGNAL_STOP) || signo == SIGKILL;

	if (lasting)
		m->no_restart_until_ms = INT64_MAX;
	else if (m->no_restart_until_ms != INT64_MAX)
		m->no_restart_until_ms = time_monotonic_ms() + 1000 * STOP_DEFAULT_SECONDS;
	m->keep = flags & CONTROL_SIGNAL_KEEP;
	m->stopped_by_hand = !(flags & CONTROL_SIGNAL_SHUTDOWN);
	if (lasting && m->stopped_by_hand && !state->manually_stopped) {
		state->manually_stopped = true;
		container_write_state(m->c, NULL);
	}
}

static int on_signal(void *arg, int signo, uint32_t flags)
{
	struct monitor *m = arg;
	bool end = (flags & CONTROL_SIGNAL_STOP) || means_end(m, signo);
	char event[24];

	if (m->sandbox.pidfd < 0) {
		if (end)
			want_stop(m, SIGKILL, flags);
		return end ? 0 : EAGAIN;
	}
	if (end)
		want_stop(m, signo, flags);
	if (sys_pidfd_send_signal(m->sandbox.pidfd, signo) < 0)
		return errno;
	if (end && m->c->state.paused)
		thaw(m);
	snprintf(event, sizeof(event), "signal=%d", signo);
	monitor_refresh_config(m);
	events_container(m->st, &m->c->config, "kill", (const char *[]){ event, NULL });
	return 0;
}

static struct client_handlers handlers_of(struct monitor *m)
{
	return (struct client_handlers){
		.arg = m, .resize = on_resize, .signal = on_signal, .pause = on_pause
	};
}

void monitor_serve(struct monitor *m)
{
	const struct client_handlers handlers = handlers_of(m);
	struct pollfd p[5 + 1 + CLIENTS_MAX];

	for (;;) {
		bool idle = clients_idle(&m->clients);
		size_t waiting = 0, n;
		int ready;

		feed(m);
		clients_input(&m->clients, &waiting);
		p[0] = (struct pollfd){ .fd = m->sandbox.pidfd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = idle ? m->out[0] : -1, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = idle ? m->out[1] : -1, .events = POLLIN };
		p[3] = (struct pollfd){ .fd = waiting ? m->in : -1, .events = POLLOUT };
		p[4] = (struct pollfd){ .fd = m->probe.fd, .events = POLLIN };
		n = clients_poll(&m->clients, p + 5);
		ready = poll(p, (nfds_t)(5 + n), monitor_health_due(m));
		if (ready < 0)
			continue;
		if (p[1].revents)
			monitor_pump(m, 0);
		if (p[2].revents && clients_idle(&m->clients))
			monitor_pump(m, 1);
		clients_handle(&m->clients, p + 5, n, &handlers);
		if (p[0].revents)
			return;
		if (p[4].revents || monitor_health_due(m) == 0)
			monitor_health_turn(m);
	}
}

bool monitor_wait(struct monitor *m, int64_t due_ms)
{
	const struct client_handlers handlers = handlers_of(m);
	struct pollfd p[1 + CLIENTS_MAX];
	int64_t left;

	while ((left = due_ms - time_monotonic_ms()) > 0) {
		size_t n = clients_poll(&m->clients, p);

		if (poll(p, (nfds_t)n, (int)left) > 0)
			clients_handle(&m->clients, p, n, &handlers);
		if (m->no_restart_until_ms == INT64_MAX)
			return false;
	}
	return true;
}

void monitor_serve_rest(struct monitor *m)
{
	const struct client_handlers handlers = handlers_of(m);
	struct pollfd p[1 + CLIENTS_MAX];

	while (clients_left(&m->clients)) {
		size_t n = clients_poll(&m->clients, p);

		if (poll(p, (nfds_t)n, -1) > 0)
			clients_handle(&m->clients, p, n, &handlers);
	}
}
