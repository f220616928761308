/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: one folder (ext4 at /var/lib/knarr in the appliance, --root DIR elsewhere) that holds layers, images, tags
 * and containers, and one folder of what a reboot makes void (mount points, sockets) below /run.
 *
 *     layers/sha256/<diffid>.tar .erofs .json   image-tools/layer.h
 *     images/sha256/<id>.json                   image-tools/image.h: configurations, byte for byte
 *     tags.json                                 image-tools/tags.h
 *     containers/<id>/                          runtime/container/container.h
 *     tmp/                                      what is being made; emptied by store_clean at start
 *          journal                              image-tools/journal.h: what a command that dies leaves to do
 *
 * Every thing appears under its name whole and synced, or not at all. One lock file: whoever changes tags or deletes
 * takes it exclusive, for moments only; readers and long imports take none or shared. */
#ifndef KNARR_IMAGE_TOOLS_STORE_H
#define KNARR_IMAGE_TOOLS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/digest.h"
#include "lib/error.h"
#include "lib/str.h"

#define STORE_DEFAULT_ROOT "/var/lib/knarr"

struct store {
	int fd;            /* the store's folder */
	int layers_fd;     /* layers/sha256 */
	int images_fd;     /* images/sha256 */
	int containers_fd; /* containers */
	int tmp_fd;        /* tmp */
	int run_fd; /* the volatile folder: /run/knarr, or /run/knarr-<8 digits> for another root */
	char *root; /* absolute paths of both, for messages and mount(2) */
	char *run;
};

/* Opens the store at root, making what is missing. NULL with err set. Free with store_close. */
struct store *store_open(const char *root, struct error *err);
void store_close(struct store *st);
static inline void store_closep(struct store **st)
{
	store_close(*st);
}
#define autostore __attribute__((cleanup(store_closep)))

/* Takes the store's lock, LOCK_SH or LOCK_EX, waiting for it (or not, with LOCK_NB). Who gets it exclusive finds the store
 * settled: what a killed command has left half done is done or undone first (image-tools/journal.h). Returns a descriptor
 * whose close releases it, or -1. */
int store_lock(const struct store *st, int operation, struct error *err);

/* Empties tmp/ and removes what else a killed process may have left under no name of the store's. For `knarr boot`; what
 * a living process still holds locked is left alone. */
int store_clean(const struct store *st, struct error *err);

/* The digests of a folder's files named <64 digits><suffix> (layers_fd, images_fd; ".json"), in no order; the caller
 * frees. -1 with errno. */
int store_objects(int dirfd, const char *suffix, struct digest **out, size_t *n);

/* What store_clean takes away, folder by folder. The caller holds the store's lock. */
typedef bool (*store_is_left)(int dirfd, const char *name);
bool store_left_in_tmp(int dirfd, const char *name);
bool store_left_in_layers(int dirfd, const char *name);
bool store_left_in_images(int dirfd, const char *name);
bool store_left_in_root(int dirfd,
			const char *name); /* the store's own folder: only cut-off replacements */

/* Appends to names what is_left says true of in the folder dirfd. */
int store_leftovers(int dirfd, store_is_left is_left, struct strv *names, struct error *err);

/* Fails with ENOSPC unless at least need bytes are free: said before a long import, not in the middle of it. */
int store_space(const struct store *st, unsigned long long need, struct error *err);

#endif
