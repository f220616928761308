/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container is to be: the in-memory form of the OCI runtime-spec's config.json (version 1.2,
 * Linux), in the specification's names. The engine fills it from an image and from the flags of
 * `run`; `knarr-oci` fills it from a bundle. runtime/sandbox/sandbox.h makes it real. A struct spec owns
 * everything it points to, and of the descriptors those that say so. */
#ifndef KNARR_RUNTIME_SPEC_H
#define KNARR_RUNTIME_SPEC_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "lib/str.h"
#include "runtime/spec/resources.h"

/* Capability sets are bit masks: 1 << CAP_... */
struct spec_capabilities {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
	int resource; /* RLIMIT_... */
	struct rlimit limit;
};

/* ioprio_set(2) */
struct spec_io_priority {
	bool set;
	int class;    /* IOPRIO_CLASS_RT, _BE, _IDLE */
	int priority; /* 0-7 */
};

/* sched_setattr(2) */
struct spec_scheduler {
	bool set;
	uint32_t policy; /* SCHED_... */
	int32_t nice;
	uint32_t priority;
	uint64_t flags;                     /* SCHED_FLAG_... */
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* A seccomp filter that was asked for, and what goes with it. */
struct spec_seccomp {
	struct sock_fprog filter; /* its instructions are owned */
	unsigned int flags;       /* SECCOMP_FILTER_FLAG_... */
	char *listener_path;      /* a socket that the notify descriptor is sent to; NULL: none */
	char *listener_metadata;
};

/* A process of a container: its first one, or one that `exec` adds. */
struct spec_process {
	bool terminal; /* a new pseudo-terminal of the container's own devpts becomes its stdio */
	unsigned short rows, cols; /* the terminal's size at start; 0: leave as it is */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* additional ones */
	size_t n_groups;
	mode_t umask;     /* (mode_t)-1: leave 022 */
	struct strv args; /* args.items[0] is looked up along env's PATH when it has no slash */
	struct strv env;
	char *cwd; /* absolute, in the container; made (0755, root) when missing, as Docker does */
	struct spec_capabilities capabilities;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const struct sock_fprog
		*seccomp; /* NULL: unconfined, or as custom_seccomp says; not owned */
	struct spec_seccomp *custom_seccomp; /* NULL: none; owned */
	struct spec_io_priority io_priority;
	struct spec_scheduler scheduler;
	char *affinity_initial, *affinity_final; /* exec: "0-3,7"; NULL: leave */
	char *apparmor_profile, *selinux_label;  /* NULL: none asked for */
	int preserve_fds; /* descriptors 3 to 2 + preserve_fds of the caller stay open in it (LISTEN_FDS counts among them) */
};

/* A range of a user namespace's IDs. */
struct spec_mapping {
	uint32_t inside, outside, count;
};

/* A namespace that exists and is joined. */
struct spec_join {
	uint64_t type; /* CLONE_NEW... */
	char *path;    /* as config.json has it; NULL with fd */
	int fd;        /* owned; -1: open path */
};

struct spec_time_offset {
	int64_t seconds;
	uint32_t nanoseconds;
};

/* A program of the machine's, run at a stage of the container's life with its state on standard input. */
struct spec_hook {
	char *path;
	struct strv args, env; /* args.items[0] is the name it is called by; none: path */
	int timeout;           /* seconds; 0: none */
};

enum spec_stage {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_STAGES
};

struct spec_hooks {
	struct spec_hook *items;
	size_t n;
};

struct error;

/* What the caller of sandbox_create adds to the making of a container; each may be NULL. */
struct spec_callbacks {
	/* The process pid waits, with its namespaces and their ID maps made and its root not changed yet: the moment to
	 * furnish its network. sandbox_create runs the hooks prestart and createRuntime behind it. -1 with err set gives
	 * the container up. */
	int (*created)(void *arg, pid_t pid, struct error *err);
	/* The container's state as JSON, for the hooks that sandbox_create and its child run; status is "creating" or
	 * "created". From malloc; needed where there are such hooks. */
	char *(*state)(void *arg, pid_t pid, const char *status);
	void *arg;
};

/* A mount below the container's root, made in order. */
struct spec_mount {
	char *destination;    /* absolute, in the container; made when missing */
	char *type;           /* "proc", "tmpfs", ...; "bind" for a bind mount */
	char *source;         /* bind: a path of the host; else what stands in /proc/mounts */
	int source_fd;        /* bind: instead of source, an O_PATH descriptor (-1: none) */
	bool source_detached; /* source_fd is a detached mount, which is moved and not bound; owned */
	bool recursive;       /* bind with all that is mounted below */
	uint64_t attr_set; /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC, ... (mount_setattr(2)) */
	uint64_t attr_clear;
	uint64_t attr_set_recursive,
		attr_clear_recursive; /* rro, rnosuid, ...: for all below, too */
	unsigned long
		propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_SLAVE|MS_SHARED, with MS_REC; 0: private */
	bool remount; /* no new mount: changes attributes and given options of the one there; type "none" means the same */
	bool copy_up; /* tmpcopyup: the tmpfs begins with what the folder it covers holds */
	bool idmap, idmap_recursive;
	struct spec_mapping *uid_mappings,
		*gid_mappings; /* idmap: its own; none: the container's */
	size_t n_uid_mappings, n_gid_mappings;
	struct strv options; /* filesystem's own: "size=65536k", "mode=755" */
};

struct spec_device {
	char *path; /* in the container */
	char *source; /* on the machine; NULL: path. With a user namespace it is bound instead of made anew */
	mode_t mode; /* S_IFCHR, S_IFBLK or S_IFIFO | 0666 */
	dev_t device;
	uid_t uid;
	gid_t gid;
};

struct spec;

/* The root filesystem: an overlay (upper not NULL), or a prepared folder. */
struct spec_root {
	struct strv lowers; /* mounted layers, TOPMOST first, as overlayfs counts them */
	char *upper, *work;
	char *path; /* a bundle's rootfs when upper is NULL */
	bool readonly;
	/* Whose ID mappings the overlay is seen through, so that files have in all folders the owners that they have inside;
	 * NULL: the machine's own IDs. Not owned. */
	const struct spec *idmap;
};

struct spec {
	struct spec_process process;
	struct spec_root root;
	char *hostname; /* needs CLONE_NEWUTS in namespaces */
	char *domainname;
	uint64_t namespaces; /* CLONE_NEW... to create */
	struct spec_join *joins;
	size_t n_joins;
	struct spec_mapping *uid_mappings, *gid_mappings; /* of a new user namespace */
	size_t n_uid_mappings, n_gid_mappings;
	struct spec_time_offset monotonic, boottime; /* of a new time namespace */
	bool has_monotonic, has_boottime;
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_device *devices;
	size_t n_devices;
	struct strv masked_paths;
	struct strv readonly_paths;
	struct strv sysctls; /* KEY=VALUE */
	char *cgroup;        /* below the cgroup2 mount: "knarr/<id>"; NULL: the caller's own */
	struct resources resources;

	unsigned long root_propagation; /* MS_..., with MS_REC; 0: private */
	uint32_t personality;           /* personality(2); with has_personality */
	bool has_personality;
	bool no_pivot, no_new_keyring;
	bool init; /* a tiny init of ours is the first process, and the program its child */
	bool ordered_mounts; /* /proc/self/mountinfo inside shows the mounts in their order; costs a message for each bind */
	int start_fd; /* for sandbox_detach: a listening SOCK_SEQPACKET of the caller's; 0: none */
	struct strv annotations; /* KEY=VALUE */
	struct spec_hooks hooks[HOOK_STAGES];
	const struct spec_callbacks *callbacks; /* NULL: none; not owned */
};

/* clang-format off */
#define SPEC_INIT { .resources = RESOURCES_INIT }
/* clang-format on */

void spec_process_free(struct spec_process *p);
void spec_free(struct spec *spec);
void spec_free_joins(struct spec *spec);
/* Takes the mounts at destination away. */
void spec_remove_mount(struct spec *spec, const char *destination);
#define autospec __attribute__((cleanup(spec_free)))

/* Growing the lists; the returned element is zeroed (source_fd -1) and valid until the next add. */
struct spec_mount *spec_add_mount(struct spec *spec);
struct spec_device *spec_add_device(struct spec *spec);
/* The device at path, or NULL. */
struct spec_device *spec_find_device(const struct spec *spec, const char *path);
/* Those that every container has (config-linux.md, "Default Devices"), where they are not listed already. */
void spec_add_default_devices(struct spec *spec);
/* Frees what m points to, not m itself. */
void spec_mount_free(struct spec_mount *m);
struct spec_join *spec_add_join(struct spec *spec);
struct spec_hook *spec_add_hook(struct spec *spec, enum spec_stage stage);
void spec_add_mapping(struct spec_mapping **list, size_t *n, struct spec_mapping mapping);

/* Docker's defaults for a process: the default capabilities (14, for root; user_resolve takes them
 * from others) and seccomp filter, umask 022. Leaves the rest alone. For the process of an `exec`;
 * spec_docker_defaults does it itself. */
void spec_process_docker_defaults(struct spec_process *p);

/* Docker's defaults for a Linux container: mounts (proc, /dev on tmpfs, devpts, shm of 64 MiB,
 * mqueue, sysfs, cgroup2 read-only), devices, masked and read-only paths, the 14 default
 * capabilities, the default seccomp filter, all namespaces but user, time and (unless network_none)
 * net. Leaves args, env, cwd, user, root, hostname and cgroup alone. */
void spec_docker_defaults(struct spec *spec, bool network_none);

#endif
