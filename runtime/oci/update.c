/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/command.h"
#include "runtime/oci/config.h"
#include "runtime/oci/container.h"

/* A number in decimal, -1 where negative is set among others. */
static int take_number(const char *flag, const char *value, bool negative, int64_t *out,
		       struct error *err)
{
	unsigned long long number;

	if (!value || !*value)
		return 0;
	if (negative && value[0] == '-' && str_to_u64(value + 1, INT64_MAX, &number) == 0)
		*out = -(int64_t)number;
	else if (str_to_u64(value, INT64_MAX, &number) == 0)
		*out = (int64_t)number;
	else
		return error_set(err, EINVAL, "invalid value for --%s: \"%s\"", flag, value);
	return 0;
}

/* Bytes, with a unit as in 64m, or -1 for unlimited. */
static int take_bytes(const char *flag, const char *value, int64_t *out, struct error *err)
{
	if (!value || !*value)
		return 0;
	if (strcmp(value, "-1") == 0)
		*out = RESOURCE_UNLIMITED;
	else if (human_parse_size(value, out) < 0)
		return error_set(err, EINVAL, "invalid value for --%s: \"%s\"", flag, value);
	return 0;
}

/* All of a file, or of standard input for "-". */
static char *read_document(const char *path, size_t *len, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	char buf[4096];
	ssize_t n = 0;

	if (strcmp(path, "-") != 0)
		return fs_read_file(AT_FDCWD, path, OCI_CONFIG_MAX, len, err);
	while (text.len <= OCI_CONFIG_MAX && (n = fs_read_full(STDIN_FILENO, buf, sizeof(buf))) > 0)
		strbuf_add(&text, buf, (size_t)n);
	*len = text.len;
	if (n == 0)
		return strbuf_steal(&text);
	strbuf_free(&text);
	if (n < 0)
		error_errno(err, "standard input");
	else
		error_set(err, EFBIG, "standard input: more than %u bytes", OCI_CONFIG_MAX);
	return NULL;
}

static int update(const struct oci_context *ctx, const char *id, const struct resources *change,
		  struct error *err)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;

	if (resources_check(change, err) < 0 || oci_container_open(ctx->root, id, &c, err) < 0)
		return -1;
	if (oci_container_status(&c) == OCI_STOPPED)
		return error_set(err, ESRCH, "container not running");
	autoclose int cgroup = oci_container_cgroup(&c);
	return cgroup_apply(cgroup, change, err);
}

struct flags {
	const char *resources, *blkio_weight, *cpu_burst, *cpu_idle, *cpu_period, *cpu_quota,
		*cpu_share, *cpuset_cpus, *cpuset_mems, *memory, *memory_reservation, *memory_swap,
		*pids_limit, *l3_cache, *mem_bandwidth;
};

static int take_flags(const struct flags *f, struct resources *r, struct error *err)
{
	size_t len;

	if (f->l3_cache || f->mem_bandwidth)
		return error_set(err, ENOTSUP, "Intel RDT is not supported");
	if (f->resources) {
		autofree char *text = read_document(f->resources, &len, err);
		return text ? oci_resources_parse(text, len, r, err) : -1;
	}
	if (f->cpuset_cpus)
		r->cpuset_cpus = xstrdup(f->cpuset_cpus);
	if (f->cpuset_mems)
		r->cpuset_mems = xstrdup(f->cpuset_mems);
	if (take_number("blkio-weight", f->blkio_weight, false, &r->blkio_weight, err) < 0 ||
	    take_number("cpu-burst", f->cpu_burst, false, &r->cpu_burst, err) < 0 ||
	    take_number("cpu-idle", f->cpu_idle, false, &r->cpu_idle, err) < 0 ||
	    take_number("cpu-period", f->cpu_period, false, &r->cpu_period, err) < 0 ||
	    take_number("cpu-quota", f->cpu_quota, true, &r->cpu_quota, err) < 0 ||
	    take_number("cpu-share", f->cpu_share, false, &r->cpu_shares, err) < 0 ||
	    take_number("pids-limit", f->pids_limit, true, &r->pids, err) < 0 ||
	    take_bytes("memory", f->memory, &r->memory, err) < 0 ||
	    take_bytes("memory-reservation", f->memory_reservation, &r->memory_reservation, err) <
		    0)
		return -1;
	return take_bytes("memory-swap", f->memory_swap, &r->memory_swap, err);
}

int oci_cmd_update(struct oci_context *ctx, int argc, char **argv)
{
	struct flags f = { 0 };
	const struct cli_option options[] = {
		{ "blkio-weight", 0, CLI_STRING, &f.blkio_weight, "int",
		  "Block IO weight, 10 to 1000" },
		{ "cpu-burst", 0, CLI_STRING, &f.cpu_burst, "int",
		  "Microseconds that may be saved up beyond the quota" },
		{ "cpu-idle", 0, CLI_STRING, &f.cpu_idle, "int", "1: SCHED_IDLE; 0: not" },
		{ "cpu-period", 0, CLI_STRING, &f.cpu_period, "int", "CPU period in microseconds" },
		{ "cpu-quota", 0, CLI_STRING, &f.cpu_quota, "int",
		  "CPU time in a period in microseconds" },
		{ "cpu-share", 0, CLI_STRING, &f.cpu_share, "int", "CPU shares (relative weight)" },
		{ "cpuset-cpus", 0, CLI_STRING, &f.cpuset_cpus, "string", "CPUs to use" },
		{ "cpuset-mems", 0, CLI_STRING, &f.cpuset_mems, "string", "Memory nodes to use" },
		{ "l3-cache-schema", 0, CLI_STRING, &f.l3_cache, "string", NULL },
		{ "mem-bw-schema", 0, CLI_STRING, &f.mem_bandwidth, "string", NULL },
		{ "memory", 0, CLI_STRING, &f.memory, "bytes", "Memory limit; -1: none" },
		{ "memory-reservation", 0, CLI_STRING, &f.memory_reservation, "bytes",
		  "Memory reservation" },
		{ "memory-swap", 0, CLI_STRING, &f.memory_swap, "bytes",
		  "Memory and swap together; -1: no limit" },
		{ "pids-limit", 0, CLI_STRING, &f.pids_limit, "int",
		  "Number of processes; -1: any" },
		{ "resources", 'r', CLI_STRING, &f.resources, "string",
		  "File with linux.resources, or - for standard input; other flags do not count" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "update [OPTIONS] ID",
		.summary = "Change what a container may use",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	autoresources struct resources change = RESOURCES_INIT;
	struct error err = ERROR_INIT;
	int first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (take_flags(&f, &change, &err) < 0 || update(ctx, argv[first], &change, &err) < 0)
		return oci_fail(ctx, &err);
	return 0;
}
