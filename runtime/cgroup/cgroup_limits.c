/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/cgroup_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"

/* ---- Formulas */

/* A quadratic curve through (2, 1), (1024, 100) and (262144, 10000) on logarithmic scales (runc, since 2025). */
uint64_t cgroup_cpu_weight(uint64_t shares)
{
	double l, exponent;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2((double)shares);
	exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
	return (uint64_t)ceil(pow(10, exponent));
}

uint64_t cgroup_io_weight(uint64_t weight)
{
	if (weight <= 10)
		return 1;
	return weight >= 1000 ? 10000 : 1 + (weight - 10) * 9999 / 990;
}

/* ---- The list */

static struct cgroup_setting *add(struct cgroup_settings *s, const char *controller, char *file,
				  char *value)
{
	s->items = xreallocarray(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n] =
		(struct cgroup_setting){ .controller = controller, .file = file, .value = value };
	return &s->items[s->n++];
}

static struct cgroup_setting *add_named(struct cgroup_settings *s, const char *controller,
					const char *file, char *value)
{
	return add(s, controller, xstrdup(file), value);
}

/* 0 is "not set" in what Docker and podman write, for memory. */
static bool is_set(int64_t value)
{
	return value != RESOURCE_UNSET && value != 0;
}

static char *number_or_max(int64_t value)
{
	return value < 0 ? xstrdup("max") : str_format("%" PRId64, value);
}

void cgroup_settings_free(struct cgroup_settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].file);
		free(s->items[i].value);
		free(s->items[i].else_value);
	}
	free(s->items);
	*s = (struct cgroup_settings){ 0 };
}

/* ---- One controller each */

/* The specification counts memory and swap together, cgroup v2 swap alone. */
static int add_swap(const struct resources *r, struct cgroup_settings *s, struct error *err)
{
	int64_t swap = r->memory_swap;

	if (!is_set(swap)) {
		/* As with cgroup v1: memory without limit takes the limit from both. */
		if (r->memory != RESOURCE_UNLIMITED)
			return 0;
		swap = RESOURCE_UNLIMITED;
	} else if (swap > 0 && r->memory != RESOURCE_UNLIMITED) {
		if (!is_set(r->memory))
			return error_set(
				err, EINVAL,
				"linux.resources.memory.swap counts memory and swap together: it "
				"needs linux.resources.memory.limit");
		if (swap < r->memory)
			return error_set(
				err, EINVAL,
				"linux.resources.memory.swap (%" PRId64
				") counts memory and swap together and must not be less than "
				"linux.resources.memory.limit (%" PRId64 ")",
				swap, r->memory);
		swap -= r->memory;
	}
	/* Without swap in the kernel, "none" and "as much as there is" hold anyway. */
	add_named(s, "memory", "memory.swap.max", number_or_max(swap))->may_lack = swap <= 0;
	return 0;
}

static int add_memory(const struct resources *r, struct cgroup_settings *s, struct error *err)
{
	if (add_swap(r, s, err) < 0)
		return -1;
	if (is_set(r->memory))
		add_named(s, "memory", "memory.max", number_or_max(r->memory));
	if (is_set(r->memory_reservation))
		add_named(s, "memory", "memory.low", number_or_max(r->memory_reservation));
	return 0;
}

static void add_cpu(const struct resources *r, struct cgroup_settings *s)
{
	bool quota = is_set(r->cpu_quota) || is_set(r->cpu_period);

	if (r->cpu_idle != RESOURCE_UNSET)
		add_named(s, "cpu", "cpu.idle", str_format("%" PRId64, r->cpu_idle));
	/* An idle group has no weight, and refuses one. */
	if (is_set(r->cpu_shares) && r->cpu_idle <= 0)
		add_named(s, "cpu", "cpu.weight",
			  str_format("%" PRIu64, cgroup_cpu_weight((uint64_t)r->cpu_shares)));
	/* A burst must never be above the quota, neither the old nor the new one. */
	if (quota && r->cpu_burst > 0)
		add_named(s, "cpu", "cpu.max.burst", xstrdup("0"));
	if (quota) {
		char *share = number_or_max(is_set(r->cpu_quota) ? r->cpu_quota : -1);
		struct cgroup_setting *max = add_named(s, "cpu", "cpu.max", share);

		/* Without it the period stays what it is, which is a tenth of a second at first. */
		if (is_set(r->cpu_period)) {
			max->value = str_format("%s %" PRId64, share, r->cpu_period);
			free(share);
		}
	}
	if (r->cpu_burst != RESOURCE_UNSET)
		add_named(s, "cpu", "cpu.max.burst", str_format("%" PRId64, r->cpu_burst));
}

static void add_cpuset(const struct resources *r, struct cgroup_settings *s)
{
	if (r->cpuset_cpus && *r->cpuset_cpus)
		add_named(s, "cpuset", "cpuset.cpus", xstrdup(r->cpuset_cpus));
	if (r->cpuset_mems && *r->cpuset_mems)
		add_named(s, "cpuset", "cpuset.mems", xstrdup(r->cpuset_mems));
}

/* BFQ counts as blkio did; without it, the cost model's file takes another scale. */
static void add_weight(struct cgroup_settings *s, const char *prefix, uint64_t weight)
{
	struct cgroup_setting *set =
		add_named(s, "io", "io.bfq.weight", str_format("%s%" PRIu64, prefix, weight));

	set->else_value = str_format("%s%" PRIu64, prefix, cgroup_io_weight(weight));
}

static void add_throttles(struct cgroup_settings *s, const char *key,
			  const struct resource_blocks *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct resource_block *b = &list->items[i];

		/* 0 takes a limit away, as it did with blkio. */
		if (b->value == 0)
			add_named(s, "io", "io.max",
				  str_format("%u:%u %s=max", b->major, b->minor, key));
		else
			add_named(
				s, "io", "io.max",
				str_format("%u:%u %s=%" PRIu64, b->major, b->minor, key, b->value));
	}
}

static void add_io(const struct resources *r, struct cgroup_settings *s)
{
	if (is_set(r->blkio_weight))
		add_weight(s, "", (uint64_t)r->blkio_weight);
	for (size_t i = 0; i < r->weight_devices.n; i++) {
		const struct resource_block *b = &r->weight_devices.items[i];
		autofree char *device = str_format("%u:%u ", b->major, b->minor);

		add_weight(s, device, b->value);
	}
	add_throttles(s, "rbps", &r->read_bps);
	add_throttles(s, "wbps", &r->write_bps);
	add_throttles(s, "riops", &r->read_iops);
	add_throttles(s, "wiops", &r->write_iops);
}

static void add_hugetlb(const struct resources *r, struct cgroup_settings *s)
{
	for (size_t i = 0; i < r->n_hugetlb; i++) {
		const struct resource_hugetlb *h = &r->hugetlb[i];

		add(s, "hugetlb", str_format("hugetlb.%s.max", h->page_size),
		    str_format("%" PRIu64, h->limit));
		/* Reservations are refused by an error instead of by SIGBUS; counted since Linux 5.7. */
		add(s, "hugetlb", str_format("hugetlb.%s.rsvd.max", h->page_size),
		    str_format("%" PRIu64, h->limit))
			->may_lack = true;
	}
}

/* "memory.high=1000000". A file of several lines (io.max) has them in its value. */
static void add_unified(const struct resources *r, struct cgroup_settings *s)
{
	for (size_t i = 0; i < r->unified.len; i++) {
		const char *entry = r->unified.items[i], *equals = strchr(entry, '=');
		autofree char *value = xstrdup(equals + 1);
		char *rest = value, *line;

		while ((line = strsep(&rest, "\n")) != NULL)
			if (*line)
				add(s, NULL, xstrndup(entry, (size_t)(equals - entry)),
				    xstrdup(line));
	}
}

static bool is_file_name(const char *name, size_t len)
{
	return len > 0 && name[0] != '.' && !memchr(name, '/', len) && memchr(name, '.', len);
}

int cgroup_settings(const struct resources *r, struct cgroup_settings *out, struct error *err)
{
	*out = (struct cgroup_settings){ 0 };
	for (size_t i = 0; i < r->unified.len; i++) {
		const char *entry = r->unified.items[i];
		size_t len = strcspn(entry, "=");

		if (!entry[len] || !is_file_name(entry, len))
			return error_set(
				err, EINVAL,
				"linux.resources.unified: \"%.*s\" is no file of a cgroup, as "
				"\"memory.high\" is",
				(int)(len < 200 ? len : 200), entry);
	}
	for (size_t i = 0; i < r->n_hugetlb; i++)
		if (!r->hugetlb[i].page_size || strchr(r->hugetlb[i].page_size, '/'))
			return error_set(err, EINVAL,
					 "linux.resources.hugepageLimits: bad pageSize \"%s\"",
					 r->hugetlb[i].page_size ? r->hugetlb[i].page_size : "");
	if (add_memory(r, out, err) < 0)
		return -1;
	add_cpu(r, out);
	add_cpuset(r, out);
	if (r->pids != RESOURCE_UNSET)
		add_named(out, "pids", "pids.max", number_or_max(r->pids == 0 ? -1 : r->pids));
	add_io(r, out);
	add_hugetlb(r, out);
	add_unified(r, out);
	return 0;
}
