/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/rootfs.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/devices.h"
#include "runtime/sandbox/idmap.h"
#include "runtime/sandbox/masks.h"
#include "runtime/sandbox/mounts.h"
#include "runtime/sandbox/overlay.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/kernel.h"

/* ---- Parent */

/* A detached copy of what is mounted at path. A bundle's keeps its propagation, for rootfs_attach to
 * settle. */
static int clone_folder(const char *path, bool readonly, bool bundle, struct error *err)
{
	autoclose int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, "root filesystem %s", path);

	autoclose int tree = sys_open_tree_clone(at, readonly ? 0 : AT_RECURSIVE);
	if (tree < 0 ||
	    (!bundle && sys_mount_setattr(tree, AT_RECURSIVE, readonly ? MOUNT_ATTR_RDONLY : 0, 0,
					  MS_PRIVATE) < 0))
		return error_errno(err, "root filesystem %s", path);
	return STEAL_FD(tree);
}

/* An image without layers. */
static int clone_upper(const struct spec_root *root, struct error *err)
{
	autoclose int tree = clone_folder(root->upper, false, false, err);
	autoclose int map = -1;

	if (tree < 0 || !root->idmap)
		return STEAL_FD(tree);
	map = idmap_of(root->idmap, err);
	if (map < 0)
		return -1;
	if (idmap_mount(tree, map, false) < 0)
		return error_errno(err, "mapping IDs of %s", root->upper);
	return STEAL_FD(tree);
}

int sandbox_mount_root(const struct spec_root *root, struct error *err)
{
	if (root->upper && root->lowers.len)
		return overlay_mount(root, err);
	if (root->lowers.len == 1)
		return clone_folder(root->lowers.items[0], true, false, err);
	if (root->lowers.len)
		return overlay_mount(root, err);
	if (root->upper)
		return clone_upper(root, err);
	if (root->path)
		return clone_folder(root->path, false, true, err);
	return error_set(err, EINVAL, "the container has no root filesystem");
}

/* ---- A start */

static int *no_fds(size_t n)
{
	int *fds = xcalloc(n + 1, sizeof(int));

	for (size_t i = 0; i <= n; i++)
		fds[i] = -1;
	return fds;
}

static void close_fds(int **fds, size_t n)
{
	for (size_t i = 0; *fds && i < n; i++)
		cleanup_close(&(*fds)[i]);
	free(*fds);
	*fds = NULL;
}

int rootfs_prepare(struct sandbox_plan *plan, struct error *err)
{
	plan->mount_fds = no_fds(plan->spec->n_mounts);
	plan->device_fds = no_fds(plan->spec->n_devices);
	plan->nodes_fd = -1;
	return mounts_prepare(plan, err) < 0 || devices_prepare(plan, err) < 0 ? -1 : 0;
}

void rootfs_release(struct sandbox_plan *plan)
{
	close_fds(&plan->mount_fds, plan->spec->n_mounts);
	if (plan->device_fds)
		cleanup_close(&plan->nodes_fd);
	close_fds(&plan->device_fds, plan->spec->n_devices);
}

/* ---- Child */

/* Hooks look for the root at the path that they know. */
static bool is_at_path(const struct spec *spec)
{
	return spec->root.path && !spec->root.upper &&
	       (!mounts_own_namespace(spec, CLONE_NEWNS) || spec->hooks[HOOK_PRESTART].n ||
		spec->hooks[HOOK_CREATE_RUNTIME].n || spec->hooks[HOOK_CREATE_CONTAINER].n);
}

int rootfs_attach(struct sandbox_plan *plan, struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;
	bool own = mounts_own_namespace(spec, CLONE_NEWNS);
	bool at_path = is_at_path(spec);
	/* A bundle's root may see what the host mounts below its folder from now on. */
	uint64_t propagation = spec->root_propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
	autoclose int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int folder =
		at_path ? open(spec->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	/* Copies of shared mounts are peers of theirs, as long as these are. */
	if (mounts_create(plan) < 0)
		return -1;
	/* Nothing done here may travel to the host through a shared mount, nor back. */
	if (host < 0 || (own && sys_mount_setattr(host, AT_RECURSIVE, 0, 0, MS_PRIVATE) < 0))
		return sandbox_fault(plan, STEP_ROOT,
				     sys_is_mount_root(host) ? "propagation" : "within a chroot");
	if (!own && !at_path) {
		errno = EINVAL;
		return sandbox_fault(plan, STEP_ROOT, "it needs a mount namespace");
	}
	if (sys_mount_setattr(plan->root_fd, AT_RECURSIVE, 0, 0, propagation) < 0)
		return sandbox_fault(plan, STEP_ROOT, "propagation");
	if (devices_clone(plan, host) < 0)
		return -1;
	if ((at_path && folder < 0) || sys_move_mount(plan->root_fd, at_path ? folder : host) < 0)
		return sandbox_fault(plan, STEP_ROOT, "attaching");
	fds->root = plan->root_fd;
	plan->place = ROOT_ATTACHED;
	return 0;
}

int rootfs_furnish(struct sandbox_plan *plan, struct rootfs_fds *fds)
{
	return mounts_make(plan, fds) < 0 || devices_make(plan, fds) < 0 ? -1 : 0;
}

/* Without pivot_root: for --no-pivot, and because the kernel never pivots its first filesystem (an initramfs that stayed the
 * root and was not bound over itself). The new root lies over "/", if it does not yet; going up from it ends at it, since
 * the mount below is hidden at its very root. In a chroot the way up would lead out into the host: there we do not start
 * containers. */
static int cover_root(struct sandbox_plan *plan, int host)
{
	errno = EINVAL;
	if (!sys_is_mount_root(host))
		return sandbox_fault(plan, STEP_ROOT, "within a chroot");
	if (is_at_path(plan->spec) && sys_move_mount(plan->root_fd, host) < 0)
		return sandbox_fault(plan, STEP_ROOT, "moving");
	return chroot(".") < 0 ? sandbox_fault(plan, STEP_ROOT, "chroot") : 0;
}

/* The old root lies over the new one now, at the same place, and over it what was mounted over it before: "." still is the
 * new one, ".." the topmost of all, and that is what is unmounted. */
static int detach_old_root(struct sandbox_plan *plan)
{
	for (int covers = 0; covers < 16; covers++) {
		autoclose int own = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		autoclose int top = open("..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (own < 0 || top < 0)
			break;
		if (covers && sys_mount_id(own) == sys_mount_id(top))
			return 0;
		if (sys_umount2(".", MNT_DETACH) < 0)
			break;
	}
	return sandbox_fault(plan, STEP_ROOT, "detaching the host's mounts");
}

int rootfs_enter(struct sandbox_plan *plan)
{
	const struct spec *spec = plan->spec;
	autoclose int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (host < 0 || fchdir(plan->root_fd) < 0)
		return sandbox_fault(plan, STEP_ROOT, "entering");
	if (!mounts_own_namespace(spec, CLONE_NEWNS)) {
		if (chroot(".") < 0)
			return sandbox_fault(plan, STEP_ROOT, "chroot");
	} else if (!spec->no_pivot && sys_pivot_root(".", ".") == 0) {
		if (detach_old_root(plan) < 0)
			return -1;
	} else if (spec->no_pivot || errno == EINVAL) {
		if (cover_root(plan, host) < 0)
			return -1;
	} else {
		return sandbox_fault(plan, STEP_ROOT, "pivot_root");
	}
	plan->place = ROOT_ENTERED;
	return chdir("/") < 0 ? sandbox_fault(plan, STEP_ROOT, "chdir") : 0;
}

void rootfs_withdraw(const struct sandbox_plan *plan)
{
	if (plan->place == ROOT_DETACHED || mounts_own_namespace(plan->spec, CLONE_NEWNS))
		return;
	if (plan->place == ROOT_ATTACHED)
		(void)sys_umount2(plan->spec->root.path, MNT_DETACH);
	else
		(void)sys_umount2("/", MNT_DETACH);
}

void rootfs_unmount(const struct spec *spec, const char *path)
{
	if (path && !spec->root.upper && !mounts_own_namespace(spec, CLONE_NEWNS))
		(void)sys_umount2(path, MNT_DETACH);
}

int rootfs_seal(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;
	unsigned int recursive = spec->root_propagation & MS_REC ? AT_RECURSIVE : 0;
	uint64_t kind = spec->root_propagation & ~(unsigned long)MS_REC;

	if (mounts_seal(plan) < 0 || masks_make(plan, fds) < 0)
		return -1;
	if (spec->root.readonly && sys_mount_setattr(fds->root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		return sandbox_fault(plan, STEP_READONLY, "/");
	/* A group of its own, which the host is not in. */
	if ((kind == MS_SHARED || kind == MS_UNBINDABLE) &&
	    sys_mount_setattr(fds->root, recursive, 0, 0, kind) < 0)
		return sandbox_fault(plan, STEP_ROOT, "propagation");
	return 0;
}
