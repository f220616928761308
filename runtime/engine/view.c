/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/view.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/cleanup.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/view_mounts.h"
#include "runtime/sandbox/namespaces.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/kernel.h"

#define PAUSE_MS 20

/* What our own accesses must never set off: a device that a container puts in a file's place, say, would be opened by
 * the machine's root, whom no device filter stops. */
#define QUIET ((uint64_t)(MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC))

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

/* ---- Running */

struct answer {
	int fd;
	int code;
};

/* The child's whole life. It shares our table of descriptors, so the copy it makes is ours already. */
static _Noreturn void enter_and_clone(int pidfd, const char *path, unsigned recursive,
				      struct answer *answer)
{
	int root, tree = -1;

	/* Joining a mount namespace makes its root ours: that of the first process may be another. */
	if (sys_setns(pidfd, CLONE_NEWNS) == 0 &&
	    (root = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS)) >=
		    0) {
		tree = sys_open_tree_clone(root, recursive);
		answer->code = errno;
		close(root);
	} else {
		answer->code = errno;
	}
	answer->fd = tree;
	syscall(SYS_exit_group, 0);
	__builtin_unreachable();
}

static int clone_mounts(int pidfd, const char *path, unsigned recursive, struct error *err)
{
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	struct answer *answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t old_mask;
	int pid, fd = -1, code;

	if (answer == MAP_FAILED)
		return error_errno(err, "the container's mounts");
	answer->fd = -1;
	answer->code = ESRCH;
	/* No handler of ours may run in the child. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	pid = sys_clone3(&args);
	if (pid == 0)
		enter_and_clone(pidfd, path, recursive, answer);
	code = errno;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		fd = answer->fd;
		code = answer->code;
	}
	munmap(answer, sizeof(*answer));
	return fd >= 0 ? fd : error_set(err, code, "the container's mounts: %s", strerror(code));
}

/* Where IDs are the container's own, if those are not the machine's. */
static int open_ids(int pidfd, int *userns_fd, struct error *err)
{
	autoclose int fd = sandbox_open_namespace(pidfd, CLONE_NEWUSER, err);

	if (fd < 0)
		return -1;
	if (!namespace_is_own(CLONE_NEWUSER, fd))
		*userns_fd = STEAL_FD(fd);
	return 0;
}

int view_clone_mount(int pidfd, const char *path, struct error *err)
{
	return clone_mounts(pidfd, path, 0, err);
}

static int open_running(const struct store *st, struct container *c, enum view_access access,
			int *userns_fd, struct error *err)
{
	unsigned recursive = access == VIEW_LAYERS ? 0 : AT_RECURSIVE;
	autoclose int pidfd = container_open_first(st, c, err);
	autoclose int tree = pidfd < 0 ? -1 : clone_mounts(pidfd, "/", recursive, err);

	if (tree < 0 || open_ids(pidfd, userns_fd, err) < 0)
		return -1;
	/* Private: what is mounted over there does not come here. */
	if (sys_mount_setattr(tree, recursive,
			      QUIET | (access == VIEW_WRITE ? 0 : MOUNT_ATTR_RDONLY), 0,
			      MS_PRIVATE) < 0)
		return error_errno(err, "the container's mounts");
	return STEAL_FD(tree);
}

/* ---- Not running */

/* Its layers as one detached mount. */
static int mount_layers(const struct store *st, const struct container *c, bool writable,
			struct layer_hold *hold, struct error *err)
{
	struct spec_root root = { 0 };
	autoimage struct image *image = image_open(st, &c->config.image_id, err);
	int fd = -1, result = 0;

	if (!image)
		return -1;
	if (writable)
		result = engine_writable_layer(st, c, &root, err);
	/* As the topmost of the layers below: so nothing is written, not even the work folder. */
	else if (faccessat(c->dirfd, "upper", F_OK, 0) == 0)
		strv_addf(&root.lowers, "%s/containers/%s/upper", st->root, c->config.id);
	if (result == 0)
		fd = engine_mount_root(st, image, &root, hold, err);
	free(root.upper);
	free(root.work);
	strv_free(&root.lowers);
	return fd;
}

/* With its volumes, as it would see them: for all but VIEW_LAYERS. */
static int open_stopped(const struct store *st, struct container *c, enum view_access access,
			struct layer_hold *hold, struct error *err)
{
	bool with_mounts = access != VIEW_LAYERS && view_has_mounts(c);
	bool readonly = access != VIEW_WRITE || c->config.readonly_rootfs;
	autoclose int layers = mount_layers(st, c, access == VIEW_WRITE || with_mounts, hold, err);
	autoclose int all =
		layers >= 0 && with_mounts ? view_attach_mounts(st, c, layers, err) : -1;
	int *mounted = with_mounts ? &all : &layers;

	if (*mounted < 0)
		return -1;
	if (sys_mount_setattr(*mounted, AT_RECURSIVE,
			      QUIET | (access == VIEW_WRITE ? 0 : MOUNT_ATTR_RDONLY), 0, 0) < 0 ||
	    (readonly && sys_mount_setattr(*mounted, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0))
		return error_errno(err, "the container's layers");
	return STEAL_FD(*mounted);
}

/* ---- Both */

static void unlock(struct container *c)
{
	cleanup_close(&c->lock_fd);
	c->lock_fd = -1;
}

/* Returns 1 when the view is open, 0 when it may be so a moment later, -1. */
static int try_open(const struct store *st, struct container *c, enum view_access access,
		    struct container_view *view, struct error *err)
{
	if (container_refresh(st, c, err) < 0)
		return -1;
	if (c->state.status == STATUS_RUNNING) {
		view->root_fd = open_running(st, c, access, &view->userns_fd, err);
		if (view->root_fd < 0)
			return err->code == ESRCH ? 0 : -1; /* it ends this very moment */
		return 1;
	}
	if (access == VIEW_WRITE && c->config.readonly_rootfs && !view_has_mounts(c))
		return error_set(err, EROFS, "container rootfs is marked read-only");
	if (container_lock(st, c, err) < 0)
		return err->code == EBUSY ? 0 : -1;
	if (c->state.status == STATUS_RUNNING) {
		/* Started and lost in between: the next look at it cleans up. */
		unlock(c);
		return error_set(err, EBUSY, "container %s is in use", c->config.name) + 1;
	}
	view->root_fd = open_stopped(st, c, access, &view->hold, err);
	if (view->root_fd < 0) {
		layer_release(&view->hold);
		unlock(c);
		return -1;
	}
	view->locked = c;
	return 1;
}

int container_view_open(const struct store *st, struct container *c, enum view_access access,
			struct container_view *view, struct error *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	*view = (struct container_view)CONTAINER_VIEW_INIT;
	for (int waited = 0;; waited += PAUSE_MS) {
		struct error local = ERROR_INIT;
		int r = try_open(st, c, access, view, &local);

		if (r > 0)
			return 0;
		if (r < 0 || waited >= CONTAINER_PATIENCE_MS)
			return error_set(err, local.code, "%s", local.message);
		nanosleep(&pause, NULL);
	}
}

void container_view_close(struct container_view *view)
{
	/* The mount before what it stands on. */
	cleanup_close(&view->root_fd);
	cleanup_close(&view->userns_fd);
	view->root_fd = view->userns_fd = -1;
	layer_release(&view->hold);
	if (view->locked)
		unlock(view->locked);
	view->locked = NULL;
}

bool view_is_pseudo(int fd)
{
	static const unsigned long magics[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC,   DEBUGFS_MAGIC,      TRACEFS_MAGIC,
		SECURITYFS_MAGIC,   PSTOREFS_MAGIC, BPF_FS_MAGIC,       EFIVARFS_MAGIC,
		BINFMTFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((unsigned long)fs.f_type == magics[i])
			return true;
	return false;
}
