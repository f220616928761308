/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags that `run` and `create` share, and the making of the container they describe. */
#ifndef KNARR_RUNTIME_CMD_REQUEST_H
#define KNARR_RUNTIME_CMD_REQUEST_H

#include "image-tools/cmd/command.h"
#include "runtime/engine.h"

/* The table of flags for one request; detach is left out for `create`. It is ended by a NULL name. The array has room for
 * REQUEST_OPTIONS elements. */
#define REQUEST_OPTIONS 20
void request_options(struct engine_request *r, bool with_detach, struct cli_option *options);

/* What --help says behind the flags. */
extern const char request_more[];

/* Resolves the image, merges and makes the container (locked), all under the store's shared lock. *image is the caller's to free. -1 with err set and
 * nothing left behind. */
int request_create(const struct store *st, const struct engine_request *r, struct container *c,
		   struct image **image, struct error *err);

#endif
