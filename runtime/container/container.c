/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image-tools/quarantine.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/log.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_path.h"
#include "runtime/container/control.h"
#include "runtime/container/events.h"
#include "runtime/container/id_range.h"
#include "runtime/container/volume.h"

#define NAME_TRIES 64

char *container_cgroup(const struct container_config *c, struct error *err)
{
	return cgroup_path_below(c->host.cgroup_parent, c->id, err);
}

void container_close(struct container *c)
{
	config_free(&c->config);
	cleanup_close(&c->dirfd);
	cleanup_close(&c->run_dirfd);
	cleanup_close(&c->lock_fd);
	c->dirfd = c->run_dirfd = c->lock_fd = -1;
}

/* ---- The lock. Open-file-description locks and not flock(2): they can be looked at without being taken, so that `ps`
 * never makes a `start` fail that comes at the same moment. */

static int lock_take(int run_dirfd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(run_dirfd, "lock", O_RDWR | O_CLOEXEC | O_CREAT, 0600);

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_OFD_SETLK, &fl) < 0) {
		cleanup_close(&fd);
		return -1;
	}
	return fd;
}

static bool lock_held(int run_dirfd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	autoclose int fd = run_dirfd >= 0 ? openat(run_dirfd, "lock", O_RDWR | O_CLOEXEC) : -1;

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

/* The volatile folder; make: even where a reboot has taken it. */
static int open_run(const struct store *st, const char *id, bool make)
{
	if (make && mkdirat(st->run_fd, id, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(st->run_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int container_home(const struct container *c)
{
	return c->config.auto_remove ? c->run_dirfd : c->dirfd;
}

static bool exists(const struct container *c)
{
	return faccessat(container_home(c), "container.json", F_OK, 0) == 0;
}

/* ---- Removing */

static int remove_files(const struct store *st, struct container *c, struct error *err)
{
	/* So that no `rename` gives it another name meanwhile. One that it was given before shows by the old one's loss. */
	autoclose int lock = container_config_lock(c);
	char owner[ID_LEN + 1];
	bool existed;

	if (c->config.name &&
	    (name_lookup(st, c->config.name, owner) < 0 || strcmp(owner, c->config.id) != 0))
		container_reload(c, NULL);
	/* In this order: a removal that is cut short leaves a folder that is no container and that nothing names. */
	if (c->config.name)
		name_release(st, c->config.name, c->config.id);
	existed = unlinkat(container_home(c), "container.json", 0) == 0;
	if (!existed && errno != ENOENT)
		return error_errno(err, "cannot remove container %.12s", c->config.id);
	fs_remove_tree(st->run_fd, c->config.id, NULL);
	if (fs_remove_tree(st->containers_fd, c->config.id, err) < 0)
		return error_prefix(err, "container %.12s", c->config.id);
	if (existed)
		events_container(st, &c->config, "destroy", NULL);
	return 0;
}

int container_remove(const struct store *st, struct container *c, struct error *err)
{
	if (remove_files(st, c, err) < 0)
		return -1;
	return c->config.auto_remove ? volumes_remove_anonymous(st, &c->config, err) : 0;
}

/* ---- Making */

int container_write_config(const struct store *st, const struct container *c, struct error *err)
{
	enum fs_durability durability = c->config.auto_remove ? FS_VOLATILE : FS_DURABLE;
	size_t len;
	autofree char *text = config_write(&c->config, &len);

	if (fs_write_file(container_home(c), "container.json", text, len, 0600, durability, err) <
	    0)
		return -1;
	return durability == FS_DURABLE ? fs_sync_dir(st->containers_fd, err) : 0;
}

static int claim(const struct store *st, struct container_config *config, struct error *err)
{
	char name[NAME_MAX_LEN + 1];

	if (config->name)
		return name_claim(st, config->name, config->id, err);
	for (int retry = 0;; retry++) {
		struct error local = ERROR_INIT;

		name_random(name, retry);
		if (name_claim(st, name, config->id, &local) == 0)
			break;
		if (local.code != EEXIST || retry == NAME_TRIES)
			return error_set(err, local.code, "%s", local.message);
	}
	config->name = xstrdup(name);
	return 0;
}

int container_create(const struct store *st, struct container *c, struct error *err)
{
	const char *name = c->config.name;

	if (name && !name_valid(name))
		return name_invalid(name, err);
	if (id_random(c->config.id, err) < 0)
		return -1;
	c->config.created = time_now();
	if (mkdirat(st->containers_fd, c->config.id, 0700) < 0)
		return error_errno(err, "cannot make a folder in %s/containers", st->root);
	c->dirfd = openat(st->containers_fd, c->config.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->run_dirfd = open_run(st, c->config.id, true);
	if (c->run_dirfd >= 0)
		c->lock_fd = lock_take(c->run_dirfd);
	if (c->dirfd < 0 || c->lock_fd < 0) {
		error_errno(err, "cannot make a container's folder in %s or %s", st->root, st->run);
		fs_remove_tree(st->run_fd, c->config.id, NULL);
		fs_remove_tree(st->containers_fd, c->config.id, NULL);
		return -1;
	}
	if (claim(st, &c->config, err) < 0 || container_write_config(st, c, err) < 0) {
		remove_files(st, c, NULL);
		return -1;
	}
	c->state = (struct container_state)CONTAINER_STATE_INIT;
	events_container(st, &c->config, "create", NULL);
	return 0;
}

/* ---- Its size */

int container_size(const struct store *st, const char *id, uint64_t *bytes, struct error *err)
{
	autoclose int fd =
		openat(st->containers_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	*bytes = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "container %.12s", id);
	return fs_tree_size(fd, "upper", bytes, err);
}

/* ---- The state */

int container_write_state(const struct container *c, struct error *err)
{
	/* What a person stopped must stay so after a power cut. */
	bool lasting = c->state.manually_stopped &&
		       c->config.host.restart == RESTART_UNLESS_STOPPED && !c->config.auto_remove;

	return state_write(container_home(c), &c->state, lasting ? FS_DURABLE : FS_VOLATILE, err);
}

/* ---- Lost containers */

/* Cleans up after a monitor that died; we hold the lock. */
static void bury(const struct store *st, struct container *c)
{
	autofree char *cgroup = container_cgroup(&c->config, NULL);
	autoclose int fd = cgroup_open(cgroup, NULL);

	if (fd >= 0)
		cgroup_kill(fd, NULL);
	cgroup_remove(cgroup, 2000, NULL);
	if (c->config.host.userns_mode && strcmp(c->config.host.userns_mode, "auto") == 0)
		id_range_release(st, c->config.id);
	control_unlink(st, c->config.id);
	if (c->config.auto_remove) {
		container_remove(st, c, NULL);
		return;
	}
	c->state.status = STATUS_EXITED;
	c->state.paused = c->state.restarting = false;
	c->state.pid = 0;
	c->state.exit_code = CONTAINER_LOST;
	c->state.finished = time_now();
	snprintf(c->state.error, sizeof(c->state.error), "the container's monitor was lost");
	container_write_state(c, NULL);
}

static void read_state(struct container *c)
{
	struct error err = ERROR_INIT;

	if (container_home(c) >= 0 && state_read(container_home(c), &c->state, &err) == 0)
		return;
	/* A power cut may leave an empty file: it was being run, and does so no longer. */
	c->state = (struct container_state){ .status = STATUS_EXITED, .exit_code = CONTAINER_LOST };
	snprintf(c->state.error, sizeof(c->state.error), "%s", err.message);
}

static int gone(const char *word, struct error *err)
{
	return error_set(err, ENOENT, "No such container: %s", word);
}

int container_refresh(const struct store *st, struct container *c, struct error *err)
{
	read_state(c);
	if (c->state.status == STATUS_RUNNING && c->lock_fd < 0 && !lock_held(c->run_dirfd)) {
		/* Only one of several who find it takes the lock; and the monitor may have ended properly meanwhile. */
		autoclose int lock = -1;

		if (c->run_dirfd < 0)
			c->run_dirfd = open_run(st, c->config.id, true);
		if (c->run_dirfd >= 0 && (lock = lock_take(c->run_dirfd)) >= 0) {
			read_state(c);
			if (c->state.status == STATUS_RUNNING && exists(c))
				bury(st, c);
		}
	}
	return exists(c) ? 0 : gone(c->config.name, err);
}

int container_lock(const struct store *st, struct container *c, struct error *err)
{
	if (c->run_dirfd < 0)
		c->run_dirfd = open_run(st, c->config.id, true);
	c->lock_fd = c->run_dirfd >= 0 ? lock_take(c->run_dirfd) : -1;
	if (c->lock_fd < 0 && errno != ENOENT) {
		if (errno == EAGAIN || errno == EACCES)
			return error_set(err, EBUSY, "container %s is in use by another command",
					 c->config.name);
		return error_errno(err, "cannot lock container %s", c->config.name);
	}
	if (c->lock_fd < 0 || !exists(c)) {
		cleanup_close(&c->lock_fd);
		c->lock_fd = -1;
		return gone(c->config.name, err);
	}
	read_state(c);
	return 0;
}

int container_lock_soon(const struct store *st, struct container *c, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int64_t end = time_monotonic_ms() + CONTAINER_PATIENCE_MS;

	while (container_lock(st, c, err) < 0) {
		if (err->code != EBUSY || time_monotonic_ms() >= end ||
		    container_refresh(st, c, NULL) < 0 || c->state.status == STATUS_RUNNING)
			return -1;
		error_clear(err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int container_connect(const struct store *st, const struct container *c, struct error *err)
{
	struct error local = ERROR_INIT;
	int fd = -1;

	if (c->state.status == STATUS_RUNNING)
		fd = control_connect(st, c->config.id, &local);
	if (fd >= 0)
		return fd;
	if (local.code && local.code != ENOENT && local.code != ECONNREFUSED)
		return error_set(err, local.code, "%s", local.message);
	return error_set(err, ESRCH, "container %s is not running", c->config.name);
}

/* The monitor leaves the process unreaped until the state says that it has exited: so a pid that was opened and still
 * stands in the state afterwards was the container's. */
int container_open_first(const struct store *st, struct container *c, struct error *err)
{
	autoclose int pidfd = -1;
	pid_t pid = c->state.pid;

	if (c->state.status == STATUS_RUNNING && pid > 0) {
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd >= 0 && container_refresh(st, c, NULL) == 0 &&
		    c->state.status == STATUS_RUNNING && c->state.pid == pid)
			return STEAL_FD(pidfd);
	}
	if (c->state.status == STATUS_RUNNING && c->state.restarting)
		return error_set(err, EAGAIN,
				 "Container %s is restarting, wait until the container is running",
				 c->config.id);
	return error_set(err, ESRCH, "container %s is not running", c->config.name);
}

/* ---- Finding */

/* Reads the container whose folder is id, but not its state. ENOENT: there is none, or it is not finished. */
static int open_config(const struct store *st, const char *id, struct container *c,
		       struct error *err)
{
	struct error why = ERROR_INIT;
	autofree char *text = NULL;
	size_t len;

	*c = (struct container)CONTAINER_INIT;
	c->dirfd = openat(st->containers_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->dirfd < 0)
		return error_errno(err, "container %.12s", id);
	c->run_dirfd = open_run(st, id, false);
	text = fs_read_file(c->dirfd, "container.json", CONTAINER_CONFIG_MAX, &len, &why);
	if (!text && why.code == ENOENT && c->run_dirfd >= 0)
		text = fs_read_file(c->run_dirfd, "container.json", CONTAINER_CONFIG_MAX, &len,
				    &why);
	if (!text)
		error_set(err, why.code, "%s", why.message);
	if (!text || config_parse(text, len, id, &c->config, err) < 0) {
		container_close(c);
		return -1;
	}
	return 0;
}

/* Opens the container whose folder is id. ENOENT also where it was just removed. */
static int open_id(const struct store *st, const char *id, struct container *c, struct error *err)
{
	if (open_config(st, id, c, err) < 0)
		return -1;
	if (container_refresh(st, c, err) < 0) {
		container_close(c);
		return -1;
	}
	return 0;
}

/* The same without a hand laid on anything. */
static int look_at_id(const struct store *st, const char *id, struct container *c,
		      struct error *err)
{
	if (open_config(st, id, c, err) < 0)
		return -1;
	read_state(c);
	if (c->state.status == STATUS_RUNNING && !lock_held(c->run_dirfd))
		c->state.status = STATUS_EXITED;
	return 0;
}

/* The ID that begins with prefix in id. Returns how many do (at most 2). */
static int match_prefix(const struct store *st, const char *prefix, char id[ID_LEN + 1])
{
	int fd = openat(st->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int found = 0;

	while (dir && found < 2 && (entry = readdir(dir))) {
		if (!id_valid(entry->d_name) || !str_starts(entry->d_name, prefix))
			continue;
		memcpy(id, entry->d_name, ID_LEN + 1);
		found++;
	}
	return found;
}

int container_open(const struct store *st, const char *word, struct container *c, struct error *err)
{
	struct error local = ERROR_INIT;
	char id[ID_LEN + 1];
	const char *name = word[0] == '/' ? word + 1 : word;

	*c = (struct container)CONTAINER_INIT;
	/* A name may be 64 digits, too. */
	if (id_valid(word) && faccessat(st->containers_fd, word, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		memcpy(id, word, sizeof(id));
	} else if (name_lookup(st, name, id) < 0) {
		if (!*word || strspn(word, "0123456789abcdef") != strlen(word))
			return gone(word, err);
		switch (match_prefix(st, word, id)) {
		case 0:
			return gone(word, err);
		case 1:
			break;
		default:
			return error_set(err, EINVAL,
					 "several container IDs begin with %s: give more digits",
					 word);
		}
	}
	if (open_id(st, id, c, &local) == 0)
		return 0;
	if (local.code == ENOENT)
		return gone(word, err);
	return error_set(err, local.code, "%s", local.message);
}

static int newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct container *)a)->config.created;
	const struct timespec *y = &((const struct container *)b)->config.created;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec < y->tv_nsec ? 1 : x->tv_nsec > y->tv_nsec ? -1 : 0;
}

static int open_folder(const struct store *st, DIR **dir, struct error *err)
{
	int fd = openat(st->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*dir = fd >= 0 ? fdopendir(fd) : NULL;
	return *dir ? 0 : error_errno(err, "cannot read %s/containers", st->root);
}

/* Careful: as_is, and what cannot be read (a disk's error, no descriptors left) is not taken for what is not there. */
static int list_all(const struct store *st, bool careful, struct container **list, size_t *n,
		    struct error *err)
{
	autodir DIR *dir = NULL;
	struct dirent *entry;
	size_t room = 0;

	*list = NULL;
	*n = 0;
	if (open_folder(st, &dir, err) < 0)
		return -1;
	while ((entry = readdir(dir))) {
		struct error local = ERROR_INIT;

		if (!id_valid(entry->d_name))
			continue;
		if (*n == room) {
			room = room ? 2 * room : 16;
			*list = xreallocarray(*list, room, sizeof(**list));
		}
		if ((careful ? look_at_id : open_id)(st, entry->d_name, *list + *n, &local) == 0) {
			struct container *c = &(*list)[(*n)++];
			cleanup_close(&c->dirfd);
			cleanup_close(&c->run_dirfd);
			c->dirfd = c->run_dirfd = -1;
		} else if (careful && local.code != ENOENT && local.code != EINVAL) {
			container_list_free(*list, *n);
			return error_set(err, local.code, "%s", local.message);
		} else if (local.code != ENOENT) {
			log_warn_once("%s", local.message);
		}
	}
	if (*n)
		qsort(*list, *n, sizeof(**list), newest_first);
	return 0;
}

int container_list(const struct store *st, struct container **list, size_t *n, struct error *err)
{
	return list_all(st, false, list, n, err);
}

int container_list_as_is(const struct store *st, struct container **list, size_t *n,
			 struct error *err)
{
	return list_all(st, true, list, n, err);
}

void container_list_free(struct container *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		container_close(&list[i]);
	free(list);
}

/* ---- At boot */

bool container_is_left(const struct store *st, const char *id, bool remove)
{
	autocontainer struct container c = CONTAINER_INIT;
	bool left;

	/* A folder without container.json. Its maker may be at work this very moment: then it holds the lock. */
	c.dirfd = openat(st->containers_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c.dirfd >= 0)
		c.run_dirfd = open_run(st, id, true);
	if (c.run_dirfd >= 0)
		c.lock_fd = lock_take(c.run_dirfd);
	left = c.lock_fd >= 0 &&
	       faccessat(c.dirfd, "container.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       faccessat(c.run_dirfd, "container.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (left)
		fs_remove_tree(st->run_fd, id, NULL);
	if (left && remove)
		fs_remove_tree(st->containers_fd, id, NULL);
	return left;
}

int container_condemn(const struct store *st, const char *id, const char *reason, struct error *err)
{
	char kept[ID_LEN + 16];
	autoclose int run = open_run(st, id, true);
	autoclose int lock = run >= 0 ? lock_take(run) : -1;

	if (lock < 0)
		return error_errno(err, "cannot lock container %.12s", id);
	snprintf(kept, sizeof(kept), "container-%s", id);
	return quarantine_put(st, st->containers_fd, id, kept, reason, err);
}

/* A power cut may leave an empty state.json, which is not synced while the container runs: what it counts as is written
 * down. */
static void recover_state(const struct store *st, struct container *c)
{
	struct container_state state;

	if (state_read(container_home(c), &state, NULL) < 0 && container_lock(st, c, NULL) == 0)
		container_write_state(c, NULL);
}

static void recover(const struct store *st, const char *id)
{
	struct container c;
	struct error err = ERROR_INIT;

	if (open_id(st, id, &c, &err) == 0) {
		if (!lock_held(c.run_dirfd)) {
			name_claim(st, c.config.name, id, NULL);
			recover_state(st, &c);
		}
		container_close(&c);
		return;
	}
	if (err.code != ENOENT) {
		log_warn_once("%s", err.message);
		return;
	}
	(void)container_is_left(st, id, true);
}

/* A `rename` that was cut short has left its container with two names. */
static void drop_second_name(const struct store *st, const char *name)
{
	struct container c;
	char id[ID_LEN + 1];

	if (name_lookup(st, name, id) < 0 || open_config(st, id, &c, NULL) < 0)
		return;
	if (!lock_held(c.run_dirfd) && strcmp(c.config.name, name) != 0)
		name_release(st, name, id);
	container_close(&c);
}

int container_recover_all(const struct store *st, struct error *err)
{
	struct strv names autostrv = STRV_INIT;
	autodir DIR *dir = NULL;
	struct dirent *entry;

	if (open_folder(st, &dir, err) < 0)
		return -1;
	while ((entry = readdir(dir)))
		if (id_valid(entry->d_name))
			recover(st, entry->d_name);
	names_clean(st);
	names_list(st, &names);
	for (size_t i = 0; i < names.len; i++)
		drop_second_name(st, names.items[i]);
	return 0;
}
