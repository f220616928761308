/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys that detach a person from a container that goes on: --detach-keys, ctrl-p ctrl-q unless told otherwise. */
#ifndef KNARR_RUNTIME_DETACH_KEYS_H
#define KNARR_RUNTIME_DETACH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

#define DETACH_KEYS_MAX 16

/* A sequence, and how much of it was typed: that is held back until the next key tells what it was. */
struct detach_keys {
	unsigned char keys[DETACH_KEYS_MAX];
	size_t n; /* 0: nothing detaches */
	size_t held;
};

/* The default. */
/* clang-format off */
#define DETACH_KEYS_INIT { .keys = { 'p' & 0x1f, 'q' & 0x1f }, .n = 2 }
/* clang-format on */

/* Parses Docker's notation: keys with commas between them, each a character or ctrl- and one of a-z @ [ \ ] ^ _. Empty or
 * NULL text is the default. -1 with err set: EINVAL, in Docker's words. */
int detach_keys_parse(const char *text, struct detach_keys *out, struct error *err);

/* Filters the n bytes of in to out, which has room for n + DETACH_KEYS_MAX. Returns the bytes in out; *detached becomes true
 * at the sequence, and what follows it is dropped. */
size_t detach_keys_filter(struct detach_keys *k, const char *in, size_t n, char *out,
			  bool *detached);

#endif
