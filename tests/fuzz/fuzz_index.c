/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer's tar, read, made a tree and written as EROFS: done or refused in words, within memory, and twice the same. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-tools/index.h"
#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/str.h"
#include "tests/fuzz/tarfix.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int make(int tar_fd, int *index_fd, struct index_totals *totals)
{
	static const uint8_t uuid[16] = { 0 };
	struct error err = ERROR_INIT;
	int r;

	*index_fd = memfd_create("index", MFD_CLOEXEC);
	r = index_make(tar_fd, uuid, NULL, *index_fd, totals, &err);
	require(r == 0 || (err.code && err.message[0]));
	return r;
}

/* The digest of what is there of fd; holes of huge sparse files are cut off. */
static struct digest digest_of_fd(int fd)
{
	static uint8_t buf[1 << 20];
	struct digest d;

	digest_of(buf, (size_t)pread(fd, buf, sizeof(buf), 0), &d);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree uint8_t *copy = xmalloc(size + 1);
	autoclose int tar_fd = memfd_create("tar", MFD_CLOEXEC), one = -1, two = -1;
	struct index_totals a, b;

	memcpy(copy, data, size);
	tar_fix_checksums(copy, size);
	require(tar_fd >= 0 && write(tar_fd, copy, size) == (ssize_t)size);
	if (make(tar_fd, &one, &a) < 0)
		return 0;
	require(a.entries >= 1 && a.copied <= size);
	require(make(tar_fd, &two, &b) == 0);
	struct digest x = digest_of_fd(one), y = digest_of_fd(two);
	require(digest_equal(&x, &y));
	return 0;
}
