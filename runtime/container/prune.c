/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/prune.h"

#include <errno.h>

#include "runtime/container/container.h"

/* 1: it went; 0: it was gone, runs, or somebody is at it; -1 with err set. */
static int remove_stopped(const struct store *st, const char *id, uint64_t *reclaimed,
			  struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;
	struct error why = ERROR_INIT;
	uint64_t bytes = 0;

	if (container_open(st, id, &c, &why) < 0 || container_lock(st, &c, &why) < 0)
		return why.code == ENOENT || why.code == EBUSY
			       ? 0
			       : error_set(err, why.code, "%s", why.message);
	if (c.state.status == STATUS_RUNNING)
		return 0;
	/* Its size is told, no more: what cannot be counted can still go. */
	(void)container_size(st, id, &bytes, NULL);
	if (container_remove(st, &c, err) < 0)
		return -1;
	*reclaimed += bytes;
	return 1;
}

int prune_containers(const struct store *st, const struct prune_filter *filter, struct strv *ids,
		     uint64_t *reclaimed, struct error *err)
{
	struct container *list;
	size_t n;
	int status = 0;

	if (container_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct container_config *c = &list[i].config;
		int r;

		if (list[i].state.status == STATUS_RUNNING ||
		    !prune_filter_matches(filter, &c->created, &c->run.labels))
			continue;
		r = remove_stopped(st, c->id, reclaimed, status ? NULL : err);
		if (r > 0)
			strv_add(ids, c->id);
		if (r < 0)
			status = -1;
	}
	container_list_free(list, n);
	return status;
}
