/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a container may open: cgroup v2's device controller, which is a BPF program on the
 * cgroup (cgroup-v2.rst, "Device controller"). Capabilities alone do not keep a container from the
 * host's disks, since CAP_MKNOD is among Docker's default ones: it may make the node, and the
 * filter refuses to open it.
 *
 * A program on a cgroup holds for all below it, and every one on the way up must agree. The default
 * one is on the folder of all containers, loaded once after boot, so that starting a container
 * loads none. */
#ifndef KNARR_RUNTIME_DEVICE_FILTER_H
#define KNARR_RUNTIME_DEVICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

#define DEVICE_MKNOD 1U /* BPF_DEVCG_ACC_..., of <linux/bpf.h> */
#define DEVICE_READ  2U
#define DEVICE_WRITE 4U
#define DEVICE_ALL   7U

struct device_rule {
	bool allow;
	char type;           /* 'c', 'b', or 'a' for both */
	long major, minor;   /* -1: any */
	unsigned int access; /* DEVICE_... */
};

/* Compiles and loads a program for rules, of which the last that matches decides (runtime-spec,
 * config-linux.md, "Allowed Device list"); what none matches is refused. Returns its descriptor or
 * -1 with err set. */
int device_filter_load(const struct device_rule *rules, size_t n, struct error *err);

/* Puts a loaded program on a cgroup. */
int device_filter_attach(int cgroup_fd, int program_fd, struct error *err);

/* Puts Docker's default rules on the cgroup unless a device program is there already. A kernel that
 * cannot is worth one warning, no failure. */
int device_filter_ensure(int cgroup_fd, struct error *err);

#endif
