/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an image and what a person asked for to a container: the rules by which Docker merges the two, and the spec that
 * the sandbox makes real. */
#ifndef KNARR_RUNTIME_ENGINE_H
#define KNARR_RUNTIME_ENGINE_H

#include <stdbool.h>

#include "image-tools/image.h"
#include "image-tools/layer.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"
#include "runtime/container.h"
#include "runtime/spec.h"

/* What `run` and `create` were told; the strings are the caller's. NULL and empty mean "as the image has it". */
struct engine_request {
	const char *image; /* as typed */
	const char *name;
	const char *entrypoint; /* "": none at all */
	const char *user, *working_dir, *hostname, *network, *stop_signal;
	char **args;           /* NULL-terminated: the command in place of the image's */
	struct strv env;       /* KEY=VALUE, or KEY: as in our own environment, else unset */
	struct strv env_files; /* paths; read before env */
	struct strv security;  /* no-new-privileges, seccomp=unconfined */
	bool interactive, tty, detach, auto_remove, readonly;
};

#define ENGINE_REQUEST_INIT \
	{ \
		0 \
	}

void engine_request_free(struct engine_request *r);
#define autorequest __attribute__((cleanup(engine_request_free)))

/* Fills config (but for id, created and a name not asked for). An entrypoint given drops the image's command; arguments
 * given replace it; environments are merged, the later one winning. -1 with err set, EINVAL, for values that make no
 * sense, and `No command specified` where neither has one. */
int engine_configure(const struct image *image, const struct engine_request *request,
		     struct container_config *config, struct error *err);

/* Changes env by one -e value (see engine_request). -1 with err set: EINVAL. */
int engine_env(struct strv *env, const char *value, struct error *err);

/* Changes env by a file of lines KEY=VALUE or KEY; blank lines and those that begin with # are passed over. */
int engine_env_file(struct strv *env, const char *path, struct error *err);

/* Makes what a container needs in its folder (upper, work, hostname, hosts, resolv.conf) and the spec that goes with it,
 * complete but for layers and user, which the monitor fills in. */
int engine_spec(const struct store *st, const struct container *c, struct spec *spec,
		struct error *err);

/* Appends to lowers, as the lowest layer of all, a folder in memory with the places that every container has something
 * mounted on: /dev, /proc, /sys, /etc/hosts and its kin. What an image lacks of them shows through from below, so that
 * nothing has to be made in the container's own layer for it (where Docker has its "init" layer for this). Best effort:
 * the sandbox makes what is missing. */
void engine_skeleton(const struct store *st, struct strv *lowers);

/* Makes upper and work in the container's folder, where they are missing, and names them in root. */
int engine_writable_layer(const struct store *st, const struct container *c, struct spec_root *root,
			  struct error *err);

/* Holds and mounts image's layers and the skeleton below what root names already, and mounts it all as one detached root
 * (sandbox_mount_root). hold is the caller's, to be released behind the mount. Returns its descriptor, or -1. */
int engine_mount_root(const struct store *st, const struct image *image, struct spec_root *root,
		      struct layer_hold *hold, struct error *err);

/* What `exec` was told. */
struct engine_exec {
	const char *user, *working_dir; /* NULL: the container's */
	char **args;
	struct strv env;
	bool tty;
};

/* The process that exec adds to a container: its environment and confinement with the changes asked for. The user is
 * filled in by the caller (user_resolve), from request->user or the container's. */
int engine_exec_process(const struct container *c, const struct engine_exec *request,
			struct spec_process *process, struct error *err);

#endif
