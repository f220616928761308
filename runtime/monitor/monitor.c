/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/control.h"
#include "runtime/engine/engine.h"
#include "runtime/monitor/monitor_private.h"
#include "runtime/monitor/restart.h"
#include "runtime/spec/kernel.h"

/* One to a process. Its pages exist once they are written to: so it is filled in member by member. */
static struct monitor self;

/* ---- Descriptors */

static int compare_fd(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void monitor_close_all_but(int *keep, size_t n)
{
	unsigned int next = 3;

	qsort(keep, n, sizeof(keep[0]), compare_fd);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 3)
			continue;
		if ((unsigned int)keep[i] > next)
			sys_close_range(next, (unsigned int)keep[i] - 1, 0);
		next = (unsigned int)keep[i] + 1;
	}
	sys_close_range(next, ~0U, 0);
}

/* Closes every descriptor that is none of the monitor's: one that the command inherited (a pipe of make's, of a shell's)
 * would be held open for as long as the container runs. */
static void close_inherited(const struct store *st, const struct container *c, int listener,
			    int command_fd)
{
	int keep[] = { st->fd,     st->layers_fd, st->images_fd, st->containers_fd,
		       st->tmp_fd, st->run_fd,    c->dirfd,      c->run_dirfd,
		       c->lock_fd, listener,      command_fd };

	monitor_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
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

/* One part of the program in memory. */
static int forget_part(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		start &= ~(page - 1);
		madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

/* Gives back the pages of code and constants that only the start needed; those that are needed are the file's, in memory
 * anyway, and come back by themselves. It is these that would make most of what a monitor holds. */
static void shrink(void)
{
	dl_iterate_phdr(forget_part, NULL);
}

static struct log_limits log_limits(const struct host_config *h)
{
	return (struct log_limits){
		.disabled = h->log_driver && strcmp(h->log_driver, "none") == 0,
		.max_size = h->log_max_size,
		.max_files = h->log_max_file ? h->log_max_file : 1,
	};
}

/* ---- A container's life */

void monitor_refresh_config(struct monitor *m)
{
	struct stat now;

	if (fstatat(container_home(m->c), "container.json", &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (now.st_ino == m->config_seen.st_ino &&
	     now.st_mtim.tv_sec == m->config_seen.st_mtim.tv_sec &&
	     now.st_mtim.tv_nsec == m->config_seen.st_mtim.tv_nsec))
		return;
	if (container_reload(m->c, NULL) == 0)
		m->config_seen = now;
}

/* Clients who have not read all of a run's output by the time the next one begins get it from a child of ours, which has
 * nothing else to do: else one that does not read would hold the next run up. It is a grandchild, so that nobody has to
 * wait for it. */
static void leave_slow_clients(struct monitor *m)
{
	int keep[CLIENTS_MAX];
	pid_t pid = clients_left(&m->clients) ? fork() : -1;

	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			keep[i] = m->clients.items[i].fd;
		monitor_close_all_but(keep, CLIENTS_MAX);
		m->clients.listener = -1;
		monitor_serve_rest(m);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	clients_next_run(&m->clients);
}

/* Makes the spec anew, for the container's second and further starts. */
static int respecify(struct monitor *m, struct error *err)
{
	unsigned short rows = m->spec->process.rows, cols = m->spec->process.cols;

	spec_free(m->spec);
	*m->spec = (struct spec)SPEC_INIT;
	if (engine_spec(m->st, m->c, m->spec, err) < 0)
		return -1;
	m->spec->process.rows = rows;
	m->spec->process.cols = cols;
	return 0;
}

/* -1: it cannot be started again, and the state says so. */
static int start_again(struct monitor *m, struct control_exit *last)
{
	struct container_state *state = &m->c->state;
	struct container_state before = *state;
	struct error err = ERROR_INIT;

	m->sandbox = (struct sandbox)SANDBOX_INIT;
	m->no_restart_until_ms = 0;
	if (respecify(m, &err) == 0 && monitor_start_container(m, before.restart_count, &err) == 0)
		return 0;
	monitor_clean_up(m);
	*state = before;
	state->exit_code = last->code = err.status ? err.status : 125;
	memcpy(state->error, err.message, sizeof(state->error));
	return -1;
}

/* Between two runs. Returns false when there is no next one. */
static bool again(struct monitor *m, int64_t pause_ms, struct control_exit *last)
{
	int64_t due = time_monotonic_ms() + pause_ms;
	struct container_state *state = &m->c->state;

	if (pause_ms < 0)
		return false;
	clients_run_over(&m->clients, last);
	leave_slow_clients(m);
	if (monitor_wait(m, due)) {
		/* `update` may have thought better of it. */
		monitor_refresh_config(m);
		if (restart_wanted(&m->c->config.host, state->restart_count - 1, last->code) &&
		    start_again(m, last) == 0)
			return true;
	}
	state->status = STATUS_EXITED;
	state->restarting = false;
	container_write_state(m->c, NULL);
	return false;
}

static void run(struct monitor *m, int listener)
{
	const struct log_limits limits = log_limits(&m->c->config.host);
	struct error err = ERROR_INIT;
	struct control_exit last;

	if (monitor_start_container(m, 0, &err) < 0) {
		cleanup_close(&listener);
		monitor_fail(m, &err);
		return;
	}
	let_go();
	clients_init(&m->clients, listener);
	clients_add_starter(&m->clients, m->command_fd, m->options->attach);
	clients_started(&m->clients);
	do {
		log_writer_init(&m->log, m->c->dirfd, &limits, m->lines);
		shrink();
		m->health.status = HEALTH_STARTING;
		m->health.failing_streak = 0;
		m->health.n = 0;
		monitor_health_begin(m);
		monitor_serve(m);
	} while (again(m, monitor_end_run(m, &last), &last));
	monitor_end(m, &last);
	monitor_serve_rest(m);
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
		cleanup_close(&pair[0]);
		cleanup_close(&pair[1]);
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
		self.before = c->state;
		self.probe = (struct probe)PROBE_INIT;
		self.check_at_ms = -1;
		fstatat(container_home(c), "container.json", &self.config_seen,
			AT_SYMLINK_NOFOLLOW);
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
