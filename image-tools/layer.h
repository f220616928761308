/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer is its uncompressed tar, named by its SHA-256 (the OCI image-spec's DiffID), mounted in place: beside the tar
 * stands an EROFS index that the kernel mounts together with it. Three files, the last of which makes the layer exist:
 *
 *     <diffid>.tar    the tar as it came in, bit for bit
 *     <diffid>.erofs  the index (image-tools/index.h)
 *     <diffid>.json   {"tarSize","size","entries","indexed","needsLower","linksLower",
 *                      "blobs":[{"mediaType","digest","size"}]}
 *
 * A layer that says too little about itself (a hard link to a file of a lower layer, a folder used without an entry) has
 * a fourth, a folder of further indexes, each for one stack of layers below it. They are a cache: what is missing or
 * does not fit its layer is made when it is next needed.
 *
 *     <diffid>.chains/<chain ID>.erofs   the chain ID (OCI image-spec config.md) is that of the layers up to this one
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
	bool needs_lower; /* folders' modes or hard links depend on the layers below */
	bool links_lower; /* hard links do: it can't be the lowest */
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

/* Completes sealed layers (sorted by DiffID, each once) for an image of theirs: diffids names its layers, lowest first, each one of the writers' or in
 * the store. Layers that depend on those below get their index for this stack, which is published with them. Mounts, if
 * there are any. Returns 0, or -1 with err set: EINVAL (a hard link to nowhere), ENOENT (no such layer), others. */
int layer_complete(const struct store *st, struct layer_writer *const *writers, size_t n_writers,
		   const struct digest *diffids, size_t n, struct error *err);

/* The chain ID of n layers, lowest first; n > 0. */
void layer_chain_id(const struct digest *diffids, size_t n, struct digest *out);

/* A sealed layer's DiffID. */
const struct digest *layer_diffid(const struct layer_writer *w);

/* Syncs a sealed layer's bytes: the slow part of publishing, which needs no lock. */
int layer_sync(struct layer_writer *w, struct error *err);

/* Whether the store has a sealed layer already, whole. */
bool layer_is_published(const struct layer_writer *w);

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

/* Opens the layer's tar for reading and fills info. Returns the descriptor, or -1 with err set: ENOENT (no such layer), EUCLEAN
 * (its .json is damaged, its tar is missing or has another length). What the tar holds is to be hashed by who reads it. */
int layer_open(const struct store *st, const struct digest *diffid, struct layer_info *info,
	       struct error *err);

/* The text of a layer's .json; the caller frees. */
char *layer_record(const struct layer_info *info, size_t *len);

/* ---- Mounting. Each layer is mounted once, at <run>/layers/<diffid> (or <chain ID>, with an index of that stack), for all
 * who use it. When the last of them goes, the mount stays for another LAYER_IDLE_SECONDS: it costs a few KiB, and without
 * it each `run --rm` in a row would pay for a new superblock and its cold cache (image-tools/README.md has figures). What
 * was idle for longer is unmounted by whoever calls layer_sweep_idle next: every container's monitor at its end, and the
 * commands that remove things. After a crash nobody holds anything: all of it is idle. */

#define LAYER_IDLE_SECONDS 60

/* No overlay of Linux has more lower layers (fs/overlayfs/params.c, OVL_MAX_STACK), and one is the runtime's own. */
#define LAYERS_MAX 499U

/* A hold on mounted layers. The locks behind it live in descriptors: a forked monitor inherits the hold, and a process
 * that dies gives it up, whatever it died of. */
struct layer_hold {
	char **paths;  /* mount points, in the order asked for */
	int *lock_fds; /* shared locks, O_CLOEXEC */
	size_t n;
};

/* Mounts what is not mounted yet and holds all of diffids, an image's layers, lowest first. Returns 0, or -1 with nothing
 * held (ENOENT: layer missing; EUCLEAN: its files disagree; EBUSY: retired; E2BIG: more than LAYERS_MAX; others of mount(2)). */
int layer_hold(const struct store *st, const struct digest *diffids, size_t n,
	       struct layer_hold *hold, struct error *err);

/* Gives this process's part in the hold up; a monitor forked meanwhile keeps its own. */
void layer_release(struct layer_hold *hold);

/* Whether somebody holds the layer, in whatever stack. One that no image names any more may still be a dying container's. */
bool layer_is_held(const struct store *st, const struct digest *diffid);

/* Unmounts a layer (or a chain, by its ID) unless somebody holds it. */
void layer_unmount_idle(const struct store *st, const struct digest *diffid);

/* Unmounts what nobody has held for LAYER_IDLE_SECONDS. Cheap: one look at a folder in memory. */
void layer_sweep_idle(const struct store *st);

/* For a layer whose files were replaced or taken away: unmounts it or, where somebody holds it, refuses it to newcomers
 * (EBUSY) until the last who does is gone. The caller holds the store's exclusive lock. */
void layer_retire(const struct store *st, const struct digest *diffid);

/* Unmounts all that nobody holds, for a machine that goes down or a store that is given up. */
int layer_sweep(const struct store *st, struct error *err);

#endif
