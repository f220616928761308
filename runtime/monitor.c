/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/control.h"
#include "runtime/kernel.h"
#include "runtime/monitor_private.h"

/* One to a process. Its pages exist once they are written to: so it is filled in member by member. */
static struct monitor self;

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

/* From here on nothing is said on the terminal of the command, and nothing of its is held. */
static void let_go(void)
{
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (chdir("/") < 0)
		errno = 0; /* it would only keep a folder busy */
}

static struct log_limits log_limits(const struct host_config *h)
{
	return (struct log_limits){
		.disabled = h->log_driver && strcmp(h->log_driver, "none") == 0,
		.max_size = h->log_max_size,
		.max_files = h->log_max_file ? h->log_max_file : 1,
	};
}

static void run(struct monitor *m, int listener)
{
	const struct log_limits limits = log_limits(&m->c->config.host);
	struct error err = ERROR_INIT;

	if (monitor_start_container(m, &err) < 0) {
		cleanup_close(&listener);
		monitor_fail(m, &err);
		return;
	}
	let_go();
	log_writer_init(&m->log, m->c->dirfd, &limits, m->lines);
	clients_init(&m->clients, listener);
	clients_add_starter(&m->clients, m->command_fd, m->options->attach);
	clients_started(&m->clients);
	monitor_serve(m);
	monitor_finish(m);
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
