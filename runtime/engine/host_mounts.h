/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts as people ask for them: -v, --mount, --tmpfs and --volumes-from become struct host_mount
 * (runtime/container/host_config.h), and those become mounts of the specification (runtime/spec/spec.h). The words are Docker's:
 *
 *     -v name:/path[:opts]   -v /host:/path[:opts]   -v ./host:/path[:opts]   -v /path (an anonymous volume)
 *     --mount type=bind|volume|tmpfs,source=...,target=...,readonly,...       --tmpfs /path[:opts]
 *
 * opts of -v: ro, rw; private, rprivate, slave, rslave, shared, rshared; nocopy; z, Z (labels of SELinux, which Knarr does
 * not set) and consistent, cached, delegated, which mean nothing here and are kept to be shown.
 *
 * One target has one mount. Two flags for one target are an error (`Duplicate mount point: /x`), but an anonymous volume
 * (-v /x, an image's VOLUME) and what --volumes-from brings give way to what was asked for by name. So -v, --mount and
 * --tmpfs are parsed first, --volumes-from (host_mounts_volumes_from) then, and the image's VOLUMEs come last
 * (volumes_prepare of runtime/container/volume.h). */
#ifndef KNARR_RUNTIME_HOST_MOUNTS_H
#define KNARR_RUNTIME_HOST_MOUNTS_H

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/config.h"
#include "runtime/container/host_config.h"
#include "runtime/spec/spec.h"

/* Each adds what word says to h's mounts. -1 with err set, EINVAL, in Docker's words (`invalid volume specification: 'x'`,
 * `invalid mount path: 'x' mount path must be absolute`, `invalid argument "x" for "--mount" flag: ...`). A bind by --mount
 * must have a source that exists: `bind source path does not exist: /x`. */
int host_mounts_parse_volume(const char *word, struct host_config *h, struct error *err);
int host_mounts_parse_mount(const char *word, struct host_config *h, struct error *err);
int host_mounts_parse_tmpfs(const char *word, struct host_config *h, struct error *err);

/* --volumes-from X[:ro]: adds the mounts of the container X, and word to h's volumes_from. -1 with err set: ENOENT (`No such
 * container: x`), EINVAL (`invalid mode: x`). */
int host_mounts_volumes_from(const struct store *st, const char *word, struct host_config *h,
			     struct error *err);

/* The mount at target, which is clean (no "//", ".", ".." and final slash); or NULL. */
struct host_mount *host_mounts_find(const struct host_config *h, const char *target);

/* A volume without a name at path, unless something is there already; from_image: see struct host_mount. */
int host_mounts_add_anonymous(struct host_config *h, const char *path, bool from_image,
			      struct error *err);

/* Puts config's mounts into spec, parents before what is in them, in place of what spec has at the same targets (and, with
 * a mount at /dev, below it), and before the single files that spec binds (/etc/hosts). Makes the missing sources of -v, as folders (0755). To be called at every start, behind all else
 * that adds mounts. -1 with err set: ENOENT (`bind source path does not exist`; a volume that is gone), others of mkdir(2). */
int host_mounts_to_spec(const struct store *st, const struct container_config *config,
			struct spec *spec, struct error *err);

/* The options of --tmpfs, separated by commas (NULL: none), into m; they begin as nosuid, nodev, noexec. -1 with err set:
 * EINVAL (`invalid tmpfs option ["x"]`). */
int host_mounts_tmpfs_options(const char *text, struct spec_mount *m, struct error *err);

#endif
