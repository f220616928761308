/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `container prune`: every container that does not run goes. */
#ifndef KNARR_RUNTIME_PRUNE_H
#define KNARR_RUNTIME_PRUNE_H

#include <stdint.h>

#include "image-tools/prune_filter.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"

/* Appends the IDs of those that went to ids and adds what their writable layers held to reclaimed. One that another
 * command is at is passed over. -1 with err set where one could not be removed; the others are gone all the same. */
int prune_containers(const struct store *st, const struct prune_filter *filter, struct strv *ids,
		     uint64_t *reclaimed, struct error *err);

#endif
