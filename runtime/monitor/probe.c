/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/container/events.h"
#include "runtime/engine/engine.h"
#include "runtime/monitor/monitor_private.h"
#include "runtime/sandbox/user.h"
#include "runtime/spec/kernel.h"

#define CGROUP  "healthcheck"
#define KEPT    4096  /* bytes of output, as Docker keeps them */
#define LATE_MS 10000 /* how long after its time the child may take to say so */

_Static_assert(KEPT + 128 <= HEALTH_OUTPUT_MAX, "no room for what is said beside the output");

/* ---- The child */

struct check {
	const struct store *st;
	const struct container *c;
	int pidfd, cgroup_fd;
	struct sandbox sandbox;
	char id[ID_LEN + 1]; /* in events */
	int out;             /* what it says comes here; -1: its end */
	bool cut;
	struct health_result *result;
};

static int make_cgroup(int parent)
{
	/* One that a check left because its processes, killed, were still on their way out. Since cgroup.kill's race with
	 * fork was mended (Linux 6.14 and stable ones), what is cloned into a cgroup that was ever killed is killed, too:
	 * no later check would succeed in it. */
	if (parent >= 0)
		unlinkat(parent, CGROUP, AT_REMOVEDIR);
	if (parent < 0 || (mkdirat(parent, CGROUP, 0755) < 0 && errno != EEXIST))
		return -1;
	return openat(parent, CGROUP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The words to execute: a line for a shell, or a program with its arguments. */
static void words(const struct image_config *run, struct strv *out)
{
	const struct strv *test = &run->healthcheck.test;

	if (strcmp(test->items[0], "CMD-SHELL") == 0) {
		strv_add(out, "/bin/sh");
		strv_add(out, "-c");
	}
	for (size_t i = 1; i < test->len; i++)
		strv_add(out, test->items[i]);
}

static int execute(struct check *k, struct error *err)
{
	struct strv args autostrv = STRV_INIT;
	struct spec_process process = { 0 };
	autoclose int root_fd = sandbox_open_root(k->pidfd, err);
	autoclose int own = make_cgroup(k->cgroup_fd);
	autofree char *home = NULL;
	struct engine_exec request = { 0 };
	int ends[2], status = -1;

	words(&k->c->config.run, &args);
	request.args = args.items;
	if (!args.len)
		return error_set(err, EINVAL, "the health check has no command");
	if (root_fd < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	k->out = ends[0];
	if (engine_exec_process(k->c, &request, &process, err) == 0 &&
	    user_resolve(root_fd, k->c->config.run.user, &process, &home, err) == 0) {
		int stdio[3] = { -1, ends[1], ends[1] };

		if (home && !strv_env_get(&process.env, "HOME"))
			strv_addf(&process.env, "HOME=%s", home);
		status = sandbox_exec(k->pidfd, &process, stdio, own >= 0 ? own : k->cgroup_fd,
				      &k->sandbox, err);
		if (status == 0) {
			events_exec(k->st, &k->c->config, "exec_create", k->id, args.items, NULL);
			events_exec(k->st, &k->c->config, "exec_start", k->id, args.items, NULL);
		}
	}
	cleanup_close(&ends[1]);
	spec_process_free(&process);
	return status;
}

/* Reads a piece; what is beyond KEPT is thrown away. Returns false when there is no more for now. */
static bool take_output(struct check *k)
{
	struct health_result *r = k->result;
	char piece[KEPT];
	ssize_t n = k->out >= 0 ? read(k->out, piece, sizeof(piece)) : -1;
	size_t keep = n > 0 ? (size_t)n : 0;

	if (n < 0 && errno == EINTR)
		return true;
	if (n == 0) {
		close(k->out);
		k->out = -1;
	}
	if (keep > KEPT - r->len) {
		keep = KEPT - r->len;
		k->cut = true;
	}
	memcpy(r->output + r->len, piece, keep);
	r->len += keep;
	return n > 0;
}

/* Until it ends or its time is over. Returns whether it ended. */
static bool await(struct check *k, int64_t end_ms)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = k->sandbox.pidfd, .events = POLLIN },
				       { .fd = k->out, .events = POLLIN } };
		int64_t left = end_ms - time_monotonic_ms();

		if (left <= 0)
			return false;
		if (poll(p, 2, left > 3600000 ? 3600000 : (int)left) < 0)
			continue;
		if (p[1].revents)
			take_output(k);
		if (p[0].revents)
			return true;
	}
}

static void kill_all(int cgroup_fd)
{
	autoclose int own = cgroup_fd >= 0 ? openat(cgroup_fd, CGROUP,
						    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
					   : -1;

	cgroup_kill(own, NULL);
}

static void say(struct health_result *r, const char *text)
{
	size_t n = strlen(text) < sizeof(r->output) ? strlen(text) : sizeof(r->output);

	memcpy(r->output, text, n);
	r->len = n;
}

/* A span as Go prints it: "1m30s", "2s", "500ms". */
static const char *span_text(int64_t ns, char buf[48])
{
	int64_t ms = ns / 1000000, seconds = ms / 1000;
	int n = 0;

	if (seconds == 0) {
		snprintf(buf, 48, "%lldms", (long long)ms);
		return buf;
	}
	if (seconds >= 3600)
		n += snprintf(buf, 48, "%lldh", (long long)seconds / 3600);
	if (seconds >= 60)
		n += snprintf(buf + n, 48 - (size_t)n, "%lldm", (long long)seconds / 60 % 60);
	snprintf(buf + n, 48 - (size_t)n, ms % 1000 ? "%lld.%03llds" : "%llds",
		 (long long)seconds % 60, (long long)ms % 1000);
	return buf;
}

static void tell_timeout(struct health_result *r, int64_t timeout)
{
	char head[96], span[48];
	int n = snprintf(head, sizeof(head), "Health check exceeded timeout (%s)%s",
			 span_text(timeout, span), r->len ? ": " : "");

	memmove(r->output + n, r->output, r->len);
	memcpy(r->output, head, (size_t)n);
	r->len += (size_t)n;
	r->exit_code = -1;
}

static void check(struct check *k)
{
	struct health_result *r = k->result;
	int64_t timeout = health_timeout(&k->c->config.run.healthcheck);
	struct error err = ERROR_INIT;
	siginfo_t info = { 0 };
	bool ended;

	r->start = time_now();
	if (id_random(k->id, &err) < 0 || execute(k, &err) < 0) {
		say(r, err.message);
		r->exit_code = -1;
		r->end = time_now();
		return;
	}
	fcntl(k->out, F_SETFL, O_NONBLOCK);
	ended = await(k, time_monotonic_ms() + timeout / 1000000);
	if (!ended) {
		kill_all(k->cgroup_fd);
		sys_pidfd_send_signal(k->sandbox.pidfd, SIGKILL);
	}
	if (waitid(P_PIDFD, (id_t)k->sandbox.pidfd, &info, WEXITED) == 0)
		r->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	else
		r->exit_code = -1;
	while (take_output(k))
		;
	if (k->cut) {
		memcpy(r->output + r->len, "...", 3);
		r->len += 3;
	}
	if (!ended)
		tell_timeout(r, timeout);
	r->end = time_now();
	events_exec(k->st, &k->c->config, "exec_die", k->id, NULL, &r->exit_code);
	/* Unless it left something running there. */
	if (k->cgroup_fd >= 0)
		unlinkat(k->cgroup_fd, CGROUP, AT_REMOVEDIR);
}

__attribute__((noreturn)) static void child(struct check *k, int result_fd, pid_t parent)
{
	const struct store *st = k->st;
	int keep[] = { st->fd,   st->run_fd,   k->c->dirfd, k->c->run_dirfd,
		       k->pidfd, k->cgroup_fd, result_fd };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	monitor_close_all_but(keep, sizeof(keep) / sizeof(keep[0]));
	check(k);
	/* It fits into the pipe. */
	_exit(write(result_fd, k->result, sizeof(*k->result)) < 0);
}

/* ---- The monitor's side */

int probe_begin(struct probe *p, const struct store *st, const struct container *c, int pidfd,
		int cgroup_fd)
{
	struct check k = { .st = st,
			   .c = c,
			   .pidfd = pidfd,
			   .cgroup_fd = cgroup_fd,
			   .sandbox = SANDBOX_INIT,
			   .out = -1,
			   .result = &p->result };
	pid_t self = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	p->result.len = 0;
	p->pid = fork();
	if (p->pid == 0)
		child(&k, ends[1], self);
	close(ends[1]);
	if (p->pid < 0) {
		close(ends[0]);
		return -1;
	}
	p->fd = ends[0];
	p->got = 0;
	p->cgroup_fd = cgroup_fd;
	p->result.start = time_now();
	p->give_up_ms = time_monotonic_ms() + LATE_MS +
			health_timeout(&c->config.run.healthcheck) / 1000000;
	return 0;
}

static void end(struct probe *p)
{
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p->fd);
	p->pid = p->fd = -1;
}

static void cut_off(struct probe *p, const char *why)
{
	end(p);
	kill_all(p->cgroup_fd);
	say(&p->result, why);
	p->result.exit_code = -1;
	p->result.end = time_now();
}

bool probe_take(struct probe *p)
{
	ssize_t n = read(p->fd, (char *)&p->result + p->got, sizeof(p->result) - p->got);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (time_monotonic_ms() < p->give_up_ms)
			return false;
		cut_off(p, "the health check does not end, though it was killed");
		return true;
	}
	p->got += n > 0 ? (size_t)n : 0;
	if (p->got == sizeof(p->result)) {
		end(p);
		return true;
	}
	if (n > 0)
		return false;
	p->result.start = time_now();
	cut_off(p, "the health check could not be run");
	return true;
}

void probe_cancel(struct probe *p)
{
	if (p->pid < 0)
		return;
	end(p);
	kill_all(p->cgroup_fd);
}
