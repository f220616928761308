/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/events.h"
#include "runtime/container/id_range.h"
#include "runtime/engine/engine.h"
#include "runtime/monitor/monitor_private.h"

static void close_pair(int fds[2])
{
	cleanup_close(&fds[0]);
	cleanup_close(&fds[1]);
}

/* Pipes for stdin (only with -i: else the container reads /dev/null), stdout and stderr. theirs gets the container's
 * ends. Ours do not block; theirs must. */
static int make_pipes(struct monitor *m, int theirs[3], struct error *err)
{
	int ends[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };

	for (int i = m->c->config.open_stdin ? 0 : 1; i < 3; i++) {
		int ours = i == 0 ? 1 : 0;
		if (pipe2(ends[i], O_CLOEXEC) < 0 ||
		    fcntl(ends[i][ours], F_SETFL, O_NONBLOCK) < 0) {
			error_errno(err, "cannot make a pipe");
			for (int k = 0; k < 3; k++)
				close_pair(ends[k]);
			return -1;
		}
	}
	theirs[0] = ends[0][0];
	m->in = ends[0][1];
	for (int i = 0; i < 2; i++) {
		m->out[i] = ends[i + 1][0];
		theirs[i + 1] = ends[i + 1][1];
	}
	return 0;
}

/* A master whose other side nobody has open reports a hang-up at every poll, though a program may well open /dev/console
 * again. We keep the other side open ourselves as long as the container lives. */
static int keep_terminal(struct monitor *m, struct error *err)
{
	int master = STEAL_FD(m->sandbox.terminal_fd);

	m->out[0] = m->in = master;
	m->peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->peer < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return error_errno(err, "cannot hold the container's terminal");
	return 0;
}

static int write_running(struct monitor *m, unsigned int restarts, struct error *err)
{
	struct container_state *state = &m->c->state;

	*state = (struct container_state)CONTAINER_STATE_INIT;
	state->status = STATUS_RUNNING;
	state->pid = m->sandbox.pid;
	state->restart_count = restarts;
	if (health_wanted(&m->c->config.run.healthcheck))
		state->health = HEALTH_STARTING;
	health_log_remove(container_home(m->c));
	state->started = time_now();
	return container_write_state(m->c, err);
}

static bool has_own_ids(const struct monitor *m)
{
	const char *mode = m->c->config.host.userns_mode;

	return mode && strcmp(mode, "auto") == 0;
}

/* Layers stay mounted from one run to the next: the new hold is taken before the old one is given up. */
static int mount_root(struct monitor *m, struct error *err)
{
	struct layer_hold before = m->hold;
	int fd;

	m->hold = (struct layer_hold){ 0 };
	fd = engine_mount_root(m->st, m->image, &m->spec->root, &m->hold, err);
	layer_release(&before);
	return fd;
}

int monitor_start_container(struct monitor *m, unsigned int restarts, struct error *err)
{
	int stdio[3] = { -1, -1, -1 }, status;

	if (has_own_ids(m) && id_range_apply(m->st, m->c->config.id, m->spec, err) < 0)
		return -1;
	autoclose int root_fd = mount_root(m, err);
	if (root_fd < 0 || engine_complete(m->st, m->c, root_fd, m->spec, err) < 0)
		return -1;
	m->cgroup_fd = cgroup_create(m->spec->cgroup, err);
	if (m->cgroup_fd < 0 && err->code)
		return -1;
	if (cgroup_apply(m->cgroup_fd, &m->spec->resources, err) < 0 ||
	    cgroup_allow_devices(m->cgroup_fd, m->spec, err) < 0)
		return -1;
	if (!m->spec->process.terminal && make_pipes(m, stdio, err) < 0)
		return -1;
	status = sandbox_create(m->spec, root_fd, stdio, m->cgroup_fd, &m->sandbox, err);
	engine_release(m->spec);
	for (int i = 0; i < 3; i++)
		cleanup_close(&stdio[i]);
	if (status < 0)
		return -1;
	if (m->spec->process.terminal && keep_terminal(m, err) < 0)
		return -1;
	/* Before the program runs: whoever sees its first output finds the container in `ps`. */
	if (write_running(m, restarts, err) < 0)
		return -1;
	m->started_ms = time_monotonic_ms();
	if (sandbox_start(&m->sandbox, err) < 0)
		return -1;
	events_container(m->st, &m->c->config, "start", NULL);
	return 0;
}
