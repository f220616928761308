/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's files as one descriptor, for commands that look into it or write to it from outside (cp, export).
 *
 * The descriptor is a detached mount: it stands in no mount table, neither the machine's nor the container's, goes with
 * the process that holds it, whatever that dies of, and devices, set-uid bits and programs on it mean nothing to the
 * kernel. Everything below it is found with fs_open_in_root, so that links lead where they lead in the container.
 *
 * Running: a copy of the container's mounts, taken from its mount namespace, which is found through a pidfd of its first
 * process. What a hostile container mounts, moves or unmounts afterwards changes nothing here; nor does a chroot of its
 * first process. The files themselves are the living ones. To take the copy a child of ours enters the namespace for
 * two system calls: nothing of the container's is loaded or executed (CVE-2019-14271).
 *
 * Not running: its layers under its writable one, as its monitor would mount them, with its volumes and bind mounts. Its
 * lock is held meanwhile, so that it is neither started nor removed.
 *
 * So VIEW_READ and VIEW_WRITE see volumes, as Docker's cp does, and in a running container what its own processes see:
 * where Docker's sees what lies below them, also tmpfs mounts such as /dev/shm, and /etc/hosts and its kin, which the engine
 * mounts; of /proc and /sys see view_is_pseudo. VIEW_LAYERS sees what its layers hold, without anything that
 * is mounted over them, as Docker's export does. */
#ifndef KNARR_RUNTIME_VIEW_H
#define KNARR_RUNTIME_VIEW_H

#include <stdbool.h>

#include "image-tools/layer.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/container/container.h"

enum view_access {
	VIEW_LAYERS, /* to read */
	VIEW_READ,
	VIEW_WRITE
};

struct container_view {
	int root_fd; /* the root folder, for fs_open_in_root */
	int userns_fd; /* a running container's user namespace, for runtime/sandbox/inside.h; -1: the machine's own */
	struct container *locked; /* whose lock the view holds, or NULL: it runs */
	struct layer_hold hold;
};

#define CONTAINER_VIEW_INIT \
	{ \
		.root_fd = -1, .userns_fd = -1 \
	}

/* Opens a view of an open container, which must outlive it. Waits some seconds for a container that another command is
 * at. -1 with err set: EBUSY, ENOENT (removed meanwhile), EROFS (VIEW_WRITE: it was made with --read-only), others of
 * mount(2). */
int container_view_open(const struct store *st, struct container *c, enum view_access access,
			struct container_view *view, struct error *err);

void container_view_close(struct container_view *view);
#define autoview __attribute__((cleanup(container_view_close)))

/* The mount that the running container behind pidfd has at path, alone, as a detached one: what is written there is seen by
 * both. path is absolute and has no links in it. -1 with err set. */
int view_clone_mount(int pidfd, const char *path, struct error *err);

/* Whether fd is on a filesystem of the kernel's own making (procfs, sysfs, cgroups, ...): no copy descends into one. */
bool view_is_pseudo(int fd);

#endif
