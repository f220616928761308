/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volumes' part of the store's check (image-tools/fsck.h): can each be read, has each its data, and has every container
 * the volumes that it names. */
#ifndef KNARR_RUNTIME_FSCK_VOLUMES_H
#define KNARR_RUNTIME_FSCK_VOLUMES_H

#include "image-tools/fsck.h"

/* After fsck_containers. Returns 0, whatever was found, or -1 with err set where it could not look. */
int fsck_volumes(struct fsck *f, struct error *err);

#endif
