/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a cgroup has used and may use: the figures behind `knarr stats` and `knarr-oci events`. Read from the control files
 * of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst), with nothing kept open. */
#ifndef KNARR_RUNTIME_CGROUP_STATS_H
#define KNARR_RUNTIME_CGROUP_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define CGROUP_NO_LIMIT UINT64_MAX

/* A block device that the cgroup has used. */
struct cgroup_io {
	uint32_t major, minor;
	uint64_t read_bytes, write_bytes, read_ops, write_ops;
};

struct cgroup_hugetlb {
	char page_size[16]; /* "2MB" */
	uint64_t usage;     /* bytes */
	uint64_t limit;     /* bytes; CGROUP_NO_LIMIT */
	uint64_t failures;  /* how often the limit was met */
};

/* A line of memory.stat: its name and bytes (or a count). */
struct cgroup_memory_line {
	char name[32];
	uint64_t value;
};

struct cgroup_stats {
	/* Microseconds of CPU time; counted by every cgroup. */
	uint64_t cpu_usage, cpu_user, cpu_system;
	/* By cpu.max, where there is a cpu controller: periods, those in which it was held up, and for how long. */
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled;

	bool has_memory; /* the cgroup has a memory controller; else all of these are 0 */
	uint64_t memory, memory_peak, memory_limit; /* bytes; the limit may be CGROUP_NO_LIMIT */
	uint64_t swap, swap_limit;
	uint64_t
		memory_inactive_file; /* cache that would go first: Docker takes it from what is used */
	uint64_t oom_events, oom_kills, max_events; /* memory.events */
	struct cgroup_memory_line *memory_lines;    /* memory.stat as it is */
	size_t n_memory_lines;

	bool has_pids; /* else pids counts the processes, and there is no limit */
	uint64_t pids, pids_limit;

	bool has_io;
	struct cgroup_io *io;
	size_t n_io;

	struct cgroup_hugetlb *hugetlb;
	size_t n_hugetlb;
};

#define CGROUP_STATS_INIT \
	{ \
		0 \
	}

/* Fills *out, which the caller frees. What has no controller is 0. Returns 0, or -1 with err set: ENODEV (the cgroup has
 * gone, or cgroup_fd is -1). */
int cgroup_stats_read(int cgroup_fd, struct cgroup_stats *out, struct error *err);

/* How often the kernel has killed for memory in the cgroup and below; 0 without a memory controller. Allocates nothing. */
uint64_t cgroup_oom_kills(int cgroup_fd);

void cgroup_stats_free(struct cgroup_stats *s);
#define autocgroupstats __attribute__((cleanup(cgroup_stats_free)))

#endif
