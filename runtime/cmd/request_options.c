/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags of `run` and `create`, by kind, in Docker's words (docker/cli, cli/command/container/opts.go). */
#include <string.h>

#include "runtime/cmd/request.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

struct options {
	struct cli_option *items;
	size_t n;
};

static void add(struct options *to, const struct cli_option *from, size_t n)
{
	to->items = xreallocarray(to->items, to->n + n + 1, sizeof(*to->items));
	memcpy(to->items + to->n, from, n * sizeof(*from));
	to->n += n;
	to->items[to->n] = (struct cli_option){ 0 };
}

static void add_process(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "annotation", 0, CLI_LIST, &r->annotations, "map",
		  "Add an annotation to the container (passed through to the OCI runtime)" },
		{ "attach", 'a', CLI_LIST, &r->attach, "list",
		  "Attach to STDIN, STDOUT or STDERR" },
		{ "entrypoint", 0, CLI_STRING, &r->entrypoint, "string",
		  "Overwrite the default ENTRYPOINT of the image" },
		{ "env", 'e', CLI_LIST, &r->env, "list", "Set environment variables" },
		{ "env-file", 0, CLI_LIST, &r->env_files, "list",
		  "Read in a file of environment variables" },
		{ "expose", 0, CLI_LIST, &r->expose, "list", "Expose a port or a range of ports" },
		{ "init", 0, CLI_BOOL, &r->init, NULL,
		  "Run an init inside the container that forwards signals and reaps processes" },
		{ "interactive", 'i', CLI_BOOL, &r->interactive, NULL,
		  "Keep STDIN open even if not attached" },
		{ "label", 'l', CLI_LIST, &r->labels, "list", "Set meta data on a container" },
		{ "label-file", 0, CLI_LIST, &r->label_files, "list",
		  "Read in a line delimited file of labels" },
		{ "name", 0, CLI_STRING, &r->name, "string", "Assign a name to the container" },
		{ "tty", 't', CLI_BOOL, &r->tty, NULL, "Allocate a pseudo-TTY" },
		{ "user", 'u', CLI_STRING, &r->user, "string",
		  "Username or UID (format: <name|uid>[:<group|gid>])" },
		{ "workdir", 'w', CLI_STRING, &r->working_dir, "string",
		  "Working directory inside the container" },
	};

	add(to, options, LENGTH(options));
}

static void add_rights(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "cap-add", 0, CLI_LIST, &r->cap_add, "list", "Add Linux capabilities" },
		{ "cap-drop", 0, CLI_LIST, &r->cap_drop, "list", "Drop Linux capabilities" },
		{ "device", 0, CLI_LIST, &r->devices, "list",
		  "Add a host device to the container" },
		{ "device-cgroup-rule", 0, CLI_LIST, &r->device_rules, "list",
		  "Add a rule to the cgroup allowed devices list" },
		{ "group-add", 0, CLI_LIST, &r->group_add, "list",
		  "Add additional groups to join" },
		{ "privileged", 0, CLI_BOOL, &r->privileged, NULL,
		  "Give extended privileges to this container" },
		{ "security-opt", 0, CLI_LIST, &r->security, "list", "Security Options" },
	};

	add(to, options, LENGTH(options));
}

static void add_namespaces(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "cgroup-parent", 0, CLI_STRING, &r->cgroup_parent, "string",
		  "Optional parent cgroup for the container" },
		{ "cgroupns", 0, CLI_STRING, &r->cgroupns, "string",
		  "Cgroup namespace to use (host|private)" },
		{ "ipc", 0, CLI_STRING, &r->ipc, "string", "IPC mode to use" },
		{ "isolation", 0, CLI_STRING, &r->isolation, "string",
		  "Container isolation technology" },
		{ "pid", 0, CLI_STRING, &r->pid, "string", "PID namespace to use" },
		{ "runtime", 0, CLI_STRING, &r->runtime, "string",
		  "Runtime to use for this container" },
		{ "userns", 0, CLI_STRING, &r->userns, "string",
		  "User namespace to use (host|auto)" },
		{ "uts", 0, CLI_STRING, &r->uts, "string", "UTS namespace to use" },
	};

	add(to, options, LENGTH(options));
}

static void add_networks(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "add-host", 0, CLI_LIST, &r->extra_hosts, "list",
		  "Add a custom host-to-IP mapping (host:ip)" },
		{ "dns", 0, CLI_LIST, &r->dns, "list", "Set custom DNS servers" },
		{ "dns-opt", 0, CLI_LIST, &r->dns_options, "list", NULL },
		{ "dns-option", 0, CLI_LIST, &r->dns_options, "list", "Set DNS options" },
		{ "dns-search", 0, CLI_LIST, &r->dns_search, "list",
		  "Set custom DNS search domains" },
		{ "domainname", 0, CLI_STRING, &r->domainname, "string",
		  "Container NIS domain name" },
		{ "hostname", 'h', CLI_STRING, &r->hostname, "string", "Container host name" },
		{ "ip", 0, CLI_STRING, &r->ip, "ip", NULL },
		{ "ip6", 0, CLI_STRING, &r->ip6, "ip", NULL },
		{ "link", 0, CLI_LIST, &r->links, "list", NULL },
		{ "link-local-ip", 0, CLI_LIST, &r->link_local, "list", NULL },
		{ "mac-address", 0, CLI_STRING, &r->mac, "string", NULL },
		{ "net", 0, CLI_STRING, &r->network, "network", NULL },
		{ "net-alias", 0, CLI_LIST, &r->network_aliases, "list", NULL },
		{ "network", 0, CLI_STRING, &r->network, "network",
		  "Connect a container to a network: host (default), none, container:<name|id>" },
		{ "network-alias", 0, CLI_LIST, &r->network_aliases, "list", NULL },
		{ "publish", 'p', CLI_LIST, &r->publish, "list",
		  "Publish a container's port(s) to the host" },
		{ "publish-all", 'P', CLI_BOOL, &r->publish_all, NULL,
		  "Publish all exposed ports to random ports" },
	};

	add(to, options, LENGTH(options));
}

static void add_files(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "mount", 0, CLI_LIST, &r->mounts, "mount",
		  "Attach a filesystem mount to the container" },
		{ "read-only", 0, CLI_BOOL, &r->readonly, NULL,
		  "Mount the container's root filesystem as read only" },
		{ "shm-size", 0, CLI_STRING, &r->shm_size, "bytes", "Size of /dev/shm" },
		{ "storage-opt", 0, CLI_LIST, &r->storage_opts, "list", NULL },
		{ "tmpfs", 0, CLI_LIST, &r->tmpfs, "list", "Mount a tmpfs directory" },
		{ "volume", 'v', CLI_LIST, &r->volumes, "list", "Bind mount a volume" },
		{ "volume-driver", 0, CLI_STRING, &r->volume_driver, "string",
		  "Optional volume driver for the container" },
		{ "volumes-from", 0, CLI_LIST, &r->volumes_from, "list",
		  "Mount volumes from the specified container(s)" },
	};

	add(to, options, LENGTH(options));
}

static void add_limits(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		LIMIT_OPTIONS(r->limits),
		{ "blkio-weight-device", 0, CLI_LIST, &r->blocks[HOST_BLOCK_WEIGHT], "list",
		  "Block IO weight (relative device weight)" },
		{ "cpu-rt-period", 0, CLI_INT, &r->cpu_rt_period, "int",
		  "Limit CPU real-time period in microseconds" },
		{ "cpu-rt-runtime", 0, CLI_INT, &r->cpu_rt_runtime, "int",
		  "Limit CPU real-time runtime in microseconds" },
		{ "device-read-bps", 0, CLI_LIST, &r->blocks[HOST_BLOCK_READ_BPS], "list",
		  "Limit read rate (bytes per second) from a device" },
		{ "device-read-iops", 0, CLI_LIST, &r->blocks[HOST_BLOCK_READ_IOPS], "list",
		  "Limit read rate (IO per second) from a device" },
		{ "device-write-bps", 0, CLI_LIST, &r->blocks[HOST_BLOCK_WRITE_BPS], "list",
		  "Limit write rate (bytes per second) to a device" },
		{ "device-write-iops", 0, CLI_LIST, &r->blocks[HOST_BLOCK_WRITE_IOPS], "list",
		  "Limit write rate (IO per second) to a device" },
		{ "kernel-memory", 0, CLI_STRING, &r->kernel_memory, "bytes", NULL },
		{ "memory-swappiness", 0, CLI_INT, &r->swappiness, "int",
		  "Tune container memory swappiness (0 to 100)" },
		{ "oom-kill-disable", 0, CLI_BOOL, &r->oom_kill_disable, NULL,
		  "Disable OOM Killer" },
		{ "oom-score-adj", 0, CLI_INT, &r->oom_score_adj, "int",
		  "Tune host's OOM preferences (-1000 to 1000)" },
		{ "sysctl", 0, CLI_LIST, &r->sysctls, "map", "Sysctl options" },
		{ "ulimit", 0, CLI_LIST, &r->ulimits, "ulimit", "Ulimit options" },
	};

	add(to, options, LENGTH(options));
}

static void add_life(struct engine_request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "cidfile", 0, CLI_STRING, &r->cid_file, "string",
		  "Write the container ID to the file" },
		{ "health-cmd", 0, CLI_STRING, &r->health_cmd, "string",
		  "Command to run to check health" },
		{ "health-interval", 0, CLI_STRING, &r->health_interval, "duration",
		  "Time between running the check (ms|s|m|h) (default 0s)" },
		{ "health-retries", 0, CLI_INT, &r->health_retries, "int",
		  "Consecutive failures needed to report unhealthy" },
		{ "health-start-interval", 0, CLI_STRING, &r->health_start_interval, "duration",
		  "Time between running the check during the start period (ms|s|m|h) (default 0s)" },
		{ "health-start-period", 0, CLI_STRING, &r->health_start_period, "duration",
		  "Start period for the container to initialize before starting health-retries "
		  "countdown (ms|s|m|h) (default 0s)" },
		{ "health-timeout", 0, CLI_STRING, &r->health_timeout, "duration",
		  "Maximum time to allow one check to run (ms|s|m|h) (default 0s)" },
		{ "log-driver", 0, CLI_STRING, &r->log_driver, "string",
		  "Logging driver for the container: json-file (default) or none" },
		{ "log-opt", 0, CLI_LIST, &r->log_opts, "list",
		  "Log driver options: max-size, max-file" },
		{ "no-healthcheck", 0, CLI_BOOL, &r->no_health, NULL,
		  "Disable any container-specified HEALTHCHECK" },
		{ "restart", 0, CLI_STRING, &r->restart, "string",
		  "Restart policy to apply when a container exits (default \"no\")" },
		{ "rm", 0, CLI_BOOL, &r->auto_remove, NULL,
		  "Automatically remove the container and its associated anonymous volumes when it "
		  "exits" },
		{ "stop-signal", 0, CLI_STRING, &r->stop_signal, "string",
		  "Signal to stop the container" },
		{ "stop-timeout", 0, CLI_INT, &r->stop_timeout, "int",
		  "Timeout (in seconds) to stop a container" },
	};

	add(to, options, LENGTH(options));
}

static void add_command(struct request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "platform", 0, CLI_STRING, &r->engine.platform, "string",
		  "Set platform if server is multi-platform capable" },
		{ "pull", 0, CLI_STRING, &r->pull, "string",
		  "Pull image before creating (\"always\", \"missing\", \"never\") (default \"missing\")" },
		{ "quiet", 'q', CLI_BOOL, &r->quiet, NULL, "Suppress the pull output" },
	};

	add(to, options, LENGTH(options));
}

static void add_run(struct request *r, struct options *to)
{
	const struct cli_option options[] = {
		{ "detach", 'd', CLI_BOOL, &r->engine.detach, NULL,
		  "Run container in background and print container ID" },
		{ "detach-keys", 0, CLI_STRING, &r->detach_keys, "string",
		  "Override the key sequence for detaching a container" },
		{ "sig-proxy", 0, CLI_BOOL, &r->sig_proxy, NULL,
		  "Proxy received signals to the process (default true)" },
	};

	add(to, options, LENGTH(options));
}

struct cli_option *request_options(struct request *r, bool run)
{
	struct options all = { 0 };

	add_process(&r->engine, &all);
	add_rights(&r->engine, &all);
	add_namespaces(&r->engine, &all);
	add_networks(&r->engine, &all);
	add_files(&r->engine, &all);
	add_limits(&r->engine, &all);
	add_life(&r->engine, &all);
	add_command(r, &all);
	if (run)
		add_run(r, &all);
	return all.items;
}
