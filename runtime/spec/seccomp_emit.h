/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF program of the default seccomp profile for a container's capabilities. The rules are made into a table when Knarr is
 * built (runtime/spec/seccomp_compile.c), and so is the program for the default capabilities; for others it is written here, in some
 * ten microseconds. Part of the program and of its build tool: this file needs nothing else of Knarr. */
#ifndef KNARR_RUNTIME_SECCOMP_EMIT_H
#define KNARR_RUNTIME_SECCOMP_EMIT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_CODE_MAX        BPF_MAXINSNS
#define SECCOMP_TABLE_RULES_MAX 63

/* What becomes of the calls that it is for, in containers that have all capabilities of with and none of without
 * (1 << CAP_...). */
struct seccomp_rule {
	uint32_t verdict; /* SECCOMP_RET_... */
	uint64_t with, without;

	/* If conditional: only where argument arg, an int, is so when masked. */
	bool conditional;
	char comparison; /* '<', '>', '=' */
	uint32_t arg, mask, value;
};

/* The calls from a number to the next range's first: the rules for them as bits. Of several any that allows is enough; none:
 * EPERM. */
struct seccomp_range {
	uint32_t first;
	uint64_t rules;
};

struct seccomp_calls {
	const struct seccomp_range *ranges; /* the first begins with 0 */
	size_t n;
	uint32_t newest; /* a call beyond fails with ENOSYS */
};

struct seccomp_table {
	const struct seccomp_rule *rules;
	size_t n_rules; /* at most SECCOMP_TABLE_RULES_MAX */
	struct seccomp_calls x86_64, i386;
};

/* Writes the program to code, which has room for SECCOMP_CODE_MAX instructions, and gives their number; 0: no room. */
size_t seccomp_emit(const struct seccomp_table *t, uint64_t capabilities, struct sock_filter *code);

#endif
