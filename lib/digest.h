/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 digests, the only algorithm Knarr writes (OCI image-spec, descriptor.md: "sha256" is the one every
 * implementation must have). The hash runs on the CPU's own SHA instructions where it has them (x86 SHA-NI), else in
 * portable C (BearSSL's). */
#ifndef KNARR_LIB_DIGEST_H
#define KNARR_LIB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define DIGEST_SIZE     32
#define DIGEST_HEX_MAX  65 /* 64 digits and a NUL */
#define DIGEST_TEXT_MAX 72 /* "sha256:", 64 digits and a NUL */

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

struct sha256 {
	uint32_t state[8];
	uint64_t length; /* bytes so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, struct digest *out);

/* Makes every hash of this process take the portable path, or again what the CPU has; for tests and benches. */
void sha256_use_portable(bool portable);

/* The digest of one piece of memory. */
void digest_of(const void *data, size_t len, struct digest *out);

bool digest_equal(const struct digest *a, const struct digest *b);
/* Whether it is all zeros, which no content is known to hash to: "none". */
bool digest_is_zero(const struct digest *d);

/* 64 lower-case hexadecimal digits; returns buf. */
const char *digest_hex(const struct digest *d, char buf[DIGEST_HEX_MAX]);
/* "sha256:" and the digits; returns buf. */
const char *digest_text(const struct digest *d, char buf[DIGEST_TEXT_MAX]);

/* Parses exactly 64 lower-case digits. Returns 0 or -1. */
int digest_from_hex(const char *hex, struct digest *out);
/* Parses "sha256:<64 digits>". Returns 0, or -1 with err set (EINVAL; another algorithm is named in the message). */
int digest_from_text(const char *text, struct digest *out, struct error *err);

#endif
