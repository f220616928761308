/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's root: assembled as detached mounts by the parent, made the root of its mount
 * namespace by the child, furnished with mounts, devices, masks. (sandbox_mount_root of
 * runtime/sandbox.h lives here too.)
 *
 * The child attaches the root, mounts all below it, and changes to it then: proc and sysfs can be mounted in a user
 * namespace only as long as the host's are in sight, and hooks of createContainer are to find a furnished root. Until
 * then the host's tree can be reached, so every path of the container is looked up beneath the root's descriptor
 * (RESOLVE_IN_ROOT), whatever links the image holds; and what comes from the host (bind sources, the root itself) is
 * there as descriptors of detached mounts only. Links of /proc that lead to descriptors are refused throughout. */
#ifndef KNARR_RUNTIME_ROOTFS_H
#define KNARR_RUNTIME_ROOTFS_H

#include "lib/error.h"
#include "runtime/sandbox_child.h"

/* Parent: opens the sources of all bind mounts into plan->source_fds (allocated here, closed and
 * freed by rootfs_release). Returns 0 or -1 with err set. */
int rootfs_prepare(struct sandbox_plan *plan, struct error *err);
void rootfs_release(struct sandbox_plan *plan);

struct rootfs_fds {
	int root;   /* O_PATH of the container's "/" */
	int proc;   /* its own procfs as first mounted, or -1: sysctls are written through it */
	int devpts; /* its own devpts, or -1: the terminal is opened through it */
};

/* Child, each -1 after sandbox_fault, in this order. rootfs_attach puts the root into the mount namespace, over "/" (at its
 * path where others must find it there), and fills in fds->root. */
int rootfs_attach(struct sandbox_plan *plan, struct rootfs_fds *fds);

/* All mounts of the specification, then devices, links of /dev. */
int rootfs_furnish(struct sandbox_plan *plan, struct rootfs_fds *fds);

/* Makes plan->root_fd the root and detaches all of the host's mounts. Without a mount namespace of its own, the container
 * is left with a chroot, and whoever deletes it unmounts its root. */
int rootfs_enter(struct sandbox_plan *plan);

/* /dev/console, where the container has a terminal: its slave side. */
int rootfs_console(struct sandbox_plan *plan, const struct rootfs_fds *fds, int slave_fd);

/* Masked paths, read-only paths, and a read-only root: after all else that writes there. */
int rootfs_seal(struct sandbox_plan *plan, const struct rootfs_fds *fds);

#endif
