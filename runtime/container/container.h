/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers as things that stay: a folder, a name, a lock and the files in it.
 *
 *     containers/<id>/container.json   what it was asked to be (runtime/container/config.h); makes the container exist
 *                     state.json       what it is doing (runtime/container/state.h)
 *                     log              its output (runtime/container/logfile.h)
 *                     upper/ work/     its writable layer
 *     containers/by-name/<name>        runtime/container/names.h
 *     <run>/<id>/lock                  held, as an open-file-description lock, by whoever makes, runs or removes it
 *                control               its monitor's socket (runtime/container/control.h)
 *                hostname hosts resolv.conf    mounted into it
 *                container.json state.json     those of a container with --rm
 *
 * What a reboot makes void is in memory: a file made and removed on a disk's filesystem costs a tenth of a millisecond or
 * two, and there would be seven of them to each `run --rm`.
 *
 * The lock is a container's life line: its monitor holds it as long as it lives, and gives it up whatever it dies of. A
 * container that says "running" while nobody holds its lock has lost its monitor. Whoever meets one cleans up: the
 * processes that are left are killed, the cgroup goes, and the state says exited (255), as Docker reports
 * containers that a crash of the machine has ended. With --rm it is removed. */
#ifndef KNARR_RUNTIME_CONTAINER_H
#define KNARR_RUNTIME_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/config.h"
#include "runtime/container/state.h"

#define CONTAINER_CONFIG_MAX (8U << 20) /* bytes of container.json */

/* How long a command waits for another that is at the same stopped container (a second cp, a commit). */
#define CONTAINER_PATIENCE_MS 30000

#define CONTAINER_LOST 255 /* exit code of a container whose end nobody saw */

struct container {
	struct container_config config;
	struct container_state state;
	int dirfd;     /* its folder */
	int run_dirfd; /* its volatile folder; -1 after a reboot, until container_lock makes it anew */
	int lock_fd; /* -1: we do not hold the lock */
};

#define CONTAINER_INIT \
	{ \
		.config = CONTAINER_CONFIG_INIT, .dirfd = -1, .run_dirfd = -1, .lock_fd = -1 \
	}

/* Makes the container that c->config describes and holds its lock. id is filled in, and name where it is NULL. A
 * container with auto_remove is not synced to disk: a power cut ends it anyway. -1 with err set and nothing left behind:
 * EEXIST (the name is taken), EINVAL (bad name), others of mkdir(2), write(2). */
int container_create(const struct store *st, struct container *c, struct error *err);

/* Finds a container by whole ID, by name, or by the beginning of its ID, and opens it. -1 with err set: ENOENT (`No such
 * container: x`), EINVAL (several IDs begin so). */
int container_open(const struct store *st, const char *word, struct container *c,
		   struct error *err);

/* All containers, newest first, to look at: their folders are closed again (the fds are -1), since there may be more of them
 * than descriptors. *list is freed with container_list_free. A damaged one is left out and told of by log_warn_once. */
int container_list(const struct store *st, struct container **list, size_t *n, struct error *err);
void container_list_free(struct container *list, size_t n);

/* The same for those who hold the store's lock and must not wait: nothing is cleaned up, and a container that has lost its
 * monitor is shown as exited. What cannot be read for another reason than damage fails the whole. */
int container_list_as_is(const struct store *st, struct container **list, size_t *n,
			 struct error *err);

/* Takes the lock of an open container and reads its state anew. -1 with err set: EBUSY (it runs, or another command is
 * at it), ENOENT (it has been removed meanwhile). */
int container_lock(const struct store *st, struct container *c, struct error *err);

/* The same for a command that starts or removes it: where it has ended and its monitor is not yet gone, or another command
 * is at it for a moment, that is waited for, up to CONTAINER_PATIENCE_MS. EBUSY at once where it runs. */
int container_lock_soon(const struct store *st, struct container *c, struct error *err);

/* The folder of container.json and state.json: with --rm, what no reboot is to survive. */
int container_home(const struct container *c);

/* Replaces container.json by c->config. Who changes one that exists does so by container_edit. */
int container_write_config(const struct store *st, const struct container *c, struct error *err);

/* ---- Changing what it was asked to be (container_edit.c), also while it runs: its monitor reads container.json anew
 * before it acts on it. */

/* Reads container.json of an open container anew. -1 with err set and c as it was. */
int container_reload(struct container *c, struct error *err);

/* Has change make its change to c->config, as it stands by now, and writes it; one at a time. -1 with err set: what
 * change says, ENOENT (it is gone), or others, and nothing changed. */
int container_edit(const struct store *st, struct container *c,
		   int (*change)(struct container_config *config, void *arg, struct error *err),
		   void *arg, struct error *err);

/* Gives it another name. -1 with err set: EEXIST in Docker's words when another has it, EINVAL, ENOENT. */
int container_rename(const struct store *st, struct container *c, const char *name,
		     struct error *err);

/* What both take: a lock on container.json. Returns a descriptor whose close releases it; -1: none. */
int container_config_lock(const struct container *c);

/* Replaces state.json by c->state; allocates nothing. */
int container_write_state(const struct container *c, struct error *err);

/* Reads the state of an open container anew; a lost one is cleaned up first. -1 with err set (ENOENT: it is gone). */
int container_refresh(const struct store *st, struct container *c, struct error *err);

/* Connects to the monitor of a container. -1 with err set: ESRCH (it is not running, or ends this very moment). */
int container_connect(const struct store *st, const struct container *c, struct error *err);

/* Bytes of the files in the writable layer of the container id, what Docker shows as its size; 0 before its first start. */
int container_size(const struct store *st, const char *id, uint64_t *bytes, struct error *err);

/* A pidfd of the container's first process. -1 with err set: ESRCH (it is not running), EAGAIN (it is restarting). */
int container_open_first(const struct store *st, struct container *c, struct error *err);

/* Removes the container, whose lock we hold, with all that belongs to it. */
int container_remove(const struct store *st, struct container *c, struct error *err);

/* For `knarr boot`: cleans up after lost containers as container_list does, and beyond that removes folders that never
 * became containers, or were those of --rm containers, and sets names right that a crash lost or left. */
int container_recover_all(const struct store *st, struct error *err);

/* Whether the folder id is what a dead command left of a container it made or removed; with remove, takes it away. */
bool container_is_left(const struct store *st, const char *id, bool remove);

/* Moves the folder of a container whose container.json cannot be read to quarantine. -1 with err set: it runs, or others. */
int container_condemn(const struct store *st, const char *id, const char *reason,
		      struct error *err);

/* The cgroup of a container, for cgroup_open: "knarr/<id>", or the one below its --cgroup-parent. The caller frees. NULL with
 * err set (EINVAL): that is no path. */
char *container_cgroup(const struct container_config *c, struct error *err);

void container_close(struct container *c);
#define autocontainer __attribute__((cleanup(container_close)))

#endif
