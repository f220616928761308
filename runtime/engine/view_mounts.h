/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volumes and bind mounts of a container that does not run, for its view (runtime/engine/view.h). */
#ifndef KNARR_RUNTIME_VIEW_MOUNTS_H
#define KNARR_RUNTIME_VIEW_MOUNTS_H

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/container.h"

/* Whether the container has any. */
bool view_has_mounts(const struct container *c);

/* Puts c's volumes and bind mounts into root_fd, its layers as a detached mount that can be written to: what is missing of
 * the places they go to is made, as it would be at its start. Returns all of it as another detached mount, or -1 with err
 * set. Nothing of it is seen in the machine's mount table, nor stays behind whatever dies. */
int view_attach_mounts(const struct store *st, const struct container *c, int root_fd,
		       struct error *err);

#endif
