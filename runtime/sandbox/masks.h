/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Masked and read-only paths: for runtime/sandbox/rootfs.c alone. */
#ifndef KNARR_RUNTIME_MASKS_H
#define KNARR_RUNTIME_MASKS_H

#include "runtime/sandbox/rootfs.h"

/* Child: makes the read-only paths so and covers the masked ones; those that are not there are passed over. -1 after
 * sandbox_fault. */
int masks_make(struct sandbox_plan *plan, const struct rootfs_fds *fds);

#endif
