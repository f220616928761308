/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a container may use of the machine: the linux.resources of the OCI runtime-spec (version 1.2), in its names and units.
 * `knarr-oci` fills it from config.json and `update --resources`; the engine from the flags of `run`, `create` and `update`;
 * runtime/cgroup/cgroup.h makes it real under cgroup v2. A struct resources owns all it points to. */
#ifndef KNARR_RUNTIME_RESOURCES_H
#define KNARR_RUNTIME_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/str.h"

#define RESOURCE_UNSET     INT64_MIN /* not asked for: what the cgroup has stays */
#define RESOURCE_UNLIMITED INT64_C(-1)

/* A rule for device nodes; later rules win, as in the specification. */
struct resource_device {
	bool allow;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

/* A block device with a weight (10-1000, as blkio counts) or with a limit (bytes or operations a second). */
struct resource_block {
	uint32_t major, minor;
	uint64_t value;
};

struct resource_blocks {
	struct resource_block *items;
	size_t n;
};

struct resource_hugetlb {
	char *page_size; /* "2MB" */
	uint64_t limit;  /* bytes */
};

struct resources {
	/* Bytes; RESOURCE_UNSET, RESOURCE_UNLIMITED. memory_swap counts memory and swap together, as in the specification. */
	int64_t memory, memory_swap, memory_reservation;
	bool memory_check_before_update;

	int64_t cpu_shares;                       /* 2-262144 */
	int64_t cpu_quota, cpu_period, cpu_burst; /* microseconds */
	int64_t cpu_idle;                         /* 0, 1 */
	char *cpuset_cpus, *cpuset_mems;          /* "0-3,7"; NULL: unset */
	int64_t pids;

	int64_t blkio_weight; /* 10-1000 */
	struct resource_blocks weight_devices, read_bps, write_bps, read_iops, write_iops;

	struct resource_hugetlb *hugetlb;
	size_t n_hugetlb;
	struct strv
		unified; /* "memory.high=1000000": file of the cgroup, and what is written there */

	/* Empty with devices_set false: Docker's default rules. */
	struct resource_device *devices;
	size_t n_devices;
	bool devices_set;
};

/* clang-format off */
#define RESOURCES_INIT { \
	.memory = RESOURCE_UNSET, .memory_swap = RESOURCE_UNSET, .memory_reservation = RESOURCE_UNSET, \
	.cpu_shares = RESOURCE_UNSET, .cpu_quota = RESOURCE_UNSET, .cpu_period = RESOURCE_UNSET, \
	.cpu_burst = RESOURCE_UNSET, .cpu_idle = RESOURCE_UNSET, .pids = RESOURCE_UNSET, \
	.blkio_weight = RESOURCE_UNSET }
/* clang-format on */

void resources_free(struct resources *r);
#define autoresources __attribute__((cleanup(resources_free)))

void resources_add_block(struct resource_blocks *list, uint32_t major, uint32_t minor,
			 uint64_t value);
struct resource_device *resources_add_device(struct resources *r);

/* Replaces in r what change sets (`update`). */
void resources_merge(struct resources *r, const struct resources *change);

/* Values that make no sense together or alone (swap below memory, a period out of 1000-1000000, cpusets that are no lists).
 * 0, or -1 with err set: EINVAL, in words for a person, naming the field as the specification does. */
int resources_check(const struct resources *r, struct error *err);

#endif
