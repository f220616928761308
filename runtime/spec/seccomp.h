/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default system-call filter. It stands in runtime/spec/seccomp-default.txt (its layout is told there) and becomes BPF when Knarr
 * is built (runtime/spec/seccomp_compile.c, for the build machine), so that starting a container compiles nothing. Profiles that
 * people bring: runtime/spec/seccomp_profile.h. */
#ifndef KNARR_RUNTIME_SECCOMP_H
#define KNARR_RUNTIME_SECCOMP_H

#include <linux/filter.h>
#include <stdint.h>

/* The filter of a container with Docker's default capabilities. Static; never freed. */
const struct sock_fprog *seccomp_default(void);

/* The default filter of a container with these capabilities (its bounding set: 1 << CAP_...), as Docker's profile has it:
 * CAP_SYS_ADMIN adds mount, unshare, setns and others, CAP_SYS_MODULE init_module. Never freed: it lives as long as the process,
 * and is the same for sets that come to the same. */
const struct sock_fprog *seccomp_default_for(uint64_t capabilities);

/* Puts filter on the calling process. Without no_new_privs it needs CAP_SYS_ADMIN.
 * Async-signal-safe; -1 with errno. */
int seccomp_install(const struct sock_fprog *filter);

#endif
