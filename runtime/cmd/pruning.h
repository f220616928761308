/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `container prune` and `system prune` have in common (the rest is in image-tools/cmd/pruning.h). */
#ifndef KNARR_RUNTIME_CMD_PRUNING_H
#define KNARR_RUNTIME_CMD_PRUNING_H

#include "runtime/container/prune.h"

/* prune_containers, and the account of it: "Deleted Containers:" and their IDs, with an empty line behind, if any went. */
int pruning_containers(const struct store *st, const struct prune_filter *filter,
		       uint64_t *reclaimed, struct error *err);

/* The same of volume_prune: "Deleted Volumes:". */
int pruning_volumes(const struct store *st, const struct prune_filter *filter, bool all,
		    uint64_t *reclaimed, struct error *err);

#endif
