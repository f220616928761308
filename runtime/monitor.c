/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "runtime/cgroup.h"
#include "runtime/clients.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "runtime/logfile.h"
#include "runtime/sandbox.h"
#include "runtime/terminal.h"
#include "runtime/user.h"

#define CGROUP_PATIENCE_MS 5000 /* for processes in uninterruptible sleep */

struct monitor {
	const struct store *st;
	struct container *c;
	const struct image *image;
	struct spec *spec;
	const struct monitor_options *options;
	int command_fd; /* the starting command, until the clients have it */
	struct layer_hold hold;
	struct sandbox sandbox;
	int cgroup_fd;
	int out[2]; /* the container's stdout and stderr; with a terminal the first is its master; -1: ended */
	int in;   /* its stdin; with a terminal the same as out[0]; -1: none */
	int peer; /* the terminal's other side, see keep_terminal */
	struct log_writer log;
	struct clients clients;
	char lines[2 * LOG_LINE_MAX];
};

/* One to a process. Its pages exist once they are written to: so it is filled in member by member. */
static struct monitor self;

/* ---- Before the start */

static int compare_fd(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor that is none of the monitor's: one that the command inherited (a pipe of make's, of a shell's)
 * would be held open for as long as the container runs. */
static void close_inherited(const struct store *st, const struct container *c, int listener,
			    int command_fd)
{
	int keep[] = { st->fd,     st->layers_fd, st->images_fd, st->containers_fd,
		       st->tmp_fd, st->run_fd,    c->dirfd,      c->run_dirfd,
		       c->lock_fd, listener,      command_fd };
	unsigned next = 3;

	qsort(keep, sizeof(keep) / sizeof(keep[0]), sizeof(keep[0]), compare_fd);
	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		if (keep[i] < 3)
			continue;
		if ((unsigned)keep[i] > next)
			sys_close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	sys_close_range(next, ~0U, 0);
}

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

/* Who the process is can be told only now that the image's /etc/passwd is at hand. */
static int resolve_user(struct monitor *m, int root_fd, struct error *err)
{
	struct spec_process *process = &m->spec->process;
	autofree char *home = NULL;

	if (user_resolve(root_fd, m->c->config.run.user, process, &home, err) < 0)
		return -1;
	if (home && !strv_env_get(&process->env, "HOME"))
		strv_addf(&process->env, "HOME=%s", home);
	return 0;
}

static int write_running(struct monitor *m, struct error *err)
{
	struct container_state *state = &m->c->state;

	*state = (struct container_state)CONTAINER_STATE_INIT;
	state->status = STATUS_RUNNING;
	state->pid = m->sandbox.pid;
	state->started = time_now();
	return container_write_state(m->c, err);
}

static int start(struct monitor *m, struct error *err)
{
	autoclose int root_fd = engine_mount_root(m->st, m->image, &m->spec->root, &m->hold, err);
	int stdio[3] = { -1, -1, -1 }, status;

	if (root_fd < 0 || resolve_user(m, root_fd, err) < 0)
		return -1;
	m->cgroup_fd = cgroup_create(m->spec->cgroup, err);
	if (m->cgroup_fd < 0 && err->code)
		return -1;
	if (cgroup_apply(m->cgroup_fd, &m->spec->resources, err) < 0 ||
	    cgroup_allow_devices(m->cgroup_fd, &m->spec->resources, err) < 0)
		return -1;
	if (!m->spec->process.terminal && make_pipes(m, stdio, err) < 0)
		return -1;
	status = sandbox_create(m->spec, root_fd, stdio, m->cgroup_fd, &m->sandbox, err);
	for (int i = 0; i < 3; i++)
		cleanup_close(&stdio[i]);
	if (status < 0)
		return -1;
	if (m->spec->process.terminal && keep_terminal(m, err) < 0)
		return -1;
	/* Before the program runs: whoever sees its first output finds the container in `ps`. */
	if (write_running(m, err) < 0)
		return -1;
	return sandbox_start(&m->sandbox, err);
}

/* ---- The end */

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
	layer_release(&m->hold);
	control_unlink(m->st, m->c->config.id);
}

static void fail(struct monitor *m, struct error *err)
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

/* ---- While it runs */

static const enum control_type stream_type[2] = { CONTROL_STDOUT, CONTROL_STDERR };

/* Reads one piece of a stream and passes it on. Returns false when there is no more for now. */
static bool pump(struct monitor *m, int stream)
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

/* Serves clients and container until the container's first process has ended. */
static void serve(struct monitor *m)
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
			pump(m, 0);
		if (p[2].revents && clients_idle(&m->clients))
			pump(m, 1);
		clients_handle(&m->clients, p + 4, n, &handlers);
		if (p[0].revents)
			return;
	}
}

/* The container is over. Its output is read to the end, whatever the clients do; then the state is written and all is
 * cleaned up; then everybody learns of it. */
static void finish(struct monitor *m)
{
	struct container_state *state = &m->c->state;
	struct control_exit last = { .code = exit_code(m) };

	/* The kernel closes the other side only when we do. What was written before can all be read: reading the master
	 * waits for the terminal's own worker before it says that there is nothing. */
	cleanup_close(&m->peer);
	m->peer = -1;
	for (int i = 0; i < 2; i++)
		while (m->out[i] >= 0 && pump(m, i))
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

/* Those who have not read all yet. */
static void serve_rest(struct monitor *m)
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

/* From here on nothing is said on the terminal of the command, and nothing of its is held. */
static void let_go(void)
{
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (chdir("/") < 0)
		errno = 0; /* it would only keep a folder busy */
}

static void run(struct monitor *m, int listener)
{
	struct error err = ERROR_INIT;

	if (start(m, &err) < 0) {
		cleanup_close(&listener);
		fail(m, &err);
		return;
	}
	let_go();
	log_writer_init(&m->log, m->c->dirfd, m->lines);
	clients_init(&m->clients, listener);
	clients_add_starter(&m->clients, m->command_fd, m->options->attach);
	clients_started(&m->clients);
	serve(m);
	finish(m);
	serve_rest(m);
	/* Nobody waits for this process any more. */
	layer_sweep_idle(m->st);
}

/* ---- The command's side */

int monitor_start(const struct store *st, struct container *c, const struct image *image,
		  struct spec *spec, const struct monitor_options *options, struct error *err)
{
	autoclose int listener = control_listen(st, c->config.id, err);
	int pair[2];
	pid_t pid;

	if (listener < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		error_errno(err, "cannot make a socket pair");
		control_unlink(st, c->config.id);
		return -1;
	}
	fflush(NULL); /* or the monitor would write it a second time */
	pid = fork();
	if (pid < 0) {
		error_errno(err, "cannot start the container's monitor");
		control_unlink(st, c->config.id);
		close_pair(pair);
		return -1;
	}
	if (pid == 0) {
		sigset_t all;

		setsid();
		prctl(PR_SET_NAME, "knarr-monitor");
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		close_inherited(st, c, listener, pair[1]);
		self.st = st;
		self.c = c;
		self.image = image;
		self.spec = spec;
		self.options = options;
		self.command_fd = pair[1];
		self.sandbox = (struct sandbox)SANDBOX_INIT;
		self.cgroup_fd = self.out[0] = self.out[1] = self.in = self.peer = -1;
		run(&self, STEAL_FD(listener));
		_exit(0);
	}
	close(pair[1]);
	cleanup_close(&c->lock_fd);
	c->lock_fd = -1;
	return pair[0];
}

int monitor_started(int fd, struct error *err)
{
	struct control_frame frame;
	int n = control_read(fd, &frame);

	if (n > 0 && frame.type == CONTROL_STARTED)
		return 0;
	if (n > 0 && frame.type == CONTROL_FAILED)
		return control_failure(&frame, err);
	error_set(err, EPIPE, "the container's monitor died");
	return error_status(err, 125);
}
