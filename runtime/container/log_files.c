/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/log_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/str.h"

/* What getdents64(2) gives. */
struct entry {
	uint64_t ino;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

const char *log_file_name(uint64_t number, char buf[LOG_FILE_NAME_MAX])
{
	if (number)
		snprintf(buf, LOG_FILE_NAME_MAX, "log.%llu", (unsigned long long)number);
	else
		snprintf(buf, LOG_FILE_NAME_MAX, "log");
	return buf;
}

static bool number_of(const char *name, uint64_t *number)
{
	unsigned long long n = 0;

	if (strcmp(name, "log") != 0 && (!str_starts(name, "log.") || name[4] == '0' ||
					 str_to_u64(name + 4, INT64_MAX, &n) < 0))
		return false;
	*number = n;
	return true;
}

bool log_files_find(int dirfd, uint64_t from, uint64_t *lowest, uint64_t *highest)
{
	_Alignas(struct entry) char buffer[4096];
	autoclose int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool found = false;
	long n;

	/* readdir(3) would allocate. */
	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(const void *)(buffer + at);
			uint64_t number;

			at += e->length;
			if (!number_of(e->name, &number) || number < from)
				continue;
			if (!found || number < *lowest)
				*lowest = number;
			if (!found || number > *highest)
				*highest = number;
			found = true;
		}
	}
	return found;
}
