/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/devices.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/mounts.h"
#include "runtime/sandbox/namespaces.h"
#include "runtime/spec/kernel.h"

#define NODE_ATTRIBUTES ((uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC))

static bool is_device(const struct stat *st, const struct spec_device *d)
{
	return (st->st_mode & S_IFMT) == (d->mode & S_IFMT) &&
	       (S_ISFIFO(d->mode) || st->st_rdev == d->device);
}

/* ---- Parent */

/* In a filesystem of ours; what comes back is for the child to clone, when that is attached. */
static int make_node(const struct spec *spec, int folder, size_t i)
{
	const struct spec_device *d = &spec->devices[i];
	uid_t uid = namespaces_outside_id(spec->uid_mappings, spec->n_uid_mappings, d->uid);
	gid_t gid = namespaces_outside_id(spec->gid_mappings, spec->n_gid_mappings, d->gid);
	char name[24];

	snprintf(name, sizeof(name), "%zu", i);
	if (mknodat(folder, name, d->mode, d->device) < 0 ||
	    fchownat(folder, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(folder, name, d->mode & 07777, 0) < 0)
		return -1;
	return openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* Where we may make no nodes either, the machine's own serves. */
static int clone_node(const struct spec_device *d, struct error *err)
{
	const char *source = d->source ? d->source : d->path;
	struct stat st;
	autoclose int at = open(source, O_PATH | O_CLOEXEC);

	if (at < 0 || fstat(at, &st) < 0)
		return error_errno(err, "device %s", source);
	if (!is_device(&st, d))
		return error_set(err, ENODEV,
				 "device %s: it is another one on this machine, or none", source);
	autoclose int node = sys_open_tree_clone(at, 0);
	if (node < 0 ||
	    sys_mount_setattr(node, 0, NODE_ATTRIBUTES, MOUNT_ATTR_NODEV, MS_PRIVATE) < 0)
		return error_errno(err, "device %s", source);
	return STEAL_FD(node);
}

/* All nodes made, or -1 with errno: EPERM where we are in a user namespace ourselves. */
static int make_nodes(struct sandbox_plan *plan)
{
	static const struct spec_mount tmpfs = { .type = (char *)"tmpfs" };
	const struct spec *spec = plan->spec;

	plan->nodes_fd = mounts_filesystem(&tmpfs, NODE_ATTRIBUTES, NULL, 0);
	if (plan->nodes_fd < 0)
		return -1;
	for (size_t i = 0; i < spec->n_devices; i++) {
		if (S_ISFIFO(spec->devices[i].mode))
			continue;
		plan->device_fds[i] = make_node(spec, plan->nodes_fd, i);
		if (plan->device_fds[i] < 0)
			return -1;
	}
	return 0;
}

int devices_prepare(struct sandbox_plan *plan, struct error *err)
{
	const struct spec *spec = plan->spec;

	if (!mounts_own_namespace(spec, CLONE_NEWUSER))
		return 0;
	if ((spec->namespaces & CLONE_NEWNS) && make_nodes(plan) == 0)
		return 0;
	cleanup_close(&plan->nodes_fd);
	plan->nodes_fd = -1;
	for (size_t i = 0; i < spec->n_devices; i++) {
		cleanup_close(&plan->device_fds[i]);
		plan->device_fds[i] = -1;
		if (S_ISFIFO(spec->devices[i].mode))
			continue;
		plan->device_fds[i] = clone_node(&spec->devices[i], err);
		if (plan->device_fds[i] < 0)
			return -1;
	}
	return 0;
}

/* ---- Child */

static int bind_device(int folder, const char *name, int node)
{
	if (mknodat(folder, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return -1;

	autoclose int at =
		sys_openat2(folder, name, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	return at < 0 ? -1 : sys_move_mount(node, at);
}

static int clone_nodes(struct sandbox_plan *plan, int host)
{
	if (sys_move_mount(plan->nodes_fd, host) < 0)
		return -1;
	for (size_t i = 0; i < plan->spec->n_devices; i++) {
		if (plan->device_fds[i] < 0)
			continue;
		/* The descriptor of the file itself goes with all others. */
		plan->device_fds[i] = sys_open_tree_clone(plan->device_fds[i], 0);
		if (plan->device_fds[i] < 0)
			return -1;
	}
	/* Clones stay where they are. */
	return fchdir(plan->nodes_fd) < 0 ? -1 : sys_umount2(".", MNT_DETACH);
}

int devices_clone(struct sandbox_plan *plan, int host)
{
	if (plan->nodes_fd < 0)
		return 0;

	autoclose int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd < 0 || clone_nodes(plan, host) < 0 || fchdir(cwd) < 0)
		return sandbox_fault(plan, STEP_DEVICE, "nodes");
	return 0;
}

static int make_device(int folder, const char *name, const struct spec_device *d)
{
	struct stat st;

	if (mknodat(folder, name, d->mode, d->device) == 0)
		return d->uid || d->gid
			       ? fchownat(folder, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW)
			       : 0;
	/* The same device may be there already, from a bound /dev. */
	if (errno != EEXIST || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	errno = EEXIST;
	return is_device(&st, d) ? 0 : -1;
}

/* runtime-spec, config-linux.md, "Default Devices". */
static int make_links(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "pts/ptmx", "ptmx" },          { "/proc/kcore", "core" },
	};
	autoclose int dev = sandbox_make_path(fds->root, "/dev", false);

	if (dev < 0)
		return sandbox_fault(plan, STEP_DEVICE, "/dev");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0 && errno != EEXIST)
			return sandbox_fault(plan, STEP_DEVICE, links[i][1]);
	return 0;
}

static bool binds_dev(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (strcmp(m->destination, "/dev") == 0 && m->type &&
		    strcmp(m->type, "bind") == 0 && !m->remount)
			return true;
	}
	return false;
}

int devices_make(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;

	for (size_t i = 0; i < spec->n_devices; i++) {
		const struct spec_device *d = &spec->devices[i];
		const char *name;
		autoclose int folder = sandbox_make_parent(fds->root, d->path, &name);

		if (folder >= 0 && !mounts_may_cover(folder, d->path))
			errno = EPERM, cleanup_close(&folder), folder = -1;
		if (folder < 0 ||
		    (plan->device_fds[i] >= 0 ? bind_device(folder, name, plan->device_fds[i])
					      : make_device(folder, name, d)) < 0)
			return sandbox_fault(plan, STEP_DEVICE, d->path);
	}
	return binds_dev(spec) ? 0 : make_links(plan, fds);
}

/* The slave is known by its descriptor, not by a name below /dev/pts; and where it goes must be a file of /dev itself, not
 * a link that leads into /proc (CVE-2025-52565). */
int rootfs_console(struct sandbox_plan *plan, const struct rootfs_fds *fds, int slave_fd)
{
	const char *name;
	autoclose int slave = sys_open_tree_clone(slave_fd, 0);
	autoclose int dev = sandbox_make_parent(fds->root, "/dev/console", &name);

	if (dev >= 0 && !mounts_may_cover(dev, "/dev"))
		errno = EPERM, cleanup_close(&dev), dev = -1;
	if (slave < 0 || dev < 0 || bind_device(dev, name, slave) < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "/dev/console");
	return 0;
}
