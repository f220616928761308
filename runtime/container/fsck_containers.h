/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers' half of the store's check (image-tools/fsck.h has the other, and what is common): is every folder a
 * container, can its files be read, is its image there with all its layers, does its name lead to it. */
#ifndef KNARR_RUNTIME_FSCK_CONTAINERS_H
#define KNARR_RUNTIME_FSCK_CONTAINERS_H

#include "image-tools/fsck.h"

/* After fsck_store. Returns 0, whatever was found, or -1 with err set where it could not look. */
int fsck_containers(struct fsck *f, struct error *err);

#endif
