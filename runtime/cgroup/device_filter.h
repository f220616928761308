/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a container may open: cgroup v2's device controller, which is a BPF program on the
 * cgroup (cgroup-v2.rst, "Device controller"). Capabilities alone do not keep a container from the
 * host's disks, since CAP_MKNOD is among Docker's default ones: it may make the node, and the
 * filter refuses to open it.
 *
 * The default program is on the folder of all containers, loaded once after boot, so that starting a
 * container loads none. It yields (BPF_F_ALLOW_OVERRIDE) to a program further down: a container with
 * rules of its own has its own. That one does not yield: what a container attaches below it, if it can,
 * must agree with it. */
#ifndef KNARR_RUNTIME_DEVICE_FILTER_H
#define KNARR_RUNTIME_DEVICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

struct bpf_insn;

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

/* Docker's default rules, which are runc's: any node may be made; null, zero, full, random, urandom, tty, console, ptmx
 * and terminals may be opened. */
extern const struct device_rule device_rules_default[];
extern const size_t n_device_rules_default;

/* The program for rules, of which the last that matches decides (runtime-spec, config-linux.md, "Allowed Device list");
 * what none matches is refused. The caller frees; *len counts instructions. */
struct bpf_insn *device_filter_compile(const struct device_rule *rules, size_t n, size_t *len);

/* Puts a program of these rules on a cgroup, in place of the one that an earlier call put there. Returns 0, or -1 with err
 * set: ENOTSUP (this kernel takes no device filters), others of bpf(2). */
int device_filter_set(int cgroup_fd, const struct device_rule *rules, size_t n, struct error *err);

/* Puts the default rules on the folder of all containers unless a program is there already. A kernel that cannot is worth
 * one warning, no failure. */
int device_filter_ensure(int cgroup_fd, struct error *err);

/* Whether what device_filter_ensure did holds for this cgroup, further down. */
bool device_filter_holds(int cgroup_fd);

#endif
