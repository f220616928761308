/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limits that people type: -m, --cpus, --pids-limit and kin of `run`, `create` and `update`, in Docker's words, with its
 * rules and its messages. What comes out is runtime/spec/resources.h's. */
#ifndef KNARR_RUNTIME_LIMITS_H
#define KNARR_RUNTIME_LIMITS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "runtime/spec/resources.h"

#define LIMIT_UNTYPED LONG_MIN

/* As typed; NULL, LIMIT_UNTYPED: not given. */
struct limit_words {
	const char *memory, *memory_swap, *memory_reservation, *cpus, *cpuset_cpus, *cpuset_mems;
	long cpu_shares, cpu_period, cpu_quota, pids, blkio_weight;
};

/* clang-format off */
#define LIMIT_WORDS_INIT { \
	.cpu_shares = LIMIT_UNTYPED, .cpu_period = LIMIT_UNTYPED, .cpu_quota = LIMIT_UNTYPED, \
	.pids = LIMIT_UNTYPED, .blkio_weight = LIMIT_UNTYPED }

/* Their entries in a table of struct cli_option (lib/cli.h), w being a struct limit_words. */
#define LIMIT_OPTIONS(w) \
	{ "blkio-weight", 0, CLI_INT, &(w).blkio_weight, "uint16", \
	  "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)" }, \
	{ "cpu-period", 0, CLI_INT, &(w).cpu_period, "int", "Limit CPU CFS (Completely Fair Scheduler) period" }, \
	{ "cpu-quota", 0, CLI_INT, &(w).cpu_quota, "int", "Limit CPU CFS (Completely Fair Scheduler) quota" }, \
	{ "cpu-shares", 'c', CLI_INT, &(w).cpu_shares, "int", "CPU shares (relative weight)" }, \
	{ "cpus", 0, CLI_STRING, &(w).cpus, "decimal", "Number of CPUs" }, \
	{ "cpuset-cpus", 0, CLI_STRING, &(w).cpuset_cpus, "string", "CPUs in which to allow execution (0-3, 0,1)" }, \
	{ "cpuset-mems", 0, CLI_STRING, &(w).cpuset_mems, "string", "MEMs in which to allow execution (0-3, 0,1)" }, \
	{ "memory", 'm', CLI_STRING, &(w).memory, "bytes", "Memory limit" }, \
	{ "memory-reservation", 0, CLI_STRING, &(w).memory_reservation, "bytes", "Memory soft limit" }, \
	{ "memory-swap", 0, CLI_STRING, &(w).memory_swap, "bytes", \
	  "Swap limit equal to memory plus swap: '-1' to enable unlimited swap" }, \
	{ "pids-limit", 0, CLI_INT, &(w).pids, "int", "Tune container pids limit (set -1 for unlimited)" }
/* clang-format on */

/* Reads the words into r and *nano_cpus, leaving alone what was not typed; a limit of 0 is none, as with Docker. A quota for
 * --cpus is in r. -1 with err set, EINVAL and status 125: `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`. */
int limits_parse(const struct limit_words *w, struct resources *r, int64_t *nano_cpus,
		 struct error *err);

/* Docker's checks of a new container's limits, and what it adds: swap of the size of the memory. -1 with err set, EINVAL:
 * "Minimum memory limit allowed is 6MB". */
int limits_check_new(struct resources *r, int64_t nano_cpus, struct error *err);

/* The same for a change (`update`), and the change made: in r and *nano_cpus, which hold what the container has. */
int limits_update(struct resources *r, int64_t *nano_cpus, struct resources *change,
		  int64_t change_cpus, struct error *err);

#endif
