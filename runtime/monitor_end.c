/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup.h"
#include "runtime/id_range.h"
#include "runtime/monitor_private.h"

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

/* Everything that is outside the container's folder. */
static void clean_up(struct monitor *m)
{
	if (m->cgroup_fd >= 0) {
		/* With a pid namespace of its own, nothing of it outlives its first process. */
		if (m->sandbox.pid < 0 || !(m->spec->namespaces & CLONE_NEWPID))
			cgroup_kill(m->cgroup_fd, NULL);
		cleanup_close(&m->cgroup_fd);
		m->cgroup_fd = -1;
		cgroup_remove(m->spec->cgroup, CGROUP_PATIENCE_MS, NULL);
	}
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
	sandbox_close(&m->sandbox);
	close_streams(m);
	clean_up(m);
	if (m->options->remove_on_failure) {
		container_remove(m->st, m->c, NULL);
	} else {
		struct container_state *state = &m->c->state;
		*state = (struct container_state)CONTAINER_STATE_INIT;
		state->exit_code = failed.status;
		memcpy(state->error, err->message, sizeof(state->error));
		container_write_state(m->c, NULL);
	}
	cleanup_close(&m->c->lock_fd);
	control_send(m->command_fd, CONTROL_FAILED, &failed, sizeof(failed));
}

/* Whether the kernel killed for memory in the cgroup (Documentation/admin-guide/cgroup-v2.rst, memory.events). */
static bool oom_killed(int cgroup_fd)
{
	char text[512];
	const char *line;
	autoclose int fd =
		cgroup_fd >= 0 ? openat(cgroup_fd, "memory.events", O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strstr(text, "\noom_kill ");
	return line && line[10] != '0';
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

void monitor_finish(struct monitor *m)
{
	struct container_state *state = &m->c->state;
	struct control_exit last = { .code = exit_code(m) };

	/* The kernel closes the other side only when we do. What was written before can all be read: reading the master
	 * waits for the terminal's own worker before it says that there is nothing. */
	cleanup_close(&m->peer);
	m->peer = -1;
	for (int i = 0; i < 2; i++)
		while (m->out[i] >= 0 && monitor_pump(m, i))
			;
	log_writer_close(&m->log);

	last.oom_killed = last.code == 128 + SIGKILL && oom_killed(m->cgroup_fd);
	if (!m->c->config.auto_remove) {
		state->status = STATUS_EXITED;
		state->paused = false;
		state->pid = 0;
		state->exit_code = last.code;
		state->oom_killed = last.oom_killed;
		state->finished = time_now();
		container_write_state(m->c, NULL);
	}
	waitid(P_PIDFD, (id_t)m->sandbox.pidfd, NULL, WEXITED);
	sandbox_close(&m->sandbox);
	close_streams(m);
	clean_up(m);
	if (m->c->config.auto_remove)
		container_remove(m->st, m->c, NULL);
	cleanup_close(&m->c->lock_fd);
	m->c->lock_fd = -1;
	clients_exit(&m->clients, &last);
}
