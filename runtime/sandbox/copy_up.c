/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <linux/fs.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "lib/cleanup.h"
#include "runtime/spec/kernel.h"

#define DEPTH_MAX 128

/* As getdents64(2) gives it. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int open_beneath(int dir, const char *name, uint64_t flags)
{
	return sys_openat2(dir, name, flags | O_NOFOLLOW, 0,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/* What the new filesystem cannot hold (tmpfs knows few kinds of attributes) is left behind. */
static void copy_attributes(int from, int to)
{
	char names[2048], value[2048];
	ssize_t len = flistxattr(from, names, sizeof(names));

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t n = fgetxattr(from, names + at, value, sizeof(value));

		if (n >= 0)
			(void)fsetxattr(to, names + at, value, (size_t)n, 0);
	}
}

/* Owner before mode: a change of the owner takes the set-user-ID bit away. */
static int copy_owner(int to, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -1;
	return futimens(to, times);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	autoclose int from = open_beneath(from_dir, name, O_RDONLY | O_NONBLOCK);
	autoclose int to =
		openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (from < 0 || to < 0)
		return -1;
	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return -1;
	/* A change of the owner takes file capabilities away, too. */
	if (copy_owner(to, st) < 0)
		return -1;
	copy_attributes(from, to);
	return 0;
}

static int copy_other(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (S_ISLNK(st->st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

		if (n < 0)
			return -1;
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return -1;
	} else if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0) {
		return -1;
	}
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0))
		return -1;
	return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_folder(int from, int to, int depth);

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st);
	if (!S_ISDIR(st.st_mode))
		return copy_other(from, to, name, &st);

	autoclose int below = open_beneath(from, name, O_RDONLY | O_DIRECTORY);
	if (below < 0 && errno != EXDEV)
		return -1;
	if (mkdirat(to, name, 0700) < 0)
		return -1;
	autoclose int made = open_beneath(to, name, O_RDONLY | O_DIRECTORY);
	if (made < 0)
		return -1;
	/* Where something is mounted (EXDEV) the folder is copied without it. */
	if (below >= 0) {
		if (copy_folder(below, made, depth + 1) < 0)
			return -1;
		copy_attributes(below, made);
	}
	return copy_owner(made, &st);
}

static int copy_folder(int from, int to, int depth)
{
	char buf[4096] __attribute__((aligned(8)));
	long n;

	if (depth > DEPTH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while ((n = syscall(SYS_getdents64, from, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(buf + at);

			at += e->len;
			if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0 &&
			    copy_entry(from, to, e->name, depth) < 0)
				return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

int copy_up(int from, int to)
{
	autoclose int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return source < 0 || target < 0 ? -1 : copy_folder(source, target, 0);
}
