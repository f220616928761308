/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps of IDs for mounts: mount_setattr(2) takes them as a user namespace. */
#ifndef KNARR_RUNTIME_IDMAP_H
#define KNARR_RUNTIME_IDMAP_H

#include <stddef.h>

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* A user namespace with the maps and nobody in it, as a descriptor; -1 with err set. An ID "inside" is what the
 * filesystem has, "outside" what the machine sees through the mount. */
int idmap_namespace(const struct spec_mapping *uids, size_t n_uids, const struct spec_mapping *gids,
		    size_t n_gids, struct error *err);

/* The same with a container's mappings. */
int idmap_of(const struct spec *spec, struct error *err);

/* Puts the map of the namespace on a detached mount, with recursive on those below it, too. -1 with errno (EINVAL: the
 * filesystem cannot do it). */
int idmap_mount(int mount_fd, int namespace_fd, bool recursive);

#endif
