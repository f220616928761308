/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdio.h>

#include "lib/human.h"
#include "runtime/container/events.h"
#include "runtime/monitor/monitor_private.h"

static int64_t running_ns(const struct monitor *m, int64_t now_ms)
{
	return (now_ms - m->started_ms) * 1000000;
}

/* The next check begins an interval after this moment. */
static void plan(struct monitor *m)
{
	int64_t now = time_monotonic_ms();
	int64_t interval = health_interval(&m->c->config.run.healthcheck, m->health.status,
					   running_ns(m, now));

	m->check_at_ms = now + interval / 1000000;
}

void monitor_health_begin(struct monitor *m)
{
	if (health_wanted(&m->c->config.run.healthcheck))
		plan(m);
}

void monitor_health_end(struct monitor *m)
{
	probe_cancel(&m->probe);
	m->check_at_ms = -1;
}

int monitor_health_due(const struct monitor *m)
{
	int64_t at = m->probe.pid > 0 ? m->probe.give_up_ms : m->check_at_ms, left;

	if (at < 0)
		return -1;
	left = at - time_monotonic_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void take_result(struct monitor *m)
{
	struct container_state *state = &m->c->state;
	const struct health_result *r = &m->probe.result;
	int64_t before = (int64_t)(r->start.tv_sec - state->started.tv_sec) * 1000000000 +
			 r->start.tv_nsec - state->started.tv_nsec;
	char event[48];

	if (health_log_add(&m->health, &m->c->config.run.healthcheck, r, before)) {
		state->health = m->health.status;
		container_write_state(m->c, NULL);
		snprintf(event, sizeof(event), "health_status: %s", health_name(state->health));
		monitor_refresh_config(m);
		events_container(m->st, &m->c->config, event, NULL);
	}
	health_log_write(container_home(m->c), &m->health, NULL);
}

void monitor_health_turn(struct monitor *m)
{
	if (m->probe.pid < 0) {
		/* A machine that cannot start a process now may be able to later. */
		if (probe_begin(&m->probe, m->st, m->c, m->sandbox.pidfd, m->cgroup_fd) < 0)
			plan(m);
		return;
	}
	if (probe_take(&m->probe)) {
		take_result(m);
		plan(m);
	}
}
