/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The namespaces of a container's process: which are made by the clone, which are joined and when, the ID maps of a new user
 * namespace, the offsets of a new time namespace. For runtime/sandbox*.c and exec.c.
 *
 * Who joins a namespace needs rights over the user namespace that owns it, and what a process makes is owned by the user
 * namespace it is in. So the others are joined first, with all rights, and a user namespace last; and where new ones are
 * to be owned by a user namespace, joined or new, while others are joined, the child goes ahead in two stages: the first
 * joins and clones the second, which becomes the parent's own child (CLONE_PARENT). A pid namespace is joined by the
 * parent for the moment of the clone, for it only says where the next children are born. */
#ifndef KNARR_RUNTIME_NAMESPACES_H
#define KNARR_RUNTIME_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"
#include "runtime/spec/spec.h"

#define NAMESPACE_TYPES 8

struct namespace_plan {
	struct {
		uint64_t type;
		int fd;
	} joins[NAMESPACE_TYPES]; /* the user namespace last; without the pid namespace */
	size_t n_joins;
	int pid_fd;           /* the pid namespace to join, or -1 */
	uint64_t clone_flags; /* CLONE_NEW... for the clone that makes the child */
	uint64_t unshared;    /* CLONE_NEWCGROUP, CLONE_NEWTIME: made by the child itself */
	bool two_stages;
	bool user; /* the child ends in another user namespace than ours, and becomes its root */
	bool has_offsets; /* the parent writes them when the time namespace stands */
};

#define NAMESPACE_PLAN_INIT \
	{ \
		.pid_fd = -1 \
	}

/* Parent: opens what spec joins and sorts it. -1 with err set: EINVAL for what is no namespace of its type, a type twice, a
 * user namespace without maps. Released in any case. */
int namespaces_prepare(const struct spec *spec, struct namespace_plan *plan, struct error *err);
void namespaces_release(struct namespace_plan *plan);

/* Parent: makes the pid namespace behind fd the one of the next children, and our own again; *own is -1 at first. */
int namespaces_enter_pid(int fd, int *own, struct error *err);
int namespaces_leave_pid(int *own, struct error *err);

/* Parent: ID maps and time offsets of the waiting process. */
int namespaces_write_maps(pid_t pid, const struct spec *spec, struct error *err);
int namespaces_write_offsets(pid_t pid, const struct spec *spec, struct error *err);

/* What the machine calls the container's ID: id itself where no mapping has it. */
uint32_t namespaces_outside_id(const struct spec_mapping *maps, size_t n, uint32_t id);

/* Parent, exec: the flags for setns(2) on a pidfd of process pid: all namespaces but the pid namespace, those of mount, user
 * and time only where they are not ours (joining one's own user namespace is an error, and one's own mount namespace leads
 * to the machine's root). In *user whether that is among them.
 * Whoever calls makes sure afterwards that pid still was that process. -1 with err set. */
int namespaces_of(pid_t pid, uint64_t *flags, bool *user, struct error *err);

/* Whether the namespace of that type behind fd is the one that we are in. */
bool namespace_is_own(uint64_t type, int fd);

/* The name of a type, as in config.json: "network" for CLONE_NEWNET. */
const char *namespace_name(uint64_t type);
/* As below /proc/<pid>/ns: "net". */
const char *namespace_file(uint64_t type);

#endif
