/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mounts of a specification: for runtime/sandbox/rootfs.c alone.
 *
 * All are made detached before any is attached. The parent makes those that the child may not: sources of binds that are
 * descriptors, have a map of IDs or go to a user namespace; filesystems of a namespace that is the machine's, for a user
 * namespace that is not. The child makes the others in its own namespaces, while its copy of the machine's tree still
 * stands: names of sources and block devices mean the machine's, and the kernel gives a user namespace a procfs only where
 * it sees one whole. Mount points are looked up from the root's descriptor, never as text, made where missing, and never
 * in procfs. */
#ifndef KNARR_RUNTIME_MOUNTS_H
#define KNARR_RUNTIME_MOUNTS_H

#include "lib/error.h"
#include "runtime/sandbox/rootfs.h"

/* Parent: fills plan->mount_fds, of which each is a detached mount or -1. They are the plan's, whatever comes back. */
int mounts_prepare(struct sandbox_plan *plan, struct error *err);

/* Parent, with spec->ordered_mounts: the detached mount of the bind i, when the child asks for it. -1 with err set. */
int mounts_bind(const struct spec *spec, size_t i, struct error *err);

/* Child, each -1 after sandbox_fault. Creates what the parent did not, in order; before the mounts of the machine, of which we
 * have a copy, are made private. */
int mounts_create(struct sandbox_plan *plan);

/* Attaches all in order, with mount points and contents; fds then holds the first procfs and devpts among them. One that goes
 * over the root becomes the root (plan->root_fd, fds->root). */
int mounts_make(struct sandbox_plan *plan, struct rootfs_fds *fds);

/* Makes read-only what is to be so, but had to have mount points made in it: a tmpfs. */
int mounts_seal(struct sandbox_plan *plan);

/* A new filesystem as a detached mount, with attributes; -1 with errno, and in why, if it has room, what the kernel says
 * about it, or nothing. Async-signal-safe. */
int mounts_filesystem(const struct spec_mount *m, uint64_t attributes, char *why, size_t size);

/* Whether at may be covered by a mount that destination was to lead to: not below procfs, where programs, and whoever
 * execs into the container, trust what they find (CVE-2019-16884, CVE-2025-52881), but for files of figures that lxcfs
 * and its like replace. */
bool mounts_may_cover(int at, const char *destination);

/* Whether the container has a namespace of this type (CLONE_NEW...) that is not the machine's. */
bool mounts_own_namespace(const struct spec *spec, uint64_t type);

#endif
