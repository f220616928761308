/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's root: assembled as detached mounts by the parent, attached, furnished with mounts and devices, made the
 * root of its mount namespace and sealed by the child. (sandbox_mount_root of runtime/sandbox/sandbox.h lives here too.)
 *
 * No path of the container is ever looked up as text: all start at the descriptor of its root, which the kernel does not
 * let them leave (openat2(2), RESOLVE_IN_ROOT), and links of /proc that lead to descriptors are refused throughout. What
 * is attached is attached to descriptors. So whatever links an image holds, and whatever a neighbour changes in a shared
 * volume meanwhile, nothing of the host is reached or covered (CVE-2021-30465). */
#ifndef KNARR_RUNTIME_ROOTFS_H
#define KNARR_RUNTIME_ROOTFS_H

#include "lib/error.h"
#include "runtime/sandbox/sandbox_child.h"

/* Parent: makes what comes from the machine, the sources of binds and of devices, as detached mounts (plan->mount_fds,
 * device_fds; closed and freed by rootfs_release). Returns 0 or -1 with err set. */
int rootfs_prepare(struct sandbox_plan *plan, struct error *err);
void rootfs_release(struct sandbox_plan *plan);

/* Parent, also a later one: unmounts the root at path of a container that has come to its start, if its mounts were not its
 * own. */
void rootfs_unmount(const struct spec *spec, const char *path);

struct rootfs_fds {
	int root;   /* the container's "/" */
	int proc;   /* its own procfs as first mounted, or -1: sysctls are written through it */
	int devpts; /* its own devpts, or -1: the terminal is opened through it */
};

/* Child, in this order, each -1 after sandbox_fault. rootfs_attach puts the root into the mount namespace, over "/" (at its
 * path where hooks must find it there), of which nothing travels to the machine's, and fills in fds->root. */
int rootfs_attach(struct sandbox_plan *plan, struct rootfs_fds *fds);

/* All mounts of the specification, then devices, links of /dev. */
int rootfs_furnish(struct sandbox_plan *plan, struct rootfs_fds *fds);

/* Makes plan->root_fd the root and detaches all of the host's mounts. Without a mount namespace of its own, the container
 * is left with a chroot, and whoever deletes it unmounts its root. */
int rootfs_enter(struct sandbox_plan *plan);

/* Where it fails: takes the root out again of mounts that are not the container's own. */
void rootfs_withdraw(const struct sandbox_plan *plan);

/* /dev/console, where the container has a terminal: its slave side. */
int rootfs_console(struct sandbox_plan *plan, const struct rootfs_fds *fds, int slave_fd);

/* Masked paths, read-only paths, a read-only root, and the root's propagation: after all else that writes there. */
int rootfs_seal(struct sandbox_plan *plan, const struct rootfs_fds *fds);

#endif
