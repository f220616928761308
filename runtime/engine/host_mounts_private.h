/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between runtime/engine/host_mounts.c and its parsers. */
#ifndef KNARR_RUNTIME_HOST_MOUNTS_PRIVATE_H
#define KNARR_RUNTIME_HOST_MOUNTS_PRIVATE_H

#include "runtime/engine/host_mounts.h"

/* target as a path without "//", ".", ".." and final slash; the caller frees. NULL with err set: it is empty, relative or the
 * root. */
char *host_mounts_target(const char *target, struct error *err);

/* Takes m, and frees it where it cannot be added. -1 with err set: `Duplicate mount point: /x`. */
int host_mounts_add(struct host_config *h, struct host_mount *m, struct error *err);

/* "ro,z" as -v takes it. Returns false where a word is unknown or says twice. */
bool host_mounts_mode(const char *mode, struct host_mount *m);

void host_mount_clear(struct host_mount *m);
#define autohostmount __attribute__((cleanup(host_mount_clear)))

#endif
