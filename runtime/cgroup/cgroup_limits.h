/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resources of the runtime-spec, which thinks in cgroup v1's terms, as settings of cgroup v2: which file gets which text. The
 * formulas are those of runc and crun, so that a container is limited here as it is there. Pure: cgroup_apply
 * (runtime/cgroup/cgroup.h) writes the files. */
#ifndef KNARR_RUNTIME_CGROUP_LIMITS_H
#define KNARR_RUNTIME_CGROUP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "runtime/spec/resources.h"

struct cgroup_setting {
	const char *controller; /* "memory"; NULL with a file of r->unified: its name says */
	char *file, *value;
	bool may_lack;    /* a file that the kernel does not have is no failure */
	char *else_value; /* NULL, or what io.weight gets where file does not exist */
};

struct cgroup_settings {
	struct cgroup_setting *items;
	size_t n;
};

/* cpu.shares 2-262144 to cpu.weight 1-10000: 1024, which everybody has, is 100, which everybody has. */
uint64_t cgroup_cpu_weight(uint64_t shares);

/* blkio.weight 10-1000 to io.weight 1-10000, in a straight line. */
uint64_t cgroup_io_weight(uint64_t weight);

/* The settings for r, in the order in which they are to be written. Returns 0, or -1 with err set (EINVAL) and nothing in
 * *out: values that cannot be translated. */
int cgroup_settings(const struct resources *r, struct cgroup_settings *out, struct error *err);

void cgroup_settings_free(struct cgroup_settings *s);
#define autosettings __attribute__((cleanup(cgroup_settings_free)))

#endif
