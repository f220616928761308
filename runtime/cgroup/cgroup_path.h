/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a container's cgroup is: the words of config.json and of `--cgroup-parent` as a name for cgroup_create, below the
 * cgroup2 mount. There is no systemd to be asked: its notation becomes the path that it would have made. */
#ifndef KNARR_RUNTIME_CGROUP_PATH_H
#define KNARR_RUNTIME_CGROUP_PATH_H

#include "lib/error.h"

/* linux.cgroupsPath of a config.json:
 *
 *     NULL, ""                     knarr/<id>
 *     /pods/a, pods/a              pods/a
 *     machine.slice:libpod:web     machine.slice/libpod-web.scope        (slice:prefix:name, as runc reads it)
 *     user-1.slice::web            user.slice/user-1.slice/web.scope
 *     :x:web                       system.slice/x-web.scope
 *
 * The caller frees. NULL with err set (EINVAL): "..", or the whole tree's own cgroup. */
char *cgroup_path(const char *cgroups_path, const char *id, struct error *err);

/* The cgroup of the container id below parent, which may be a slice: "/pods" -> "pods/<id>". NULL, "": knarr/<id>. The caller
 * frees. NULL with err set as above. */
char *cgroup_path_below(const char *parent, const char *id, struct error *err);

#endif
