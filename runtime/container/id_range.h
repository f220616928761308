/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `--userns auto`: each running container has 65,536 user and group IDs of the machine to itself, which nobody else has: its
 * root is one of them, and nobody outside. Files are seen through idmapped mounts, so that what lies on disk (layers,
 * the writable one, volumes) has the IDs that the container sees, whichever range it has this time.
 *
 * A range is taken by a link to the container's ID in <run>/ids, named for the range's number, which two cannot make at
 * once: no lock, and a reboot frees all. Ranges begin where neither people nor the usual subordinate IDs (subuid(5)) are. */
#ifndef KNARR_RUNTIME_ID_RANGE_H
#define KNARR_RUNTIME_ID_RANGE_H

#include <stdint.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "runtime/spec/spec.h"

#define ID_RANGE_FIRST UINT32_C(0x40000000)
#define ID_RANGE_SIZE  UINT32_C(0x10000)
#define ID_RANGE_COUNT UINT32_C(0x2000) /* the last one ends at 0x60000000 */

/* Takes a range for the container id, the one that it holds already if so. -1 with err set: EUSERS (all are taken). */
int id_range_take(const struct store *st, const char *id, uint32_t *first, struct error *err);

/* Gives up what the container holds; nothing held is no error. */
void id_range_release(const struct store *st, const char *id);

/* Takes a range and makes spec one with a user namespace that has it: its root and its binds are seen through it. */
int id_range_apply(const struct store *st, const char *id, struct spec *spec, struct error *err);

#endif
