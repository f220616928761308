/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/inspect.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/spec.h"

#define SHM_SIZE (64 << 20) /* bytes, as spec.c mounts it */

/* RFC 3339 without the zeros at its end, as Docker's daemon writes times; none is the year 1. */
static void put_time(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, struct timespec t)
{
	char text[TIME_TEXT_MAX], *end;

	if (!t.tv_sec && !t.tv_nsec) {
		inspect_put(doc, o, key, INSPECT_NO_TIME);
		return;
	}
	time_text(t, text);
	end = text + strlen(text) - 1; /* the Z */
	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	memcpy(end, "Z", 2);
	inspect_put(doc, o, key, text);
}

/* A path below a folder, as this machine sees it. */
static void put_path(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const char *folder,
		     const char *between, const struct container *c, const char *name)
{
	char *path autofree = str_format("%s%s/%s/%s", folder, between, c->config.id, name);

	inspect_put(doc, o, key, path);
}

static void put_command(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	struct strv words autostrv = STRV_INIT;
	yyjson_mut_val *args;

	config_command(&c->config, &words);
	inspect_put(doc, o, "Path", words.len ? words.items[0] : NULL);
	args = yyjson_mut_obj_add_arr(doc, o, "Args");
	for (size_t i = 1; i < words.len; i++)
		yyjson_mut_arr_add_strcpy(doc, args, words.items[i]);
}

static void put_state(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container_state *s)
{
	yyjson_mut_val *state = yyjson_mut_obj_add_obj(doc, o, "State");
	bool running = s->status == STATUS_RUNNING;

	inspect_put(doc, state, "Status", state_name(s));
	yyjson_mut_obj_add_bool(doc, state, "Running", running);
	yyjson_mut_obj_add_bool(doc, state, "Paused", running && s->paused);
	yyjson_mut_obj_add_bool(doc, state, "Restarting", running && s->restarting);
	yyjson_mut_obj_add_bool(doc, state, "OOMKilled", s->oom_killed);
	yyjson_mut_obj_add_bool(doc, state, "Dead", false);
	yyjson_mut_obj_add_int(doc, state, "Pid", running ? s->pid : 0);
	yyjson_mut_obj_add_int(doc, state, "ExitCode", s->exit_code);
	inspect_put(doc, state, "Error", s->error);
	put_time(doc, state, "StartedAt", s->started);
	put_time(doc, state, "FinishedAt", s->finished);
}

/* ---- HostConfig: much of it has one value here, which stands in a table. */

enum constant { NUL, NO, ZERO, EMPTY, LIST, MAP };

struct member {
	const char *key;
	enum constant value;
};

static void put_constants(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct member *m)
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

static void put_log_and_network(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct container *c)
{
	yyjson_mut_val *part = yyjson_mut_obj_add_obj(doc, h, "LogConfig");

	yyjson_mut_obj_add_str(doc, part, "Type", "json-file");
	yyjson_mut_obj_add_obj(doc, part, "Config");
	inspect_put(doc, h, "NetworkMode", c->config.network);
	yyjson_mut_obj_add_obj(doc, h, "PortBindings");
	part = yyjson_mut_obj_add_obj(doc, h, "RestartPolicy");
	yyjson_mut_obj_add_str(doc, part, "Name", "no");
	yyjson_mut_obj_add_int(doc, part, "MaximumRetryCount", 0);
	yyjson_mut_obj_add_bool(doc, h, "AutoRemove", c->config.auto_remove);
}

static void put_security(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct container_config *c)
{
	yyjson_mut_val *options;

	if (!c->no_new_privileges && !c->seccomp_unconfined) {
		yyjson_mut_obj_add_null(doc, h, "SecurityOpt");
		return;
	}
	options = yyjson_mut_obj_add_arr(doc, h, "SecurityOpt");
	if (c->no_new_privileges)
		yyjson_mut_arr_add_str(doc, options, "no-new-privileges");
	if (c->seccomp_unconfined)
		yyjson_mut_arr_add_str(doc, options, "seccomp=unconfined");
}

static void put_paths(yyjson_mut_doc *doc, yyjson_mut_val *h)
{
	struct spec spec = { 0 };

	spec_docker_defaults(&spec, false);
	json_put_strv(doc, h, "MaskedPaths", &spec.masked_paths);
	json_put_strv(doc, h, "ReadonlyPaths", &spec.readonly_paths);
	spec_free(&spec);
}

static void put_host_config(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	static const struct member before[] = { { "Binds", NUL },
						{ "ContainerIDFile", EMPTY },
						{ 0 } };
	static const struct member devices[] = { { "VolumeDriver", EMPTY },
						 { "VolumesFrom", NUL },
						 { 0 } };
	static const struct member rights[] = { { "CapAdd", NUL }, { "CapDrop", NUL }, { 0 } };
	static const struct member names[] = { { "Dns", NUL },       { "DnsOptions", NUL },
					       { "DnsSearch", NUL }, { "ExtraHosts", NUL },
					       { "GroupAdd", NUL },  { 0 } };
	static const struct member modes[] = { { "Cgroup", EMPTY },
					       { "Links", NUL },
					       { "OomScoreAdj", ZERO },
					       { "PidMode", EMPTY },
					       { "Privileged", NO },
					       { "PublishAllPorts", NO },
					       { 0 } };
	static const struct member limits[] = {
		{ "Isolation", EMPTY },
		{ "CpuShares", ZERO },
		{ "Memory", ZERO },
		{ "NanoCpus", ZERO },
		{ "CgroupParent", EMPTY },
		{ "BlkioWeight", ZERO },
		{ "BlkioWeightDevice", LIST },
		{ "BlkioDeviceReadBps", LIST },
		{ "BlkioDeviceWriteBps", LIST },
		{ "BlkioDeviceReadIOps", LIST },
		{ "BlkioDeviceWriteIOps", LIST },
		{ "CpuPeriod", ZERO },
		{ "CpuQuota", ZERO },
		{ "CpuRealtimePeriod", ZERO },
		{ "CpuRealtimeRuntime", ZERO },
		{ "CpusetCpus", EMPTY },
		{ "CpusetMems", EMPTY },
		{ "Devices", LIST },
		{ "DeviceCgroupRules", NUL },
		{ "DeviceRequests", NUL },
		{ "MemoryReservation", ZERO },
		{ "MemorySwap", ZERO },
		{ "MemorySwappiness", NUL },
		{ "OomKillDisable", NUL },
		{ "PidsLimit", NUL },
		{ "Ulimits", NUL },
		{ "CpuCount", ZERO },
		{ "CpuPercent", ZERO },
		{ "IOMaximumIOps", ZERO },
		{ "IOMaximumBandwidth", ZERO },
		{ 0 },
	};
	yyjson_mut_val *h = yyjson_mut_obj_add_obj(doc, o, "HostConfig"), *console;

	put_constants(doc, h, before);
	put_log_and_network(doc, h, c);
	put_constants(doc, h, devices);
	console = yyjson_mut_obj_add_arr(doc, h, "ConsoleSize");
	yyjson_mut_arr_add_int(doc, console, 0);
	yyjson_mut_arr_add_int(doc, console, 0);
	put_constants(doc, h, rights);
	yyjson_mut_obj_add_str(doc, h, "CgroupnsMode", "private");
	put_constants(doc, h, names);
	yyjson_mut_obj_add_str(doc, h, "IpcMode", "private");
	put_constants(doc, h, modes);
	yyjson_mut_obj_add_bool(doc, h, "ReadonlyRootfs", c->config.readonly_rootfs);
	put_security(doc, h, &c->config);
	yyjson_mut_obj_add_str(doc, h, "UTSMode", "");
	yyjson_mut_obj_add_str(doc, h, "UsernsMode", "");
	yyjson_mut_obj_add_int(doc, h, "ShmSize", SHM_SIZE);
	yyjson_mut_obj_add_str(doc, h, "Runtime", "knarr");
	put_constants(doc, h, limits);
	put_paths(doc, h);
}

/* ---- The rest */

static void put_network(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	static const struct member settings[] = {
		{ "Bridge", EMPTY },
		{ "SandboxID", EMPTY },
		{ "SandboxKey", EMPTY },
		{ "Ports", MAP },
		{ "HairpinMode", NO },
		{ "LinkLocalIPv6Address", EMPTY },
		{ "LinkLocalIPv6PrefixLen", ZERO },
		{ "SecondaryIPAddresses", NUL },
		{ "SecondaryIPv6Addresses", NUL },
		{ "EndpointID", EMPTY },
		{ "Gateway", EMPTY },
		{ "GlobalIPv6Address", EMPTY },
		{ "GlobalIPv6PrefixLen", ZERO },
		{ "IPAddress", EMPTY },
		{ "IPPrefixLen", ZERO },
		{ "IPv6Gateway", EMPTY },
		{ "MacAddress", EMPTY },
		{ 0 },
	};
	static const struct member endpoint[] = {
		{ "IPAMConfig", NUL },
		{ "Links", NUL },
		{ "Aliases", NUL },
		{ "MacAddress", EMPTY },
		{ "DriverOpts", NUL },
		{ "GwPriority", ZERO },
		{ "NetworkID", EMPTY },
		{ "EndpointID", EMPTY },
		{ "Gateway", EMPTY },
		{ "IPAddress", EMPTY },
		{ "IPPrefixLen", ZERO },
		{ "IPv6Gateway", EMPTY },
		{ "GlobalIPv6Address", EMPTY },
		{ "GlobalIPv6PrefixLen", ZERO },
		{ "DNSNames", NUL },
		{ 0 },
	};
	yyjson_mut_val *n = yyjson_mut_obj_add_obj(doc, o, "NetworkSettings"), *networks, *one;

	put_constants(doc, n, settings);
	networks = yyjson_mut_obj_add_obj(doc, n, "Networks");
	one = yyjson_mut_obj(doc);
	put_constants(doc, one, endpoint);
	yyjson_mut_obj_add(networks, yyjson_mut_strcpy(doc, c->config.network), one);
}

static void put_driver(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		       const struct container *c)
{
	yyjson_mut_val *driver = yyjson_mut_obj_add_obj(doc, o, "GraphDriver");
	yyjson_mut_val *data = yyjson_mut_obj_add_obj(doc, driver, "Data");

	put_path(doc, data, "UpperDir", st->root, "/containers", c, "upper");
	put_path(doc, data, "WorkDir", st->root, "/containers", c, "work");
	yyjson_mut_obj_add_str(doc, driver, "Name", INSPECT_DRIVER);
}

int container_sizes(const struct store *st, const struct container *c, uint64_t *own, uint64_t *all,
		    struct error *err)
{
	struct image *img autoimage = NULL;

	if (container_size(st, c->config.id, own, err) < 0)
		return -1;
	*all = *own;
	/* An image that was removed leaves its containers without that sum. */
	img = image_open(st, &c->config.image_id, NULL);
	if (img)
		*all += img->size;
	return 0;
}

static int put_sizes(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		     const struct container *c, struct error *err)
{
	uint64_t own, all;

	if (container_sizes(st, c, &own, &all, err) < 0)
		return -1;
	yyjson_mut_obj_add_uint(doc, o, "SizeRw", own);
	yyjson_mut_obj_add_uint(doc, o, "SizeRootFs", all);
	return 0;
}

yyjson_mut_val *inspect_container(yyjson_mut_doc *doc, const struct store *st,
				  const struct container *c, bool size, struct error *err)
{
	static const struct member labels[] = {
		{ "MountLabel", EMPTY },
		{ "ProcessLabel", EMPTY },
		{ "AppArmorProfile", EMPTY },
		{ "ExecIDs", NUL },
		{ 0 },
	};
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char image[DIGEST_TEXT_MAX];
	char *name autofree = str_format("/%s", c->config.name);
	struct inspect_config config = { .config = &c->config.run,
					 .hostname = c->config.hostname,
					 .image = c->config.image,
					 .attach_stdin = c->config.stdin_once,
					 .tty = c->config.tty,
					 .open_stdin = c->config.open_stdin,
					 .stdin_once = c->config.stdin_once };

	inspect_put(doc, o, "Id", c->config.id);
	put_time(doc, o, "Created", c->config.created);
	put_command(doc, o, c);
	put_state(doc, o, &c->state);
	inspect_put(doc, o, "Image", digest_text(&c->config.image_id, image));
	put_path(doc, o, "ResolvConfPath", st->run, "", c, "resolv.conf");
	put_path(doc, o, "HostnamePath", st->run, "", c, "hostname");
	put_path(doc, o, "HostsPath", st->run, "", c, "hosts");
	put_path(doc, o, "LogPath", st->root, "/containers", c, "log");
	inspect_put(doc, o, "Name", name);
	yyjson_mut_obj_add_uint(doc, o, "RestartCount", c->state.restart_count);
	yyjson_mut_obj_add_str(doc, o, "Driver", INSPECT_DRIVER);
	yyjson_mut_obj_add_str(doc, o, "Platform", "linux");
	put_constants(doc, o, labels);
	put_host_config(doc, o, c);
	put_driver(doc, o, st, c);
	if (size && put_sizes(doc, o, st, c, err) < 0)
		return NULL;
	yyjson_mut_obj_add_arr(doc, o, "Mounts");
	yyjson_mut_obj_add_val(doc, o, "Config", inspect_config(doc, &config));
	put_network(doc, o, c);
	return o;
}
