/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seccomp profiles that people bring: the linux.seccomp object of the OCI runtime-spec, and Docker's own form of it
 * (`--security-opt seccomp=FILE`), whose rules may depend on the container's capabilities, the architecture and the kernel.
 * libseccomp makes a BPF program of them. The default profile is no matter of this file: runtime/seccomp.h. */
#ifndef KNARR_RUNTIME_SECCOMP_PROFILE_H
#define KNARR_RUNTIME_SECCOMP_PROFILE_H

#include <stdint.h>
#include <yyjson.h>

#include "lib/error.h"
#include "runtime/spec.h"

/* A profile in Docker's JSON, for a container with these capabilities (its bounding set: 1 << CAP_...). *out is a new filter
 * that spec_process_free releases. 0, or -1 with err set: EINVAL, naming the member that is wrong. */
int seccomp_profile_compile(const char *json, size_t len, uint64_t capabilities, struct spec_seccomp **out,
			    struct error *err);

/* The same for linux.seccomp. path is what stands before a member's name in messages: "linux.seccomp". */
int seccomp_profile_compile_oci(yyjson_val *seccomp, const char *path, struct spec_seccomp **out, struct error *err);

void seccomp_profile_free(struct spec_seccomp *s);

#endif
