/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/resources.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

void resources_add_block(struct resource_blocks *list, uint32_t major, uint32_t minor,
			 uint64_t value)
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

/* ---- update */

static void merge_number(int64_t *to, int64_t from)
{
	if (from != RESOURCE_UNSET)
		*to = from;
}

static void merge_text(char **to, const char *from)
{
	if (!from)
		return;
	free(*to);
	*to = xstrdup(from);
}

/* A device named again has its new value; the others keep theirs. */
static void merge_blocks(struct resource_blocks *to, const struct resource_blocks *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct resource_block *b = &from->items[i];
		size_t k = 0;

		while (k < to->n &&
		       (to->items[k].major != b->major || to->items[k].minor != b->minor))
			k++;
		if (k < to->n)
			to->items[k].value = b->value;
		else
			resources_add_block(to, b->major, b->minor, b->value);
	}
}

static void merge_hugetlb(struct resources *r, const struct resource_hugetlb *h)
{
	size_t k = 0;

	while (k < r->n_hugetlb && strcmp(r->hugetlb[k].page_size, h->page_size) != 0)
		k++;
	if (k == r->n_hugetlb) {
		r->hugetlb = xreallocarray(r->hugetlb, r->n_hugetlb + 1, sizeof(*r->hugetlb));
		r->hugetlb[r->n_hugetlb++].page_size = xstrdup(h->page_size);
	}
	r->hugetlb[k].limit = h->limit;
}

void resources_merge(struct resources *r, const struct resources *change)
{
	merge_number(&r->memory, change->memory);
	merge_number(&r->memory_swap, change->memory_swap);
	merge_number(&r->memory_reservation, change->memory_reservation);
	r->memory_check_before_update |= change->memory_check_before_update;
	merge_number(&r->cpu_shares, change->cpu_shares);
	merge_number(&r->cpu_quota, change->cpu_quota);
	merge_number(&r->cpu_period, change->cpu_period);
	merge_number(&r->cpu_burst, change->cpu_burst);
	merge_number(&r->cpu_idle, change->cpu_idle);
	merge_text(&r->cpuset_cpus, change->cpuset_cpus);
	merge_text(&r->cpuset_mems, change->cpuset_mems);
	merge_number(&r->pids, change->pids);
	merge_number(&r->blkio_weight, change->blkio_weight);
	merge_blocks(&r->weight_devices, &change->weight_devices);
	merge_blocks(&r->read_bps, &change->read_bps);
	merge_blocks(&r->write_bps, &change->write_bps);
	merge_blocks(&r->read_iops, &change->read_iops);
	merge_blocks(&r->write_iops, &change->write_iops);
	for (size_t i = 0; i < change->n_hugetlb; i++)
		merge_hugetlb(r, &change->hugetlb[i]);
	for (size_t i = 0; i < change->unified.len; i++)
		strv_env_set(&r->unified, change->unified.items[i]);
	if (change->devices_set) {
		free(r->devices);
		r->devices = xcalloc(change->n_devices + 1, sizeof(*r->devices));
		if (change->n_devices)
			memcpy(r->devices, change->devices,
			       change->n_devices * sizeof(*r->devices));
		r->n_devices = change->n_devices;
		r->devices_set = true;
	}
}

/* ---- What makes sense */

/* "0-3,7": numbers and rising ranges (cpuset(7), "List format", without its strides). */
static bool is_list(const char *s)
{
	for (;;) {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*s))
			return false;
		first = last = strtoul(s, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return false;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last > 65535)
			return false;
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		s = end + 1;
	}
}

static int check_list(const char *name, const char *list, struct error *err)
{
	if (!list || !*list || is_list(list))
		return 0;
	return error_set(err, EINVAL, "linux.resources.cpu.%s: \"%s\" is no list such as \"0-3,7\"",
			 name, list);
}

/* 0 is as good as unset: callers write it so. */
static int check_range(const char *name, int64_t value, int64_t min, int64_t max, struct error *err)
{
	if (value == RESOURCE_UNSET || value == 0 || (value >= min && value <= max))
		return 0;
	return error_set(err, EINVAL,
			 "linux.resources.%s: %" PRId64 " is not between %" PRId64 " and %" PRId64,
			 name, value, min, max);
}

static int check_memory(const struct resources *r, struct error *err)
{
	if (check_range("memory.limit", r->memory, -1, INT64_MAX, err) < 0 ||
	    check_range("memory.swap", r->memory_swap, -1, INT64_MAX, err) < 0 ||
	    check_range("memory.reservation", r->memory_reservation, -1, INT64_MAX, err) < 0)
		return -1;
	if (r->memory_swap > 0 && r->memory > 0 && r->memory_swap < r->memory)
		return error_set(err, EINVAL,
				 "linux.resources.memory.swap (%" PRId64
				 ") counts memory and swap together and must not be less than "
				 "linux.resources.memory.limit (%" PRId64 ")",
				 r->memory_swap, r->memory);
	if (r->memory_reservation > 0 && r->memory > 0 && r->memory_reservation > r->memory)
		return error_set(err, EINVAL,
				 "linux.resources.memory.reservation (%" PRId64
				 ") is more than linux.resources.memory.limit (%" PRId64 ")",
				 r->memory_reservation, r->memory);
	return 0;
}

int resources_check(const struct resources *r, struct error *err)
{
	if (check_memory(r, err) < 0 ||
	    check_range("cpu.shares", r->cpu_shares, 1, INT64_MAX, err) < 0 ||
	    check_range("cpu.period", r->cpu_period, 1000, 1000000, err) < 0 ||
	    check_range("cpu.idle", r->cpu_idle, 0, 1, err) < 0 ||
	    check_list("cpus", r->cpuset_cpus, err) < 0 ||
	    check_list("mems", r->cpuset_mems, err) < 0 ||
	    check_range("blockIO.weight", r->blkio_weight, 10, 1000, err) < 0)
		return -1;
	if (r->cpu_quota > 0 && check_range("cpu.quota", r->cpu_quota, 1000, INT64_MAX, err) < 0)
		return -1;
	for (size_t i = 0; i < r->weight_devices.n; i++)
		if (check_range("blockIO.weightDevice", (int64_t)r->weight_devices.items[i].value,
				10, 1000, err) < 0)
			return -1;
	return 0;
}
