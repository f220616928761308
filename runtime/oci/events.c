/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/json.h"
#include "runtime/cgroup/cgroup_stats.h"
#include "runtime/oci/command.h"
#include "runtime/oci/container.h"
#include "runtime/spec/kernel.h"

/* The members and units of runc's types/events.go, which containerd reads. */

static void put_uint(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, uint64_t value)
{
	yyjson_mut_obj_add_uint(doc, obj, key, value);
}

static void put_cpu(yyjson_mut_doc *doc, yyjson_mut_val *data, const struct cgroup_stats *s)
{
	yyjson_mut_val *cpu = yyjson_mut_obj_add_obj(doc, data, "cpu");
	yyjson_mut_val *usage = yyjson_mut_obj_add_obj(doc, cpu, "usage");
	yyjson_mut_val *throttling = yyjson_mut_obj_add_obj(doc, cpu, "throttling");

	put_uint(doc, usage, "total", s->cpu_usage * 1000);
	put_uint(doc, usage, "kernel", s->cpu_system * 1000);
	put_uint(doc, usage, "user", s->cpu_user * 1000);
	put_uint(doc, throttling, "periods", s->cpu_periods);
	put_uint(doc, throttling, "throttledPeriods", s->cpu_throttled_periods);
	put_uint(doc, throttling, "throttledTime", s->cpu_throttled * 1000);
}

static void put_memory(yyjson_mut_doc *doc, yyjson_mut_val *data, const struct cgroup_stats *s)
{
	yyjson_mut_val *memory = yyjson_mut_obj_add_obj(doc, data, "memory");
	yyjson_mut_val *usage = yyjson_mut_obj_add_obj(doc, memory, "usage");
	yyjson_mut_val *swap = yyjson_mut_obj_add_obj(doc, memory, "swap");
	yyjson_mut_val *raw = yyjson_mut_obj_add_obj(doc, memory, "raw");

	for (size_t i = 0; i < s->n_memory_lines; i++) {
		const struct cgroup_memory_line *line = &s->memory_lines[i];

		put_uint(doc, raw, line->name, line->value);
		if (strcmp(line->name, "file") == 0)
			put_uint(doc, memory, "cache", line->value);
	}
	put_uint(doc, usage, "limit", s->memory_limit);
	put_uint(doc, usage, "usage", s->memory);
	put_uint(doc, usage, "max", s->memory_peak);
	put_uint(doc, usage, "failcnt", s->max_events);
	/* Here, too, memory and swap are counted together. */
	put_uint(doc, swap, "limit",
		 s->memory_limit == CGROUP_NO_LIMIT || s->swap_limit == CGROUP_NO_LIMIT
			 ? CGROUP_NO_LIMIT
			 : s->memory_limit + s->swap_limit);
	put_uint(doc, swap, "usage", s->memory + s->swap);
	put_uint(doc, swap, "failcnt", 0);
}

static void put_blkio_entry(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct cgroup_io *io,
			    const char *op, uint64_t value)
{
	yyjson_mut_val *entry = yyjson_mut_arr_add_obj(doc, list);

	put_uint(doc, entry, "major", io->major);
	put_uint(doc, entry, "minor", io->minor);
	yyjson_mut_obj_add_str(doc, entry, "op", op);
	put_uint(doc, entry, "value", value);
}

static void put_blkio(yyjson_mut_doc *doc, yyjson_mut_val *data, const struct cgroup_stats *s)
{
	yyjson_mut_val *blkio = yyjson_mut_obj_add_obj(doc, data, "blkio");
	yyjson_mut_val *bytes = yyjson_mut_obj_add_arr(doc, blkio, "ioServiceBytesRecursive");
	yyjson_mut_val *operations = yyjson_mut_obj_add_arr(doc, blkio, "ioServicedRecursive");

	for (size_t i = 0; i < s->n_io; i++) {
		put_blkio_entry(doc, bytes, &s->io[i], "Read", s->io[i].read_bytes);
		put_blkio_entry(doc, bytes, &s->io[i], "Write", s->io[i].write_bytes);
		put_blkio_entry(doc, operations, &s->io[i], "Read", s->io[i].read_ops);
		put_blkio_entry(doc, operations, &s->io[i], "Write", s->io[i].write_ops);
	}
}

static void put_hugetlb(yyjson_mut_doc *doc, yyjson_mut_val *data, const struct cgroup_stats *s)
{
	yyjson_mut_val *hugetlb = yyjson_mut_obj_add_obj(doc, data, "hugetlb");

	for (size_t i = 0; i < s->n_hugetlb; i++) {
		yyjson_mut_val *size =
			yyjson_mut_obj_add_obj(doc, hugetlb, s->hugetlb[i].page_size);

		put_uint(doc, size, "usage", s->hugetlb[i].usage);
		put_uint(doc, size, "failcnt", s->hugetlb[i].failures);
	}
}

/* One line of JSON; data NULL: an event without figures. */
static void print_event(const char *type, const char *id, const struct cgroup_stats *s)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *event = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, event);
	yyjson_mut_obj_add_str(doc, event, "type", type);
	yyjson_mut_obj_add_str(doc, event, "id", id);
	if (s) {
		yyjson_mut_val *data = yyjson_mut_obj_add_obj(doc, event, "data");
		yyjson_mut_val *pids;

		put_cpu(doc, data, s);
		put_memory(doc, data, s);
		pids = yyjson_mut_obj_add_obj(doc, data, "pids");
		put_uint(doc, pids, "current", s->pids);
		if (s->has_pids && s->pids_limit != CGROUP_NO_LIMIT)
			put_uint(doc, pids, "limit", s->pids_limit);
		put_blkio(doc, data, s);
		put_hugetlb(doc, data, s);
	}
	autofree char *text = json_write(doc, false, NULL);
	puts(text);
	fflush(stdout);
}

/* Figures once, or every interval_ms and a word when the kernel had to kill for want of memory, until the container ends. */
static int watch(const struct oci_container *c, bool once, int interval_ms, struct error *err)
{
	autoclose int pidfd = oci_container_pidfd(c, err);
	autoclose int cgroup = pidfd < 0 ? -1 : oci_container_cgroup(c);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	uint64_t kills = 0;

	if (pidfd < 0)
		return -1;
	for (bool first = true;; first = false) {
		struct cgroup_stats stats = CGROUP_STATS_INIT;

		if (cgroup_stats_read(cgroup, &stats, err) < 0)
			return -1;
		if (!first && stats.oom_kills > kills)
			print_event("oom", c->id, NULL);
		kills = stats.oom_kills;
		print_event("stats", c->id, &stats);
		cgroup_stats_free(&stats);
		if (once || ferror(stdout) || poll(&end, 1, interval_ms) != 0)
			return 0;
	}
}

/* Go's notation of a span, as far as people use it here: 5s, 500ms, 1m30s. */
static int parse_interval(const char *text, int *ms)
{
	double total = 0;

	while (*text) {
		char *end;
		double number = strtod(text, &end);
		double unit = strncmp(end, "ms", 2) == 0 ? 1
			      : *end == 's'              ? 1000
			      : *end == 'm'              ? 60000
			      : *end == 'h'              ? 3600000
							 : 0;

		if (end == text || unit == 0 || !(number >= 0))
			return -1;
		total += number * unit;
		text = end + (unit == 1 ? 2 : 1);
	}
	if (!(total >= 1 && total < INT32_MAX))
		return -1;
	*ms = (int)total;
	return 0;
}

int oci_cmd_events(struct oci_context *ctx, int argc, char **argv)
{
	struct oci_container autoocicontainer c = OCI_CONTAINER_INIT;
	const char *interval = "5s";
	bool stats = false;
	const struct cli_option options[] = {
		{ "interval", 0, CLI_STRING, &interval, "duration",
		  "Time between two figures (default 5s)" },
		{ "stats", 0, CLI_BOOL, &stats, NULL, "Show the figures once" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "events [OPTIONS] ID",
		.summary = "Show what a container uses, and when it runs out of memory",
		.options = options,
		.options_anywhere = true,
		.min_args = 1,
		.max_args = 1,
	};
	struct error err = ERROR_INIT;
	int ms, first, status = oci_parse(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	if (parse_interval(interval, &ms) < 0) {
		error_set(&err, EINVAL, "invalid value for --interval: \"%s\"", interval);
		return oci_fail(ctx, &err);
	}
	if (oci_container_open(ctx->root, argv[first], &c, &err) < 0 ||
	    watch(&c, stats, ms, &err) < 0)
		return oci_fail(ctx, &err);
	return oci_done(ctx, 0);
}
