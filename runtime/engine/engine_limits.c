/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags of `run` that limit what a container may use, with the bounds and words of Docker (docker/cli, opts;
 * moby, daemon/daemon_unix.go). */
#include "runtime/engine/engine_private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup_path.h"
#include "runtime/engine/limits.h"

/* What concerns memory and processors beside runtime/engine/limits.h. */
static int machine(const struct engine_request *r, struct strv *warnings, struct error *err)
{
	int64_t ignored;

	if (r->kernel_memory && human_parse_size(r->kernel_memory, &ignored) < 0)
		return flag_error(err, r->kernel_memory, "--kernel-memory", "invalid size: '%s'",
				  r->kernel_memory);
	if (r->kernel_memory)
		strv_add(warnings,
			 "Flag --kernel-memory has been deprecated, and no longer supported "
			 "by the kernel");
	if (r->swappiness < -1 || r->swappiness > 100)
		return error_set(err, EINVAL,
				 "invalid value: %ld. Valid memory swappiness range is 0-100",
				 r->swappiness);
	if (r->swappiness >= 0)
		strv_add(warnings,
			 "WARNING: Your kernel does not support memory swappiness capabilities or "
			 "the cgroup is not mounted. Memory swappiness discarded.");
	if (r->cpu_rt_period || r->cpu_rt_runtime)
		return error_set(err, EINVAL, "kernel does not support CPU real-time scheduler");
	if (r->oom_kill_disable)
		return error_set(err, EINVAL,
				 "--oom-kill-disable: cgroup v2 cannot do without the OOM killer; "
				 "--oom-score-adj says whom it is to spare");
	if (r->oom_score_adj < -1000 || r->oom_score_adj > 1000)
		return error_set(err, EINVAL,
				 "Invalid value %ld, range for oom score adj is [-1000, 1000]",
				 r->oom_score_adj);
	return 0;
}

/* ---- Block devices */

static const char *const block_flags[HOST_BLOCK_KINDS] = {
	[HOST_BLOCK_WEIGHT] = "--blkio-weight-device",
	[HOST_BLOCK_READ_BPS] = "--device-read-bps",
	[HOST_BLOCK_WRITE_BPS] = "--device-write-bps",
	[HOST_BLOCK_READ_IOPS] = "--device-read-iops",
	[HOST_BLOCK_WRITE_IOPS] = "--device-write-iops",
};

static int parse_block(const char *word, enum host_block_kind kind, struct host_config *h,
		       struct error *err)
{
	static const char bytes[] = "<number>[<unit>]. Number must be a positive integer. Unit is "
				    "optional and can be kb, mb, or gb";
	bool is_bytes = kind == HOST_BLOCK_READ_BPS || kind == HOST_BLOCK_WRITE_BPS;
	const char *flag = block_flags[kind], *colon = strchr(word, ':');
	unsigned long long number = 0;
	int64_t size = 0;
	struct host_block *b;
	int status;

	if (!colon || colon == word)
		return flag_error(err, word, flag, "bad format: %s", word);
	if (!str_starts(word, "/dev/"))
		return flag_error(err, word, flag, "bad format for device path: %s", word);
	if (is_bytes) {
		status = human_parse_size(colon + 1, &size);
		number = (unsigned long long)size;
	} else {
		status = str_to_u64(colon + 1, kind == HOST_BLOCK_WEIGHT ? 1000 : ULLONG_MAX,
				    &number);
		if (kind == HOST_BLOCK_WEIGHT && number > 0 && number < 10)
			status = -1;
	}
	if (status < 0 && kind == HOST_BLOCK_WEIGHT)
		return flag_error(err, word, flag, "invalid weight for device: %s", word);
	if (status < 0)
		return flag_error(
			err, word, flag,
			"invalid rate for device: %s. The correct format is <device-path>:%s", word,
			is_bytes ? bytes : "<number>. Number must be a positive integer");
	b = host_config_add_block(h, kind);
	b->path = xstrndup(word, (size_t)(colon - word));
	b->value = number;
	return 0;
}

static int blocks(const struct engine_request *r, struct host_config *h, struct error *err)
{
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++)
		for (size_t i = 0; i < r->blocks[kind].len; i++)
			if (parse_block(r->blocks[kind].items[i], (enum host_block_kind)kind, h,
					err) < 0)
				return -1;
	return 0;
}

/* ---- Processes */

/* A limit's value as Go's ParseInt takes it: -1 is none. */
static int parse_limit(const char *text, int64_t *out, struct error *err, const char *word)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (errno == ERANGE)
		return flag_error(err, word, "--ulimit",
				  "strconv.ParseInt: parsing \"%s\": value out of range", text);
	if (end == text || *end || isspace((unsigned char)*text))
		return flag_error(err, word, "--ulimit",
				  "strconv.ParseInt: parsing \"%s\": invalid syntax", text);
	return 0;
}

static int parse_ulimit(const char *word, struct host_config *h, struct error *err)
{
	autofree char *copy = xstrdup(word);
	char *value = strchr(copy, '='), *ceiling;
	int64_t soft, hard;
	int resource;

	if (!value)
		return flag_error(err, word, "--ulimit", "invalid ulimit argument: %s", word);
	*value++ = '\0';
	resource = ulimit_resource(copy);
	if (resource < 0)
		return flag_error(err, word, "--ulimit", "invalid ulimit type: %s", copy);
	ceiling = strchr(value, ':');
	if (ceiling && strchr(ceiling + 1, ':'))
		return flag_error(err, word, "--ulimit",
				  "too many limit value arguments - %s, can only have up to two, "
				  "`soft[:hard]`",
				  value);
	if (ceiling)
		*ceiling++ = '\0';
	if ((ceiling && parse_limit(ceiling, &hard, err, word) < 0) ||
	    parse_limit(value, &soft, err, word) < 0)
		return -1;
	if (!ceiling)
		hard = soft;
	if (hard != -1 && soft == -1)
		return flag_error(err, word, "--ulimit",
				  "ulimit soft limit must be less than or equal to hard limit: "
				  "soft: -1 (unlimited), hard: %lld",
				  (long long)hard);
	if (hard != -1 && soft > hard)
		return flag_error(
			err, word, "--ulimit",
			"ulimit soft limit must be less than or equal to hard limit: %lld > %lld",
			(long long)soft, (long long)hard);
	if (soft < -1 || hard < -1)
		return flag_error(err, word, "--ulimit", "a limit cannot be negative, but for -1");
	host_config_add_ulimit(h, resource, (struct rlimit){ (rlim_t)soft, (rlim_t)hard });
	return 0;
}

static int compare_ulimits(const void *pa, const void *pb)
{
	const struct spec_rlimit *a = pa, *b = pb;

	return strcmp(ulimit_name(a->resource), ulimit_name(b->resource));
}

/* Those that belong to a namespace: others would change the machine. */
static bool sysctl_valid(const char *word)
{
	static const char ipc[] =
		"kernel.msgmax,kernel.msgmnb,kernel.msgmni,kernel.sem,"
		"kernel.shmall,kernel.shmmax,kernel.shmmni,kernel.shm_rmid_forced";
	const char *equals = strchr(word, '=');
	autofree char *key = xstrndup(word, equals ? (size_t)(equals - word) : 0);

	return str_in_list(key, ipc) || str_starts(key, "net.") || str_starts(key, "fs.mqueue.");
}

static int processes(const struct engine_request *r, struct host_config *h, struct error *err)
{
	for (size_t i = 0; i < r->ulimits.len; i++)
		if (parse_ulimit(r->ulimits.items[i], h, err) < 0)
			return -1;
	if (h->n_ulimits)
		qsort(h->ulimits, h->n_ulimits, sizeof(*h->ulimits), compare_ulimits);
	for (size_t i = 0; i < r->sysctls.len; i++) {
		const char *word = r->sysctls.items[i];

		if (!sysctl_valid(word))
			return flag_error(err, word, "--sysctl", "sysctl '%s' is not allowed",
					  word);
		strv_env_set(&h->sysctls, word);
	}
	h->has_oom_score_adj = r->oom_score_adj != 0;
	h->oom_score_adj = (int)r->oom_score_adj;
	return 0;
}

int engine_limits(const struct engine_request *r, struct host_config *h, struct strv *warnings,
		  struct error *err)
{
	static const char any_id[] = "x";

	if (limits_parse(&r->limits, &h->resources, &h->nano_cpus, err) < 0 ||
	    machine(r, warnings, err) < 0 ||
	    limits_check_new(&h->resources, h->nano_cpus, err) < 0 || blocks(r, h, err) < 0 ||
	    processes(r, h, err) < 0)
		return -1;
	if (r->cgroup_parent && *r->cgroup_parent) {
		autofree char *path = cgroup_path_below(r->cgroup_parent, any_id, err);

		if (!path)
			return error_prefix(err, "--cgroup-parent");
		h->cgroup_parent = xstrdup(r->cgroup_parent);
	}
	return 0;
}
