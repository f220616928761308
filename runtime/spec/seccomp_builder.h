/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BPF program for seccomp(2) from rules that stand in no file of ours, by libseccomp. */
#ifndef KNARR_RUNTIME_SECCOMP_BUILDER_H
#define KNARR_RUNTIME_SECCOMP_BUILDER_H

#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define SECCOMP_ARCHES_MAX 16
#define SECCOMP_RULES_MAX \
	4096 /* with a condition each, they fill the longest program that the kernel takes */

/* A filter for each architecture, put together at the end: libseccomp takes twice as long for one of all. */
struct seccomp_builder {
	struct seccomp_arch {
		uint32_t token; /* SCMP_ARCH_... */
		scmp_filter_ctx ctx;
		int newest; /* the highest number that a rule names; -1: none */
	} arches[SECCOMP_ARCHES_MAX];
	size_t n_arches;
	uint32_t default_action; /* SCMP_ACT_... */
	size_t n_rules;
};

/* A filter of the machine's own architecture that does default_action with every call. 0, or -1 with err set. */
int seccomp_builder_start(struct seccomp_builder *b, uint32_t default_action, struct error *err);

/* arch: SCMP_ARCH_... -1 with err set: EINVAL, one that cannot be filtered along with the machine's own. */
int seccomp_builder_add_arch(struct seccomp_builder *b, uint32_t arch, struct error *err);

/* What becomes of a call whose arguments meet all of n conditions; of several rules for one call the one is taken that
 * libseccomp takes. Conditions on one and the same argument count as rules of their own, as with runc, for libseccomp takes
 * one for each. A call that libseccomp does not know is passed over. Architectures must have been added before. 0, or -1 with
 * err set. */
int seccomp_builder_add_rule(struct seccomp_builder *b, uint32_t action, const char *call,
			     const struct scmp_arg_cmp *conditions, unsigned int n,
			     struct error *err);

/* The program; its instructions are the caller's. A call newer than all that an architecture's rules name fails with ENOSYS
 * where the default would be to fail or kill: programs then do as on an older kernel, where they would take EPERM for the
 * truth. runc does the same, and for the same reason. */
int seccomp_builder_finish(struct seccomp_builder *b, struct sock_fprog *out, struct error *err);

void seccomp_builder_free(struct seccomp_builder *b);

#endif
