/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checking the store, and mending it where that is asked for: does every layer and every configuration hash to its name,
 * does every name lead to an image and every image to its layers, is nothing there that nothing needs. (The containers'
 * half is runtime/container/fsck_containers.h, told of in the same words.)
 *
 * Long work, which is hashing, is done with no lock held; what is found so is looked at again under the exclusive lock
 * before it is touched. What other commands are doing meanwhile is not mistaken for damage.
 *
 * Nothing is thrown away that somebody could want: what is damaged goes to quarantine/ (image-tools/quarantine.h) with
 * the reason. Only what can be made from something else, or means nothing to anybody, is replaced or removed. */
#ifndef KNARR_IMAGE_TOOLS_FSCK_H
#define KNARR_IMAGE_TOOLS_FSCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image-tools/progress.h"
#include "image-tools/store.h"
#include "lib/error.h"

/* What --repair would do, or has done. */
enum fsck_remedy {
	FSCK_NONE, /* nothing: what was said tells a person what to do */
	FSCK_REMOVE,
	FSCK_REMAKE,
	FSCK_QUARANTINE,
	FSCK_SET_RIGHT
};

struct fsck {
	const struct store *st;
	bool repair;
	struct progress *progress; /* NULL: nobody looks */
	/* Called with each line about something that is wrong, or that is only noted. */
	void (*say)(struct fsck *f, const char *line);

	/* Counted on the way. */
	size_t mended, left,
		noted; /* lines: what is mended, what is (still) wrong, what is no fault */
	size_t n_layers, n_images, n_names, n_containers, n_volumes;
	uint64_t layer_bytes;
};

/* Checks the store but for its containers. Returns 0, whatever was found, or -1 with err set where it could not be checked
 * to the end. */
int fsck_store(struct fsck *f, struct error *err);

/* For the parts of the check. Tells of something wrong, and counts it. failed: NULL, or why the remedy, which was tried,
 * did not work. */
void fsck_tell(struct fsck *f, enum fsck_remedy remedy, const struct error *failed, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

/* Tells of something that is no fault. */
void fsck_note(struct fsck *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Checks that a folder or file of the store (path in dirfd, shown so) belongs to who runs this and can be changed by
 * nobody else; of folders, that nobody else looks in. What is not there is no matter. */
void fsck_owner(struct fsck *f, int dirfd, const char *path, const char *shown);

#endif
