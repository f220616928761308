/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/oci/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_path.h"
#include "runtime/monitor/attach.h"
#include "runtime/monitor/terminal.h"
#include "runtime/oci/config.h"
#include "runtime/oci/send_fd.h"
#include "runtime/sandbox/hooks.h"
#include "runtime/sandbox/rootfs.h"
#include "runtime/sandbox/user.h"
#include "runtime/spec/kernel.h"

#define PRESERVE_FDS_MAX 65536

/* ---- Shared with exec */

int oci_check_terminal(const struct oci_launch *launch, const struct spec_process *p,
		       struct error *err)
{
	if (launch->detach && p->terminal && !launch->console_socket)
		return error_set(
			err, EINVAL,
			"cannot allocate tty if knarr-oci will detach without setting console socket");
	if (launch->console_socket && (!launch->detach || !p->terminal))
		return error_set(
			err, EINVAL,
			"cannot use console socket if knarr-oci will not detach or allocate tty");
	return 0;
}

int oci_count_fds(struct oci_launch *launch, struct error *err)
{
	const char *listen_fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	unsigned long long n = 0;

	/* sd_listen_fds(3): they are meant for the process that LISTEN_PID names. Who calls a runtime does not know its pid, and
	 * may leave that out. */
	if (listen_fds && (!pid || strtol(pid, NULL, 10) == getpid()) &&
	    str_to_u64(listen_fds, PRESERVE_FDS_MAX, &n) < 0)
		return error_set(err, EINVAL, "LISTEN_FDS \"%s\" is no number of descriptors",
				 listen_fds);
	if (launch->preserve_fds < 0 || launch->preserve_fds > PRESERVE_FDS_MAX)
		return error_set(err, EINVAL, "--preserve-fds %ld is no number of descriptors",
				 launch->preserve_fds);
	launch->n_listen = (int)n;
	launch->n_fds = (int)n + (int)launch->preserve_fds;
	for (int fd = 3; fd < 3 + launch->n_fds; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return error_set(err, EBADF, "preserved descriptor %d is not open", fd);
	return 0;
}

void oci_preserve_fds(const struct oci_launch *launch, struct spec_process *p)
{
	p->preserve_fds = launch->n_fds;
	if (!launch->n_listen)
		return;
	strv_addf(&p->env, "LISTEN_FDS=%d", launch->n_listen);
	strv_add(&p->env, "LISTEN_PID=1");
}

int oci_settle_process(int root_fd, struct spec_process *p, struct error *err)
{
	autofree char *user = str_format("%u", (unsigned int)p->uid), *home = NULL;
	struct spec_process looked_up = { 0 };

	p->capabilities.ambient &= p->capabilities.permitted & p->capabilities.inheritable;
	if (strv_env_get(&p->env, "HOME"))
		return 0;
	int result = user_resolve(root_fd, user, &looked_up, &home, err);
	spec_process_free(&looked_up);
	if (result == 0)
		strv_addf(&p->env, "HOME=%s", home ? home : "/");
	return result;
}

static int write_pid(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)pid);

	return fs_write_file(AT_FDCWD, path, text, (size_t)len, 0644, FS_VOLATILE, err);
}

int oci_hand_out(const struct oci_launch *launch, struct sandbox *sb, struct error *err)
{
	if (launch->console_socket && oci_send_fd("console socket", launch->console_socket,
						  sb->terminal_fd, "/dev/ptmx", err) < 0)
		return -1;
	if (launch->pidfd_socket &&
	    oci_send_fd("pidfd socket", launch->pidfd_socket, sb->pidfd, "pidfd", err) < 0)
		return -1;
	return launch->pid_file ? write_pid(launch->pid_file, sb->pid, err) : 0;
}

/* What a seccomp agent is told (config-linux.md, "The Container Process State"). */
static char *process_state(const struct oci_container *c, enum oci_status status,
			   const struct spec_seccomp *filter, pid_t pid)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *fds;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "ociVersion", OCI_VERSION);
	fds = yyjson_mut_obj_add_arr(doc, root, "fds");
	yyjson_mut_arr_add_str(doc, fds, "seccompFd");
	yyjson_mut_obj_add_sint(doc, root, "pid", pid);
	yyjson_mut_obj_add_str(doc, root, "metadata",
			       filter->listener_metadata ? filter->listener_metadata : "");
	yyjson_mut_obj_add_val(doc, root, "state", oci_container_state(c, status, false, doc));
	return json_write(doc, false, NULL);
}

int oci_hand_listener(const struct oci_container *c, enum oci_status status,
		      const struct spec_process *p, struct sandbox *sb, struct error *err)
{
	const struct spec_seccomp *filter = p->custom_seccomp;

	if (sb->seccomp_fd < 0 || sb->sync_fd < 0)
		return 0;
	if (!filter || !filter->listener_path)
		return error_set(err, EINVAL, "linux.seccomp: no listenerPath for what notifies");
	autofree char *state = process_state(c, status, filter, sb->pid);
	if (oci_send_fd("linux.seccomp.listenerPath", filter->listener_path, sb->seccomp_fd, state,
			err) < 0)
		return -1;
	return sandbox_start(sb, err);
}

int oci_attend(struct sandbox *sb, bool terminal, struct error *err)
{
	struct attach a = ATTACH_INIT;
	int code = 0;

	a.tty = terminal;
	a.input = terminal && isatty(STDIN_FILENO);
	a.pass_signals = true;
	a.keys.n = 0;
	if (attach_prepare(&a, err) < 0)
		return -1;
	enum attach_end end = attach_child(&a, sb->pidfd, a.input ? sb->terminal_fd : -1,
					   terminal ? sb->terminal_fd : -1, -1, &code, err);
	attach_finish(&a);
	return end == ATTACH_FAILED ? -1 : code;
}

/* ---- create */

/* A socket that listens as start in the container's folder; -1 with err. */
static int listen_for_start(const struct oci_container *c, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[32];
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/start",
		 fs_fd_path(c->dir_fd, folder));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(c->dir_fd, "start", 0600, 0) < 0 || listen(fd, 8) < 0)
		return error_errno(err, "the socket for `start`");
	return STEAL_FD(fd);
}

/* Reads config.json of the bundle, which becomes the working directory: paths in it may be relative. */
static char *read_config(const struct oci_launch *launch, size_t *len, struct error *err)
{
	char *text;

	if (chdir(launch->bundle) < 0) {
		error_errno(err, "bundle \"%s\"", launch->bundle);
		return NULL;
	}
	text = fs_read_file(AT_FDCWD, launch->config, OCI_CONFIG_MAX, len, err);
	if (!text)
		error_prefix(err, "bundle \"%s\"", launch->bundle);
	return text;
}

/* What the state needs to know of the configuration. */
static int describe(const struct oci_launch *launch, struct oci_container *c, struct spec *spec,
		    struct error *err)
{
	struct stat st;

	c->bundle = realpath(launch->bundle, NULL);
	if (!c->bundle)
		return error_errno(err, "bundle \"%s\"", launch->bundle);
	char *cgroup = cgroup_path(spec->cgroup, c->id, err);
	if (!cgroup)
		return -1;
	free(spec->cgroup);
	spec->cgroup = cgroup;
	if (!spec->root.path)
		return error_set(err, EINVAL, "root.path is missing");
	c->rootfs = realpath(spec->root.path, NULL);
	if (!c->rootfs || stat(c->rootfs, &st) < 0)
		return error_errno(err, "root.path \"%s\"", spec->root.path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "root.path \"%s\" is no folder", spec->root.path);
	free(spec->root.path);
	spec->root.path = xstrdup(c->rootfs);
	c->shares_pids = !(spec->namespaces & CLONE_NEWPID);
	strv_extend(&c->annotations, &spec->annotations);
	return 0;
}

/* A mount of type "cgroup" is the unified hierarchy. Without a cgroup namespace the container's own part of it is shown, as
 * runc does, and not all of the machine's. */
static int place_cgroup_mounts(struct spec *spec, int cgroup_fd, struct error *err)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];

		if (!m->type || (strcmp(m->type, "cgroup") != 0 && strcmp(m->type, "cgroup2") != 0))
			continue;
		bool bind = cgroup_fd >= 0 && !(spec->namespaces & CLONE_NEWCGROUP);
		free(m->type);
		m->type = xstrdup(bind ? "bind" : "cgroup2");
		if (!bind)
			continue;
		strv_free(&m->options);
		m->source_fd = fcntl(cgroup_fd, F_DUPFD_CLOEXEC, 3);
		if (m->source_fd < 0)
			return error_errno(err, "the container's cgroup");
	}
	return 0;
}

/* The descriptors of the specification's are the caller's. */
static void close_sources(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		cleanup_close(&spec->mounts[i].source_fd);
		spec->mounts[i].source_fd = -1;
	}
}

/* ---- What sandbox_create asks of us (struct spec_callbacks) */

/* From here on the container can be found and killed, by `delete --force` too. */
static int on_created(void *arg, pid_t pid, struct error *err)
{
	struct oci_container *c = arg;

	return oci_container_set_pid(c, pid, err) < 0 ? -1 : oci_container_save(c, err);
}

static char *on_state(void *arg, pid_t pid, const char *status)
{
	struct oci_container seen = *(struct oci_container *)arg;

	seen.pid = pid;
	return oci_container_state_text(&seen, strcmp(status, "creating") == 0 ? OCI_CREATING
									       : OCI_CREATED);
}

/* From the folder to the waiting process. */
static int build(struct oci_container *c, struct spec *spec, struct sandbox *sb, struct error *err)
{
	static struct spec_callbacks callbacks = { .created = on_created, .state = on_state };

	autoclose int cgroup = cgroup_create(spec->cgroup, err);
	if (cgroup < 0 && err->code)
		return -1;
	/* Not before it is ours: the end of a container kills all in its cgroup. */
	c->cgroup = xstrdup(spec->cgroup);
	if (oci_container_save(c, err) < 0 || place_cgroup_mounts(spec, cgroup, err) < 0 ||
	    cgroup_apply(cgroup, &spec->resources, err) < 0 ||
	    cgroup_allow_devices(cgroup, spec, err) < 0)
		return -1;
	autoclose int start = listen_for_start(c, err);
	autoclose int root = start < 0 ? -1 : sandbox_mount_root(&spec->root, err);
	if (root < 0 || oci_settle_process(root, &spec->process, err) < 0)
		return -1;
	spec->start_fd = start;
	spec->ordered_mounts = true;
	callbacks.arg = c;
	spec->callbacks = &callbacks;
	int result = sandbox_create(spec, root, (int[3]){ 0, 1, 2 }, cgroup, sb, err);
	spec->start_fd = 0;
	spec->callbacks = NULL;
	close_sources(spec);
	return result;
}

/* A child that nobody will start. */
static void drop(struct sandbox *sb)
{
	pid_t pid = sb->pid;

	sandbox_close(sb);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	sb->pid = -1;
}

int oci_create(const struct oci_context *ctx, const char *id, const struct oci_launch *launch,
	       struct oci_container *c, struct spec *spec, struct sandbox *sb, struct error *err)
{
	size_t len;

	*sb = (struct sandbox)SANDBOX_INIT;
	*c = (struct oci_container)OCI_CONTAINER_INIT;
	autofree char *text = read_config(launch, &len, err);
	if (!text || oci_config_parse(text, len, spec, err) < 0 ||
	    oci_check_terminal(launch, &spec->process, err) < 0)
		return -1;
	oci_preserve_fds(launch, &spec->process);
	spec->no_pivot = launch->no_pivot;
	spec->no_new_keyring = launch->no_new_keyring;
	if (oci_container_make(ctx->root, id, c, err) < 0)
		return -1;
	if (describe(launch, c, spec, err) == 0 &&
	    fs_write_file(c->dir_fd, "config.json", text, len, 0600, FS_VOLATILE, err) == 0 &&
	    build(c, spec, sb, err) == 0 && on_created(c, sb->pid, err) == 0 &&
	    oci_hand_out(launch, sb, err) == 0) {
		c->creating = false;
		if (oci_container_save(c, err) == 0)
			return 0;
	}
	/* As if it had never been tried, but for the hooks that tell so. */
	struct error ignored = ERROR_INIT;
	drop(sb);
	if (oci_destroy(ctx, c, spec, &ignored) < 0)
		oci_warn(ctx, &ignored);
	return -1;
}

/* ---- start */

int oci_start(const struct oci_context *ctx, struct oci_container *c, const struct spec *spec,
	      struct sandbox *sb, struct error *err)
{
	const struct spec_hooks *hooks = &spec->hooks[HOOK_POSTSTART];
	int result = sandbox_start(sb, err);

	if (result == 0)
		result = oci_hand_listener(c, OCI_CREATING, &spec->process, sb, err);
	unlinkat(c->dir_fd, "start", 0);
	if (result == 0 && hooks->n) {
		autofree char *state = oci_container_state_text(c, OCI_RUNNING);

		/* They may ask for the state, or lock it themselves. */
		oci_container_unlock(c);
		result = hooks_run(hooks, state, err);
		if (result < 0)
			sys_pidfd_send_signal(sb->pidfd, SIGKILL);
	}
	/* The life cycle has it so (runtime.md, steps 7 and 9): a hook that failed, and the container is no more. */
	if (result < 0 && err->code == ECANCELED && (c->locked || oci_container_lock(c, NULL) == 0))
		oci_destroy(ctx, c, spec, NULL);
	oci_container_unlock(c);
	return result;
}

/* ---- delete */

static void run_poststop(const struct oci_context *ctx, const struct oci_container *c,
			 const struct spec_hooks *hooks)
{
	autofree char *state = hooks->n ? oci_container_state_text(c, OCI_STOPPED) : NULL;

	for (size_t i = 0; i < hooks->n; i++) {
		const struct spec_hooks one = { .items = hooks->items + i, .n = 1 };
		struct error err = ERROR_INIT;

		if (hooks_run(&one, state, &err) == 0)
			continue;
		error_prefix(&err, "poststop hook failed");
		oci_warn(ctx, &err);
	}
}

int oci_destroy(const struct oci_context *ctx, struct oci_container *c, const struct spec *spec,
		struct error *err)
{
	autospec struct spec kept = SPEC_INIT;

	bool known = spec || oci_container_config(c, &kept, NULL) == 0;

	/* A damaged one has no hooks to run. */
	if (!known)
		kept = (struct spec)SPEC_INIT;
	if (oci_container_remove(c, err) < 0)
		return -1;
	/* Of one that did not come to its start, the child and its parent have done it. A damaged one's is not known. */
	if (!c->creating && known)
		rootfs_unmount(spec ? spec : &kept, c->rootfs);
	if (c->bundle)
		run_poststop(ctx, c, &(spec ? spec : &kept)->hooks[HOOK_POSTSTOP]);
	return 0;
}
