/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.resources of config.json. What only cgroup v1 has is refused where it asks for something (config-linux.md, "Unified":
 * where a conversion is not possible there must be an error), and passed over where it states the default. Zero is how many
 * write "unset". */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/oci/config_private.h"

static int refuse(const struct json_at *object, const char *key, struct error *err)
{
	struct json_at at = json_at_member(object, key);

	return json_at_error_code(&at, ENOTSUP, err, "not supported, cgroup v2 has no such thing");
}

/* A member that only counts when it is neither 0 nor absent. */
static int get_nonzero(const struct json_at *object, const char *key, int64_t min, int64_t max,
		       int64_t *out, struct error *err)
{
	int64_t n = 0;

	if (json_at_get_int(object, key, min, max, &n, err))
		return -1;
	if (n)
		*out = n;
	return 0;
}

/* ---- Devices */

/* What is allowed in every container, whatever the rules before say: making nodes (which takes CAP_MKNOD, and opens nothing),
 * the default devices, and terminals. */
static const struct resource_device always[] = {
	{ true, 'c', -1, -1, false, false, true }, { true, 'b', -1, -1, false, false, true },
	{ true, 'c', 1, 3, true, true, true },     { true, 'c', 1, 5, true, true, true },
	{ true, 'c', 1, 7, true, true, true },     { true, 'c', 1, 8, true, true, true },
	{ true, 'c', 1, 9, true, true, true },     { true, 'c', 5, 0, true, true, true },
	{ true, 'c', 5, 2, true, true, true },     { true, 'c', 136, -1, true, true, true },
};

static int read_access(const struct json_at *at, const char *access, struct resource_device *d,
		       struct error *err)
{
	for (const char *c = access; *c; c++) {
		if (!strchr("rwm", *c))
			return json_at_error(at, err, "\"%s\" is not made of r, w and m", access);
		d->read |= *c == 'r';
		d->write |= *c == 'w';
		d->mknod |= *c == 'm';
	}
	return 0;
}

static int read_device_rule(const struct json_at *at, struct resources *out, struct error *err)
{
	struct json_at access_at = json_at_member(at, "access"),
		       type_at = json_at_member(at, "type");
	struct resource_device rule = { .type = 'a', .major = -1, .minor = -1 };
	const char *type = "a", *access = "rwm";

	if (json_at_check_object(at, err) || json_at_need_bool(at, "allow", &rule.allow, err) ||
	    json_at_get_str(at, "type", &type, err) ||
	    json_at_get_int(at, "major", -1, UINT32_MAX, &rule.major, err) ||
	    json_at_get_int(at, "minor", -1, UINT32_MAX, &rule.minor, err) ||
	    json_at_get_str(at, "access", &access, err) ||
	    read_access(&access_at, access, &rule, err))
		return -1;
	if (*type && (strlen(type) != 1 || !strchr("abc", *type)))
		return json_at_error(&type_at, err, "\"%s\" is not a type of device (a, b, c)",
				     type);
	if (*type)
		rule.type = *type;
	*resources_add_device(out) = rule;
	return 0;
}

static int read_devices(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at list;

	if (json_at_get_array(object, "devices", &list, err))
		return -1;
	if (list.value && yyjson_arr_size(list.value) > 4096)
		return json_at_error(&list, err, "more than 4096");
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e))
		if (read_device_rule(&e, out, err))
			return -1;
	for (size_t i = 0; out->devices_set && i < sizeof(always) / sizeof(always[0]); i++)
		*resources_add_device(out) = always[i];
	return 0;
}

/* ---- Memory, CPU */

static int read_memory(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at memory;
	int64_t swappiness = 0, ignored = 0;
	bool no_oom_killer = false, hierarchy = true;

	/* kernel and kernelTCP are gone from kernels, too; they are counted in limit. v2 is always hierarchical. */
	if (json_at_get_object(object, "memory", &memory, err) ||
	    get_nonzero(&memory, "limit", -1, INT64_MAX, &out->memory, err) ||
	    get_nonzero(&memory, "reservation", -1, INT64_MAX, &out->memory_reservation, err) ||
	    get_nonzero(&memory, "swap", -1, INT64_MAX, &out->memory_swap, err) ||
	    get_nonzero(&memory, "kernel", -1, INT64_MAX, &ignored, err) ||
	    get_nonzero(&memory, "kernelTCP", -1, INT64_MAX, &ignored, err) ||
	    json_at_get_int(&memory, "swappiness", 0, 100, &swappiness, err) ||
	    json_at_get_bool(&memory, "disableOOMKiller", &no_oom_killer, err) ||
	    json_at_get_bool(&memory, "useHierarchy", &hierarchy, err) ||
	    json_at_get_bool(&memory, "checkBeforeUpdate", &out->memory_check_before_update, err))
		return -1;
	if (json_at_member(&memory, "swappiness").value)
		return refuse(&memory, "swappiness", err);
	if (no_oom_killer)
		return refuse(&memory, "disableOOMKiller", err);
	return 0;
}

static int read_cpu(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at cpu;
	int64_t realtime_runtime = 0, realtime_period = 0;

	if (json_at_get_object(object, "cpu", &cpu, err) ||
	    get_nonzero(&cpu, "shares", 0, INT64_MAX, &out->cpu_shares, err) ||
	    get_nonzero(&cpu, "quota", -1, INT64_MAX, &out->cpu_quota, err) ||
	    get_nonzero(&cpu, "period", 0, INT64_MAX, &out->cpu_period, err) ||
	    json_at_get_int(&cpu, "burst", 0, INT64_MAX, &out->cpu_burst, err) ||
	    json_at_get_int(&cpu, "idle", 0, 1, &out->cpu_idle, err) ||
	    get_nonzero(&cpu, "realtimeRuntime", INT64_MIN, INT64_MAX, &realtime_runtime, err) ||
	    get_nonzero(&cpu, "realtimePeriod", 0, INT64_MAX, &realtime_period, err) ||
	    oci_get_text(&cpu, "cpus", &out->cpuset_cpus, err) ||
	    oci_get_text(&cpu, "mems", &out->cpuset_mems, err))
		return -1;
	if (realtime_runtime || realtime_period)
		return refuse(&cpu, realtime_runtime ? "realtimeRuntime" : "realtimePeriod", err);
	return 0;
}

/* ---- Block devices */

/* weightDevice and the throttles: value is under member. */
static int read_blocks(const struct json_at *object, const char *key, const char *member,
		       uint64_t max, struct resource_blocks *out, struct error *err)
{
	struct json_at list;
	uint64_t major, minor, value, leaf_weight = 0;

	if (json_at_get_array(object, key, &list, err))
		return -1;
	if (list.value && yyjson_arr_size(list.value) > 4096)
		return json_at_error(&list, err, "more than 4096");
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (json_at_check_object(&e, err) ||
		    json_at_need_uint(&e, "major", UINT32_MAX, &major, err) ||
		    json_at_need_uint(&e, "minor", UINT32_MAX, &minor, err) ||
		    json_at_get_uint(&e, "leafWeight", UINT16_MAX, &leaf_weight, err))
			return -1;
		if (leaf_weight)
			return refuse(&e, "leafWeight", err);
		if (json_at_need_uint(&e, member, max, &value, err))
			return -1;
		resources_add_block(out, (uint32_t)major, (uint32_t)minor, value);
	}
	return 0;
}

static int read_block_io(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at io;
	int64_t leaf_weight = 0;

	if (json_at_get_object(object, "blockIO", &io, err) ||
	    get_nonzero(&io, "weight", 0, UINT16_MAX, &out->blkio_weight, err) ||
	    get_nonzero(&io, "leafWeight", 0, UINT16_MAX, &leaf_weight, err) ||
	    read_blocks(&io, "weightDevice", "weight", UINT16_MAX, &out->weight_devices, err) ||
	    read_blocks(&io, "throttleReadBpsDevice", "rate", UINT64_MAX, &out->read_bps, err) ||
	    read_blocks(&io, "throttleWriteBpsDevice", "rate", UINT64_MAX, &out->write_bps, err) ||
	    read_blocks(&io, "throttleReadIOPSDevice", "rate", UINT64_MAX, &out->read_iops, err) ||
	    read_blocks(&io, "throttleWriteIOPSDevice", "rate", UINT64_MAX, &out->write_iops, err))
		return -1;
	return leaf_weight ? refuse(&io, "leafWeight", err) : 0;
}

/* ---- The rest */

static int read_hugetlb(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at list;
	const char *size;
	uint64_t limit;

	if (json_at_get_array(object, "hugepageLimits", &list, err))
		return -1;

	size_t n = list.value ? yyjson_arr_size(list.value) : 0;
	if (n > 64)
		return json_at_error(&list, err, "more than 64");
	if (!n)
		return 0;
	out->hugetlb = xcalloc(n, sizeof(*out->hugetlb));
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		struct json_at at = json_at_member(&e, "pageSize");

		if (json_at_check_object(&e, err) || json_at_need_str(&e, "pageSize", &size, err) ||
		    json_at_need_uint(&e, "limit", UINT64_MAX, &limit, err))
			return -1;

		/* It becomes part of a file's name. */
		size_t digits = strspn(size, "0123456789");
		const char *unit = size + digits;
		if (!digits || digits > 9 || !strchr("KMG", *unit) ||
		    strcmp(unit + (*unit != '\0'), "B") != 0)
			return json_at_error(&at, err, "\"%s\" is not a size of pages such as 2MB",
					     size);
		out->hugetlb[out->n_hugetlb++] = (struct resource_hugetlb){ xstrdup(size), limit };
	}
	return 0;
}

/* Names of files in the cgroup, which must be nothing else. */
static int read_unified(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at map = json_at_member(object, "unified");

	if (json_at_get_map(object, "unified", &out->unified, err))
		return -1;
	for (struct json_at e = json_at_first(&map); e.value; e = json_at_next(&map, &e))
		if (strchr(e.key, '/') || e.key[0] == '.' || !strchr(e.key, '.'))
			return json_at_error(&e, err, "no file of a cgroup's controller");
	return 0;
}

/* The rdma controller has no members of its own in struct resources: its one file is written as `unified` would. */
static int read_rdma(const struct json_at *object, struct resources *out, struct error *err)
{
	struct json_at map;

	if (json_at_get_object(object, "rdma", &map, err))
		return -1;
	for (struct json_at e = json_at_first(&map); e.value; e = json_at_next(&map, &e)) {
		uint64_t handles = UINT64_MAX, objects = UINT64_MAX;
		autostrbuf struct strbuf line = STRBUF_INIT;

		if (json_at_check_object(&e, err) ||
		    json_at_get_uint(&e, "hcaHandles", UINT32_MAX, &handles, err) ||
		    json_at_get_uint(&e, "hcaObjects", UINT32_MAX, &objects, err))
			return -1;
		if (!*e.key || strpbrk(e.key, " \t\n="))
			return json_at_error(&e, err, "no name of a device");
		if (handles == UINT64_MAX && objects == UINT64_MAX)
			return json_at_error(&e, err, "neither hcaHandles nor hcaObjects");
		strbuf_printf(&line, "rdma.max=%s", e.key);
		if (handles != UINT64_MAX)
			strbuf_printf(&line, " hca_handle=%" PRIu64, handles);
		if (objects != UINT64_MAX)
			strbuf_printf(&line, " hca_object=%" PRIu64, objects);
		strv_add(&out->unified, line.data);
	}
	return 0;
}

static int read_network(const struct json_at *object, struct error *err)
{
	struct json_at network, priorities;
	uint64_t class_id = 0;

	if (json_at_get_object(object, "network", &network, err) ||
	    json_at_get_uint(&network, "classID", UINT32_MAX, &class_id, err) ||
	    json_at_get_array(&network, "priorities", &priorities, err))
		return -1;
	if (class_id)
		return refuse(&network, "classID", err);
	if (priorities.value && yyjson_arr_size(priorities.value))
		return refuse(&network, "priorities", err);
	return 0;
}

int oci_read_resources(const struct json_at *resources, struct resources *out, struct error *err)
{
	struct json_at pids;

	if (read_devices(resources, out, err) || read_memory(resources, out, err) ||
	    read_cpu(resources, out, err) || read_block_io(resources, out, err) ||
	    read_hugetlb(resources, out, err) ||
	    json_at_get_object(resources, "pids", &pids, err) ||
	    get_nonzero(&pids, "limit", -1, INT64_MAX, &out->pids, err) ||
	    read_rdma(resources, out, err) || read_unified(resources, out, err) ||
	    read_network(resources, err))
		return -1;

	struct error why = ERROR_INIT;
	if (resources_check(out, &why))
		return json_at_error_code(resources, why.code, err, "%s", why.message);
	return 0;
}
