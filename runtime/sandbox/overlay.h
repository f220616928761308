/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's layers as one filesystem: for runtime/sandbox/rootfs.c alone. */
#ifndef KNARR_RUNTIME_OVERLAY_H
#define KNARR_RUNTIME_OVERLAY_H

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* Mounts root's lowers, and its upper if there is one, as a detached overlay, read-only without an upper. With root->idmap
 * all of them are mounted a second time through a map of IDs, in a mount namespace that ends with this call, and the
 * overlay stands on those: what is written has on the disk the owner that it has inside, so that commit, diff and export
 * need to know of no map. Returns its descriptor, or -1 with err set. */
int overlay_mount(const struct spec_root *root, struct error *err);

#endif
