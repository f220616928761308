/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/process_info.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

#define ARGS_MAX (64U << 10)

/* ---- Reading */

static char *read_proc(pid_t pid, const char *file, size_t max, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	autofree char *text = fd < 0 ? NULL : xmalloc(max + 1);
	ssize_t n = fd < 0 ? -1 : fs_read_full(fd, text, max);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	*len = (size_t)n;
	return STEAL_PTR(text);
}

/* Numbers of /proc/<pid>/stat by their place in proc_pid_stat(5). */
enum {
	PPID = 4,
	PGRP,
	SESSION,
	TTY_NR,
	TPGID,
	UTIME = 14,
	STIME,
	PRIORITY = 18,
	NICE,
	THREADS,
	STARTTIME = 22,
	VSIZE,
	RSS,
	PROCESSOR = 39
};

/* The name stands in parentheses and may hold any character, these too. */
int process_parse_stat(const char *text, struct process_info *p)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *at;
	long long number[PROCESSOR + 1] = { 0 };

	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return -1;
	at = close + 3;
	for (int i = PPID; i <= PROCESSOR; i++) {
		char *end;

		number[i] = strtoll(at, &end, 10);
		if (end == at)
			return -1;
		at = end;
	}
	p->pid = (pid_t)strtol(text, NULL, 10);
	snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1), open + 1);
	p->state = close[2];
	p->ppid = (pid_t)number[PPID];
	p->pgrp = (pid_t)number[PGRP];
	p->session = (pid_t)number[SESSION];
	p->terminal = (unsigned int)number[TTY_NR];
	p->foreground = (pid_t)number[TPGID];
	p->user = (uint64_t)number[UTIME];
	p->system = (uint64_t)number[STIME];
	p->priority = (long)number[PRIORITY];
	p->nice = (long)number[NICE];
	p->threads = (long)number[THREADS];
	p->start = (uint64_t)number[STARTTIME];
	p->size = (uint64_t)number[VSIZE];
	p->resident = (uint64_t)number[RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
	p->cpu = (long)number[PROCESSOR];
	return 0;
}

static char *read_args(pid_t pid, const char *comm, char state)
{
	size_t len = 0;
	autofree char *text = read_proc(pid, "cmdline", ARGS_MAX, &len);

	while (len > 0 && text[len - 1] == '\0')
		len--;
	if (!len)
		return str_format("[%s]%s", comm, state == 'Z' ? " <defunct>" : "");
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return STEAL_PTR(text);
}

/* "Uid:" and "Gid:" are followed by the real and the effective ID. */
static int read_ids(const char *status, const char *word, uint32_t *real, uint32_t *effective)
{
	const char *at = strstr(status, word);
	char *end;

	if (!at)
		return -1;
	*real = (uint32_t)strtoul(at + strlen(word), &end, 10);
	*effective = (uint32_t)strtoul(end, NULL, 10);
	return 0;
}

int process_read(pid_t pid, struct process_info *p)
{
	size_t len;
	autofree char *stat = read_proc(pid, "stat", 4096, &len);
	autofree char *status = read_proc(pid, "status", 8192, &len);

	*p = (struct process_info){ 0 };
	if (!stat || !status || process_parse_stat(stat, p) < 0 ||
	    read_ids(status, "\nUid:", &p->ruid, &p->euid) < 0 ||
	    read_ids(status, "\nGid:", &p->rgid, &p->egid) < 0)
		return -1;
	p->args = read_args(pid, p->comm, p->state);
	return 0;
}

/* A number behind a word at the beginning of a line. */
static uint64_t number_in(const char *path, const char *word)
{
	autofile FILE *f = fopen(path, "re");
	autofree char *line = NULL;
	size_t cap = 0;

	while (f && getline(&line, &cap, f) > 0)
		if (str_starts(line, word))
			return strtoull(line + strlen(word), NULL, 10);
	return 0;
}

void process_clock_read(struct process_clock *clock)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	clock->now = time(NULL);
	clock->ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	clock->boot = number_in("/proc/stat", "btime ");
	clock->uptime = (uint64_t)up.tv_sec * clock->ticks +
			(uint64_t)up.tv_nsec * clock->ticks / 1000000000;
	clock->memory = number_in("/proc/meminfo", "MemTotal:") * 1024;
}

/* ---- Columns */

struct process_column {
	const char *names; /* separated by commas */
	const char *heading;
	void (*text)(const struct process_info *p, const struct process_clock *clock,
		     struct strbuf *out);
};

#define COLUMN(name) \
	static void name(const struct process_info *p, const struct process_clock *c, \
			 struct strbuf *out)
#define NUMBER(name, value) \
	COLUMN(name) \
	{ \
		(void)c; \
		strbuf_printf(out, "%" PRId64, (int64_t)(value)); \
	}

NUMBER(text_pid, p->pid)
NUMBER(text_ppid, p->ppid)
NUMBER(text_pgid, p->pgrp)
NUMBER(text_sid, p->session)
NUMBER(text_uid, p->euid)
NUMBER(text_ruid, p->ruid)
NUMBER(text_gid, p->egid)
NUMBER(text_rgid, p->rgid)
NUMBER(text_nice, p->nice)
NUMBER(text_pri, 39 - p->priority) /* ps's own scale: higher is better */
NUMBER(text_threads, p->threads)
NUMBER(text_cpu_number, p->cpu)
NUMBER(text_vsz, p->size / 1024)
NUMBER(text_rss, p->resident / 1024)
NUMBER(text_pages, p->size / (uint64_t)sysconf(_SC_PAGESIZE))

/* As ps cuts them, for its columns of eight. */
static void put_name(const char *name, uint32_t id, struct strbuf *out)
{
	if (!name)
		strbuf_printf(out, "%u", id);
	else if (strlen(name) > 8)
		strbuf_printf(out, "%.7s+", name);
	else
		strbuf_puts(out, name);
}

static void put_user(uid_t uid, struct strbuf *out)
{
	const struct passwd *pw = getpwuid(uid);

	put_name(pw ? pw->pw_name : NULL, uid, out);
}

static void put_group(gid_t gid, struct strbuf *out)
{
	const struct group *gr = getgrgid(gid);

	put_name(gr ? gr->gr_name : NULL, gid, out);
}

COLUMN(text_user)
{
	(void)c;
	put_user(p->euid, out);
}

COLUMN(text_ruser)
{
	(void)c;
	put_user(p->ruid, out);
}

COLUMN(text_group)
{
	(void)c;
	put_group(p->egid, out);
}

COLUMN(text_rgroup)
{
	(void)c;
	put_group(p->rgid, out);
}

COLUMN(text_comm)
{
	(void)c;
	strbuf_printf(out, "%s%s", p->comm, p->state == 'Z' ? " <defunct>" : "");
}

COLUMN(text_args)
{
	(void)c;
	strbuf_puts(out, p->args);
}

COLUMN(text_state)
{
	(void)c;
	strbuf_putc(out, p->state);
}

COLUMN(text_stat)
{
	text_state(p, c, out);
	if (p->nice != 0)
		strbuf_putc(out, p->nice < 0 ? '<' : 'N');
	if (p->session == p->pid)
		strbuf_putc(out, 's');
	if (p->threads > 1)
		strbuf_putc(out, 'l');
	if (p->foreground == p->pgrp)
		strbuf_putc(out, '+');
}

/* Device numbers as in include/linux/kdev_t.h, new_decode_dev; names of Documentation/admin-guide/devices.txt. */
COLUMN(text_tty)
{
	unsigned int major = p->terminal >> 8 & 0xfff;
	unsigned int minor = (p->terminal & 0xff) | (p->terminal >> 12 & 0xfff00);

	(void)c;
	if (major >= 136 && major <= 143)
		strbuf_printf(out, "pts/%u", (major - 136) << 20 | minor);
	else if (major == 4 && minor >= 64)
		strbuf_printf(out, "ttyS%u", minor - 64);
	else if (major == 4)
		strbuf_printf(out, "tty%u", minor);
	else if (major == 229)
		strbuf_printf(out, "hvc%u", minor);
	else if (major == 5 && minor == 1)
		strbuf_puts(out, "console");
	else
		strbuf_putc(out, '?');
}

static uint64_t cpu_ticks(const struct process_info *p)
{
	return p->user + p->system;
}

static uint64_t age_ticks(const struct process_info *p, const struct process_clock *c)
{
	return c->uptime > p->start ? c->uptime - p->start : 0;
}

/* CPU time by the time since the start, in tenths of a per cent. */
static uint64_t cpu_share(const struct process_info *p, const struct process_clock *c)
{
	uint64_t age = age_ticks(p, c);

	return age ? cpu_ticks(p) * 1000 / age : 0;
}

COLUMN(text_c)
{
	uint64_t share = cpu_share(p, c) / 10;

	strbuf_printf(out, "%" PRIu64, share > 99 ? 99 : share);
}

COLUMN(text_pcpu)
{
	uint64_t share = cpu_share(p, c);

	strbuf_printf(out, "%" PRIu64 ".%" PRIu64, share / 10, share % 10);
}

COLUMN(text_pmem)
{
	uint64_t share = c->memory ? p->resident * 1000 / c->memory : 0;

	strbuf_printf(out, "%" PRIu64 ".%" PRIu64, share / 10, share % 10);
}

COLUMN(text_cputime)
{
	uint64_t t = cpu_ticks(p) / c->ticks;

	if (t >= 86400)
		strbuf_printf(out, "%" PRIu64 "-", t / 86400);
	strbuf_printf(out, "%02u:%02u:%02u", (unsigned)(t / 3600 % 24), (unsigned)(t / 60 % 60),
		      (unsigned)(t % 60));
}

COLUMN(text_bsdtime)
{
	uint64_t t = cpu_ticks(p) / c->ticks;

	strbuf_printf(out, "%" PRIu64 ":%02u", t / 60, (unsigned)(t % 60));
}

COLUMN(text_etimes)
{
	strbuf_printf(out, "%" PRIu64, age_ticks(p, c) / c->ticks);
}

COLUMN(text_etime)
{
	uint64_t t = age_ticks(p, c) / c->ticks;

	if (t >= 86400)
		strbuf_printf(out, "%" PRIu64 "-", t / 86400);
	if (t >= 3600)
		strbuf_printf(out, "%02u:", (unsigned)(t / 3600 % 24));
	strbuf_printf(out, "%02u:%02u", (unsigned)(t / 60 % 60), (unsigned)(t % 60));
}

static void put_start(const struct process_info *p, const struct process_clock *c,
		      const char *today, struct strbuf *out)
{
	time_t at = (time_t)(c->boot + p->start / c->ticks);
	struct tm then, now;
	char text[40];

	localtime_r(&at, &then);
	localtime_r(&c->now, &now);
	if (!today || (then.tm_year == now.tm_year && then.tm_yday == now.tm_yday))
		strftime(text, sizeof(text), today ? today : "%a %b %e %H:%M:%S %Y", &then);
	else
		strftime(text, sizeof(text), then.tm_year == now.tm_year ? "%b%d" : "%Y", &then);
	strbuf_puts(out, text);
}

COLUMN(text_stime)
{
	put_start(p, c, "%H:%M", out);
}

COLUMN(text_lstart)
{
	put_start(p, c, NULL, out);
}

/* Names and headings of procps' ps; the first heading for a name is that of the first entry. */
static const struct process_column columns[] = {
	{ "pid,tgid", "PID", text_pid },
	{ "ppid", "PPID", text_ppid },
	{ "pgid,pgrp", "PGID", text_pgid },
	{ "sid,sess,session", "SID", text_sid },
	{ "uid,euid", "UID", text_uid },
	{ "ruid", "RUID", text_ruid },
	{ "gid,egid", "GID", text_gid },
	{ "rgid", "RGID", text_rgid },
	{ "user,uname,euser", "USER", text_user },
	{ "UID", "UID", text_user }, /* of -f */
	{ "ruser", "RUSER", text_ruser },
	{ "group,egroup", "GROUP", text_group },
	{ "rgroup", "RGROUP", text_rgroup },
	{ "comm,ucmd,ucomm", "COMMAND", text_comm },
	{ "args,command", "COMMAND", text_args },
	{ "cmd", "CMD", text_args },
	{ "CMD", "CMD", text_comm }, /* without -f */
	{ "s,state", "S", text_state },
	{ "stat", "STAT", text_stat },
	{ "tty,tt,tname", "TTY", text_tty },
	{ "c", "C", text_c },
	{ "pcpu,%cpu", "%CPU", text_pcpu },
	{ "pmem,%mem", "%MEM", text_pmem },
	{ "time,cputime", "TIME", text_cputime },
	{ "bsdtime", "TIME", text_bsdtime },
	{ "etime", "ELAPSED", text_etime },
	{ "etimes", "ELAPSED", text_etimes },
	{ "stime", "STIME", text_stime },
	{ "start,start_time,bsdstart", "START", text_stime },
	{ "lstart", "STARTED", text_lstart },
	{ "ni,nice", "NI", text_nice },
	{ "pri", "PRI", text_pri },
	{ "nlwp,thcount", "NLWP", text_threads },
	{ "psr", "PSR", text_cpu_number },
	{ "vsz,vsize", "VSZ", text_vsz },
	{ "rss,rssize,rsz", "RSS", text_rss },
	{ "sz", "SZ", text_pages },
};

const struct process_column *process_column(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (*name && !strchr(name, ',') && str_in_list(name, columns[i].names))
			return &columns[i];
	return NULL;
}

const char *process_column_heading(const struct process_column *column)
{
	return column->heading;
}

void process_column_text(const struct process_column *column, const struct process_info *p,
			 const struct process_clock *clock, struct strbuf *out)
{
	column->text(p, clock, out);
}
