/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/cgroup_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_file.h"

#define STAT_MAX (64U << 10) /* bytes of memory.stat, io.stat */

/* ---- Files */

/* The value of a line "name value", or 0. */
static uint64_t line_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line += line ? 1 : 0)
		if (strncmp(line, name, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	return 0;
}

/* A file with one number, or "max". Returns whether it is there. */
static bool read_number(int fd, const char *file, uint64_t *out)
{
	char text[CGROUP_FILE_MAX];

	*out = 0;
	if (cgroup_file_read(fd, file, text) <= 0)
		return false;
	*out = str_starts(text, "max") ? CGROUP_NO_LIMIT : strtoull(text, NULL, 10);
	return true;
}

/* A file that may be longer; "" if it is not there. */
static char *read_long(int fd, const char *file)
{
	char *text = xmalloc(STAT_MAX);
	autoclose int control = openat(fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = control < 0 ? 0 : fs_read_full(control, text, STAT_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* ---- Controllers */

static int read_cpu(int fd, struct cgroup_stats *s, struct error *err)
{
	char text[CGROUP_FILE_MAX];

	if (cgroup_file_read(fd, "cpu.stat", text) < 0)
		return error_errno(err, "cannot read the container's cgroup");
	s->cpu_usage = line_value(text, "usage_usec");
	s->cpu_user = line_value(text, "user_usec");
	s->cpu_system = line_value(text, "system_usec");
	s->cpu_periods = line_value(text, "nr_periods");
	s->cpu_throttled_periods = line_value(text, "nr_throttled");
	s->cpu_throttled = line_value(text, "throttled_usec");
	return 0;
}

static void read_memory_lines(int fd, struct cgroup_stats *s)
{
	autofree char *text = read_long(fd, "memory.stat");
	char *rest = text, *line;

	s->memory_inactive_file = line_value(text, "inactive_file");
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *value = strchr(line, ' ');
		struct cgroup_memory_line *l;

		if (!value || (size_t)(value - line) >= sizeof(l->name))
			continue;
		*value++ = '\0';
		s->memory_lines = xreallocarray(s->memory_lines, s->n_memory_lines + 1,
						sizeof(*s->memory_lines));
		l = &s->memory_lines[s->n_memory_lines++];
		strcpy(l->name, line);
		l->value = strtoull(value, NULL, 10);
	}
}

static void read_memory(int fd, struct cgroup_stats *s)
{
	char text[CGROUP_FILE_MAX];

	s->has_memory = read_number(fd, "memory.current", &s->memory);
	if (!s->has_memory)
		return;
	read_number(fd, "memory.peak", &s->memory_peak);
	read_number(fd, "memory.max", &s->memory_limit);
	read_number(fd, "memory.swap.current", &s->swap);
	read_number(fd, "memory.swap.max", &s->swap_limit);
	if (cgroup_file_read(fd, "memory.events", text) > 0) {
		s->max_events = line_value(text, "max");
		s->oom_events = line_value(text, "oom");
		s->oom_kills = line_value(text, "oom_kill");
	}
	read_memory_lines(fd, s);
}

static void read_pids(int fd, struct cgroup_stats *s)
{
	autofree pid_t *pids = NULL;
	size_t n = 0;

	s->has_pids = read_number(fd, "pids.current", &s->pids);
	if (s->has_pids) {
		read_number(fd, "pids.max", &s->pids_limit);
		return;
	}
	cgroup_pids(fd, &pids, &n, NULL);
	s->pids = n;
	s->pids_limit = CGROUP_NO_LIMIT;
}

static void take_word(const char *word, const char *name, uint64_t *out)
{
	if (str_starts(word, name))
		*out = strtoull(word + strlen(name), NULL, 10);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void read_io(int fd, struct cgroup_stats *s)
{
	autofree char *text = NULL;
	char *rest, *line;

	if (faccessat(fd, "io.stat", R_OK, 0) < 0)
		return;
	s->has_io = true;
	rest = text = read_long(fd, "io.stat");
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct cgroup_io io = { 0 };
		char *word, *end;

		io.major = (uint32_t)strtoul(line, &end, 10);
		if (end == line || *end != ':')
			continue;
		io.minor = (uint32_t)strtoul(end + 1, NULL, 10);
		while ((word = strsep(&line, " ")) != NULL) {
			take_word(word, "rbytes=", &io.read_bytes);
			take_word(word, "wbytes=", &io.write_bytes);
			take_word(word, "rios=", &io.read_ops);
			take_word(word, "wios=", &io.write_ops);
		}
		s->io = xreallocarray(s->io, s->n_io + 1, sizeof(*s->io));
		s->io[s->n_io++] = io;
	}
}

/* Each size of page has files of its own: "hugetlb.2MB.current". */
static void read_hugetlb(int fd, struct cgroup_stats *s)
{
	autoclose int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *e;

	if (!dir)
		return;
	again = -1;
	while ((e = readdir(dir)) != NULL) {
		struct cgroup_hugetlb h = { 0 };
		char file[64], text[CGROUP_FILE_MAX];
		int end = 0;

		if (sscanf(e->d_name, "hugetlb.%15[0-9A-Z].current%n", h.page_size, &end) != 1 ||
		    !end || e->d_name[end])
			continue;
		read_number(fd, e->d_name, &h.usage);
		snprintf(file, sizeof(file), "hugetlb.%s.max", h.page_size);
		read_number(fd, file, &h.limit);
		snprintf(file, sizeof(file), "hugetlb.%s.events", h.page_size);
		if (cgroup_file_read(fd, file, text) > 0)
			h.failures = line_value(text, "max");
		s->hugetlb = xreallocarray(s->hugetlb, s->n_hugetlb + 1, sizeof(*s->hugetlb));
		s->hugetlb[s->n_hugetlb++] = h;
	}
}

int cgroup_stats_read(int cgroup_fd, struct cgroup_stats *out, struct error *err)
{
	*out = (struct cgroup_stats)CGROUP_STATS_INIT;
	if (cgroup_fd < 0)
		return error_set(err, ENODEV, "this machine has no cgroup v2 to count with");
	if (read_cpu(cgroup_fd, out, err) < 0)
		return -1;
	read_memory(cgroup_fd, out);
	read_pids(cgroup_fd, out);
	read_io(cgroup_fd, out);
	read_hugetlb(cgroup_fd, out);
	return 0;
}

uint64_t cgroup_oom_kills(int cgroup_fd)
{
	char text[CGROUP_FILE_MAX];

	if (cgroup_fd < 0 || cgroup_file_read(cgroup_fd, "memory.events", text) <= 0)
		return 0;
	return line_value(text, "oom_kill");
}

void cgroup_stats_free(struct cgroup_stats *s)
{
	free(s->memory_lines);
	free(s->io);
	free(s->hugetlb);
	*s = (struct cgroup_stats)CGROUP_STATS_INIT;
}
