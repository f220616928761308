/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test needs: cmocka with the headers it wants before it, and a scratch folder of the test's own. */
#ifndef KNARR_TESTS_UNIT_UNIT_H
#define KNARR_TESTS_UNIT_UNIT_H

/* cmocka.h asks for these four, in this order. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/fs.h"

/* A new empty folder: *state becomes its descriptor (as a pointer), its path is scratch_path. For cmocka's setup and
 * teardown; the path is there for what knows no descriptors. */
static char scratch_path[64] __attribute__((unused));

static inline int scratch_setup(void **state)
{
	strcpy(scratch_path, "/tmp/knarr-unit-XXXXXX");
	if (!mkdtemp(scratch_path))
		return -1;
	int fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = (void *)(intptr_t)fd;
	return fd < 0 ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
	struct error err = ERROR_INIT;

	close((int)(intptr_t)*state);
	if (fs_remove_tree(AT_FDCWD, scratch_path, &err))
		fprintf(stderr, "%s\n", err.message);
	return err.code ? -1 : 0;
}

static inline int scratch(void **state)
{
	return (int)(intptr_t)*state;
}

/* A file with text in it. */
static inline void put_file(int dirfd, const char *path, const char *text)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline bool exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
