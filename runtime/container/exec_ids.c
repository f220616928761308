/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/exec_ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/cgroup/process_info.h"
#include "runtime/container/names.h"

#define PREFIX "exec-"

static const char *file_name(const char *id, char buf[ID_LEN + sizeof(PREFIX)])
{
	snprintf(buf, ID_LEN + sizeof(PREFIX), PREFIX "%s", id);
	return buf;
}

static uint64_t start_of(pid_t pid)
{
	struct process_info p;

	if (process_read(pid, &p) < 0)
		return 0;
	free(p.args);
	return p.state == 'Z' ? 0 : p.start;
}

void exec_ids_add(int run_dirfd, const char *id, pid_t pid)
{
	char name[ID_LEN + sizeof(PREFIX)];
	autofree char *text = str_format("%d %" PRIu64 "\n", (int)pid, start_of(pid));

	(void)fs_write_file(run_dirfd, file_name(id, name), text, strlen(text), 0600, FS_VOLATILE,
			    NULL);
}

void exec_ids_remove(int run_dirfd, const char *id)
{
	char name[ID_LEN + sizeof(PREFIX)];

	unlinkat(run_dirfd, file_name(id, name), 0);
}

static bool runs(int run_dirfd, const char *name)
{
	autofree char *text = fs_read_file(run_dirfd, name, 64, NULL, NULL);
	char *space = text ? strchr(text, ' ') : NULL;
	unsigned long long pid, start;

	if (!space)
		return false;
	*space++ = '\0';
	space[strcspn(space, "\n")] = '\0';
	return str_to_u64(text, INT_MAX, &pid) == 0 && str_to_u64(space, UINT64_MAX, &start) == 0 &&
	       start && start_of((pid_t)pid) == start;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void exec_ids_list(int run_dirfd, struct strv *out)
{
	int fd = run_dirfd < 0 ? -1 : openat(run_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *id = e->d_name + strlen(PREFIX);

		if (!str_starts(e->d_name, PREFIX) || !id_valid(id))
			continue;
		if (runs(run_dirfd, e->d_name))
			strv_add(out, id);
		else
			exec_ids_remove(run_dirfd, id);
	}
	if (out->len)
		qsort(out->items, out->len, sizeof(*out->items), compare);
}
