/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "runtime/cgroup/cgroup_file.h"
#include "runtime/cgroup/device_filter.h"

#define OURS "knarr" /* the folder of all containers that are not asked to be elsewhere */

/* ---- The tree */

/* Turns the octal escapes of proc_pid_mountinfo(5) ("\040") back. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && isdigit((unsigned char)s[2]) &&
		    isdigit((unsigned char)s[3])) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The folder of the whole cgroup2 tree; -1 with errno ENOENT if the machine has none. The two usual
 * places need no look at the mount table. */
int cgroup_open_root(void)
{
	static const char *const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < 2; i++) {
		struct statfs st;
		autoclose int fd = open(usual[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && fstatfs(fd, &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC)
			return STEAL_FD(fd);
	}

	/* id parent major:minor root mountpoint options ... - type source superoptions */
	autofile FILE *table = fopen("/proc/self/mountinfo", "re");
	autofree char *line = NULL;
	size_t cap = 0;
	while (table && getline(&line, &cap, table) > 0) {
		char *rest = line, *field[5];

		if (!strstr(line, " - cgroup2 "))
			continue;
		for (int i = 0; i < 5; i++)
			field[i] = strsep(&rest, " ");
		if (!field[4] || strcmp(field[3], "/") != 0)
			continue;
		unescape(field[4]);
		return open(field[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	errno = ENOENT;
	return -1;
}

/* Turns on, for the children of fd, the controllers that containers are limited with, as far as the
 * machine has given them to v2. Each by itself: one that refuses (realtime tasks hold "cpu", say)
 * must not take the others along. */
static void enable_controllers(int fd)
{
	static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids", "hugetlb" };
	char have[CGROUP_FILE_MAX], on[CGROUP_FILE_MAX];

	if (cgroup_file_read(fd, "cgroup.controllers", have) < 0 ||
	    cgroup_file_read(fd, "cgroup.subtree_control", on) < 0)
		return;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		char text[16];

		if (!cgroup_file_lists(have, wanted[i]) || cgroup_file_lists(on, wanted[i]))
			continue;
		snprintf(text, sizeof(text), "+%s", wanted[i]);
		if (cgroup_file_write(fd, "cgroup.subtree_control", text) < 0)
			log_warn_once(
				"not all cgroup controllers can be turned on: limits may not hold");
	}
}

/* A container's memory.low holds only as far as the cgroups above it have one, too. Ours passes on whatever containers are
 * given; where the tree is mounted with memory_recursiveprot, though, it would protect those, too, that were given none. */
static void pass_protection_on(int fd)
{
	autofile FILE *table = fopen("/proc/self/mountinfo", "re");
	autofree char *line = NULL;
	size_t cap = 0;

	while (table && getline(&line, &cap, table) > 0)
		if (strstr(line, " - cgroup2 ") && strstr(line, "memory_recursiveprot"))
			return;
	cgroup_file_write(fd, "memory.low", "max");
}

/* Opens the child name of fd, making it if it is missing (*made). */
static int open_child(int fd, const char *name, bool *made)
{
	*made = mkdirat(fd, name, 0755) == 0;
	if (!*made && errno != EEXIST)
		return -1;
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int cgroup_create(const char *name, struct error *err)
{
	autoclose int at = cgroup_open_root();

	if (at < 0) {
		log_warn_once("no cgroup v2 here: containers run unlimited, beside their caller");
		return -1;
	}
	autofree char *copy = xstrdup(name);
	for (char *rest = copy, *part; (part = strsep(&rest, "/")) != NULL;) {
		bool made, ours = part == copy && strcmp(part, OURS) == 0;

		/* The root's were turned on by who made our folder. Ours are looked at each time: it may be just being made. */
		if (!ours || faccessat(at, part, F_OK, 0) < 0)
			enable_controllers(at);
		int next = open_child(at, part, &made);
		if (next < 0)
			return error_errno(err, "cgroup %s", name);
		close(at);
		at = next;
		if (ours && made)
			pass_protection_on(at);
		if (ours && device_filter_ensure(at, err) < 0)
			return -1;
		if (!rest && !made && cgroup_populated(at))
			return error_set(err, EBUSY, "cgroup %s has processes already", name);
	}
	return STEAL_FD(at);
}

int cgroup_open(const char *name, struct error *err)
{
	autoclose int base = cgroup_open_root();

	if (!name)
		return error_set(err, ENOENT, "no such cgroup");
	int fd = base < 0 ? -1 : openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "cgroup %s", name) : fd;
}

int cgroup_open_leaf(int cgroup_fd, pid_t pid)
{
	char passed_on[CGROUP_FILE_MAX], path[32];

	if (cgroup_fd < 0 || cgroup_file_read(cgroup_fd, "cgroup.subtree_control", passed_on) <= 1)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	autoclose int base = cgroup_open_root();
	autofile FILE *table = fopen(path, "re");
	autofree char *line = NULL;
	size_t cap = 0;
	while (base >= 0 && table && getline(&line, &cap, table) > 0) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		return fs_openat2(base, line + 4, O_RDONLY | O_DIRECTORY, 0,
				  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	}
	return -1;
}

/* ---- Its processes */

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Waits until word stands in cgroup.events. A change raises POLLPRI on a descriptor that was read
 * (cgroup-v2.rst), and one that came between read and poll raises it at once. A cgroup that has
 * gone has no event to wait for: true. */
static bool await_event(int cgroup_fd, const char *word, long long timeout_ms)
{
	autoclose int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	long long end = now_ms() + timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char events[256];

	for (;;) {
		ssize_t n = fd < 0 ? -1 : pread(fd, events, sizeof(events) - 1, 0);

		if (n <= 0)
			return true;
		events[n] = '\0';
		if (strstr(events, word))
			return true;
		long long left = end - now_ms();
		if (left <= 0)
			return false;
		poll(&p, 1, (int)left);
	}
}

bool cgroup_populated(int cgroup_fd)
{
	char events[CGROUP_FILE_MAX];

	return cgroup_fd >= 0 && cgroup_file_read(cgroup_fd, "cgroup.events", events) > 0 &&
	       strstr(events, "populated 1");
}

bool cgroup_frozen(int cgroup_fd)
{
	char events[CGROUP_FILE_MAX];

	return cgroup_fd >= 0 && cgroup_file_read(cgroup_fd, "cgroup.events", events) > 0 &&
	       strstr(events, "frozen 1");
}

static int add_pids(int fd, pid_t **pids, size_t *n, struct error *err)
{
	autoclose int copy = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	autofile FILE *procs = copy < 0 ? NULL : fdopen(copy, "re");
	if (!procs)
		/* A threaded cgroup has no list of its own; one that went meanwhile has no
		 * processes. */
		return errno == EOPNOTSUPP || errno == ENOENT ? 0
							      : error_errno(err, "cgroup.procs");
	copy = -1;

	autofree char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, procs) > 0) {
		*pids = xreallocarray(*pids, *n + 1, sizeof(pid_t));
		(*pids)[(*n)++] = (pid_t)strtol(line, NULL, 10);
	}
	return 0;
}

/* Calls fn for fd's child cgroups. */
static int each_child(int fd, int (*fn)(int parent, const char *name, void *arg), void *arg)
{
	autoclose int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *e;
	int result = 0;

	if (!dir)
		return -1;
	again = -1;
	while ((e = readdir(dir)) != NULL)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			result |= fn(fd, e->d_name, arg);
	return result;
}

struct pid_list {
	pid_t **pids;
	size_t *n;
	struct error *err;
	int depth;
};

/* A container may nest cgroups as deep as it likes; what lies below this many levels is not
 * followed. */
#define DEPTH_MAX 64

static int collect(int fd, struct pid_list *list);

static int collect_child(int parent, const char *name, void *arg)
{
	struct pid_list deeper = *(struct pid_list *)arg;
	autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || ++deeper.depth > DEPTH_MAX ? 0 : collect(fd, &deeper);
}

static int collect(int fd, struct pid_list *list)
{
	if (add_pids(fd, list->pids, list->n, list->err) < 0)
		return -1;
	return each_child(fd, collect_child, list);
}

int cgroup_pids(int cgroup_fd, pid_t **pids, size_t *n, struct error *err)
{
	struct pid_list list = { .pids = pids, .n = n, .err = err };

	*pids = NULL;
	*n = 0;
	if (cgroup_fd < 0)
		return 0;
	if (collect(cgroup_fd, &list) < 0) {
		free(*pids);
		*pids = NULL;
		*n = 0;
		return -1;
	}
	return 0;
}

int cgroup_kill(int cgroup_fd, struct error *err)
{
	if (cgroup_fd < 0 || cgroup_file_write(cgroup_fd, "cgroup.kill", "1") == 0)
		return 0;
	if (errno == ENODEV) /* removed meanwhile */
		return 0;
	if (errno != ENOENT && errno != EACCES)
		return error_errno(err, "cgroup.kill");

	/* Before Linux 5.14: until no new ones come. */
	for (int round = 0; round < 100; round++) {
		autofree pid_t *pids = NULL;
		size_t n;

		if (cgroup_pids(cgroup_fd, &pids, &n, err) < 0)
			return -1;
		if (n == 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
	}
	return 0;
}

int cgroup_freeze(int cgroup_fd, bool frozen, struct error *err)
{
	if (cgroup_fd < 0)
		return error_set(err, ENOTSUP,
				 "this machine has no cgroup v2 to pause containers with");
	if (cgroup_file_write(cgroup_fd, "cgroup.freeze", frozen ? "1" : "0") < 0)
		return error_errno(err, "cgroup.freeze");

	if (await_event(cgroup_fd, frozen ? "frozen 1" : "frozen 0", 1000))
		return 0;
	return error_set(err, ETIMEDOUT, "the container's processes do not %s",
			 frozen ? "pause" : "resume");
}

/* ---- Removal */

/* Removes the children of at that have none of their own. Returns the first that is left, open; -1: all are gone, or (stuck)
 * the one that was emptied before cannot be removed. */
static int remove_leaves(int at, bool emptied, bool *stuck)
{
	int copy = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	*stuck = !dir;
	if (!dir && copy >= 0)
		close(copy);
	while (dir && (e = readdir(dir)) != NULL) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (unlinkat(at, e->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
			emptied = false;
			continue;
		}
		int next = emptied ? -1 : openat(at, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*stuck = next < 0;
		return next;
	}
	return -1;
}

/* Down and up again with one descriptor: a container may have nested more cgroups than we may open. */
static void remove_below(int fd)
{
	autoclose int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool stuck, emptied = false;

	for (size_t depth = 0; at >= 0;) {
		int next = remove_leaves(at, emptied, &stuck);

		if (stuck || (next < 0 && depth == 0))
			return;
		emptied = next < 0;
		depth = emptied ? depth - 1 : depth + 1;
		if (emptied)
			next = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
}

int cgroup_remove(const char *name, int timeout_ms, struct error *err)
{
	autoclose int base = cgroup_open_root();

	if (base < 0 || !name)
		return 0;
	for (long long end = now_ms() + timeout_ms;;) {
		if (unlinkat(base, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return error_errno(err, "removing cgroup %s", name);

		autoclose int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		long long left = end - now_ms();
		if (fd < 0)
			continue;
		/* A process leaves its cgroup a moment after it was waited for. */
		if (left <= 0 || !await_event(fd, "populated 0", left))
			return error_set(err, EBUSY, "cgroup %s still has processes", name);
		/* Empty but for cgroups that the container made. */
		remove_below(fd);
	}
}
