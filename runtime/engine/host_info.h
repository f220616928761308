/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine and the store in figures, for `info` and `version`. */
#ifndef KNARR_RUNTIME_HOST_INFO_H
#define KNARR_RUNTIME_HOST_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"

struct host_info {
	size_t running, paused, stopped; /* containers; one that waits for its restart runs */
	size_t images;
	const char
		*filesystem; /* the store's, in Docker's names: "extfs", "xfs", ... "<unknown>" */
	char *kernel, *system, *name,
		*architecture; /* "6.12.1", "Debian GNU/Linux 12 (bookworm)", hostname, "x86_64" */
	long cpus;
	uint64_t memory;                                        /* bytes */
	bool cgroup;                                            /* there is a cgroup2 mount */
	bool has_memory, has_cpu, has_cpuset, has_pids, has_io; /* its controllers */
	bool ipv4_forwarding;
	struct strv warnings; /* Docker's: "WARNING: No memory limit support" */
};

#define HOST_INFO_INIT \
	{ \
		0 \
	}

/* -1 with err set where the store cannot be read; what the machine does not tell is empty. */
int host_info_read(const struct store *st, struct host_info *out, struct error *err);
void host_info_free(struct host_info *h);
#define autohostinfo __attribute__((cleanup(host_info_free)))

#endif
