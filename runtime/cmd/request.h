/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags that `run` and `create` share, and the making of the container they describe. */
#ifndef KNARR_RUNTIME_CMD_REQUEST_H
#define KNARR_RUNTIME_CMD_REQUEST_H

#include "image-tools/cmd/command.h"
#include "runtime/engine/engine.h"

/* What was typed: for the engine, and for the command itself. */
struct request {
	struct engine_request engine;
	const char *pull, *detach_keys;
	bool quiet, sig_proxy;
};

/* clang-format off */
#define REQUEST_INIT { .engine = ENGINE_REQUEST_INIT, .sig_proxy = true }
/* clang-format on */

void request_free(struct request *r);
#define autorequest __attribute__((cleanup(request_free)))

/* The table of flags for one request, with those of `run` alone or without. Ended by a NULL name; the caller frees. */
struct cli_option *request_options(struct request *r, bool run);

/* Resolves the image, merges and makes the container (locked) with its volumes, all under the store's shared lock; writes
 * --cidfile. What Docker warns of is said on stderr. *image is the caller's to free. -1 with err set and nothing left behind. */
int request_create(const struct store *st, const struct request *r, struct container *c,
		   struct image **image, struct error *err);

#endif
