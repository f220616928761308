/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp profiles that people bring: the linux.seccomp object of the OCI runtime-spec, and Docker's own form of it
 * (`--security-opt seccomp=FILE`), whose rules may depend on the container's capabilities, the architecture and the kernel.
 * libseccomp makes a BPF program of them. The default profile is no matter of this file: runtime/spec/seccomp.h. */
#ifndef KNARR_RUNTIME_SECCOMP_PROFILE_H
#define KNARR_RUNTIME_SECCOMP_PROFILE_H

#include <stdint.h>

#include "lib/error.h"
#include "lib/json_path.h"
#include "runtime/spec/spec.h"

/* Conditions of one rule: each of six arguments from two sides. */
#define SECCOMP_CONDITIONS_MAX 12

/* A profile in Docker's JSON, for a container with these capabilities (its bounding set: 1 << CAP_...). *out is a new filter
 * (with a listener_path SECCOMP_FILTER_FLAG_NEW_LISTENER is among its flags) that spec_process_free releases. 0, or -1 with err set: EINVAL, naming the member that is wrong. */
int seccomp_profile_compile(const char *json, size_t len, uint64_t capabilities,
			    struct spec_seccomp **out, struct error *err);

/* Whether a profile would be compiled, but for the length of its program: a tenth of the work. 0, or -1 with err set. */
int seccomp_profile_check(const char *json, size_t len, uint64_t capabilities, struct error *err);

/* The same as seccomp_profile_compile for linux.seccomp, an object of a config.json. */
int seccomp_profile_compile_oci(const struct json_at *seccomp, struct spec_seccomp **out,
				struct error *err);

/* The words that profiles are made of, for `features`: the one at place i; NULL behind the last. */
enum seccomp_vocabulary { SECCOMP_ACTIONS, SECCOMP_ARCHES, SECCOMP_OPERATORS, SECCOMP_FLAGS };
const char *seccomp_profile_word(enum seccomp_vocabulary v, size_t i);

void seccomp_profile_free(struct spec_seccomp *s);

#endif
