/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

ssize_t file_read(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf[0] = '\0';
	if (fd < 0)
		return -1;
	while (used < size - 1) {
		ssize_t n = read(fd, buf + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int saved = errno;

			close(fd);
			buf[0] = '\0';
			errno = saved;
			return -1;
		}
		if (n == 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	if (used > 0 && buf[used - 1] == '\n')
		used--;
	buf[used] = '\0';
	return (ssize_t)used;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int saved;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

uint64_t file_number(const char *path, uint64_t fallback)
{
	char text[32];
	char *end;
	uint64_t value;

	if (file_read(path, text, sizeof text) <= 0)
		return fallback;
	errno = 0;
	value = strtoull(text, &end, 10);
	return end == text || errno ? fallback : value;
}

int file_mkdirs(const char *path)
{
	char part[256];
	size_t len = strlen(path);

	if (len >= sizeof part) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -1;
		part[i] = path[i];
	}
	return 0;
}

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *human_size(uint64_t bytes, char buf[static 8])
{
	static const char units[] = "BKMGTPE";
	uint64_t tenths = bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10;
	size_t unit = 0;

	while (tenths >= 10240 && unit < sizeof units - 2) {
		tenths /= 1024;
		unit++;
	}
	if (unit > 0 && tenths < 100)
		snprintf(buf, 8, "%u.%u%c", (unsigned)tenths / 10, (unsigned)tenths % 10,
			 units[unit]);
	else
		snprintf(buf, 8, "%u%c", (unsigned)(tenths / 10) % 10000, units[unit]);
	return buf;
}
