/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime-spec's resources as files of cgroup v2, in the order of writing. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/str.h"
#include "runtime/cgroup/cgroup_limits.h"

/* "file=text" a line, in the order of writing; a second choice behind " | ", "?" where the file may be missing. */
static char *lines(const struct resources *r)
{
	struct error err = ERROR_INIT;
	struct cgroup_settings s autosettings = { 0 };
	struct strbuf out = STRBUF_INIT;

	if (cgroup_settings(r, &s, &err) < 0) {
		assert_int_equal(err.code, EINVAL);
		return xstrdup(err.message);
	}
	for (size_t i = 0; i < s.n; i++) {
		strbuf_printf(&out, "%s%s=%s", s.items[i].file, s.items[i].may_lack ? "?" : "",
			      s.items[i].value);
		if (s.items[i].else_value)
			strbuf_printf(&out, " | io.weight=%s", s.items[i].else_value);
		strbuf_putc(&out, '\n');
	}
	return strbuf_steal(&out);
}

static void expect(struct resources r, const char *text)
{
	char *got = lines(&r);

	assert_string_equal(got, text);
	free(got);
}

#define R(...) ((struct resources){ RESOURCES, __VA_ARGS__ })
#define RESOURCES \
	.memory = RESOURCE_UNSET, .memory_swap = RESOURCE_UNSET, \
	.memory_reservation = RESOURCE_UNSET, .cpu_shares = RESOURCE_UNSET, \
	.cpu_quota = RESOURCE_UNSET, .cpu_period = RESOURCE_UNSET, .cpu_burst = RESOURCE_UNSET, \
	.cpu_idle = RESOURCE_UNSET, .pids = RESOURCE_UNSET, .blkio_weight = RESOURCE_UNSET
#pragma GCC diagnostic ignored "-Woverride-init"

static void weights(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} cpu[] = { { 0, 1 },         { 2, 1 },          { 3, 2 },         { 4, 2 },
		    { 64, 12 },       { 512, 59 },       { 1023, 100 },    { 1024, 100 },
		    { 1025, 101 },    { 2048, 174 },     { 4096, 303 },    { 100000, 4340 },
		    { 131072, 5478 }, { 262144, 10000 }, { 999999, 10000 } };
	uint64_t before = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(cpu) / sizeof(cpu[0]); i++)
		assert_int_equal(cgroup_cpu_weight(cpu[i].shares), cpu[i].weight);
	for (uint64_t shares = 2; shares <= 262144; shares++) {
		uint64_t weight = cgroup_cpu_weight(shares);

		assert_true(weight >= before && weight <= 10000);
		before = weight;
	}
	assert_int_equal(cgroup_io_weight(10), 1);
	assert_int_equal(cgroup_io_weight(500), 4950);
	assert_int_equal(cgroup_io_weight(1000), 10000);
}

static void memory(void **state)
{
	(void)state;
	expect(R(), "");
	expect(R(.memory = 0, .memory_swap = 0), "");
	expect(R(.memory = 1000), "memory.max=1000\n");
	expect(R(.memory = 1000, .memory_swap = 3000), "memory.swap.max=2000\nmemory.max=1000\n");
	expect(R(.memory = 1000, .memory_swap = 1000), "memory.swap.max?=0\nmemory.max=1000\n");
	expect(R(.memory = 1000, .memory_swap = -1), "memory.swap.max?=max\nmemory.max=1000\n");
	expect(R(.memory = -1), "memory.swap.max?=max\nmemory.max=max\n");
	expect(R(.memory = -1, .memory_swap = 5000), "memory.swap.max=5000\nmemory.max=max\n");
	expect(R(.memory_reservation = 700), "memory.low=700\n");
	expect(R(.memory_swap = 3000),
	       "linux.resources.memory.swap counts memory and swap together: it needs "
	       "linux.resources.memory.limit");
	expect(R(.memory = 1000, .memory_swap = 999),
	       "linux.resources.memory.swap (999) counts memory and swap together and must not be less than "
	       "linux.resources.memory.limit (1000)");
}

static void cpu(void **state)
{
	(void)state;
	expect(R(.cpu_shares = 1024), "cpu.weight=100\n");
	expect(R(.cpu_quota = 50000), "cpu.max=50000\n");
	expect(R(.cpu_quota = 50000, .cpu_period = 200000), "cpu.max=50000 200000\n");
	expect(R(.cpu_quota = -1, .cpu_period = 200000), "cpu.max=max 200000\n");
	expect(R(.cpu_period = 50000), "cpu.max=max 50000\n");
	expect(R(.cpu_burst = 10), "cpu.max.burst=10\n");
	/* Whatever the burst was: it must not stand above the new quota, nor the new one above the old quota. */
	expect(R(.cpu_quota = 5000, .cpu_burst = 4000),
	       "cpu.max.burst=0\ncpu.max=5000\ncpu.max.burst=4000\n");
	expect(R(.cpu_idle = 1, .cpu_shares = 1024), "cpu.idle=1\n");
	expect(R(.cpu_idle = 0, .cpu_shares = 2), "cpu.idle=0\ncpu.weight=1\n");
	expect(R(.cpuset_cpus = (char[]){ "0-1" }, .cpuset_mems = (char[]){ "" }),
	       "cpuset.cpus=0-1\n");
	expect(R(.pids = 10), "pids.max=10\n");
	expect(R(.pids = -1), "pids.max=max\n");
	expect(R(.pids = 0), "pids.max=max\n");
}

static void io(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.blkio_weight = 500;
	resources_add_block(&r.weight_devices, 8, 0, 1000);
	resources_add_block(&r.read_bps, 8, 0, 1048576);
	resources_add_block(&r.write_bps, 8, 16, 0);
	resources_add_block(&r.read_iops, 8, 0, 10);
	resources_add_block(&r.write_iops, 8, 0, 20);
	expect(r, "io.bfq.weight=500 | io.weight=4950\n"
		  "io.bfq.weight=8:0 1000 | io.weight=8:0 10000\n"
		  "io.max=8:0 rbps=1048576\n"
		  "io.max=8:16 wbps=max\n"
		  "io.max=8:0 riops=10\n"
		  "io.max=8:0 wiops=20\n");
	resources_free(&r);
}

static void the_rest(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.hugetlb = xcalloc(1, sizeof(*r.hugetlb));
	r.hugetlb[0] = (struct resource_hugetlb){ xstrdup("2MB"), 4194304 };
	r.n_hugetlb = 1;
	strv_add(&r.unified, "memory.high=1000000");
	strv_add(&r.unified, "io.max=8:0 rbps=1\n8:16 wbps=2\n");
	expect(r, "hugetlb.2MB.max=4194304\nhugetlb.2MB.rsvd.max?=4194304\n"
		  "memory.high=1000000\nio.max=8:0 rbps=1\nio.max=8:16 wbps=2\n");
	resources_free(&r);
}

static void nothing_leaves_the_cgroup(void **state)
{
	static const char *const bad[] = { "../memory.max=1", "a/b.c=1",   "=1",
					   "memory=1",        ".hidden=1", "memory.max" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct resources r = RESOURCES_INIT;
		char *got;

		strv_add(&r.unified, bad[i]);
		got = lines(&r);
		assert_true(str_starts(got, "linux.resources.unified: \""));
		free(got);
		resources_free(&r);
	}
	struct resources r = RESOURCES_INIT;
	r.hugetlb = xcalloc(1, sizeof(*r.hugetlb));
	r.hugetlb[0] = (struct resource_hugetlb){ xstrdup("/../2MB"), 1 };
	r.n_hugetlb = 1;
	expect(r, "linux.resources.hugepageLimits: bad pageSize \"/../2MB\"");
	resources_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights),  cmocka_unit_test(memory),
		cmocka_unit_test(cpu),      cmocka_unit_test(io),
		cmocka_unit_test(the_rest), cmocka_unit_test(nothing_leaves_the_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
