/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the flags of `run` and `create` ask of the machine, beside what the image says: Docker's HostConfig, in its names
 * where they are good. It stands in container.json as "hostConfig" (runtime/container/config.h), is filled from the flags
 * (runtime/engine/engine.h), shown by `inspect` and changed by `update`. A struct host_config owns all it points to; NULL, 0 and
 * empty mean "not asked for" unless a comment says otherwise. */
#ifndef KNARR_RUNTIME_HOST_CONFIG_H
#define KNARR_RUNTIME_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/str.h"
#include "runtime/spec/resources.h"
#include "runtime/spec/spec.h"

enum host_mount_type { HOST_MOUNT_BIND, HOST_MOUNT_VOLUME, HOST_MOUNT_TMPFS };

/* -v, --mount, --tmpfs, --volumes-from and the image's VOLUMEs, all in one form. */
struct host_mount {
	enum host_mount_type type;
	char *source; /* bind: absolute path of the machine; volume: its name */
	char *target; /* absolute, in the container */
	bool readonly;
	bool from_image; /* an anonymous volume that nobody asked for by a flag */
	bool anonymous; /* a volume with a name of 64 digits that we chose: rm -v and --rm take it along */
	bool no_copy;       /* volume: does not begin with what the image has there */
	bool create_source; /* bind by -v: a missing source is made, as a folder */
	bool non_recursive; /* bind */
	bool readonly_non_recursive,
		readonly_force_recursive; /* bind-recursive=writable, readonly */
	unsigned long propagation;        /* bind: MS_PRIVATE, ... with MS_REC; 0: rprivate */
	bool by_mount;                    /* asked for by --mount: so `inspect` shows it */
	bool inherited;                   /* brought by --volumes-from */
	struct strv
		labels; /* volume: what a new one gets, KEY=VALUE; stands in its volume.json, not in container.json */
	char *options;       /* --tmpfs PATH:OPTIONS; as typed in -v, ro and rw included */
	int64_t tmpfs_size;  /* bytes; 0: the kernel's own */
	uint32_t tmpfs_mode; /* 0: 01777 */
};

struct host_device {
	char *source, *target;
	char *permissions; /* "rwm" */
};

/* A block device of the machine with a weight, or a limit in bytes or operations a second. */
struct host_block {
	char *path;
	uint64_t value;
};

struct host_blocks {
	struct host_block *items;
	size_t n;
};

/* In the order of `docker inspect`. */
enum host_block_kind {
	HOST_BLOCK_WEIGHT,
	HOST_BLOCK_READ_BPS,
	HOST_BLOCK_WRITE_BPS,
	HOST_BLOCK_READ_IOPS,
	HOST_BLOCK_WRITE_IOPS,
	HOST_BLOCK_KINDS
};

enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

struct host_config {
	/* Rights */
	bool privileged;
	struct strv cap_add, cap_drop; /* "CAP_NET_ADMIN", "ALL" */
	struct strv group_add;
	/* "no-new-privileges", "seccomp=unconfined"; of a profile "seccomp=" and the text of its file, which is not needed again. */
	struct strv security_opt;
	bool unmasked;            /* systempaths=unconfined: /proc and /sys are not masked */
	struct strv device_rules; /* --device-cgroup-rule "c 1:3 rwm" */
	struct host_device *devices;
	size_t n_devices;

	/* Namespaces: "", "host", "container:<id>"; ipc also "none", "private", "shareable"; cgroupns also "private"; userns
	 * "", "host" or "auto". */
	char *pid_mode, *ipc_mode, *uts_mode, *cgroupns_mode, *userns_mode;

	/* Files */
	struct host_mount *mounts;
	size_t n_mounts;
	struct strv volumes_from; /* as typed; their mounts are in mounts already */
	int64_t shm_size;         /* bytes; 0: 64 MiB */

	/* Names */
	char *domainname;
	struct strv dns, dns_search, dns_options, extra_hosts; /* "name:address" */

	/* Limits. Of resources, container.json has the numbers and cpusets. What concerns block devices is in blocks, by
	 * enum host_block_kind: their numbers are looked up anew at each start. */
	struct resources resources;
	struct host_blocks blocks[HOST_BLOCK_KINDS];
	bool has_oom_score_adj;
	int oom_score_adj;
	struct spec_rlimit *ulimits;
	size_t n_ulimits;
	struct strv sysctls; /* KEY=VALUE */
	int64_t nano_cpus;   /* --cpus, for `inspect`: resources has the quota */
	char *cgroup_parent;

	/* Life */
	bool init; /* a tiny init of ours is PID 1 */
	enum restart_policy restart;
	unsigned int restart_max; /* on-failure:n; 0: without end */
	int stop_timeout;         /* seconds; -1: not asked for (10) */
	char *cid_file;
	struct strv annotations; /* KEY=VALUE */

	/* Log */
	char *log_driver;          /* "json-file", "none"; NULL: json-file */
	struct strv log_opts;      /* KEY=VALUE, as typed */
	int64_t log_max_size;      /* bytes; 0: no limit */
	unsigned int log_max_file; /* 0: one */
};

/* clang-format off */
#define HOST_CONFIG_INIT { .stop_timeout = -1, .resources = RESOURCES_INIT }
/* clang-format on */

/* Growing the lists; the element is zeroed. */
struct host_mount *host_config_add_mount(struct host_config *h);
struct host_device *host_config_add_device(struct host_config *h);
struct host_block *host_config_add_block(struct host_config *h, enum host_block_kind kind);
void host_config_add_ulimit(struct host_config *h, int resource, struct rlimit limit);

/* The text of the seccomp profile asked for, "unconfined" for none at all, "builtin" or NULL for our own. */
const char *host_config_seccomp(const struct host_config *h);

/* "nofile" for RLIMIT_NOFILE, and back; NULL and -1: no limit of that kind. */
const char *ulimit_name(int resource);
int ulimit_resource(const char *name);

/* As members into obj, and back into *out, which is HOST_CONFIG_INIT; obj may be NULL, unknown members are passed over. -1
 * with err set: EINVAL. */
void host_config_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct host_config *h);
int host_config_get(yyjson_val *obj, struct host_config *out, struct error *err);

/* "rshared" and its kin, and back: MS_SHARED | MS_REC. 0 and NULL: none of them. */
unsigned long host_config_propagation(const char *name);
const char *host_config_propagation_name(unsigned long flags);

/* "no", "on-failure", ... */
const char *restart_policy_name(enum restart_policy policy);
/* What --restart takes: a policy's name, or on-failure:n. -1 with err set, EINVAL, in Docker's words. */
int restart_policy_parse(const char *text, enum restart_policy *policy, unsigned int *max,
			 struct error *err);

void host_config_copy(struct host_config *to, const struct host_config *from);
void host_config_free(struct host_config *h);
#define autohostconfig __attribute__((cleanup(host_config_free)))

#endif
