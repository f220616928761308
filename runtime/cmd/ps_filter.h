/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which containers `ps --filter` lets pass. Docker's keys and rules: of several values of one key one must fit, labels must
 * all be there. (Not here: is-task and isolation, of Swarm and of Windows.) */
#ifndef KNARR_RUNTIME_CMD_PS_FILTER_H
#define KNARR_RUNTIME_CMD_PS_FILTER_H

#include "image-tools/cmd/filter.h"
#include "runtime/container/container.h"

/* For filters_parse; ended by NULL. */
extern const char *const ps_filter_keys[];

/* What can be said of the values before any container is looked at. -1 with err set: EINVAL (`invalid filter 'status=x'`). */
int ps_filters_check(const struct filters *f, struct error *err);

/* Which of list (newest first) before= and since= let pass: from *from on, up to and without *to. Before= is for those that
 * were made before it, and so come behind. Of several the last counts. -1 with err set: ENOENT. */
int ps_filters_bounds(const struct filters *f, const struct container *list, size_t n, size_t *from,
		      size_t *to, struct error *err);

/* Whether the container fits all other filters. */
bool ps_filters_fit(const struct filters *f, const struct store *st, const struct container *c);

#endif
