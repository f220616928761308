/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/oci/container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/json.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/command.h"
#include "runtime/oci/config.h"
#include "runtime/spec/kernel.h"

#define STATE_MAX    (4u << 20)
#define LOCK_WAIT_MS 10000
#define KILL_WAIT_MS 10000

/* What runc takes for an id. */
static bool is_id(const char *id)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";

	return *id && strspn(id, allowed) == strlen(id) && strcmp(id, ".") != 0 &&
	       strcmp(id, "..") != 0 && strlen(id) <= 255;
}

static int check_id(const char *id, struct error *err)
{
	if (!*id)
		return error_set(err, EINVAL, "container id cannot be empty");
	return is_id(id)
		       ? 0
		       : error_set(
				 err, EINVAL,
				 "invalid container ID format, invalid character or length: \"%.300s\"",
				 id);
}

/* Everything but the descriptors and the id. */
static void forget(struct oci_container *c)
{
	free(STEAL_PTR(c->bundle));
	free(STEAL_PTR(c->rootfs));
	free(STEAL_PTR(c->cgroup));
	free(STEAL_PTR(c->created));
	strv_free(&c->annotations);
	c->creating = c->shares_pids = false;
	c->pid = 0;
	c->started = 0;
}

void oci_container_unlock(struct oci_container *c)
{
	/* Not by closing alone: a child of ours may hold a copy of the descriptor still. */
	if (c->locked)
		fs_lock(c->dir_fd, LOCK_UN);
	c->locked = false;
}

void oci_container_close(struct oci_container *c)
{
	oci_container_unlock(c);
	cleanup_close(&c->dir_fd);
	cleanup_close(&c->root_fd);
	c->dir_fd = c->root_fd = -1;
	free(STEAL_PTR(c->id));
	forget(c);
}

/* ---- state.json */

static int read_state(struct oci_container *c, struct error *err)
{
	const char *bundle = NULL, *rootfs = NULL, *cgroup = NULL, *created = NULL;
	uint64_t pid = 0, started = 0;
	size_t len;
	autofree char *text = fs_read_file(c->dir_fd, "state.json", STATE_MAX, &len, err);

	forget(c);
	if (!text)
		return -1;
	autojson yyjson_doc *doc = json_parse(text, len, "state.json", err);
	yyjson_val *root = yyjson_doc_get_root(doc);
	if (!doc || json_get_u64(root, "pid", &pid, err) < 0 ||
	    json_get_u64(root, "started", &started, err) < 0 ||
	    json_get_bool(root, "creating", &c->creating, err) < 0 ||
	    json_get_bool(root, "sharesPids", &c->shares_pids, err) < 0 ||
	    json_get_str(root, "bundle", &bundle, err) < 0 ||
	    json_get_str(root, "rootfs", &rootfs, err) < 0 ||
	    json_get_str(root, "cgroup", &cgroup, err) < 0 ||
	    json_get_str(root, "created", &created, err) < 0 ||
	    json_get_map(root, "annotations", &c->annotations, err) < 0)
		return error_prefix(
			err,
			"the state of container \"%s\" is damaged; remove it with delete --force",
			c->id);
	if (pid > INT32_MAX || !bundle || !rootfs || !cgroup || !created)
		return error_set(
			err, EINVAL,
			"the state of container \"%s\" is damaged; remove it with delete --force",
			c->id);
	c->pid = (pid_t)pid;
	c->started = started;
	c->bundle = xstrdup(bundle);
	c->rootfs = xstrdup(rootfs);
	c->cgroup = xstrdup(cgroup);
	c->created = xstrdup(created);
	return 0;
}

int oci_container_save(const struct oci_container *c, struct error *err)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	size_t len;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "id", c->id);
	yyjson_mut_obj_add_sint(doc, root, "pid", c->pid);
	yyjson_mut_obj_add_uint(doc, root, "started", c->started);
	yyjson_mut_obj_add_bool(doc, root, "creating", c->creating);
	yyjson_mut_obj_add_bool(doc, root, "sharesPids", c->shares_pids);
	yyjson_mut_obj_add_str(doc, root, "bundle", c->bundle);
	yyjson_mut_obj_add_str(doc, root, "rootfs", c->rootfs);
	yyjson_mut_obj_add_str(doc, root, "cgroup", c->cgroup);
	yyjson_mut_obj_add_str(doc, root, "created", c->created);
	json_put_map(doc, root, "annotations", &c->annotations);
	autofree char *text = json_write(doc, false, &len);
	return fs_write_file(c->dir_fd, "state.json", text, len, 0600, FS_VOLATILE, err);
}

yyjson_mut_val *oci_container_state(const struct oci_container *c, enum oci_status status,
				    bool full, yyjson_mut_doc *doc)
{
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, root, "ociVersion", OCI_VERSION);
	yyjson_mut_obj_add_str(doc, root, "id", c->id);
	if (full || (c->pid && status != OCI_STOPPED))
		yyjson_mut_obj_add_sint(doc, root, "pid", status == OCI_STOPPED ? 0 : c->pid);
	yyjson_mut_obj_add_str(doc, root, "status", oci_status_name(status));
	yyjson_mut_obj_add_str(doc, root, "bundle", c->bundle);
	if (full) {
		yyjson_mut_obj_add_str(doc, root, "rootfs", c->rootfs);
		yyjson_mut_obj_add_str(doc, root, "created", c->created);
	}
	json_put_map(doc, root, "annotations", &c->annotations);
	return root;
}

char *oci_container_state_text(const struct oci_container *c, enum oci_status status)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

	yyjson_mut_doc_set_root(doc, oci_container_state(c, status, false, doc));
	return json_write(doc, false, NULL);
}

int oci_container_config(const struct oci_container *c, struct spec *out, struct error *err)
{
	size_t len;
	autofree char *text = fs_read_file(c->dir_fd, "config.json", OCI_CONFIG_MAX, &len, err);

	return text ? oci_config_parse(text, len, out, err) : -1;
}

/* ---- Made and found */

int oci_container_make(const char *root, const char *id, struct oci_container *c, struct error *err)
{
	char now[TIME_TEXT_MAX];

	*c = (struct oci_container)OCI_CONTAINER_INIT;
	if (check_id(id, err) < 0 || fs_mkdirs(AT_FDCWD, root, 0700, err) < 0)
		return -1;
	c->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->root_fd < 0)
		return error_errno(err, "%s", root);
	if (mkdirat(c->root_fd, id, 0700) < 0) {
		if (errno == EEXIST)
			return error_set(err, EEXIST,
					 "container with given ID already exists: \"%s\"", id);
		return error_errno(err, "%s/%s", root, id);
	}
	c->id = xstrdup(id);
	c->dir_fd = openat(c->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0 || fs_lock(c->dir_fd, LOCK_EX | LOCK_NB) < 0) {
		error_errno(err, "%s/%s", root, id);
		unlinkat(c->root_fd, id, AT_REMOVEDIR);
		return -1;
	}
	c->locked = c->made = c->creating = true;
	c->created = xstrdup(time_text(time_now(), now));
	return 0;
}

static int not_there(const char *id, struct error *err)
{
	return error_set(err, ENOENT, "container \"%s\" does not exist", id);
}

int oci_container_open(const char *root, const char *id, struct oci_container *c, struct error *err)
{
	*c = (struct oci_container)OCI_CONTAINER_INIT;
	if (check_id(id, err) < 0)
		return -1;
	c->id = xstrdup(id);
	c->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->root_fd >= 0)
		c->dir_fd = openat(c->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? not_there(id, err)
			       : error_errno(err, "%s/%s", root, id);
	if (read_state(c, err) == 0)
		return 0;
	return err->code == ENOENT ? not_there(id, err) : -1;
}

int oci_container_lock(struct oci_container *c, struct error *err)
{
	struct stat st;

	for (int waited = 0; fs_lock(c->dir_fd, LOCK_EX | LOCK_NB) < 0; waited += 20) {
		if (errno != EWOULDBLOCK)
			return error_errno(err, "locking container \"%s\"", c->id);
		if (waited >= LOCK_WAIT_MS)
			return error_set(err, EBUSY,
					 "container \"%s\" is being created, started or deleted",
					 c->id);
		poll(NULL, 0, 20);
	}
	c->locked = true;
	if (fstat(c->dir_fd, &st) < 0 || st.st_nlink == 0) {
		/* What has its name now is another's. */
		oci_container_unlock(c);
		return not_there(c->id, err);
	}
	return read_state(c, err);
}

int oci_container_list(const char *root, struct strv *ids, struct error *err)
{
	autodir DIR *dir = opendir(root);
	struct dirent **entries = NULL;

	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, "%s", root);
	int n = scandir(root, &entries, NULL, alphasort);
	if (n < 0)
		return error_errno(err, "%s", root);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_type == DT_DIR && is_id(entries[i]->d_name))
			strv_add(ids, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/* ---- Its process */

/* State and starting time of a process; false: there is none. */
static bool look_up(pid_t pid, char *state, unsigned long long *started)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name before it may hold anything, a bracket too. */
	char *field = strrchr(text, ')');
	if (!field || sscanf(field + 1, " %c", state) != 1)
		return false;
	for (int i = 0; i < 20; i++)
		if (!(field = strchr(field + 1, ' ')))
			return false;
	*started = strtoull(field + 1, NULL, 10);
	return true;
}

int oci_container_set_pid(struct oci_container *c, pid_t pid, struct error *err)
{
	char state;

	if (!look_up(pid, &state, &c->started))
		return error_set(err, ESRCH, "the container's process has ended");
	c->pid = pid;
	return 0;
}

static bool is_alive(const struct oci_container *c)
{
	unsigned long long started;
	char state;

	return c->pid > 0 && look_up(c->pid, &state, &started) && started == c->started &&
	       state != 'Z' && state != 'X';
}

int oci_container_pidfd(const struct oci_container *c, struct error *err)
{
	autoclose int fd = c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;

	/* Alive after the descriptor was opened: it is its own. */
	if (fd < 0 || !is_alive(c))
		return error_set(err, ESRCH, "container not running");
	return STEAL_FD(fd);
}

/* Whether its process waits for `start`: it alone listens there. */
static bool waits_for_start(const struct oci_container *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int at = openat(c->dir_fd, "start", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (at < 0 || fd < 0)
		return false;
	fs_fd_path(at, address.sun_path);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	       errno == EAGAIN;
}

int oci_container_cgroup(const struct oci_container *c)
{
	return c->cgroup ? cgroup_open(c->cgroup, NULL) : -1;
}

enum oci_status oci_container_status(const struct oci_container *c)
{
	if (c->creating && !c->made) {
		/* Who makes it holds the lock. */
		bool orphan = c->locked || fs_lock(c->dir_fd, LOCK_SH | LOCK_NB) == 0;
		if (orphan && !c->locked)
			fs_lock(c->dir_fd, LOCK_UN);
		return orphan ? OCI_STOPPED : OCI_CREATING;
	}
	if (c->creating)
		return OCI_CREATING;
	if (!is_alive(c))
		return OCI_STOPPED;
	/* One that waits for `start` may be paused, too, and answers nobody then. */
	autoclose int cgroup = oci_container_cgroup(c);
	if (cgroup_frozen(cgroup))
		return OCI_PAUSED;
	return waits_for_start(c) ? OCI_CREATED : OCI_RUNNING;
}

const char *oci_status_name(enum oci_status status)
{
	static const char *const names[] = {
		[OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
		[OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
	};

	return names[status];
}

/* ---- Its end */

/* SIGKILL to its first process and to its cgroup; returns when the first is gone. */
static int kill_all(const struct oci_container *c, struct error *err)
{
	autoclose int pidfd = oci_container_pidfd(c, NULL);
	autoclose int cgroup = oci_container_cgroup(c);
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		sys_pidfd_send_signal(pidfd, SIGKILL);
	if (cgroup_kill(cgroup, err) < 0)
		return -1;
	if (pidfd >= 0 && poll(&gone, 1, KILL_WAIT_MS) != 1)
		return error_set(err, EBUSY, "container \"%s\": its process does not end", c->id);
	return 0;
}

int oci_container_remove(struct oci_container *c, struct error *err)
{
	if (c->cgroup && (kill_all(c, err) < 0 || cgroup_remove(c->cgroup, KILL_WAIT_MS, err) < 0))
		return -1;
	return fs_remove_tree(c->root_fd, c->id, err);
}
