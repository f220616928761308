/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that libseccomp made of profiles, kept until the machine goes down: a profile of Docker's size takes it some ten
 * milliseconds, as long as the rest of a container's start, and the same few profiles come again and again (`exec` needs its
 * container's once more). A file a program, named for what it was made of, in a folder of root's alone. What cannot be kept
 * or read is made anew; nothing fails for it. */
#ifndef KNARR_RUNTIME_SECCOMP_CACHE_H
#define KNARR_RUNTIME_SECCOMP_CACHE_H

#include <linux/filter.h>
#include <stdbool.h>

#include "lib/digest.h"

#define SECCOMP_CACHE "/run/knarr-seccomp"

/* From here on programs are kept in dir (made when first needed; an absolute path that must last). NULL, as at first: nowhere. */
void seccomp_cache_use(const char *dir);
bool seccomp_cache_used(void);

/* The program kept for key, whose instructions are the caller's then. False: none. */
bool seccomp_cache_get(const struct digest *key, struct sock_fprog *out);

void seccomp_cache_put(const struct digest *key, const struct sock_fprog *program);

#endif
