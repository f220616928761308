/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/resources.h"

#include <errno.h>
#include <stdlib.h>

void resources_free(struct resources *r)
{
	struct resource_blocks *blocks[] = { &r->weight_devices, &r->read_bps, &r->write_bps,
					     &r->read_iops, &r->write_iops };

	free(r->cpuset_cpus);
	free(r->cpuset_mems);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		free(blocks[i]->items);
	for (size_t i = 0; i < r->n_hugetlb; i++)
		free(r->hugetlb[i].page_size);
	free(r->hugetlb);
	strv_free(&r->unified);
	free(r->devices);
	*r = (struct resources)RESOURCES_INIT;
}

void resources_add_block(struct resource_blocks *list, uint32_t major, uint32_t minor, uint64_t value)
{
	list->items = xreallocarray(list->items, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = (struct resource_block){ major, minor, value };
}

struct resource_device *resources_add_device(struct resources *r)
{
	r->devices = xreallocarray(r->devices, r->n_devices + 1, sizeof(*r->devices));
	r->devices_set = true;
	r->devices[r->n_devices] = (struct resource_device){ .major = -1, .minor = -1 };
	return &r->devices[r->n_devices++];
}
