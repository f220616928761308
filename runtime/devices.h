/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes, fifos, the links of /dev and the console: for runtime/rootfs.c alone. Nodes are made new (mknod); in a user
 * namespace, where that is refused, the machine's own are bound, after a look at whether they are what they should be. */
#ifndef KNARR_RUNTIME_DEVICES_H
#define KNARR_RUNTIME_DEVICES_H

#include "lib/error.h"
#include "runtime/rootfs.h"

/* Parent: fills plan->device_fds where nodes must be bound; 0 or -1 with err set. */
int devices_prepare(struct sandbox_plan *plan, struct error *err);

/* Child: all devices, and the links that every Linux program expects in /dev unless the machine's /dev, or another, is bound
 * there. -1 after sandbox_fault. */
int devices_make(struct sandbox_plan *plan, const struct rootfs_fds *fds);

#endif
