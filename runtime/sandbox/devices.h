/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes, fifos, the links of /dev and the console: for runtime/sandbox/rootfs.c alone. Nodes are made new (mknod). A user
 * namespace may not, and could not use what it made: there the parent makes them, in a filesystem of its own, and the child
 * binds them from it; where the parent may not either, the machine's own are bound, after a look at whether they are what
 * they should be. */
#ifndef KNARR_RUNTIME_DEVICES_H
#define KNARR_RUNTIME_DEVICES_H

#include "lib/error.h"
#include "runtime/sandbox/rootfs.h"

/* Parent: fills plan->device_fds and nodes_fd where nodes must be bound; 0 or -1 with err set. */
int devices_prepare(struct sandbox_plan *plan, struct error *err);

/* Child: takes the nodes out of nodes_fd, which must be attached for a moment for it: at host, the root that is ours still. -1
 * after sandbox_fault. */
int devices_clone(struct sandbox_plan *plan, int host);

/* Child: all devices, and the links that every Linux program expects in /dev unless the machine's /dev, or another, is bound
 * there. -1 after sandbox_fault. */
int devices_make(struct sandbox_plan *plan, const struct rootfs_fds *fds);

#endif
