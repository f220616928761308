/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the engine's files: the flags of `run` by kind, read into a host_config, and the parts of a spec. For
 * runtime/engine*.c. */
#ifndef KNARR_RUNTIME_ENGINE_PRIVATE_H
#define KNARR_RUNTIME_ENGINE_PRIVATE_H

#include "runtime/engine/engine.h"

/* `invalid argument "x" for "-m, --memory" flag: ...`, as Docker says it; returns -1. flag is its name with its letter. */
int flag_error(struct error *err, const char *value, const char *flag, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- Flags to a host_config: -1 with err set, EINVAL, in Docker's words */

/* Memory, CPU, tasks, block devices, limits of processes, sysctls, the OOM killer. */
int engine_limits(const struct engine_request *r, struct host_config *h, struct strv *warnings,
		  struct error *err);
/* Capabilities, groups, devices, security options. */
int engine_rights(const struct engine_request *r, struct container_config *config,
		  struct error *err);
/* Modes of the namespaces, as typed ("container:web"), and what conflicts with them. */
int engine_modes(const struct engine_request *r, struct container_config *config,
		 struct strv *warnings, struct error *err);
/* DNS, --add-host, --domainname. */
int engine_names(const struct engine_request *r, struct host_config *h, struct error *err);
/* Restart policy, log, health check, stop timeout, --cidfile, annotations. */
int engine_life(const struct engine_request *r, struct container_config *config, struct error *err);

/* A rule of --device-cgroup-rule as one of resources. */
int engine_device_rule(const char *text, struct resource_device *rule, struct error *err);

/* ---- A container_config to a spec */

#define HOSTNAME_ROOM 65

/* As typed, the machine's in its own UTS namespace, else the first twelve digits of the ID. */
const char *engine_hostname(const struct container_config *config, char buf[HOSTNAME_ROOM]);
/* The ID in "container:<ID>", or NULL. */
const char *engine_joined(const char *mode);
/* "host" */
bool engine_mode_is(const char *mode, const char *name);

/* Environment, working directory and confinement: the same for the first process and for those that exec adds. */
int engine_process(const struct container_config *config, bool tty, bool privileged,
		   struct spec_process *process, struct error *err);
/* hostname, hosts and resolv.conf in the container's volatile folder, mounted over the image's. */
int engine_files(const struct store *st, const struct container *c, struct spec *spec,
		 struct error *err);
/* Devices, and the rules of the device cgroup. */
int engine_devices(const struct host_config *h, struct spec *spec, struct error *err);
/* Which namespaces are new, and what of mounts and sysctls depends on it. */
void engine_namespaces(const struct container_config *config, struct spec *spec);
/* The namespaces of other containers, which must run: -1 with err set, in Docker's words. Those of an earlier start are let
 * go. */
int engine_join(const struct store *st, const struct container_config *config, struct spec *spec,
		struct error *err);

#endif
