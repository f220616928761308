/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer is its uncompressed tar, named by its SHA-256 (the OCI image-spec's DiffID), mounted in place: beside the tar
 * stands an EROFS index that the kernel mounts together with it. Three files, the last of which makes the layer exist:
 *
 *     <diffid>.tar    the tar as it came in, bit for bit
 *     <diffid>.erofs  the index (image-tools/index.h)
 *     <diffid>.json   {"tarSize","size","entries","indexed", "blobs":[{"mediaType","digest","size"}]}
 *
 * A layer is written as unnamed files (O_TMPFILE) that are linked in when whole and synced: a kill or a power cut leaves
 * nothing. Between sealing and publishing a layer is finished but not in the store: who loads an image seals all its
 * layers, checks the whole, and publishes it at once (image-tools/addition.h). */
#ifndef KNARR_IMAGE_TOOLS_LAYER_H
#define KNARR_IMAGE_TOOLS_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"

struct layer_info {
	struct digest diffid;
	uint64_t tar_size; /* bytes of the tar */
	uint64_t size; /* bytes of the regular files it adds, what Docker shows as a layer's size */
	uint64_t entries;
	bool indexed; /* all data is the tar's own; false: some of sparse files was copied into .erofs */
};

/* ---- Writing. One writer at a time per handle; several writers at once are fine. */

struct layer_writer;

struct layer_writer *layer_create(const struct store *st, struct error *err);

/* Appends uncompressed tar bytes; they are hashed on the way. What goes wrong (ENOSPC, EIO, ...) may be told by a later
 * call, or by layer_seal, for large layers are hashed and written on a thread of their own. Returns 0 or -1. */
int layer_append(struct layer_writer *w, const void *data, size_t len, struct error *err);

/* Ends the tar: checks its entries and makes the index. expected, where not NULL, must equal the hash (EBADMSG). Fills
 * info (may be NULL). The writer stays, to be published or abandoned, also after an error. */
int layer_seal(struct layer_writer *w, const struct digest *expected, struct layer_info *info,
	       struct error *err);

/* A sealed layer's DiffID. */
const struct digest *layer_diffid(const struct layer_writer *w);

/* Syncs a sealed layer's bytes: the slow part of publishing, which needs no lock. */
int layer_sync(struct layer_writer *w, struct error *err);

/* Gives a synced layer its name. The caller holds the store's exclusive lock and syncs layers_fd in the end. *added
 * tells whether the store had no such layer; one that is there and whole is not replaced. */
int layer_publish_locked(struct layer_writer *w, bool *added, struct error *err);

/* Takes a layer's files and its idle mount away. The caller holds the store's exclusive lock and knows that no image names it. */
int layer_remove_locked(const struct store *st, const struct digest *diffid, struct error *err);

/* All of it for one layer: seals, syncs, publishes. The writer is used up either way. */
int layer_finish(struct layer_writer *w, const struct digest *expected, struct layer_info *info,
		 struct error *err);

/* Frees the writer. What was not published is gone. NULL is fine. */
void layer_abandon(struct layer_writer *w);
static inline void layer_abandonp(struct layer_writer **w)
{
	layer_abandon(*w);
}
#define autolayer __attribute__((cleanup(layer_abandonp)))

/* ---- Reading */

/* Returns 0, or -1 with err set: ENOENT (no such layer), EUCLEAN (its .json is damaged). */
int layer_stat(const struct store *st, const struct digest *diffid, struct layer_info *info,
	       struct error *err);

/* DiffIDs of all layers, in no order; the caller frees. */
int layer_list(const struct store *st, struct digest **diffids, size_t *n, struct error *err);

/* ---- Mounting. Each layer is mounted once, at <run>/layers/<diffid>, for all who use it, and stays mounted when the last
 * of them goes: a mount that nobody uses costs a few KiB, and the next container finds its files in memory. Without it,
 * `run --rm IMAGE true` took 9.6-13 ms where it takes 5.0-6.2 ms, the rest being a new superblock's cold cache. It goes
 * with the layer's files, or in layer_sweep. */

/* A hold on mounted layers. The locks behind it live in descriptors: a forked monitor inherits the hold, and a process
 * that dies gives it up, whatever it died of. */
struct layer_hold {
	char **paths;  /* mount points, in the order asked for */
	int *lock_fds; /* shared locks, O_CLOEXEC */
	size_t n;
};

/* Mounts what is not mounted yet and holds all of diffids. Returns 0, or -1 with nothing held (ENOENT: layer missing;
 * EUCLEAN: index and tar disagree; others of mount(2)). */
int layer_hold(const struct store *st, const struct digest *diffids, size_t n,
	       struct layer_hold *hold, struct error *err);

/* Gives this process's part in the hold up; a monitor forked meanwhile keeps its own. */
void layer_release(struct layer_hold *hold);

/* Whether somebody holds the layer. One that no image names any more may still be a dying container's. */
bool layer_is_held(const struct store *st, const struct digest *diffid);

/* Unmounts a layer unless somebody holds it. */
void layer_unmount_idle(const struct store *st, const struct digest *diffid);

/* Unmounts all that nobody holds, for a machine that goes down or a store that is given up. */
int layer_sweep(const struct store *st, struct error *err);

#endif
