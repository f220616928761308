/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/monitor/terminal.h"
#include "runtime/oci/config.h"
#include "runtime/oci/launch.h"
#include "runtime/sandbox/user.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"

struct exec {
	struct oci_launch launch;
	const char *process, *console_socket, *pid_file, *pidfd_socket, *user, *cwd, *cgroup,
		*apparmor, *label;
	struct strv env, caps, gids;
	bool tty, no_new_privs, ignore_paused;
};

/* The process of --process FILE. */
static int read_process(const char *path, struct spec_process *p, struct error *err)
{
	size_t len;
	autofree char *text = fs_read_file(AT_FDCWD, path, OCI_CONFIG_MAX, &len, err);

	return text ? oci_process_parse(text, len, p, err) : -1;
}

static int add_capabilities(struct spec_process *p, const struct strv *names, struct error *err)
{
	for (size_t i = 0; i < names->len; i++) {
		int number = capability_from_name(names->items[i]);
		if (number < 0)
			return error_set(err, EINVAL, "--cap: unknown capability \"%s\"",
					 names->items[i]);
		uint64_t bit = UINT64_C(1) << number;
		p->capabilities.bounding |= bit;
		p->capabilities.effective |= bit;
		p->capabilities.permitted |= bit;
		/* Only what may be inherited may be ambient. */
		if (p->capabilities.inheritable) {
			p->capabilities.inheritable |= bit;
			p->capabilities.ambient |= bit;
		}
	}
	return 0;
}

static int add_groups(struct spec_process *p, const struct strv *gids, struct error *err)
{
	for (size_t i = 0; i < gids->len; i++) {
		unsigned long long gid;

		if (str_to_u64(gids->items[i], UINT32_MAX - 1, &gid) < 0)
			return error_set(err, EINVAL, "--additional-gids: \"%s\" is no group ID",
					 gids->items[i]);
		p->groups = xreallocarray(p->groups, p->n_groups + 1, sizeof(gid_t));
		p->groups[p->n_groups++] = (gid_t)gid;
	}
	return 0;
}

static void replace(char **target, const char *value)
{
	if (!value)
		return;
	free(*target);
	*target = xstrdup(value);
}

/* What a file of --process leaves out of the rules that the container lives under holds for this process, too: the file has no
 * place for a seccomp filter. */
static int confine(const struct oci_container *c, struct spec_process *p, struct error *err)
{
	autospec struct spec own = SPEC_INIT;

	if (oci_container_config(c, &own, err) < 0)
		return -1;
	p->seccomp = own.process.seccomp;
	p->custom_seccomp = STEAL_PTR(own.process.custom_seccomp);
	if (!p->apparmor_profile)
		p->apparmor_profile = STEAL_PTR(own.process.apparmor_profile);
	if (!p->selinux_label)
		p->selinux_label = STEAL_PTR(own.process.selinux_label);
	return 0;
}

/* The container's own process with other words, and as the flags have it. */
static int adapt_process(const struct exec *x, char **args, int root_fd, struct spec_process *p,
			 struct error *err)
{
	if (!*args)
		return error_set(err, EINVAL, "exec: a command or --process is needed");
	strv_free(&p->args);
	for (; *args; args++)
		strv_add(&p->args, *args);
	replace(&p->cwd, x->cwd);
	replace(&p->apparmor_profile, x->apparmor);
	replace(&p->selinux_label, x->label);
	p->terminal = x->tty;
	p->rows = p->cols = 0;
	p->no_new_privileges |= x->no_new_privs;
	for (size_t i = 0; i < x->env.len; i++)
		strv_env_set(&p->env, x->env.items[i]);
	if (x->user && user_resolve(root_fd, x->user, p, NULL, err) < 0)
		return -1;
	if (add_groups(p, &x->gids, err) < 0)
		return -1;
	return add_capabilities(p, &x->caps, err);
}

/* The cgroup to be born in: the container's, or with --cgroup one below it. */
static int open_cgroup(const struct oci_container *c, const char *below, int *fd, struct error *err)
{
	*fd = oci_container_cgroup(c);
	if (!below)
		return 0;
	while (*below == '/')
		below++;
	autoclose int parent = *fd;
	*fd = parent < 0 ? -1
			 : fs_openat2(parent, *below ? below : ".", O_RDONLY | O_DIRECTORY, 0,
				      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	return *fd < 0 ? error_errno(err, "--cgroup \"%s\"", below) : 0;
}

static int check_status(const struct oci_container *c, bool ignore_paused, struct error *err)
{
	switch (oci_container_status(c)) {
	case OCI_CREATED:
	case OCI_RUNNING:
		return 0;
	case OCI_PAUSED:
		return ignore_paused
			       ? 0
			       : error_set(
					 err, EBUSY,
					 "cannot exec in a paused container (use --ignore-paused to override)");
	case OCI_CREATING:
		return error_set(err, EBUSY, "cannot exec in a container that is being created");
	default:
		return error_set(err, ESRCH, "cannot exec in a stopped container");
	}
}

/* A process that could not be handed over. */
static void drop(struct sandbox *sb)
{
	sys_pidfd_send_signal(sb->pidfd, SIGKILL);
	while (waitpid(sb->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int describe(const struct exec *x, const struct oci_container *c, char **args, int pidfd,
		    struct spec *spec, struct error *err)
{
	struct spec_process *p = &spec->process;
	autoclose int root = sandbox_open_root(pidfd, err);

	if (root < 0)
		return -1;
	if (x->process ? read_process(x->process, p, err) < 0 || confine(c, p, err) < 0
		       : oci_container_config(c, spec, err) < 0 ||
				 adapt_process(x, args, root, p, err) < 0)
		return -1;
	if (oci_check_terminal(&x->launch, p, err) < 0 || oci_settle_process(root, p, err) < 0)
		return -1;
	oci_preserve_fds(&x->launch, p);
	if (p->terminal && !p->rows && !x->launch.detach)
		terminal_size(STDIN_FILENO, &p->rows, &p->cols);
	return 0;
}

/* Returns the status to end with, or -1 with err. */
static int exec(const struct oci_context *ctx, const char *id, char **args, const struct exec *x,
		struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	autospec struct spec spec = SPEC_INIT;
	struct sandbox sb = SANDBOX_INIT;
	autoclose int cgroup = -1;
	int status = 0;

	if (oci_container_open(ctx->root, id, &c, err) < 0 ||
	    check_status(&c, x->ignore_paused, err) < 0)
		return -1;
	autoclose int pidfd = oci_container_pidfd(&c, err);
	if (pidfd < 0 || describe(x, &c, args, pidfd, &spec, err) < 0 ||
	    open_cgroup(&c, x->cgroup, &cgroup, err) < 0 ||
	    sandbox_exec(pidfd, &spec.process, (int[3]){ 0, 1, 2 }, cgroup, &sb, err) < 0)
		return -1;
	if (oci_hand_listener(&c, oci_container_status(&c), &spec.process, &sb, err) < 0 ||
	    oci_hand_out(&x->launch, &sb, err) < 0) {
		drop(&sb);
		status = -1;
	} else if (!x->launch.detach) {
		status = oci_attend(&sb, spec.process.terminal, err);
	}
	sandbox_close(&sb);
	return status;
}

int oci_cmd_exec(struct oci_context *ctx, int argc, char **argv)
{
	struct exec x = { 0 };
	const struct cli_option options[] = {
		{ "additional-gids", 'g', CLI_LIST, &x.gids, "list", "Further groups, by number" },
		{ "apparmor", 0, CLI_STRING, &x.apparmor, "string", "AppArmor profile" },
		{ "cap", 'c', CLI_LIST, &x.caps, "list", "Add a capability" },
		{ "cgroup", 0, CLI_STRING, &x.cgroup, "string",
		  "Run in this existing cgroup below the container's" },
		{ "console-socket", 0, CLI_STRING, &x.console_socket, "string",
		  "Socket that gets the master of the terminal" },
		{ "cwd", 0, CLI_STRING, &x.cwd, "string", "Working directory" },
		{ "detach", 'd', CLI_BOOL, &x.launch.detach, NULL, "Return when the process runs" },
		{ "env", 'e', CLI_LIST, &x.env, "list", "Set environment variables" },
		{ "ignore-paused", 0, CLI_BOOL, &x.ignore_paused, NULL,
		  "Execute in a paused container, too" },
		{ "no-new-privs", 0, CLI_BOOL, &x.no_new_privs, NULL, "Set no_new_privs" },
		{ "pid-file", 0, CLI_STRING, &x.pid_file, "string",
		  "File that gets the process ID" },
		{ "pidfd-socket", 0, CLI_STRING, &x.pidfd_socket, "string",
		  "Socket that gets a pidfd of the process" },
		{ "preserve-fds", 0, CLI_INT, &x.launch.preserve_fds, "int",
		  "Number of further descriptors that stay open in the process" },
		{ "process", 'p', CLI_STRING, &x.process, "string",
		  "File with the process in the form of config.json" },
		{ "process-label", 0, CLI_STRING, &x.label, "string", "SELinux label" },
		{ "tty", 't', CLI_BOOL, &x.tty, NULL, "Allocate a terminal" },
		{ "user", 'u', CLI_STRING, &x.user, "string", "User (format: UID[:GID])" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "exec [OPTIONS] ID [COMMAND] [ARG...]",
		.summary = "Execute a process inside a container",
		.options = options,
		.min_args = 1,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status < 0) {
		x.launch.console_socket = x.console_socket;
		x.launch.pid_file = x.pid_file;
		x.launch.pidfd_socket = x.pidfd_socket;
		status = oci_count_fds(&x.launch, &err);
		if (status == 0)
			status = exec(ctx, argv[first], argv + first + 1, &x, &err);
		if (status < 0) {
			error_prefix(&err, "exec failed");
			oci_fail(ctx, &err);
			status = 255;
		}
	}
	strv_free(&x.env);
	strv_free(&x.caps);
	strv_free(&x.gids);
	return status;
}
