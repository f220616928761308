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
#include "runtime/container/container.h"
#include "runtime/engine/limits.h"
#include "runtime/spec/spec.h"

/* What `run` and `create` were told, flag by flag and unread; the strings are the caller's. NULL, 0 and empty mean "not
 * said" (for what an image has: "as the image has it"), unless ENGINE_REQUEST_INIT has another value. */
struct engine_request {
	const char *image; /* as typed */
	const char *name;
	const char *entrypoint; /* "": none at all */
	const char *user, *working_dir, *hostname, *domainname, *stop_signal;
	char **args;           /* NULL-terminated: the command in place of the image's */
	struct strv env;       /* KEY=VALUE, or KEY: as in our own environment, else unset */
	struct strv env_files; /* paths; read before env */
	struct strv labels, label_files;
	struct strv expose, annotations;
	struct strv attach; /* stdin, stdout, stderr */
	bool interactive, tty, detach, auto_remove, readonly, init;

	/* Rights */
	bool privileged;
	struct strv cap_add, cap_drop, group_add;
	struct strv security; /* no-new-privileges, seccomp=FILE|builtin|unconfined, ... */
	struct strv devices, device_rules;

	/* Namespaces */
	const char *network, *pid, *ipc, *uts, *cgroupns, *userns;

	/* Names */
	struct strv dns, dns_search, dns_options, extra_hosts;

	/* Files */
	struct strv volumes, mounts, tmpfs, volumes_from;
	const char *shm_size, *volume_driver;
	struct strv storage_opts;

	/* Limits */
	struct limit_words limits;
	const char *kernel_memory, *cgroup_parent;
	long cpu_rt_period, cpu_rt_runtime, swappiness, oom_score_adj;
	bool oom_kill_disable;
	struct strv blocks[HOST_BLOCK_KINDS];
	struct strv ulimits, sysctls;

	/* Life */
	const char *restart, *cid_file, *runtime, *isolation, *platform;
	long stop_timeout;
	const char *health_cmd, *health_interval, *health_timeout, *health_start_period,
		*health_start_interval;
	long health_retries;
	bool no_health;

	/* Log */
	const char *log_driver;
	struct strv log_opts;

	/* Networks of one's own */
	struct strv publish, links, network_aliases, link_local;
	bool publish_all;
	const char *ip, *ip6, *mac;
};

/* clang-format off */
#define ENGINE_REQUEST_INIT { .limits = LIMIT_WORDS_INIT, .swappiness = -1, .stop_timeout = LIMIT_UNTYPED }
/* clang-format on */

void engine_request_free(struct engine_request *r);

/* Whether -a names the stream: "stdin", "stdout", "stderr". */
bool engine_attaches(const struct engine_request *r, const char *stream);

/* Fills config (but for id, created and a name not asked for). An entrypoint given drops the image's command; arguments
 * given replace it; environments and labels are merged, the later one winning. What Docker does without, telling so, is
 * appended to warnings. -1 with err set, EINVAL, in Docker's words, for values that make no sense, and `No command
 * specified` where neither has one. */
int engine_configure(const struct image *image, const struct engine_request *request,
		     struct container_config *config, struct strv *warnings, struct error *err);

/* What of a request needs the store: puts the IDs of the containers in the place of their names ("container:web", as a
 * mode of config's namespaces), and adds the mounts of --volumes-from. -1 with err set: ENOENT, `No such container: x`. */
int engine_resolve(const struct store *st, const struct engine_request *request,
		   struct container_config *config, struct error *err);

/* Changes env by one -e value (see engine_request). -1 with err set: EINVAL. */
int engine_env(struct strv *env, const char *value, struct error *err);

/* Changes env by a file of lines KEY=VALUE or KEY; blank lines and those that begin with # are passed over. */
int engine_env_file(struct strv *env, const char *path, struct error *err);

/* The same for labels, where a KEY has the empty value. */
int engine_label(struct strv *labels, const char *value, struct error *err);
int engine_label_file(struct strv *labels, const char *path, struct error *err);

/* Makes what a container needs in its folder (upper, work, hostname, hosts, resolv.conf) and the spec that goes with it,
 * complete but for layers and what engine_complete fills in. */
int engine_spec(const struct store *st, const struct container *c, struct spec *spec,
		struct error *err);

/* The rest of the spec, known only now that the root is mounted and the container about to run: its user and groups, by
 * the image's /etc/passwd and /etc/group, and the namespaces of other containers, which are joined. For each start anew.
 * -1 with err set. */
int engine_complete(const struct store *st, const struct container *c, int root_fd,
		    struct spec *spec, struct error *err);

/* Lets go of other containers' namespaces and memory, which the container's process has by now: whoever goes on holding spec
 * would keep them alive. */
void engine_release(struct spec *spec);

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
	bool tty, privileged;
};

/* The process that exec adds to a container: its environment and confinement with the changes asked for. The user is
 * filled in by the caller (user_resolve), from request->user or the container's. */
int engine_exec_process(const struct container *c, const struct engine_exec *request,
			struct spec_process *process, struct error *err);

#endif
