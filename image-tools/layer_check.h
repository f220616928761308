/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a layer still is what came in: its tar is hashed, its index and its record are made anew and compared. The tar is
 * the layer; the other two are functions of it and can be had again as long as it is sound. */
#ifndef KNARR_IMAGE_TOOLS_LAYER_CHECK_H
#define KNARR_IMAGE_TOOLS_LAYER_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image-tools/layer.h"
#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct layer_verdict {
	struct layer_info info;      /* of a sound tar: as it gives it */
	char tar[ERROR_MESSAGE_MAX]; /* what is wrong with the tar ("its tar is missing"), or "" */
	char index[128]; /* with the index, or ""; both empty where the tar is not sound */
	char record[128];
	uint64_t tar_size; /* bytes there are */
	dev_t device;      /* the very file that was looked at */
	ino_t inode;
};

/* Checks one layer, with no lock held. done, which may be NULL, grows by the bytes read. Returns 0, or -1 with err set
 * when it could not be looked at for a reason that is no damage (no memory, no room for an index). */
int layer_check(const struct store *st, const struct digest *diffid, _Atomic uint64_t *done,
		struct layer_verdict *out, struct error *err);

/* Whether the tar in the store still is the one that was judged (there was none: that there still is none). */
bool layer_is_as_judged(const struct store *st, const struct layer_verdict *v);

/* The next two take the store's exclusive lock for a moment. Where the layer is no longer the one that was judged (removed,
 * replaced meanwhile) they do nothing. Puts a new index and record beside a sound tar. */
int layer_mend(const struct store *st, const struct layer_verdict *v, struct error *err);

/* Takes a layer with a damaged tar out of the store and puts its tar, if there is one, into quarantine with the reason.
 * Containers that run on it go on; none is started on it any more. */
int layer_condemn(const struct store *st, const struct layer_verdict *v, struct error *err);

#endif
