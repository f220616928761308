/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control files of a cgroup: short texts, read and written in one piece. For the cgroup_*.c files alone. */
#ifndef KNARR_RUNTIME_CGROUP_FILE_H
#define KNARR_RUNTIME_CGROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CGROUP_FILE_MAX 4096

/* The folder of the whole cgroup2 tree; -1 with errno ENOENT if the machine has none. */
int cgroup_open_root(void);

/* Writes text to the file of the cgroup behind fd. Returns 0, or -1 with errno. */
int cgroup_file_write(int fd, const char *file, const char *text);

/* Returns the bytes read, with a NUL behind them (what is beyond CGROUP_FILE_MAX - 1 is left out), or -1 with errno. */
ssize_t cgroup_file_read(int fd, const char *file, char buf[CGROUP_FILE_MAX]);

/* Whether word stands in a list separated by white space, as in cgroup.controllers. */
bool cgroup_file_lists(const char *list, const char *word);

#endif
