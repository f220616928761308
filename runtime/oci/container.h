/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container of knarr-oci between two calls, since no process of ours stays with it:
 *
 *     <root>/<id>/           0700; locked (flock(2)) by whoever makes, starts or deletes it
 *         state.json         what struct oci_container holds; replaced in one step
 *         config.json        the bundle's, as it was when the container was made
 *         start              the socket at which its process waits for `start` (sandbox_detach); goes with it
 *
 * What a container does is not written down but looked up: the process that state.json names, by its pid and the moment it
 * was started at, so that a pid's next owner is never taken for it. */
#ifndef KNARR_RUNTIME_OCI_CONTAINER_H
#define KNARR_RUNTIME_OCI_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>
#include <yyjson.h>

#include "lib/error.h"
#include "lib/str.h"
#include "runtime/spec/spec.h"

enum oci_status {
	OCI_CREATING, /* `create` is at work */
	OCI_CREATED,  /* its process waits for `start` */
	OCI_RUNNING,
	OCI_PAUSED, /* also before `start` */
	OCI_STOPPED /* also what a `create` that was killed left behind */
};

struct oci_container {
	char *id;
	int root_fd, dir_fd;        /* <root>, <root>/<id> */
	bool locked;                /* by us */
	bool made;                  /* by us: oci_container_make */
	bool creating;              /* until `create` is done */
	bool shares_pids;           /* it has no new pid namespace */
	pid_t pid;                  /* of its first process as we see it; 0: none yet */
	unsigned long long started; /* proc_pid_stat(5), starttime; with pid it names the process */
	char *bundle, *rootfs;      /* absolute */
	char *cgroup;               /* below the cgroup2 mount; never NULL once made */
	char *created;              /* RFC 3339 */
	struct strv annotations;
};

/* clang-format off */
#define OCI_CONTAINER_INIT { .root_fd = -1, .dir_fd = -1 }
/* clang-format on */

/* Closes and frees; a lock goes with it. */
void oci_container_close(struct oci_container *c);
#define autoocicontainer __attribute__((cleanup(oci_container_close)))

/* A new, locked container with an empty folder. -1 with err set: EINVAL (not an id), EEXIST (in use). */
int oci_container_make(const char *root, const char *id, struct oci_container *c,
		       struct error *err);

/* An existing one. -1 with err set: ENOENT ("container does not exist"), EINVAL. */
int oci_container_open(const char *root, const char *id, struct oci_container *c,
		       struct error *err);

/* Takes the lock and reads the state again; waits up to ten seconds for who holds it. -1 with err set: EBUSY, or as
 * oci_container_open; it is not locked then, unless its state is damaged. */
int oci_container_lock(struct oci_container *c, struct error *err);
void oci_container_unlock(struct oci_container *c);

/* Writes state.json. */
int oci_container_save(const struct oci_container *c, struct error *err);

/* Notes pid as the container's process. */
int oci_container_set_pid(struct oci_container *c, pid_t pid, struct error *err);

/* A pidfd of its process; -1 with err set: ESRCH ("container not running"). */
int oci_container_pidfd(const struct oci_container *c, struct error *err);

enum oci_status oci_container_status(const struct oci_container *c);
const char *oci_status_name(enum oci_status status);

/* The cgroup's folder; -1 when there is none. */
int oci_container_cgroup(const struct oci_container *c);

/* The state as the runtime-spec has it, for hooks and (with more of runc's members: full) `state` and `list`. */
yyjson_mut_val *oci_container_state(const struct oci_container *c, enum oci_status status,
				    bool full, yyjson_mut_doc *doc);
/* The same as text for a hook or a seccomp agent; the caller frees. */
char *oci_container_state_text(const struct oci_container *c, enum oci_status status);

/* config.json as it was kept. out must be SPEC_INIT. */
int oci_container_config(const struct oci_container *c, struct spec *out, struct error *err);

/* Kills what is left of it, removes its cgroup and its folder. Nothing of it is there any more afterwards, or -1. */
int oci_container_remove(struct oci_container *c, struct error *err);

/* The ids below root, sorted, whether damaged or not. A root that is not there holds none. */
int oci_container_list(const char *root, struct strv *ids, struct error *err);

#endif
