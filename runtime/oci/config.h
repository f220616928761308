/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a bundle: config.json of the OCI runtime-spec (version 1.2, Linux) read into a struct spec, and the two parts
 * of it that come alone, the process of `exec --process` and the resources of `update --resources`.
 *
 * All of a document is checked before anything is done with it. What is wrong is told in one line that names the member:
 *     process.user.uid: not a number
 *     linux.namespaces[3]: "network" stands there twice
 * Members that the specification does not know are skipped, as it demands; those that it has for other systems, too. What it
 * has for Linux and Knarr does not do (intelRdt, ...) is refused. A capability that nobody knows is warned of and left out.
 *
 * Paths are left as they are written: root.path and the source of a bind mount may be relative to the bundle. */
#ifndef KNARR_RUNTIME_OCI_CONFIG_H
#define KNARR_RUNTIME_OCI_CONFIG_H

#include <stddef.h>

#include "lib/error.h"
#include "runtime/spec/resources.h"
#include "runtime/spec/spec.h"

/* What is read at most of a config.json; larger files are refused by whoever reads them. */
#define OCI_CONFIG_MAX (16u << 20)

/* The oldest version of the specification that is taken; the newest is OCI_VERSION (runtime/oci/command.h). */
#define OCI_VERSION_MIN "1.0.0"

/* Fills out, which must be SPEC_INIT. spec.cgroup is linux.cgroupsPath as written, NULL without one. A seccomp filter is
 * compiled here. Where process.user has no umask, umask is (mode_t)-1. 0, or -1 with err set (EINVAL; ENOTSUP for what
 * Knarr does not do) and out empty. */
int oci_config_parse(const char *json, size_t len, struct spec *out, struct error *err);

/* A process alone, for `exec --process`: what config.json has under "process". out must be zeroed. */
int oci_process_parse(const char *json, size_t len, struct spec_process *out, struct error *err);

/* linux.resources alone, for `update --resources`. out must be RESOURCES_INIT. */
int oci_resources_parse(const char *json, size_t len, struct resources *out, struct error *err);

/* The type of namespace at place i ("cgroup", ...) as linux.namespaces has it; NULL behind the last. */
const char *oci_namespace_name(size_t i);

/* A stage's member of "hooks": "prestart", ... */
const char *oci_hook_name(enum spec_stage stage);

/* What `spec` writes, and what `features` prints. The caller frees. */
char *oci_spec_text(bool rootless);
char *oci_features_text(void);

#endif
