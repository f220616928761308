/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host_config in container.json: the members of struct host_config under their names in camelCase, those of its resources
 * among them, and
 *
 *     "mounts": [{"type": "bind", "source", "target", "readonly", ...}], "devices": [{"source", "target", "permissions"}],
 *     "ulimits": [{"name": "nofile", "soft", "hard"}], "blkioWeightDevice": [{"path", "value"}], ...,
 *     "restart": "on-failure:3"
 *
 * What is not asked for is left out. */
#include "runtime/container/host_config.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/container/names.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum kind { TEXT, LIST, FLAG, INT, UINT, WIDE };

struct member {
	const char *key;
	enum kind kind;
	size_t offset;
	int64_t min, max; /* of numbers */
};

#define HOST(field)   offsetof(struct host_config, field)
#define MOUNT(field)  offsetof(struct host_mount, field)
#define DEVICE(field) offsetof(struct host_device, field)
#define ANY_COUNT     0, INT64_MAX
#define OR_UNLIMITED  -1, INT64_MAX

static const struct member members[] = {
	{ "privileged", FLAG, HOST(privileged), 0, 0 },
	{ "capAdd", LIST, HOST(cap_add), 0, 0 },
	{ "capDrop", LIST, HOST(cap_drop), 0, 0 },
	{ "groupAdd", LIST, HOST(group_add), 0, 0 },
	{ "securityOpt", LIST, HOST(security_opt), 0, 0 },
	{ "unmasked", FLAG, HOST(unmasked), 0, 0 },
	{ "deviceRules", LIST, HOST(device_rules), 0, 0 },
	{ "pidMode", TEXT, HOST(pid_mode), 0, 0 },
	{ "ipcMode", TEXT, HOST(ipc_mode), 0, 0 },
	{ "utsMode", TEXT, HOST(uts_mode), 0, 0 },
	{ "cgroupnsMode", TEXT, HOST(cgroupns_mode), 0, 0 },
	{ "usernsMode", TEXT, HOST(userns_mode), 0, 0 },
	{ "volumesFrom", LIST, HOST(volumes_from), 0, 0 },
	{ "shmSize", WIDE, HOST(shm_size), ANY_COUNT },
	{ "domainname", TEXT, HOST(domainname), 0, 0 },
	{ "dns", LIST, HOST(dns), 0, 0 },
	{ "dnsSearch", LIST, HOST(dns_search), 0, 0 },
	{ "dnsOptions", LIST, HOST(dns_options), 0, 0 },
	{ "extraHosts", LIST, HOST(extra_hosts), 0, 0 },
	{ "memory", WIDE, HOST(resources.memory), OR_UNLIMITED },
	{ "memorySwap", WIDE, HOST(resources.memory_swap), OR_UNLIMITED },
	{ "memoryReservation", WIDE, HOST(resources.memory_reservation), OR_UNLIMITED },
	{ "cpuShares", WIDE, HOST(resources.cpu_shares), ANY_COUNT },
	{ "cpuQuota", WIDE, HOST(resources.cpu_quota), OR_UNLIMITED },
	{ "cpuPeriod", WIDE, HOST(resources.cpu_period), ANY_COUNT },
	{ "cpusetCpus", TEXT, HOST(resources.cpuset_cpus), 0, 0 },
	{ "cpusetMems", TEXT, HOST(resources.cpuset_mems), 0, 0 },
	{ "pids", WIDE, HOST(resources.pids), OR_UNLIMITED },
	{ "blkioWeight", WIDE, HOST(resources.blkio_weight), ANY_COUNT },
	{ "nanoCpus", WIDE, HOST(nano_cpus), ANY_COUNT },
	{ "hasOomScoreAdj", FLAG, HOST(has_oom_score_adj), 0, 0 },
	{ "oomScoreAdj", INT, HOST(oom_score_adj), -1000, 1000 },
	{ "sysctls", LIST, HOST(sysctls), 0, 0 },
	{ "cgroupParent", TEXT, HOST(cgroup_parent), 0, 0 },
	{ "init", FLAG, HOST(init), 0, 0 },
	{ "stopTimeout", INT, HOST(stop_timeout), -1, INT_MAX },
	{ "cidFile", TEXT, HOST(cid_file), 0, 0 },
	{ "annotations", LIST, HOST(annotations), 0, 0 },
	{ "logDriver", TEXT, HOST(log_driver), 0, 0 },
	{ "logOpts", LIST, HOST(log_opts), 0, 0 },
	{ "logMaxSize", WIDE, HOST(log_max_size), ANY_COUNT },
	{ "logMaxFile", UINT, HOST(log_max_file), 0, INT_MAX },
};

static const struct member mount_members[] = {
	{ "source", TEXT, MOUNT(source), 0, 0 },
	{ "target", TEXT, MOUNT(target), 0, 0 },
	{ "readonly", FLAG, MOUNT(readonly), 0, 0 },
	{ "fromImage", FLAG, MOUNT(from_image), 0, 0 },
	{ "anonymous", FLAG, MOUNT(anonymous), 0, 0 },
	{ "noCopy", FLAG, MOUNT(no_copy), 0, 0 },
	{ "createSource", FLAG, MOUNT(create_source), 0, 0 },
	{ "nonRecursive", FLAG, MOUNT(non_recursive), 0, 0 },
	{ "readonlyNonRecursive", FLAG, MOUNT(readonly_non_recursive), 0, 0 },
	{ "readonlyForceRecursive", FLAG, MOUNT(readonly_force_recursive), 0, 0 },
	{ "byMount", FLAG, MOUNT(by_mount), 0, 0 },
	{ "inherited", FLAG, MOUNT(inherited), 0, 0 },
	{ "options", TEXT, MOUNT(options), 0, 0 },
	{ "tmpfsSize", WIDE, MOUNT(tmpfs_size), ANY_COUNT },
	{ "tmpfsMode", UINT, MOUNT(tmpfs_mode), 0, 07777 },
};

static const struct member device_members[] = {
	{ "source", TEXT, DEVICE(source), 0, 0 },
	{ "target", TEXT, DEVICE(target), 0, 0 },
	{ "permissions", TEXT, DEVICE(permissions), 0, 0 },
};

static const struct member block_members[] = {
	{ "path", TEXT, offsetof(struct host_block, path), 0, 0 },
};

static const char *const block_keys[HOST_BLOCK_KINDS] = {
	[HOST_BLOCK_WEIGHT] = "blkioWeightDevice",
	[HOST_BLOCK_READ_BPS] = "blkioDeviceReadBps",
	[HOST_BLOCK_WRITE_BPS] = "blkioDeviceWriteBps",
	[HOST_BLOCK_READ_IOPS] = "blkioDeviceReadIOps",
	[HOST_BLOCK_WRITE_IOPS] = "blkioDeviceWriteIOps",
};

static const char *const mount_types[] = { [HOST_MOUNT_BIND] = "bind",
					   [HOST_MOUNT_VOLUME] = "volume",
					   [HOST_MOUNT_TMPFS] = "tmpfs" };

/* ---- Writing */

/* What differs from the defaults (NULL: zeros). */
static void put_members(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct member *m, size_t n,
			const void *from, const void *defaults)
{
	for (; n--; m++) {
		const char *at = (const char *)from + m->offset;
		const char *usual = defaults ? (const char *)defaults + m->offset : NULL;
		const char *text;
		int64_t number = 0, usually = 0;

		switch (m->kind) {
		case TEXT:
			text = *(char *const *)(const void *)at;
			if (text && *text)
				yyjson_mut_obj_add_strcpy(doc, obj, m->key, text);
			continue;
		case LIST:
			json_put_strv(doc, obj, m->key, (const struct strv *)(const void *)at);
			continue;
		case FLAG:
			if (*(const bool *)at)
				yyjson_mut_obj_add_bool(doc, obj, m->key, true);
			continue;
		case INT:
			number = *(const int *)(const void *)at;
			usually = usual ? *(const int *)(const void *)usual : 0;
			break;
		case UINT:
			number = *(const unsigned int *)(const void *)at;
			break;
		case WIDE:
			number = *(const int64_t *)(const void *)at;
			usually = usual ? *(const int64_t *)(const void *)usual : 0;
			break;
		}
		if (number != usually)
			yyjson_mut_obj_add_int(doc, obj, m->key, number);
	}
}

static void put_mount(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct host_mount *m)
{
	yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);
	const char *propagation = host_config_propagation_name(m->propagation);

	yyjson_mut_obj_add_str(doc, o, "type", mount_types[m->type]);
	put_members(doc, o, mount_members, LENGTH(mount_members), m, NULL);
	if (propagation)
		yyjson_mut_obj_add_str(doc, o, "propagation", propagation);
}

static void put_ulimits(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct host_config *h)
{
	yyjson_mut_val *list = h->n_ulimits ? yyjson_mut_obj_add_arr(doc, obj, "ulimits") : NULL;

	for (size_t i = 0; i < h->n_ulimits; i++) {
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_str(doc, o, "name", ulimit_name(h->ulimits[i].resource));
		yyjson_mut_obj_add_uint(doc, o, "soft", h->ulimits[i].limit.rlim_cur);
		yyjson_mut_obj_add_uint(doc, o, "hard", h->ulimits[i].limit.rlim_max);
	}
}

void host_config_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct host_config *h)
{
	static const struct host_config defaults = HOST_CONFIG_INIT;
	yyjson_mut_val *list;

	put_members(doc, obj, members, LENGTH(members), h, &defaults);
	list = h->n_mounts ? yyjson_mut_obj_add_arr(doc, obj, "mounts") : NULL;
	for (size_t i = 0; i < h->n_mounts; i++)
		put_mount(doc, list, &h->mounts[i]);
	list = h->n_devices ? yyjson_mut_obj_add_arr(doc, obj, "devices") : NULL;
	for (size_t i = 0; i < h->n_devices; i++)
		put_members(doc, yyjson_mut_arr_add_obj(doc, list), device_members,
			    LENGTH(device_members), &h->devices[i], NULL);
	put_ulimits(doc, obj, h);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++) {
		const struct host_blocks *b = &h->blocks[kind];

		list = b->n ? yyjson_mut_obj_add_arr(doc, obj, block_keys[kind]) : NULL;
		for (size_t i = 0; i < b->n; i++) {
			yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

			put_members(doc, o, block_members, LENGTH(block_members), &b->items[i],
				    NULL);
			yyjson_mut_obj_add_uint(doc, o, "value", b->items[i].value);
		}
	}
	if (h->restart != RESTART_NO) {
		autofree char *text = h->restart_max
					      ? str_format("%s:%u", restart_policy_name(h->restart),
							   h->restart_max)
					      : xstrdup(restart_policy_name(h->restart));
		yyjson_mut_obj_add_strcpy(doc, obj, "restart", text);
	}
}

/* ---- Reading */

static int get_number(yyjson_val *obj, const struct member *m, int64_t *number, struct error *err)
{
	if (json_get_i64(obj, m->key, number, err) < 0)
		return -1;
	if (*number < m->min || *number > m->max)
		return error_set(err, EINVAL, "\"%s\" is out of range", m->key);
	return 0;
}

static int get_member(yyjson_val *obj, const struct member *m, char *at, struct error *err)
{
	const char *text = NULL;
	int64_t number = 0;
	yyjson_val *val = yyjson_obj_get(obj, m->key);

	if (!val || yyjson_is_null(val))
		return 0;
	switch (m->kind) {
	case TEXT:
		if (json_get_str(obj, m->key, &text, err) < 0)
			return -1;
		if (*text)
			*(char **)(void *)at = xstrdup(text);
		return 0;
	case LIST:
		return json_get_strv(obj, m->key, (struct strv *)(void *)at, err);
	case FLAG:
		return json_get_bool(obj, m->key, (bool *)at, err);
	case INT:
	case UINT:
	case WIDE:
		break;
	}
	if (get_number(obj, m, &number, err) < 0)
		return -1;
	if (m->kind == WIDE)
		*(int64_t *)(void *)at = number;
	else
		*(int *)(void *)at = (int)number;
	return 0;
}

static int get_members(yyjson_val *obj, const struct member *m, size_t n, void *to,
		       struct error *err)
{
	for (; n--; m++)
		if (get_member(obj, m, (char *)to + m->offset, err) < 0)
			return -1;
	return 0;
}

/* Calls fn for each object of the array key. */
static int each(yyjson_val *obj, const char *key,
		int (*fn)(yyjson_val *o, int kind, struct host_config *h, struct error *err),
		int kind, struct host_config *h, struct error *err)
{
	yyjson_val *list = NULL, *o;

	if (json_get_arr(obj, key, &list, err) < 0)
		return -1;
	yyjson_arr_iter it = yyjson_arr_iter_with(list);
	while ((o = yyjson_arr_iter_next(&it))) {
		if (!yyjson_is_obj(o))
			return error_set(err, EINVAL, "\"%s\" must be an array of objects", key);
		if (fn(o, kind, h, err) < 0)
			return error_prefix(err, "\"%s\"", key);
	}
	return 0;
}

static int get_mount(yyjson_val *o, int kind, struct host_config *h, struct error *err)
{
	const char *type = NULL, *propagation = NULL;
	struct host_mount *m = host_config_add_mount(h);
	size_t i;

	(void)kind;
	if (json_get_str(o, "type", &type, err) < 0 ||
	    get_members(o, mount_members, LENGTH(mount_members), m, err) < 0 ||
	    json_get_str(o, "propagation", &propagation, err) < 0)
		return -1;
	for (i = 0; i < LENGTH(mount_types) && (!type || strcmp(type, mount_types[i]) != 0);)
		i++;
	if (i == LENGTH(mount_types))
		return error_set(err, EINVAL, "a mount is of no known type");
	m->type = (enum host_mount_type)i;
	if (!m->target || m->target[0] != '/')
		return error_set(err, EINVAL, "a mount's target is no absolute path");
	if (m->type == HOST_MOUNT_BIND && (!m->source || m->source[0] != '/'))
		return error_set(err, EINVAL, "a bind mount's source is no absolute path");
	/* It becomes a part of a path. */
	if (m->type == HOST_MOUNT_VOLUME && (!m->source || !name_valid(m->source)))
		return error_set(err, EINVAL, "a volume's name is none");
	if (!propagation)
		return 0;
	m->propagation = host_config_propagation(propagation);
	return m->propagation ? 0 : error_set(err, EINVAL, "a mount's propagation is none");
}

static int get_device(yyjson_val *o, int kind, struct host_config *h, struct error *err)
{
	struct host_device *d = host_config_add_device(h);

	(void)kind;
	if (get_members(o, device_members, LENGTH(device_members), d, err) < 0)
		return -1;
	if (!d->source || d->source[0] != '/' || !d->target || d->target[0] != '/' ||
	    !d->permissions)
		return error_set(err, EINVAL, "a device has no absolute paths or no permissions");
	return 0;
}

static int get_ulimit(yyjson_val *o, int kind, struct host_config *h, struct error *err)
{
	const char *name = NULL;
	uint64_t soft = 0, hard = 0;
	int resource;

	(void)kind;
	if (json_get_str(o, "name", &name, err) < 0 || json_get_u64(o, "soft", &soft, err) < 0 ||
	    json_get_u64(o, "hard", &hard, err) < 0)
		return -1;
	resource = name ? ulimit_resource(name) : -1;
	if (resource < 0 || soft > hard)
		return error_set(err, EINVAL, "a limit has no known name, or is above its ceiling");
	host_config_add_ulimit(h, resource, (struct rlimit){ soft, hard });
	return 0;
}

static int get_block(yyjson_val *o, int kind, struct host_config *h, struct error *err)
{
	struct host_block *b = host_config_add_block(h, (enum host_block_kind)kind);

	if (get_members(o, block_members, LENGTH(block_members), b, err) < 0 ||
	    json_get_u64(o, "value", &b->value, err) < 0)
		return -1;
	if (!b->path || b->path[0] != '/')
		return error_set(err, EINVAL, "a block device has no absolute path");
	return 0;
}

/* Modes that name a container have its whole ID: it becomes a part of a path. */
static int check_mode(const char *flag, const char *mode, const char *known, struct error *err)
{
	static const char container[] = "container:";

	if (!mode)
		return 0;
	if (str_starts(mode, container)
		    ? str_in_list(container, known) && id_valid(mode + strlen(container))
		    : str_in_list(mode, known))
		return 0;
	return error_set(err, EINVAL, "the mode of its %s namespace is none", flag);
}

int host_config_get(yyjson_val *obj, struct host_config *out, struct error *err)
{
	const char *restart = NULL;

	if (!obj)
		return 0;
	if (get_members(obj, members, LENGTH(members), out, err) < 0 ||
	    each(obj, "mounts", get_mount, 0, out, err) < 0 ||
	    each(obj, "devices", get_device, 0, out, err) < 0 ||
	    each(obj, "ulimits", get_ulimit, 0, out, err) < 0 ||
	    json_get_str(obj, "restart", &restart, err) < 0)
		return -1;
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++)
		if (each(obj, block_keys[kind], get_block, kind, out, err) < 0)
			return -1;
	if (check_mode("pid", out->pid_mode, "host,container:", err) < 0 ||
	    check_mode("ipc", out->ipc_mode, "host,none,private,shareable,container:", err) < 0 ||
	    check_mode("uts", out->uts_mode, "host", err) < 0 ||
	    check_mode("cgroup", out->cgroupns_mode, "host,private", err) < 0 ||
	    check_mode("user", out->userns_mode, "host,auto", err) < 0)
		return -1;
	if (out->log_driver && !str_in_list(out->log_driver, "json-file,none"))
		return error_set(err, EINVAL, "its log driver is unknown");
	return restart ? restart_policy_parse(restart, &out->restart, &out->restart_max, err) : 0;
}
