/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/cgroup_file.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

int cgroup_file_write(int fd, const char *file, const char *text)
{
	autoclose int control = openat(fd, file, O_WRONLY | O_CLOEXEC);

	return control < 0 ? -1 : fs_write_all(control, text, strlen(text));
}

ssize_t cgroup_file_read(int fd, const char *file, char buf[CGROUP_FILE_MAX])
{
	autoclose int control = openat(fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = control < 0 ? -1 : fs_read_full(control, buf, CGROUP_FILE_MAX - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

bool cgroup_file_lists(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
		if ((at == list || isspace((unsigned char)at[-1])) &&
		    (!at[len] || isspace((unsigned char)at[len])))
			return true;
	return false;
}
