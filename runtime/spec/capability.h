/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities by name and as bits (capabilities(7)), and giving a process its five sets. A set is
 * a mask of 1 << CAP_X. */
#ifndef KNARR_RUNTIME_CAPABILITY_H
#define KNARR_RUNTIME_CAPABILITY_H

#include <stdint.h>

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* Docker's 14 for a container that asks for nothing else: 0xa80425fb. */
#define CAPABILITY_DOCKER_DEFAULT UINT64_C(0xa80425fb)

/* The bit number of "CAP_CHOWN", "chown" or "Cap_Chown"; -1: no such capability. */
int capability_from_name(const char *name);
/* "CAP_CHOWN", or NULL for a number Knarr knows no name of. */
const char *capability_name(int number);

/* All that the running kernel knows (/proc/sys/kernel/cap_last_cap). */
uint64_t capability_all(void);

/* All that the calling process may hand on: what it is permitted. */
uint64_t capability_own(void);

/* What --cap-add and --cap-drop make of base: drops first, then adds, ALL in either; an unknown
 * name is an error in Docker's words. add and drop may be NULL. */
int capability_apply_flags(uint64_t base, const struct strv *add, const struct strv *drop,
			   uint64_t *out, struct error *err);

/* Below: between clone and exec (async-signal-safe, plain system calls), -1 with errno. */

/* Takes everything outside keep out of the bounding set; all is capability_all() as the parent
 * found it. */
int capability_drop_bounding(uint64_t keep, uint64_t all);
/* Sets permitted, effective, inheritable; then ambient (whose bits must be in the other three). */
int capability_set(const struct spec_capabilities *sets);

#endif
