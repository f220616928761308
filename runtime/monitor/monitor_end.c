/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_stats.h"
#include "runtime/container/events.h"
#include "runtime/container/id_range.h"
#include "runtime/monitor/monitor_private.h"
#include "runtime/monitor/restart.h"

#define CGROUP_PATIENCE_MS 5000 /* for processes in uninterruptible sleep */

static void close_streams(struct monitor *m)
{
	cleanup_close(&m->peer);
	if (m->in != m->out[0])
		cleanup_close(&m->in);
	cleanup_close(&m->out[0]);
	cleanup_close(&m->out[1]);
	m->in = m->out[0] = m->out[1] = m->peer = -1;
}

void monitor_clean_up(struct monitor *m)
{
	monitor_health_end(m);
	sandbox_close(&m->sandbox);
	close_streams(m);
	if (m->cgroup_fd < 0)
		return;
	/* With a pid namespace of its own, nothing of it outlives its first process. */
	if (m->sandbox.pid < 0 || !(m->spec->namespaces & CLONE_NEWPID))
		cgroup_kill(m->cgroup_fd, NULL);
	cleanup_close(&m->cgroup_fd);
	m->cgroup_fd = -1;
	cgroup_remove(m->spec->cgroup, CGROUP_PATIENCE_MS, NULL);
}

/* What it keeps from run to run. */
static void give_up(struct monitor *m)
{
	if (m->spec->root.idmap)
		id_range_release(m->st, m->c->config.id);
	layer_release(&m->hold);
	control_unlink(m->st, m->c->config.id);
}

void monitor_fail(struct monitor *m, struct error *err)
{
	struct control_failed failed = { .code = err->code,
					 .status = err->status ? err->status : 125 };

	memcpy(failed.message, err->message, sizeof(failed.message));
	monitor_clean_up(m);
	give_up(m);
	if (m->options->remove_on_failure) {
		container_remove(m->st, m->c, NULL);
	} else {
		struct container_state *state = &m->c->state;
		*state = m->before;
		/* One that ran at some time has exited, whatever became of this attempt. */
		state->status = state->started.tv_sec ? STATUS_EXITED : STATUS_CREATED;
		state->exit_code = failed.status;
		memcpy(state->error, err->message, sizeof(state->error));
		container_write_state(m->c, NULL);
	}
	cleanup_close(&m->c->lock_fd);
	control_send(m->command_fd, CONTROL_FAILED, &failed, sizeof(failed));
}

/* How the first process ended, while it is still a zombie: its pid must not be given to another process before the
 * state says that the container has exited. */
static int exit_code(const struct monitor *m)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)m->sandbox.pidfd, &info, WEXITED | WNOWAIT) < 0)
		return CONTAINER_LOST;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* The output of a container that has ended, whatever the clients do. */
static void drain(struct monitor *m)
{
	/* The kernel closes the other side only when we do. What was written before can all be read: reading the master
	 * waits for the terminal's own worker before it says that there is nothing. */
	cleanup_close(&m->peer);
	m->peer = -1;
	for (int i = 0; i < 2; i++)
		while (m->out[i] >= 0 && monitor_pump(m, i))
			;
	log_writer_close(&m->log);
}

static void tell(const struct monitor *m, const struct control_exit *last, int64_t ran_ms)
{
	char code[24], seconds[40];

	if (last->oom_killed)
		events_container(m->st, &m->c->config, "oom", NULL);
	snprintf(code, sizeof(code), "exitCode=%d", last->code);
	snprintf(seconds, sizeof(seconds), "execDuration=%lld", (long long)ran_ms / 1000);
	events_container(m->st, &m->c->config, "die", (const char *[]){ code, seconds, NULL });
}

int64_t monitor_end_run(struct monitor *m, struct control_exit *last)
{
	struct container_state *state = &m->c->state;
	int64_t now = time_monotonic_ms(), ran = now - m->started_ms;
	bool back;

	last->code = exit_code(m);
	drain(m);
	last->oom_killed = cgroup_oom_kills(m->cgroup_fd) > 0;
	monitor_refresh_config(m);
	back = now >= m->no_restart_until_ms &&
	       restart_wanted(&m->c->config.host, state->restart_count, last->code);
	m->pause_ms = restart_pause(m->pause_ms, ran);

	state->status = back ? STATUS_RUNNING : STATUS_EXITED;
	state->restarting = back;
	state->restart_count += back;
	state->manually_stopped = now < m->no_restart_until_ms && m->stopped_by_hand;
	state->paused = false;
	/* Nobody asks any more: with Docker, too, that is not healthy. */
	if (state->health != HEALTH_NONE)
		state->health = HEALTH_UNHEALTHY;
	state->pid = 0;
	state->exit_code = last->code;
	state->oom_killed = last->oom_killed;
	state->finished = time_now();
	if (!m->c->config.auto_remove || m->keep || back)
		container_write_state(m->c, NULL);
	waitid(P_PIDFD, (id_t)m->sandbox.pidfd, NULL, WEXITED);
	monitor_clean_up(m);
	tell(m, last, ran);
	return back ? m->pause_ms : -1;
}

void monitor_end(struct monitor *m, const struct control_exit *last)
{
	give_up(m);
	if (m->c->config.auto_remove && !m->keep)
		container_remove(m->st, m->c, NULL);
	cleanup_close(&m->c->lock_fd);
	m->c->lock_fd = -1;
	clients_exit(&m->clients, last);
}
