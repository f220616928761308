/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HostConfig: what the flags asked of the machine, and what Docker's daemon adds to it. */
#include "runtime/engine/inspect_private.h"

#include <string.h>

#include "lib/cleanup.h"
#include "runtime/spec/spec.h"

#define SHM_SIZE (64 << 20) /* bytes, as spec.c mounts it */

void inspect_constants(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct inspect_member *m)
{
	for (; m->key; m++) {
		switch (m->value) {
		case NUL:
			yyjson_mut_obj_add_null(doc, o, m->key);
			break;
		case NO:
			yyjson_mut_obj_add_bool(doc, o, m->key, false);
			break;
		case ZERO:
			yyjson_mut_obj_add_int(doc, o, m->key, 0);
			break;
		case EMPTY:
			yyjson_mut_obj_add_str(doc, o, m->key, "");
			break;
		case LIST:
			yyjson_mut_obj_add_arr(doc, o, m->key);
			break;
		case MAP:
			yyjson_mut_obj_add_obj(doc, o, m->key);
			break;
		}
	}
}

void inspect_list(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const struct strv *v)
{
	if (v->len)
		json_put_strv(doc, o, key, v);
	else
		yyjson_mut_obj_add_null(doc, o, key);
}

/* The same, but an empty one is []. */
static void put_list(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const struct strv *v)
{
	if (v->len)
		json_put_strv(doc, o, key, v);
	else
		yyjson_mut_obj_add_arr(doc, o, key);
}

/* 0 where nothing was asked for. */
static void put_number(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, int64_t value)
{
	yyjson_mut_obj_add_int(doc, o, key, value == RESOURCE_UNSET ? 0 : value);
}

/* What the daemon puts where nothing was asked for. */
static void put_mode(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const char *mode,
		     const char *usual)
{
	inspect_put(doc, o, key, mode ? mode : usual);
}

static void put_life(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct container_config *c)
{
	const struct host_config *host = &c->host;
	yyjson_mut_val *part = yyjson_mut_obj_add_obj(doc, h, "LogConfig");

	inspect_put(doc, part, "Type", host->log_driver ? host->log_driver : "json-file");
	if (host->log_opts.len)
		json_put_map(doc, part, "Config", &host->log_opts);
	else
		yyjson_mut_obj_add_obj(doc, part, "Config");
	inspect_put(doc, h, "NetworkMode", c->network);
	yyjson_mut_obj_add_obj(doc, h, "PortBindings");
	part = yyjson_mut_obj_add_obj(doc, h, "RestartPolicy");
	inspect_put(doc, part, "Name", restart_policy_name(host->restart));
	yyjson_mut_obj_add_uint(doc, part, "MaximumRetryCount", host->restart_max);
	yyjson_mut_obj_add_bool(doc, h, "AutoRemove", c->auto_remove);
	yyjson_mut_obj_add_str(doc, h, "VolumeDriver", "");
	inspect_list(doc, h, "VolumesFrom", &host->volumes_from);
	part = yyjson_mut_obj_add_arr(doc, h, "ConsoleSize");
	yyjson_mut_arr_add_int(doc, part, 0);
	yyjson_mut_arr_add_int(doc, part, 0);
	json_put_map(doc, h, "Annotations", &host->annotations);
}

static void put_rights(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct container_config *c)
{
	const struct host_config *host = &c->host;

	inspect_list(doc, h, "CapAdd", &host->cap_add);
	inspect_list(doc, h, "CapDrop", &host->cap_drop);
	put_mode(doc, h, "CgroupnsMode", host->cgroupns_mode, "private");
	put_list(doc, h, "Dns", &host->dns);
	put_list(doc, h, "DnsOptions", &host->dns_options);
	put_list(doc, h, "DnsSearch", &host->dns_search);
	inspect_list(doc, h, "ExtraHosts", &host->extra_hosts);
	inspect_list(doc, h, "GroupAdd", &host->group_add);
	put_mode(doc, h, "IpcMode", host->ipc_mode, "private");
	yyjson_mut_obj_add_str(doc, h, "Cgroup", "");
	yyjson_mut_obj_add_null(doc, h, "Links");
	yyjson_mut_obj_add_int(doc, h, "OomScoreAdj", host->oom_score_adj);
	put_mode(doc, h, "PidMode", host->pid_mode, "");
	yyjson_mut_obj_add_bool(doc, h, "Privileged", host->privileged);
	yyjson_mut_obj_add_bool(doc, h, "PublishAllPorts", false);
	yyjson_mut_obj_add_bool(doc, h, "ReadonlyRootfs", c->readonly_rootfs);
	inspect_list(doc, h, "SecurityOpt", &host->security_opt);
	inspect_tmpfs(doc, h, host);
	put_mode(doc, h, "UTSMode", host->uts_mode, "");
	put_mode(doc, h, "UsernsMode", host->userns_mode, "");
	yyjson_mut_obj_add_int(doc, h, "ShmSize", host->shm_size ? host->shm_size : SHM_SIZE);
	json_put_map(doc, h, "Sysctls", &host->sysctls);
	yyjson_mut_obj_add_str(doc, h, "Runtime", "knarr");
	yyjson_mut_obj_add_str(doc, h, "Isolation", "");
}

static void put_blocks(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	static const char *const keys[HOST_BLOCK_KINDS] = {
		[HOST_BLOCK_WEIGHT] = "BlkioWeightDevice",
		[HOST_BLOCK_READ_BPS] = "BlkioDeviceReadBps",
		[HOST_BLOCK_WRITE_BPS] = "BlkioDeviceWriteBps",
		[HOST_BLOCK_READ_IOPS] = "BlkioDeviceReadIOps",
		[HOST_BLOCK_WRITE_IOPS] = "BlkioDeviceWriteIOps",
	};

	put_number(doc, h, "BlkioWeight", host->resources.blkio_weight);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++) {
		yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, h, keys[kind]);

		for (size_t i = 0; i < host->blocks[kind].n; i++) {
			const struct host_block *b = &host->blocks[kind].items[i];
			yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

			inspect_put(doc, o, "Path", b->path);
			yyjson_mut_obj_add_uint(
				doc, o, kind == HOST_BLOCK_WEIGHT ? "Weight" : "Rate", b->value);
		}
	}
}

static void put_devices(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, h, "Devices");

	for (size_t i = 0; i < host->n_devices; i++) {
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

		inspect_put(doc, o, "PathOnHost", host->devices[i].source);
		inspect_put(doc, o, "PathInContainer", host->devices[i].target);
		inspect_put(doc, o, "CgroupPermissions", host->devices[i].permissions);
	}
	inspect_list(doc, h, "DeviceCgroupRules", &host->device_rules);
	yyjson_mut_obj_add_null(doc, h, "DeviceRequests");
}

static void put_ulimits(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, h, "Ulimits");

	for (size_t i = 0; i < host->n_ulimits; i++) {
		yyjson_mut_val *o = yyjson_mut_arr_add_obj(doc, list);

		inspect_put(doc, o, "Name", ulimit_name(host->ulimits[i].resource));
		yyjson_mut_obj_add_int(doc, o, "Hard", (int64_t)host->ulimits[i].limit.rlim_max);
		yyjson_mut_obj_add_int(doc, o, "Soft", (int64_t)host->ulimits[i].limit.rlim_cur);
	}
}

static void put_limits(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	static const struct inspect_member realtime[] = { { "CpuRealtimePeriod", ZERO },
							  { "CpuRealtimeRuntime", ZERO },
							  { 0 } };
	static const struct inspect_member others[] = { { "MemorySwappiness", NUL },
							{ "OomKillDisable", NUL },
							{ 0 } };
	static const struct inspect_member windows[] = { { "CpuCount", ZERO },
							 { "CpuPercent", ZERO },
							 { "IOMaximumIOps", ZERO },
							 { "IOMaximumBandwidth", ZERO },
							 { 0 } };
	const struct resources *r = &host->resources;
	/* What --cpus comes to is the cgroup's business. */
	bool by_cpus = host->nano_cpus != 0;

	put_number(doc, h, "CpuShares", r->cpu_shares);
	put_number(doc, h, "Memory", r->memory);
	yyjson_mut_obj_add_int(doc, h, "NanoCpus", host->nano_cpus);
	inspect_put(doc, h, "CgroupParent", host->cgroup_parent);
	put_blocks(doc, h, host);
	put_number(doc, h, "CpuPeriod", by_cpus ? 0 : r->cpu_period);
	put_number(doc, h, "CpuQuota", by_cpus ? 0 : r->cpu_quota);
	inspect_constants(doc, h, realtime);
	inspect_put(doc, h, "CpusetCpus", r->cpuset_cpus);
	inspect_put(doc, h, "CpusetMems", r->cpuset_mems);
	put_devices(doc, h, host);
	put_number(doc, h, "MemoryReservation", r->memory_reservation);
	put_number(doc, h, "MemorySwap", r->memory_swap);
	inspect_constants(doc, h, others);
	if (r->pids == RESOURCE_UNSET)
		yyjson_mut_obj_add_null(doc, h, "PidsLimit");
	else
		yyjson_mut_obj_add_int(doc, h, "PidsLimit", r->pids);
	put_ulimits(doc, h, host);
	inspect_constants(doc, h, windows);
}

static void put_paths(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	struct spec autospec spec = SPEC_INIT;

	/* The daemon keeps the flag, and leaves the paths of a privileged container as null. */
	if (host->privileged) {
		yyjson_mut_obj_add_null(doc, h, "MaskedPaths");
		yyjson_mut_obj_add_null(doc, h, "ReadonlyPaths");
		return;
	}
	if (!host->unmasked)
		spec_docker_defaults(&spec, false);
	put_list(doc, h, "MaskedPaths", &spec.masked_paths);
	put_list(doc, h, "ReadonlyPaths", &spec.readonly_paths);
}

void inspect_host_config(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	yyjson_mut_val *h = yyjson_mut_obj_add_obj(doc, o, "HostConfig");
	const struct host_config *host = &c->config.host;

	inspect_binds(doc, h, host);
	inspect_put(doc, h, "ContainerIDFile", host->cid_file);
	put_life(doc, h, &c->config);
	put_rights(doc, h, &c->config);
	put_limits(doc, h, host);
	inspect_mount_flags(doc, h, host);
	put_paths(doc, h, host);
	if (host->init)
		yyjson_mut_obj_add_bool(doc, h, "Init", true);
}
