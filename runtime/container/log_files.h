/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a container's log: "log", and where it is rotated "log.1", "log.2" and so on, the highest number being the
 * newest. A file is never renamed: rotating makes the next one, then removes the oldest. So whatever dies when, what there is
 * stands in the order of its numbers, and a reader goes from one to the next without a look back. */
#ifndef KNARR_RUNTIME_LOG_FILES_H
#define KNARR_RUNTIME_LOG_FILES_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_FILE_NAME_MAX 32

/* "log" for 0, "log.7"; returns buf. */
const char *log_file_name(uint64_t number, char buf[LOG_FILE_NAME_MAX]);

/* The lowest and the highest number in the folder dirfd that is not below from. Allocates nothing. Returns false where there
 * is none. */
bool log_files_find(int dirfd, uint64_t from, uint64_t *lowest, uint64_t *highest);

#endif
