/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sources of the layer share, and nobody else includes: layer.c writes and finds layers, layer_chain.c makes the
 * indexes that depend on lower layers, layer_mount.c mounts. */
#ifndef KNARR_IMAGE_TOOLS_LAYER_PRIVATE_H
#define KNARR_IMAGE_TOOLS_LAYER_PRIVATE_H

#include "image-tools/layer.h"

#define LAYER_FILE_MAX (DIGEST_HEX_MAX + 8)

/* An index for one stack of layers, a file without a name. */
struct layer_chain {
	struct digest id;
	int fd;
};

struct layer_writer {
	const struct store *st;
	struct worker *worker; /* NULL: none yet, or none to be had */
	bool alone;
	uint64_t taken; /* bytes appended; what follows is the worker's while there is one */
	int tar_fd, index_fd, info_fd;
	struct sha256 hash;
	uint64_t length;
	uint64_t behind; /* up to here the disk was told to write */
	uint64_t watch;  /* the length at which free space is looked at next */
	struct layer_info info;
	bool sealed, synced;
	struct layer_chain *chains;
	size_t n_chains;
};

/* "<diffid><suffix>", the name of a file in layers_fd; returns buf. */
const char *layer_file(const struct digest *diffid, const char *suffix, char buf[LAYER_FILE_MAX]);

/* An empty file without a name in the store's tmp/, or -1. */
int layer_unnamed_file(const struct store *st, struct error *err);

/* Whether the layer's tar and index are there and fit info and each other, by their sizes and the index's head. */
bool layer_files_match(const struct store *st, const struct layer_info *info);

/* ---- layer_chain.c */

#define LAYER_CHAINS ".chains"

/* Whether a layer's index depends on what is below, as one look at the folder tells. */
bool layer_has_chains(const struct store *st, const struct digest *diffid);

/* EINVAL for a layer that needs others below it where n, their number, is 0. */
int layer_check_lowest(const struct layer_info *info, size_t n, struct error *err);

/* The index of the layer info for the stack with that chain ID, whose lower layers are mounted at dirs (n, lowest first):
 * found, or made and named. Returns its path, which the caller frees, or NULL with err set. */
char *layer_chain_index(const struct store *st, const struct layer_info *info,
			const struct digest *chain, const int *dirs, size_t n, struct error *err);

/* Whether one of the layer's chains is what holds says. */
bool layer_chains_any(const struct store *st, const struct digest *diffid,
		      bool (*holds)(const struct store *st, const struct digest *chain));

/* The caller holds the store's exclusive lock for these two. */
int layer_chains_publish(struct layer_writer *w, struct error *err);
int layer_chains_remove(const struct store *st, const struct digest *diffid, struct error *err);

/* ---- layer_mount.c */

/* A layer mounted from these two files, seen nowhere: a descriptor that ends the mount when it is closed, or -1. */
int layer_mount_detached(const char *index, const char *tar, struct error *err);

#endif
