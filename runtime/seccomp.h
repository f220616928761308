/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System-call filters. The default one stands in runtime/seccomp-default.txt (its layout is told
 * there) and becomes BPF when Knarr is built (runtime/seccomp_compile.c, for the build machine), so
 * that starting a container compiles nothing. */
#ifndef KNARR_RUNTIME_SECCOMP_H
#define KNARR_RUNTIME_SECCOMP_H

#include <linux/filter.h>

/* The filter of a container with Docker's default capabilities. Static; never freed. */
const struct sock_fprog *seccomp_default(void);

/* Puts filter on the calling process. Without no_new_privs it needs CAP_SYS_ADMIN.
 * Async-signal-safe; -1 with errno. */
int seccomp_install(const struct sock_fprog *filter);

#endif
