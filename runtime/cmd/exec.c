/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/command.h"
#include "runtime/container/container.h"
#include "runtime/container/events.h"
#include "runtime/container/exec_ids.h"
#include "runtime/engine/engine.h"
#include "runtime/monitor/attach.h"
#include "runtime/monitor/terminal.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/sandbox/user.h"

struct exec {
	struct engine_exec request;
	const char *keys; /* --detach-keys */
	bool detach, interactive;
};

static int describe(const struct container *c, int pidfd, const struct exec *x,
		    struct spec_process *process, struct error *err)
{
	const char *user = x->request.user ? x->request.user : c->config.run.user;
	autofree char *home = NULL;
	autoclose int root_fd = sandbox_open_root(pidfd, err);

	if (root_fd < 0 || engine_exec_process(c, &x->request, process, err) < 0 ||
	    user_resolve(root_fd, user, process, &home, err) < 0 ||
	    user_add_groups(root_fd, &c->config.host.group_add, process, err) < 0)
		return -1;
	if (home && !strv_env_get(&process->env, "HOME"))
		strv_addf(&process->env, "HOME=%s", home);
	if (x->request.tty)
		terminal_size(x->interactive ? STDIN_FILENO : STDOUT_FILENO, &process->rows,
			      &process->cols);
	return 0;
}

struct pipes {
	int ours[3], theirs[3];
};

static void close_all(int fds[3])
{
	for (int i = 0; i < 3; i++) {
		cleanup_close(&fds[i]);
		fds[i] = -1;
	}
}

/* Never our own stdio: a terminal or file of the machine has no place in a container. */
static int make_pipes(struct pipes *p, bool input, struct error *err)
{
	for (int i = input ? 0 : 1; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return error_errno(err, "cannot make a pipe");
		p->theirs[i] = ends[i == 0 ? 0 : 1];
		p->ours[i] = ends[i == 0 ? 1 : 0];
	}
	return 0;
}

static int add_process(const struct container *c, int pidfd, const struct exec *x, struct pipes *p,
		       struct sandbox *sb, struct error *err)
{
	struct spec_process process = { 0 };
	autofree char *name = container_cgroup(&c->config, NULL);
	autoclose int cgroup = cgroup_open(name, NULL);
	int status = describe(c, pidfd, x, &process, err);

	if (status == 0 && !x->request.tty && !x->detach)
		status = make_pipes(p, x->interactive, err);
	if (status == 0)
		status = sandbox_exec(pidfd, &process, p->theirs, cgroup, sb, err);
	close_all(p->theirs);
	spec_process_free(&process);
	return status;
}

static int failed(struct error *err)
{
	/* Docker's exec ends with 1 for its own faults, with 126 and 127 for the program's. */
	if (err->status == 125)
		error_status(err, 1);
	return command_fail(err);
}

static int exec(const struct store *st, const char *word, const struct exec *x)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct pipes p = { { -1, -1, -1 }, { -1, -1, -1 } };
	struct sandbox sb = SANDBOX_INIT;
	struct attach a = ATTACH_INIT;
	struct error err = ERROR_INIT;
	enum attach_end end = ATTACH_FAILED;
	autoclose int pidfd = -1;
	char id[ID_LEN + 1];
	int code = 1;

	if (detach_keys_parse(x->keys, &a.keys, &err) < 0 || id_random(id, &err) < 0 ||
	    container_open(st, word, &c, &err) < 0 ||
	    (pidfd = container_open_first(st, &c, &err)) < 0)
		return failed(&err);
	if (c.state.paused) {
		error_set(&err, EBUSY, "Container %s is paused, unpause the container before exec",
			  word);
		return failed(&err);
	}
	a.input = x->interactive && !x->detach;
	a.tty = x->request.tty && !x->detach;
	if (!x->detach && attach_prepare(&a, &err) < 0)
		return failed(&err);
	if (add_process(&c, pidfd, x, &p, &sb, &err) < 0) {
		attach_finish(&a);
		close_all(p.ours);
		return failed(&err);
	}
	exec_ids_add(c.run_dirfd, id, sb.pid);
	events_exec(st, &c.config, "exec_create", id, x->request.args, NULL);
	events_exec(st, &c.config, "exec_start", id, x->request.args, NULL);
	if (x->detach) {
		/* Nobody reads what it says; PID 1 will reap it. */
		sandbox_close(&sb);
		return 0;
	}
	if (a.tty)
		end = attach_child(&a, sb.pidfd, a.input ? sb.terminal_fd : -1, sb.terminal_fd, -1,
				   &code, &err);
	else
		end = attach_child(&a, sb.pidfd, STEAL_FD(p.ours[0]), p.ours[1], p.ours[2], &code,
				   &err);
	attach_finish(&a);
	close_all(p.ours);
	sandbox_close(&sb);
	if (end == ATTACH_DETACHED) {
		fputs("\nread escape sequence\n", stderr);
		return 0;
	}
	exec_ids_remove(c.run_dirfd, id);
	if (end == ATTACH_EXITED)
		events_exec(st, &c.config, "exec_die", id, NULL, &code);
	return end == ATTACH_EXITED ? code : failed(&err);
}

int cmd_exec(struct command_context *ctx, int argc, char **argv)
{
	struct exec x = { 0 };
	struct strv autostrv env = STRV_INIT, autostrv files = STRV_INIT;
	const struct cli_option options[] = {
		{ "detach", 'd', CLI_BOOL, &x.detach, NULL,
		  "Detached mode: run command in the background" },
		{ "detach-keys", 0, CLI_STRING, &x.keys, "string",
		  "Override the key sequence for detaching a container" },
		{ "env", 'e', CLI_LIST, &env, "list", "Set environment variables" },
		{ "env-file", 0, CLI_LIST, &files, "list",
		  "Read in a file of environment variables" },
		{ "interactive", 'i', CLI_BOOL, &x.interactive, NULL,
		  "Keep STDIN open even if not attached" },
		{ "privileged", 0, CLI_BOOL, &x.request.privileged, NULL,
		  "Give extended privileges to the command" },
		{ "tty", 't', CLI_BOOL, &x.request.tty, NULL, "Allocate a pseudo-TTY" },
		{ "user", 'u', CLI_STRING, &x.request.user, "string",
		  "Username or UID (format: <name|uid>[:<group|gid>])" },
		{ "workdir", 'w', CLI_STRING, &x.request.working_dir, "string",
		  "Working directory inside the container" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
		.summary = "Execute a command in a running container",
		.options = options,
		.min_args = 2,
		.max_args = -1,
	};
	struct strv autostrv merged = STRV_INIT;
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	/* A terminal would hang up on the program the moment we end. */
	if (x.detach)
		x.request.tty = false;
	for (size_t i = 0; i < files.len; i++)
		if (engine_env_file(&merged, files.items[i], &err) < 0)
			return command_fail(&err);
	strv_extend(&merged, &env);
	x.request.env = merged;
	x.request.args = argv + first + 1;
	return exec(ctx->store, argv[first], &x);
}
