/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/str.h"

#define LINKS_MAX 40 /* as many symbolic links as the kernel follows in one path */

/* Waits until a non-blocking descriptor (a terminal or pipe somebody else set so) takes more. */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

int fs_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			errno = EIO; /* no progress and no reason: do not spin */
			return -1;
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLOUT))
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

ssize_t fs_read_full(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, p + done, len - done);
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0) {
			break;
		} else if (errno == EAGAIN) {
			if (wait_for(fd, POLLIN))
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return (ssize_t)done;
}

char *fs_read_file(int dirfd, const char *path, size_t max, size_t *len, struct error *err)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO in the file's place must not hold us up. */
	autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st)) {
		error_errno(err, "cannot open '%s'", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		error_set(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "'%s' is not a regular file",
			  path);
		return NULL;
	}

	/* st_size is only a hint: files of /proc and /sys say 0 or a page. One byte more than it shows the end of the
	 * file, one byte more than max shows that the file is too large. */
	size_t cap = st.st_size > 0 && (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : 4096;
	size_t used = 0;
	autofree char *data = NULL;
	do {
		if (used)
			cap = cap < SIZE_MAX / 2 ? cap * 2 : SIZE_MAX;
		if (cap - 1 > max)
			cap = max + 1;
		data = xreallocarray(data, cap + 1, 1);
		ssize_t n = fs_read_full(fd, data + used, cap - used);
		if (n < 0) {
			error_errno(err, "cannot read '%s'", path);
			return NULL;
		}
		used += (size_t)n;
		if (used > max) {
			error_set(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
			return NULL;
		}
	} while (used == cap);
	data[used] = '\0';
	if (len)
		*len = used;
	return STEAL_PTR(data);
}

/* The folder part of path, opened, and its last name in *base (which points into path). */
static int open_parent(int dirfd, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');

	*base = slash ? slash + 1 : path;
	if (!slash)
		return openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofree char *parent = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	return openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int create_temporary(int dirfd, char name[32])
{
	for (int attempt = 0; attempt < 16; attempt++) {
		uint64_t random;
		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -1;
		snprintf(name, 32, FS_TEMP_PREFIX "%016llx", (unsigned long long)random);
		int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* The temporary file is made in the folder tmpfd, on the same filesystem as path's own folder parent. */
static int write_file(int tmpfd, int parent, const char *path, const char *base, const void *data,
		      size_t len, mode_t mode, enum fs_durability d, struct error *err)
{
	char temporary[32];

	if (!*base)
		return error_set(err, EINVAL, "cannot write '%s': no file name", path);
	autoclose int fd = create_temporary(tmpfd, temporary);
	if (fd < 0)
		return error_errno(err, "cannot create a file for '%s'", path);

	/* fchmod, not open's mode: a file made for a container must not depend on the caller's umask. */
	if (fs_write_all(fd, data, len) || fchmod(fd, mode) || (d == FS_DURABLE && fsync(fd)) ||
	    renameat(tmpfd, temporary, parent, base)) {
		error_errno(err, "cannot write '%s'", path);
		unlinkat(tmpfd, temporary, 0);
		return -1;
	}
	if (d == FS_DURABLE && fsync(parent))
		return error_errno(err, "cannot sync the folder of '%s'", path);
	return 0;
}

int fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		  enum fs_durability d, struct error *err)
{
	const char *base;
	autoclose int parent = open_parent(dirfd, path, &base);

	if (parent < 0)
		return error_errno(err, "cannot open the folder of '%s'", path);
	return write_file(parent, parent, path, base, data, len, mode, d, err);
}

int fs_install_file(int tmpfd, int dirfd, const char *path, const void *data, size_t len,
		    mode_t mode, struct error *err)
{
	const char *base;
	autoclose int parent = open_parent(dirfd, path, &base);

	if (parent < 0)
		return error_errno(err, "cannot open the folder of '%s'", path);
	return write_file(tmpfd, parent, path, base, data, len, mode, FS_DURABLE, err);
}

int fs_mkdirs(int dirfd, const char *path, mode_t mode, struct error *err)
{
	autofree char *partial = xstrdup(path);
	struct stat st;

	for (char *p = partial; *p;) {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		char rest = *p;
		*p = '\0';
		if (*partial && mkdirat(dirfd, partial, mode) && errno != EEXIST) {
			/* A read-only or foreign parent refuses what exists, too. */
			int saved = errno;
			if (fstatat(dirfd, partial, &st, 0) || !S_ISDIR(st.st_mode)) {
				errno = saved;
				return error_errno(err, "cannot make folder '%s'", partial);
			}
		}
		*p = rest;
	}
	if (fstatat(dirfd, path, &st, 0))
		return error_errno(err, "cannot make folder '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR,
				 "cannot make folder '%s': a file of that name exists", path);
	return 0;
}

int fs_sync_dir(int dirfd, struct error *err)
{
	/* Opened anew, because dirfd may be O_PATH or AT_FDCWD, which fsync(2) refuses. */
	autoclose int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return error_errno(err, "cannot sync a folder");
	return 0;
}

int fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				.resolve = resolve };
	long fd;

	if (!(flags & O_PATH))
		how.flags |= O_NOCTTY;
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode;
	/* EAGAIN: somebody renamed or mounted while ".." was resolved, so the kernel could not vouch for it. It may
	 * not go on for ever: that somebody can be a container. */
	for (int attempt = 0; attempt < 128; attempt++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return fs_openat2(rootfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* Where the symbolic link name in the folder parent leads, as a path below the root: its own text if it is absolute,
 * else behind prefix. NULL with errno if it is none. */
static char *follow(int parent, const char *name, const char *prefix)
{
	char target[4096];
	ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return target[0] == '/' ? xstrdup(target) : str_format("%s/%s", prefix, target);
}

/* Every step asks the kernel to resolve the path so far from the root, so nothing rests on this function's reading of
 * the text: a container that swaps folders meanwhile gets a folder of its own root made, no more. */
int fs_mkdirs_in_root(int rootfd, const char *path, mode_t mode, struct error *err)
{
	const int flags = O_PATH | O_DIRECTORY;
	autofree char *todo = xstrdup(path);
	size_t done = 0;
	int links = 0;
	int fd = fs_open_in_root(rootfd, *path ? path : ".", flags, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd
			       : error_errno(err, "cannot open folder '%s' in the container", path);
	autoclose int parent = fs_open_in_root(rootfd, ".", flags, 0);
	while (parent >= 0) {
		/* todo[done..] begins with the next name; what stands before it is open as parent. */
		done += strspn(todo + done, "/");
		size_t end = done + strcspn(todo + done, "/");
		if (end == done)
			return STEAL_FD(parent);
		autofree char *so_far = xstrndup(todo, end);
		const char *name = so_far + done;
		bool made = false;

		fd = fs_open_in_root(rootfd, so_far, flags, 0);
		if (fd < 0 && errno == ENOENT && strcmp(name, "..") != 0 &&
		    strcmp(name, ".") != 0) {
			made = mkdirat(parent, name, mode) == 0;
			if (!made && errno != EEXIST)
				break;
			fd = fs_open_in_root(rootfd, so_far, flags, 0);
		}
		if (fd < 0 && errno == ENOENT && !made && links++ < LINKS_MAX) {
			/* It exists and leads nowhere: a dangling link (/var/run -> /run where /run is missing).
			 * Make what it points to, and come back this way. */
			autofree char *prefix = xstrndup(todo, done);
			autofree char *target = follow(parent, name, prefix);
			if (!target)
				break;
			char *longer = str_format("%s%s", target, todo + end);
			free(todo);
			todo = longer;
			fd = fs_open_in_root(rootfd, ".", flags, 0);
			end = 0;
		}
		close(parent);
		parent = fd;
		done = end;
	}
	return error_errno(err, "cannot make folder '%s' in the container", path);
}

int fs_lock(int fd, int operation)
{
	int rc;

	do
		rc = flock(fd, operation);
	while (rc && errno == EINTR);
	return rc;
}

const char *fs_fd_path(int fd, char buf[32])
{
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}
