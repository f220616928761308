/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the flags of `run` and `create` ask of the machine, beside what the image says: Docker's HostConfig, in its names
 * where they are good. It stands in container.json as "hostConfig" (runtime/config.h), is filled from the flags
 * (runtime/engine.h), shown by `inspect` and changed by `update`. A struct host_config owns all it points to; NULL, 0 and
 * empty mean "not asked for" unless a comment says otherwise. */
#ifndef KNARR_RUNTIME_HOST_CONFIG_H
#define KNARR_RUNTIME_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/str.h"
#include "runtime/resources.h"
#include "runtime/spec.h"

enum host_mount_type { HOST_MOUNT_BIND, HOST_MOUNT_VOLUME, HOST_MOUNT_TMPFS };

/* -v, --mount, --tmpfs, --volumes-from and the image's VOLUMEs, all in one form. */
struct host_mount {
	enum host_mount_type type;
	char *source;      /* bind: absolute path of the machine; volume: its name */
	char *target;      /* absolute, in the container */
	bool readonly;
	bool from_image;   /* an anonymous volume that nobody asked for by a flag: rm -v and --rm take it along */
	bool anonymous;    /* a volume with a name of 64 digits that we chose */
	bool no_copy;      /* volume: does not begin with what the image has there */
	bool create_source; /* bind by -v: a missing source is made, as a folder */
	bool non_recursive; /* bind */
	bool readonly_non_recursive, readonly_force_recursive; /* bind-recursive=writable, readonly */
	unsigned long propagation; /* bind: MS_PRIVATE, ... with MS_REC; 0: rprivate */
	bool by_mount;     /* asked for by --mount: so `inspect` shows it */
	bool inherited;    /* brought by --volumes-from */
	struct strv labels; /* volume: of a new one, KEY=VALUE */
	char *options;     /* --tmpfs PATH:OPTIONS; as typed in -v, ro and rw included */
	int64_t tmpfs_size; /* bytes; 0: the kernel's own */
	uint32_t tmpfs_mode; /* 0: 01777 */
};

struct host_device {
	char *source, *target;
	char *permissions; /* "rwm" */
};

enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

struct host_config {
	/* Rights */
	bool privileged;
	struct strv cap_add, cap_drop; /* "CAP_NET_ADMIN", "ALL" */
	struct strv group_add;
	char *seccomp_profile; /* text of the JSON file given; the file itself is not needed again */
	struct strv devices_rules; /* --device-cgroup-rule "c 1:3 rwm" */
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

	/* Limits */
	struct resources resources;
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
	char *log_driver;      /* "json-file", "none"; NULL: json-file */
	int64_t log_max_size;  /* bytes; 0: no limit */
	unsigned int log_max_file; /* 0: one */
};

#define HOST_CONFIG_INIT \
	{ \
		.stop_timeout = -1, .resources = RESOURCES_INIT \
	}

/* Growing the lists; the element is zeroed. */
struct host_mount *host_config_add_mount(struct host_config *h);
struct host_device *host_config_add_device(struct host_config *h);

/* As a JSON object into obj, and back; unknown members are passed over. -1 with err set: EINVAL. */
void host_config_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct host_config *h);
int host_config_get(yyjson_val *obj, struct host_config *out, struct error *err);

/* "no", "on-failure", ... and back; -1: none of them. */
const char *restart_policy_name(enum restart_policy policy);
int restart_policy_parse(const char *text, enum restart_policy *policy, unsigned int *max, struct error *err);

void host_config_copy(struct host_config *to, const struct host_config *from);
void host_config_free(struct host_config *h);

#endif
