/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layer's tar, read, made a tree and written as EROFS: done or refused in words, within memory, and twice the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-tools/index.h"
#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "tests/fuzz/tarfix.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static char below_path[] = "/tmp/knarr-fuzz-XXXXXX";

static void remove_below(void)
{
	(void)fs_remove_tree(AT_FDCWD, below_path, NULL);
}

/* Something below: a folder, links into it and out of it, files. */
static int below(void)
{
	static int dir = -1;

	if (dir >= 0)
		return dir;
	require(mkdtemp(below_path) != NULL && atexit(remove_below) == 0);
	dir = open(below_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(dir >= 0 && mkdirat(dir, "a", 0700) == 0 && mkdirat(dir, "a/b", 0711) == 0);
	require(symlinkat("a/b", dir, "c") == 0 && symlinkat("/../../c", dir, "d") == 0);
	require(symlinkat("d/../x", dir, "a/loop") == 0);
	cleanup_close(&(int){ openat(dir, "a/b/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) });
	cleanup_close(&(int){ openat(dir, "x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) });
	return dir;
}

/* The same upon other layers: they must bring nothing in that is not a file of theirs. */
static void make_upon(int tar_fd)
{
	int data_fd autoclose = memfd_create("data", MFD_CLOEXEC);
	int index_fd autoclose = memfd_create("index", MFD_CLOEXEC);
	static const uint8_t uuid[16] = { 0 };
	int dirs[] = { below() };
	struct lower *lower autolower = lower_new(dirs, 1, data_fd);
	struct index_totals totals;
	struct error err = ERROR_INIT;
	int r = index_make(tar_fd, uuid, lower, index_fd, &totals, &err);

	require(r == 0 ? totals.outside_links == 0 : err.code && err.message[0]);
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
	require(tar_fd >= 0);
	require(write(tar_fd, copy, size) == (ssize_t)size);
	make_upon(tar_fd);
	if (make(tar_fd, &one, &a) < 0)
		return 0;
	require(a.entries >= 1 && a.copied <= size);
	require(make(tar_fd, &two, &b) == 0);
	struct digest x = digest_of_fd(one), y = digest_of_fd(two);
	require(digest_equal(&x, &y));
	return 0;
}
