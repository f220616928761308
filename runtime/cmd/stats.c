/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `stats`: what containers use, again each second until somebody has seen enough. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image-tools/cmd/listing.h"
#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_stats.h"
#include "runtime/command.h"
#include "runtime/container/container.h"

#define SHORT_ID  12
#define PERIOD_MS 1000
#define NO_TIME   0

enum field { BLOCK_IO, CPU_PERC, CONTAINER, ID, MEM_PERC, MEM_USAGE, NAME, NET_IO, PIDS, N_FIELDS };

static const struct listing_field fields[] = {
	[BLOCK_IO] = { "BlockIO", "BLOCK I/O" },
	[CPU_PERC] = { "CPUPerc", "CPU %" },
	[CONTAINER] = { "Container", "CONTAINER" },
	[ID] = { "ID", "CONTAINER ID" },
	[MEM_PERC] = { "MemPerc", "MEM %" },
	[MEM_USAGE] = { "MemUsage", "MEM USAGE / LIMIT" },
	[NAME] = { "Name", "NAME" },
	[NET_IO] = { "NetIO", "NET I/O" },
	[PIDS] = { "PIDs", "PIDS" },
	[N_FIELDS] = { 0 },
};

static const struct listing_kind kind = {
	fields,
	"{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}"
};

/* One look at one container. */
struct sample {
	char id[ID_LEN + 1];
	char *name, *word; /* word: as it was named on the command line; NULL: it was not */
	bool gone;         /* named, and removed meanwhile */
	uint64_t at;       /* microseconds; NO_TIME: it does not run */
	uint64_t cpu;      /* microseconds used */
	uint64_t memory, memory_limit, received, sent, read, written, pids;
};

struct samples {
	struct sample *items;
	size_t n;
};

struct stats {
	bool all, no_stream, whole;
	const char *format;
	uint64_t machine_memory;
};

static void samples_free(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].name);
		free(s->items[i].word);
	}
	free(s->items);
	*s = (struct samples){ 0 };
}

static struct sample *add_sample(struct samples *s, const char *id, const char *name,
				 const char *word)
{
	struct sample *it;

	s->items = xreallocarray(s->items, s->n + 1, sizeof(*s->items));
	it = &s->items[s->n++];
	*it = (struct sample){ .name = xstrdup(name), .word = word ? xstrdup(word) : NULL };
	snprintf(it->id, sizeof(it->id), "%s", id);
	return it;
}

/* ---- Looking */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A line of /proc/net/dev, "eth0: 1 2 ...": the first number is what was received, the ninth what was sent. */
static void add_interface(const char *line, struct sample *s)
{
	const char *colon = strchr(line, ':'), *name = line + strspn(line, " ");
	uint64_t number[9];

	if (!colon || str_starts(name, "lo:"))
		return;
	for (size_t i = 0; i < 9; i++) {
		char *end;

		number[i] = strtoull(i ? colon : colon + 1, &end, 10);
		colon = end;
	}
	s->received += number[0];
	s->sent += number[8];
}

/* Traffic of the interfaces in the network namespace of the container, but for the loopback. Of the machine's own network, as
 * with Docker, nothing is counted: it is not the container's. */
static void look_at_network(const struct container *c, struct sample *s)
{
	char path[64];
	autofree char *line = NULL;
	size_t cap = 0;

	if (strcmp(c->config.network, "host") == 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)c->state.pid);
	autofile FILE *f = fopen(path, "re");
	while (f && getline(&line, &cap, f) > 0)
		add_interface(line, s);
}

static void look_at(const struct stats *o, const struct container *c, struct sample *s)
{
	struct cgroup_stats figures autocgroupstats = CGROUP_STATS_INIT;
	autofree char *name = container_cgroup(&c->config, NULL);

	if (c->state.status != STATUS_RUNNING)
		return;
	autoclose int cgroup = cgroup_open(name, NULL);
	if (cgroup_stats_read(cgroup, &figures, NULL) < 0)
		return;
	s->at = now_us();
	s->cpu = figures.cpu_usage;
	/* What is only cached does not count as used. */
	s->memory =
		figures.memory -
		(figures.memory_inactive_file < figures.memory ? figures.memory_inactive_file : 0);
	if (figures.has_memory)
		s->memory_limit = figures.memory_limit < o->machine_memory ? figures.memory_limit
									   : o->machine_memory;
	for (size_t i = 0; i < figures.n_io; i++) {
		s->read += figures.io[i].read_bytes;
		s->written += figures.io[i].write_bytes;
	}
	s->pids = figures.pids;
	look_at_network(c, s);
}

/* The containers that were named, found again by their IDs: names may move. */
static int look_at_named(const struct stats *o, const struct store *st, char **words,
			 const struct samples *before, struct samples *out, struct error *err)
{
	for (size_t i = 0; words[i]; i++) {
		struct container autocontainer c = CONTAINER_INIT;
		const struct sample *known = i < before->n ? &before->items[i] : NULL;

		if (container_open(st, known ? known->id : words[i], &c, err) == 0) {
			look_at(o, &c, add_sample(out, c.config.id, c.config.name, words[i]));
		} else if (known && err->code == ENOENT) {
			error_clear(err);
			add_sample(out, known->id, known->name, words[i])->gone = true;
		} else {
			return -1;
		}
	}
	return 0;
}

static int look_at_all(const struct stats *o, const struct store *st, struct samples *out,
		       struct error *err)
{
	struct container *list = NULL;
	size_t n = 0;

	if (container_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (o->all || list[i].state.status == STATUS_RUNNING)
			look_at(o, &list[i],
				add_sample(out, list[i].config.id, list[i].config.name, NULL));
	container_list_free(list, n);
	return 0;
}

/* ---- The table */

static const struct sample *find(const struct samples *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i].id, id) == 0)
			return &s->items[i];
	return NULL;
}

/* CPU time by time since the last look: 100% is one CPU, as with Docker. */
static double cpu_per_cent(const struct sample *s, const struct sample *before)
{
	if (!before || before->at == NO_TIME || s->at <= before->at || s->cpu < before->cpu)
		return 0;
	return (double)(s->cpu - before->cpu) * 100 / (double)(s->at - before->at);
}

static void add_row(struct listing *l, const struct stats *o, const struct sample *s,
		    const struct sample *before)
{
	char a[HUMAN_MAX], b[HUMAN_MAX];
	autofree char *id = xstrndup(s->id, o->whole ? ID_LEN : SHORT_ID);
	autofree char *cpu = str_format("%.2f%%", cpu_per_cent(s, before));
	autofree char *share = str_format(
		"%.2f%%",
		s->memory_limit ? (double)s->memory * 100 / (double)s->memory_limit : 0.0);
	autofree char *memory =
		str_format("%s / %s", human_binary(s->memory, a), human_binary(s->memory_limit, b));
	autofree char *net =
		str_format("%s / %s", human_size(s->received, a), human_size(s->sent, b));
	autofree char *block =
		str_format("%s / %s", human_size(s->read, a), human_size(s->written, b));
	autofree char *pids = str_format("%" PRIu64, s->pids);
	const char *values[N_FIELDS] = {
		[BLOCK_IO] = s->gone ? "--" : block,
		[CPU_PERC] = s->gone ? "--" : cpu,
		[CONTAINER] = s->word ? s->word : id,
		[ID] = id,
		[MEM_PERC] = s->gone ? "--" : share,
		[MEM_USAGE] = s->gone ? "-- / --" : memory,
		[NAME] = s->name,
		[NET_IO] = s->gone ? "--" : net,
		[PIDS] = s->gone ? "--" : pids,
	};

	listing_row(l, values, NULL);
}

/* Over what stood there before: line by line, so that nothing flickers. */
static void put_screen(const struct strbuf *text, bool first)
{
	fputs(first ? "\033[2J\033[H" : "\033[H", stdout);
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\n')
			fputs("\033[K", stdout);
		putchar(text->data[i]);
	}
	fputs("\033[J", stdout);
}

static int show(const struct stats *o, const struct samples *now, const struct samples *before,
		bool first, struct error *err)
{
	struct listing *l autolisting = listing_new(&kind, o->format, err);
	struct strbuf out autostrbuf = STRBUF_INIT;

	if (!l)
		return -1;
	for (size_t i = 0; i < now->n; i++)
		add_row(l, o, &now->items[i], find(before, now->items[i].id));
	if (listing_print(l, &out, err) < 0)
		return -1;
	if (!o->no_stream)
		put_screen(&out, first);
	else if (out.len)
		fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static int look(const struct stats *o, const struct store *st, char **words,
		const struct samples *before, struct samples *out, struct error *err)
{
	if (words[0])
		return look_at_named(o, st, words, before, out, err);
	return look_at_all(o, st, out, err);
}

static int watch(const struct stats *o, const struct store *st, char **words, struct error *err)
{
	struct samples before = { 0 }, now = { 0 };
	/* A share of the CPU needs two looks. */
	int status = look(o, st, words, &now, &before, err);

	for (bool first = true; status == 0; first = false) {
		usleep(PERIOD_MS * 1000);
		status = look(o, st, words, &before, &now, err);
		if (status == 0)
			status = show(o, &now, &before, first, err);
		if (status == 0 && (o->no_stream || fflush(stdout) != 0))
			break;
		samples_free(&before);
		before = now;
		now = (struct samples){ 0 };
	}
	samples_free(&before);
	samples_free(&now);
	return status;
}

int cmd_stats(struct command_context *ctx, int argc, char **argv)
{
	struct stats options = { 0 };
	const struct cli_option table[] = {
		{ "all", 'a', CLI_BOOL, &options.all, NULL,
		  "Show all containers (default shows just running)" },
		{ "format", 0, CLI_STRING, &options.format, "string", LISTING_FORMAT_HELP },
		{ "no-stream", 0, CLI_BOOL, &options.no_stream, NULL,
		  "Disable streaming stats and only pull the first result" },
		{ "no-trunc", 0, CLI_BOOL, &options.whole, NULL, "Do not truncate output" },
		{ 0 },
	};
	const struct cli_command cmd = {
		.usage = "stats [OPTIONS] [CONTAINER...]",
		.summary = "Display a live stream of container(s) resource usage statistics",
		.options = table,
		.options_anywhere = true,
		.max_args = -1,
	};
	struct error err = ERROR_INIT;
	int first, status = command_begin(ctx, &cmd, argc, argv, &first);

	if (status >= 0)
		return status;
	/* What is wrong with the template is told at once, not after the second that the first figures take. */
	struct listing *check autolisting = listing_new(&kind, options.format, &err);
	if (!check)
		return command_fail(&err);
	options.machine_memory =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	status = watch(&options, ctx->store, argv + first, &err);
	return status < 0 ? command_fail(&err) : command_done(0);
}
