/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/signals.h"
#include "lib/str.h"
#include "runtime/container/container.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"

/* An image's STOPSIGNAL that is none means TERM, as no STOPSIGNAL does: the container must be stoppable. */
static int stop_signal(const struct container *c)
{
	int signo = c->config.run.stop_signal ? signal_parse(c->config.run.stop_signal) : -1;

	return signo > 0 ? signo : SIGTERM;
}

static long seconds_for(const struct container *c, long seconds)
{
	if (seconds != STOP_TIME_DEFAULT)
		return seconds;
	return c->config.host.stop_timeout >= 0 ? c->config.host.stop_timeout
						: STOP_DEFAULT_SECONDS;
}

static void let_go(struct stop_target *t)
{
	cleanup_close(&t->fd);
	t->fd = -1;
}

/* Sends its signal to the monitor at t->fd, which stays open where there is something to wait for. */
static void ask(struct stop_target *t, int signo, uint32_t flags)
{
	if (control_signal(t->fd, signo, flags | CONTROL_SIGNAL_STOP) == 0)
		return;
	/* It ended this moment: hear() looks. */
	if (errno == ESRCH)
		return;
	error_errno(&t->err, "cannot stop container %s", t->word);
	let_go(t);
}

static void begin(const struct store *st, struct stop_target *t, const struct stop_options *o)
{
	autocontainer struct container c = CONTAINER_INIT;
	struct error local = ERROR_INIT;
	long seconds;

	t->fd = -1;
	t->id[0] = '\0';
	t->killed = false;
	if (container_open(st, t->word, &c, &t->err) < 0)
		return;
	t->fd = container_connect(st, &c, &local);
	if (t->fd < 0) {
		if (local.code != ESRCH)
			t->err = local;
		return;
	}
	memcpy(t->id, c.config.id, sizeof(t->id));
	seconds = seconds_for(&c, o->seconds);
	t->kill_at = seconds < 0 ? -1 : time_monotonic_ms() + 1000LL * seconds;
	t->signo = o->signo ? o->signo : stop_signal(&c);
	ask(t, t->signo, o->flags);
}

/* The connection is over. So is the container, unless our signal crossed the end of a run after which its policy brings it
 * back: then it is sent again. */
static void over(const struct store *st, struct stop_target *t, const struct stop_options *o)
{
	autocontainer struct container c = CONTAINER_INIT;

	let_go(t);
	if (container_open(st, t->id, &c, NULL) < 0)
		return; /* --rm */
	t->fd = container_connect(st, &c, NULL);
	if (t->fd >= 0)
		ask(t, t->killed ? SIGKILL : t->signo, o->flags);
	else if (!o->quiet)
		events_container(st, &c.config, "stop", NULL);
}

/* Its time is over: kill it, or, if it was killed, give it up. */
static void escalate(struct stop_target *t, const struct stop_options *o)
{
	if (t->killed) {
		error_set(&t->err, ETIMEDOUT, "container %s does not end, though it was killed",
			  t->word);
		let_go(t);
		return;
	}
	t->killed = true;
	t->kill_at = time_monotonic_ms() + 1000LL * STOP_KILL_SECONDS;
	ask(t, SIGKILL, o->flags);
}

/* How long poll may sleep: to the next deadline of those still waited for; -1: for ever. */
static int next_deadline(const struct stop_target *targets, size_t n)
{
	int64_t next = -1, left;

	for (size_t i = 0; i < n; i++)
		if (targets[i].fd >= 0 && targets[i].kill_at >= 0 &&
		    (next < 0 || targets[i].kill_at < next))
			next = targets[i].kill_at;
	if (next < 0)
		return -1;
	left = next - time_monotonic_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* A frame or the end of the connection. */
static void hear(const struct store *st, struct stop_target *t, const struct stop_options *o)
{
	struct control_frame frame;
	int n = control_read(t->fd, &frame);

	if (n <= 0 || frame.type == CONTROL_EXIT)
		over(st, t, o);
}

struct stop_target *stop_targets(char **words)
{
	struct stop_target *targets;
	size_t n = 0;

	while (words[n])
		n++;
	targets = xcalloc(n + 1, sizeof(*targets));
	for (size_t i = 0; i < n; i++)
		targets[i].word = words[i];
	return targets;
}

size_t stop_all(const struct store *st, struct stop_target *targets, size_t n,
		const struct stop_options *options)
{
	autofree struct pollfd *p = xcalloc(n, sizeof(*p));
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		begin(st, &targets[i], options);
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
			struct stop_target *t = &targets[i];

			if (t->fd >= 0 && p[i].revents)
				hear(st, t, options);
			if (t->fd >= 0 && t->kill_at >= 0 && time_monotonic_ms() >= t->kill_at)
				escalate(t, options);
		}
	}
	for (size_t i = 0; i < n; i++)
		failed += targets[i].err.code != 0;
	return failed;
}

int stop_kill(const struct store *st, const char *word, struct error *err)
{
	const struct stop_options options = { .signo = SIGKILL,
					      .seconds = STOP_KILL_SECONDS,
					      .quiet = true };
	struct stop_target target = { .word = word };

	if (stop_all(st, &target, 1, &options) == 0)
		return 0;
	*err = target.err;
	return -1;
}
