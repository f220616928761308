/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-tools/index.h"
#include "image-tools/layer_private.h"
#include "image-tools/quarantine.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define READ_SIZE ((size_t)256 << 10)

/* How much is read before the kernel is told that it need not be kept. */
#define FORGET_EVERY (8U << 20)

/* ---- The tar */

/* What the disk has, not what memory remembers of it; nor is a running container's cache driven out for a check. */
static void forget(int fd, uint64_t from, uint64_t len)
{
	(void)posix_fadvise(fd, (off_t)from, (off_t)len, POSIX_FADV_DONTNEED);
}

static int hash_file(int fd, _Atomic uint64_t *done, struct digest *out, uint64_t *size,
		     struct error *err)
{
	uint8_t *buf autofree = xmalloc(READ_SIZE);
	struct sha256 hash;
	uint64_t at = 0, forgotten = 0;
	ssize_t n;

	sha256_init(&hash);
	forget(fd, 0, 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((n = fs_read_full(fd, buf, READ_SIZE)) > 0) {
		sha256_update(&hash, buf, (size_t)n);
		at += (uint64_t)n;
		if (done)
			atomic_fetch_add(done, (uint64_t)n);
		if (at - forgotten >= FORGET_EVERY) {
			forget(fd, forgotten, at - forgotten);
			forgotten = at;
		}
	}
	if (n < 0)
		return error_errno(err, "its tar cannot be read at byte %llu",
				   (unsigned long long)at);
	forget(fd, 0, 0);
	sha256_final(&hash, out);
	*size = at;
	return 0;
}

/* Opens the tar and judges it; returns its descriptor, or -1 with v->tar filled. */
static int check_tar(const struct store *st, const struct digest *diffid, _Atomic uint64_t *done,
		     struct layer_verdict *v)
{
	char name[LAYER_FILE_MAX], text[DIGEST_TEXT_MAX];
	int fd autoclose = openat(st->layers_fd, layer_file(diffid, ".tar", name),
				  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct error why = ERROR_INIT;
	struct layer_info said;
	struct digest found;
	struct stat s;

	if (fd < 0 || fstat(fd, &s) < 0) {
		snprintf(v->tar, sizeof(v->tar), "its tar %s",
			 errno == ENOENT ? "is missing" : "cannot be opened");
		return -1;
	}
	v->device = s.st_dev;
	v->inode = s.st_ino;
	v->tar_size = (uint64_t)s.st_size;
	if (!S_ISREG(s.st_mode)) {
		snprintf(v->tar, sizeof(v->tar), "its tar is no file");
		return -1;
	}
	if (hash_file(fd, done, &found, &v->tar_size, &why) < 0) {
		snprintf(v->tar, sizeof(v->tar), "%s", why.message);
		return -1;
	}
	if (digest_equal(&found, diffid))
		return STEAL_FD(fd);
	if (layer_stat(st, diffid, &said, NULL) == 0 && said.tar_size != v->tar_size)
		snprintf(v->tar, sizeof(v->tar), "its tar has %llu bytes, not %llu",
			 (unsigned long long)v->tar_size, (unsigned long long)said.tar_size);
	else
		snprintf(v->tar, sizeof(v->tar), "its tar has digest %s",
			 digest_text(&found, text));
	return -1;
}

/* ---- The index */

static bool same_contents(int a, int b)
{
	uint8_t *p autofree = xmalloc(READ_SIZE), *q autofree = xmalloc(READ_SIZE);
	ssize_t n, m;

	if (lseek(a, 0, SEEK_SET) < 0 || lseek(b, 0, SEEK_SET) < 0)
		return false;
	do {
		n = fs_read_full(a, p, READ_SIZE);
		m = fs_read_full(b, q, READ_SIZE);
		if (n < 0 || n != m || memcmp(p, q, (size_t)n) != 0)
			return false;
	} while (n > 0);
	return true;
}

/* A full disk, or one that is mounted read-only, can be checked all the same: then the index is made in memory. */
static int make_index(const struct store *st, int tar_fd, struct layer_info *info, bool in_memory,
		      struct error *err)
{
	int fd autoclose =
		in_memory ? memfd_create("index", MFD_CLOEXEC) : layer_unnamed_file(st, err);
	struct index_totals totals;

	if (fd < 0)
		return in_memory ? error_errno(err, "cannot make an index in memory") : -1;
	if (index_make(tar_fd, info->diffid.bytes, NULL, fd, &totals, err) < 0)
		return -1;
	info->size = totals.size;
	info->entries = totals.entries;
	info->indexed = totals.copied == 0;
	info->links_lower = totals.outside_links > 0;
	info->needs_lower = totals.outside_links > 0 || totals.implied_folders > 0;
	return STEAL_FD(fd);
}

static int check_index(const struct store *st, int tar_fd, struct layer_verdict *v,
		       struct error *err)
{
	char name[LAYER_FILE_MAX];
	struct error why = ERROR_INIT;
	int have autoclose = openat(st->layers_fd, layer_file(&v->info.diffid, ".erofs", name),
				    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int missing = errno, made autoclose = make_index(st, tar_fd, &v->info, false, &why);

	if (made < 0 && (why.code == ENOSPC || why.code == EROFS))
		made = make_index(st, tar_fd, &v->info, true, &why);
	if (made < 0)
		return error_set(err, why.code, "%s", why.message);
	if (have < 0)
		snprintf(v->index, sizeof(v->index), "its index %s",
			 missing == ENOENT ? "is missing" : "cannot be opened");
	else if (!same_contents(have, made))
		snprintf(v->index, sizeof(v->index), "its index is not what its tar gives");
	return 0;
}

/* ---- The record */

static void check_record(const struct store *st, struct layer_verdict *v)
{
	struct error why = ERROR_INIT;
	struct layer_info said;

	if (layer_stat(st, &v->info.diffid, &said, &why) < 0)
		snprintf(v->record, sizeof(v->record), "its record %s",
			 why.code == ENOENT ? "is missing" : "is damaged");
	else if (said.tar_size != v->info.tar_size || said.size != v->info.size ||
		 said.entries != v->info.entries || said.indexed != v->info.indexed ||
		 said.needs_lower != v->info.needs_lower || said.links_lower != v->info.links_lower)
		snprintf(v->record, sizeof(v->record), "its record is not what its tar gives");
}

int layer_check(const struct store *st, const struct digest *diffid, _Atomic uint64_t *done,
		struct layer_verdict *out, struct error *err)
{
	char text[DIGEST_TEXT_MAX];
	int tar autoclose = -1;

	*out = (struct layer_verdict){ .info = { .diffid = *diffid } };
	tar = check_tar(st, diffid, done, out);
	if (tar < 0)
		return 0;
	out->info.tar_size = out->tar_size;
	if (check_index(st, tar, out, err) < 0)
		return error_prefix(err, "layer %s", digest_text(diffid, text));
	check_record(st, out);
	return 0;
}

/* ---- Mending */

bool layer_is_as_judged(const struct store *st, const struct layer_verdict *v)
{
	char name[LAYER_FILE_MAX];
	struct stat s;

	if (fstatat(st->layers_fd, layer_file(&v->info.diffid, ".tar", name), &s,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && !v->inode;
	return s.st_dev == v->device && s.st_ino == v->inode;
}

/* Puts an unnamed file in the place of name, in one step. */
static int replace(const struct store *st, int fd, const char *name, struct error *err)
{
	char path[32], temporary[LAYER_FILE_MAX + 8] = FS_TEMP_PREFIX;

	strcat(temporary, name);
	if (unlinkat(st->tmp_fd, temporary, 0) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s/tmp/%s", st->root, temporary);
	if (linkat(AT_FDCWD, fs_fd_path(fd, path), st->tmp_fd, temporary, AT_SYMLINK_FOLLOW) < 0 ||
	    renameat(st->tmp_fd, temporary, st->layers_fd, name) < 0) {
		error_errno(err, "cannot put %s/layers/sha256/%s", st->root, name);
		(void)unlinkat(st->tmp_fd, temporary, 0);
		return -1;
	}
	return 0;
}

int layer_mend(const struct store *st, const struct layer_verdict *v, struct error *err)
{
	struct layer_info info = { .diffid = v->info.diffid, .tar_size = v->info.tar_size };
	char name[LAYER_FILE_MAX];
	size_t len;
	char *record autofree = NULL;
	int tar autoclose = openat(st->layers_fd, layer_file(&info.diffid, ".tar", name),
				   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int index autoclose = -1, lock autoclose = -1;

	if (tar < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open %s", name);
	/* Before the lock is taken, for it takes its time. */
	index = make_index(st, tar, &info, false, err);
	if (index < 0 || fdatasync(index) < 0)
		return index < 0 ? -1 : error_errno(err, "cannot write to %s/tmp", st->root);
	record = layer_record(&info, &len);
	lock = store_lock(st, LOCK_EX, err);
	if (lock < 0)
		return -1;
	if (!layer_is_as_judged(st, v))
		return 0;
	if ((*v->index && replace(st, index, layer_file(&info.diffid, ".erofs", name), err) < 0) ||
	    fs_install_file(st->tmp_fd, st->layers_fd, layer_file(&info.diffid, ".json", name),
			    record, len, 0600, err) < 0)
		return -1;
	if (*v->index)
		layer_retire(st, &info.diffid);
	return 0;
}

int layer_condemn(const struct store *st, const struct layer_verdict *v, struct error *err)
{
	const struct digest *diffid = &v->info.diffid;
	char name[LAYER_FILE_MAX], hex[DIGEST_HEX_MAX];
	char *kept autofree = str_format("layer-%s.tar", digest_hex(diffid, hex));
	int lock autoclose = store_lock(st, LOCK_EX, err);

	if (lock < 0)
		return -1;
	if (!layer_is_as_judged(st, v))
		return 0;
	/* The record first: without it nobody uses the rest. */
	if (unlinkat(st->layers_fd, layer_file(diffid, ".json", name), 0) < 0 && errno != ENOENT)
		return error_errno(err, "cannot remove %s/layers/sha256/%s", st->root, name);
	layer_file(diffid, ".tar", name);
	if (v->inode && quarantine_put(st, st->layers_fd, name, kept, v->tar, err) < 0)
		return -1;
	layer_retire(st, diffid);
	return layer_remove_locked(st, diffid, err) < 0 ? -1 : fs_sync_dir(st->layers_fd, err);
}
