/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/signals.h"
#include "lib/str.h"
#include "runtime/container.h"
#include "runtime/control.h"

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* An image's STOPSIGNAL that is none means TERM, as no STOPSIGNAL does: the container must be stoppable. */
static int stop_signal(const struct container *c)
{
	int signo = c->config.run.stop_signal ? signal_parse(c->config.run.stop_signal) : -1;

	return signo > 0 ? signo : SIGTERM;
}

/* Sends the first signal; leaves the connection open in t->fd where there is something to wait for. */
static void begin(const struct store *st, struct stop_target *t, int signo, long seconds)
{
	autocontainer struct container c = CONTAINER_INIT;
	struct error local = ERROR_INIT;

	t->fd = -1;
	if (container_open(st, t->word, &c, &t->err) < 0)
		return;
	t->fd = container_connect(st, &c, &local);
	if (t->fd < 0) {
		if (local.code != ESRCH)
			t->err = local;
		return;
	}
	t->kill_at = seconds < 0 ? -1 : now_ms() + 1000LL * seconds;
	if (control_signal(t->fd, signo ? signo : stop_signal(&c), CONTROL_SIGNAL_STOP) == 0)
		return;
	if (errno != ESRCH)
		error_errno(&t->err, "cannot stop container %s", t->word);
	cleanup_close(&t->fd);
	t->fd = -1;
}

static void end(struct stop_target *t)
{
	cleanup_close(&t->fd);
	t->fd = -1;
}

/* Its time is over: kill it, or, if it was killed, give it up. */
static void escalate(struct stop_target *t, bool *killed)
{
	if (*killed) {
		error_set(&t->err, ETIMEDOUT, "container %s does not end, though it was killed",
			  t->word);
		end(t);
		return;
	}
	*killed = true;
	t->kill_at = now_ms() + 1000LL * STOP_KILL_SECONDS;
	if (control_signal(t->fd, SIGKILL, CONTROL_SIGNAL_STOP) < 0 && errno != ESRCH) {
		error_errno(&t->err, "cannot kill container %s", t->word);
		end(t);
	}
}

/* How long poll may sleep: to the next deadline of those still waited for; -1: for ever. */
static int next_deadline(const struct stop_target *targets, size_t n)
{
	long long next = -1, left;

	for (size_t i = 0; i < n; i++)
		if (targets[i].fd >= 0 && targets[i].kill_at >= 0 &&
		    (next < 0 || targets[i].kill_at < next))
			next = targets[i].kill_at;
	if (next < 0)
		return -1;
	left = next - now_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* A frame or the end of the connection. After EXIT, or when the monitor is gone, the container is over. */
static void hear(struct stop_target *t)
{
	struct control_frame frame;
	int n = control_read(t->fd, &frame);

	if (n <= 0 || frame.type == CONTROL_EXIT)
		end(t);
}

size_t stop_all(const struct store *st, struct stop_target *targets, size_t n, int signo,
		long seconds)
{
	autofree struct pollfd *p = xcalloc(n, sizeof(*p));
	autofree bool *killed = xcalloc(n, sizeof(*killed));
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		begin(st, &targets[i], signo, seconds);
	for (;;) {
		size_t waiting = 0;

		for (size_t i = 0; i < n; i++) {
			p[i] = (struct pollfd){ .fd = targets[i].fd, .events = POLLIN };
			waiting += targets[i].fd >= 0;
		}
		if (!waiting)
			break;
		if (poll(p, (nfds_t)n, next_deadline(targets, n)) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < n; i++) {
			if (targets[i].fd >= 0 && p[i].revents)
				hear(&targets[i]);
			if (targets[i].fd >= 0 && targets[i].kill_at >= 0 &&
			    now_ms() >= targets[i].kill_at)
				escalate(&targets[i], &killed[i]);
		}
	}
	for (size_t i = 0; i < n; i++)
		failed += targets[i].err.code != 0;
	return failed;
}

int stop_kill(const struct store *st, const char *word, struct error *err)
{
	struct stop_target target = { .word = word };

	if (stop_all(st, &target, 1, SIGKILL, STOP_KILL_SECONDS) == 0)
		return 0;
	*err = target.err;
	return -1;
}
