/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define ATTEMPTS 16

/* How much is handed to the disk at a time, so that the final sync finds little left to do. */
#define WRITE_BEHIND (8U << 20)

static int new_name(char name[32])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	snprintf(name, 32, FS_TEMP_PREFIX "%016llx", (unsigned long long)random);
	return 0;
}

/* Where the existing file behind fd really is, symbolic links resolved; NULL with errno where it has no name. */
static char *real_path(int fd)
{
	char link[32], path[PATH_MAX];
	struct stat here, there;
	ssize_t n = readlink(fs_fd_path(fd, link), path, sizeof(path) - 1);

	if (n < 0)
		return NULL;
	path[n] = '\0';
	/* A file that was removed is called "<path> (deleted)". */
	if (fstat(fd, &here) < 0 || lstat(path, &there) < 0)
		return NULL;
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino) {
		errno = ENOENT;
		return NULL;
	}
	return xstrdup(path);
}

/* Divides path into the folder, opened, and the name in it. */
static int open_folder(struct output *o, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder autofree = !slash          ? xstrdup(".")
				: slash == path ? xstrdup("/")
						: xstrndup(path, (size_t)(slash - path));

	o->base = xstrdup(slash ? slash + 1 : path);
	if (!*o->base)
		return error_set(err, *path ? EISDIR : EINVAL, "cannot write \"%s\": no file name",
				 o->shown);
	o->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->folder_fd < 0)
		return error_errno(err, "cannot write \"%s\": folder \"%s\"", o->shown, folder);
	return 0;
}

static int open_file(struct output *o, struct error *err)
{
	o->fd = openat(o->folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (o->fd >= 0)
		return 0;
	/* Filesystems without: 9p, vfat, NFS and others say it in one of these ways. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return error_errno(err, "cannot write \"%s\"", o->shown);
	for (int i = 0; i < ATTEMPTS && o->fd < 0; i++) {
		if (new_name(o->temporary) < 0)
			break;
		o->fd = openat(o->folder_fd, o->temporary,
			       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (o->fd < 0 && errno != EEXIST)
			break;
	}
	if (o->fd < 0) {
		o->temporary[0] = '\0';
		return error_errno(err, "cannot write \"%s\"", o->shown);
	}
	return 0;
}

/* What stands at path already. Returns 1 when o is open on it, 0 when a file is to be made beside *where, -1. */
static int look_at(struct output *o, const char *path, char **where, struct error *err)
{
	int there autoclose = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (there < 0) {
		bool nothing = errno == ENOENT;

		if (!nothing || lstat(path, &st) == 0)
			return nothing ? error_set(err, ENOENT,
						   "cannot write \"%s\": it is a link to nothing",
						   path)
				       : error_errno(err, "cannot write \"%s\"", path);
		*where = xstrdup(path);
		return 0;
	}
	if (fstat(there, &st) < 0)
		return error_errno(err, "cannot write \"%s\"", path);
	if (S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "cannot write \"%s\": it is a folder", path);
	if (S_ISBLK(st.st_mode))
		return error_set(err, ENXIO, "cannot write \"%s\": it is a disk", path);
	if (S_ISREG(st.st_mode)) {
		*where = real_path(there);
		return *where ? 0 : error_errno(err, "cannot write \"%s\"", path);
	}
	o->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (o->fd < 0)
		return error_errno(err, "cannot write \"%s\"", path);
	o->direct = true;
	return 1;
}

int output_open(struct output *o, const char *path, struct error *err)
{
	char *where autofree = NULL;
	int r;

	*o = (struct output)OUTPUT_INIT;
	o->shown = xstrdup(path);
	r = look_at(o, path, &where, err);
	if (r == 0)
		r = open_folder(o, where, err) < 0 || open_file(o, err) < 0 ? -1 : 1;
	if (r < 0)
		output_end(o);
	return r < 0 ? -1 : 0;
}

int output_write(struct output *o, const void *data, size_t len, struct error *err)
{
	if (fs_write_all(o->fd, data, len) < 0)
		return error_errno(err, "cannot write \"%s\"", o->shown);
	o->written += len;
	if (o->written - o->behind >= WRITE_BEHIND && !o->direct) {
		/* Only a hint. */
		(void)sync_file_range(o->fd, (off_t)o->behind, (off_t)(o->written - o->behind),
				      SYNC_FILE_RANGE_WRITE);
		o->behind = o->written;
	}
	return 0;
}

/* fsync(2), as far as the filesystem knows it. */
static int sync_it(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL && errno != ENOSYS ? -1 : 0;
}

/* Links the unnamed file under its own name where that is free, else under a temporary one. */
static int name_it(struct output *o)
{
	char path[32], name[32];

	fs_fd_path(o->fd, path);
	if (linkat(AT_FDCWD, path, o->folder_fd, o->base, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	for (int i = 0; i < ATTEMPTS && errno == EEXIST; i++) {
		if (new_name(name) < 0)
			return -1;
		if (linkat(AT_FDCWD, path, o->folder_fd, name, AT_SYMLINK_FOLLOW) == 0) {
			strcpy(o->temporary, name);
			return 0;
		}
	}
	return -1;
}

int output_finish(struct output *o, struct error *err)
{
	if (o->direct)
		return 0;
	if (sync_it(o->fd) < 0 || (!o->temporary[0] && name_it(o) < 0))
		return error_errno(err, "cannot write \"%s\"", o->shown);
	if (o->temporary[0]) {
		if (renameat(o->folder_fd, o->temporary, o->folder_fd, o->base) < 0)
			return error_errno(err, "cannot write \"%s\"", o->shown);
		o->temporary[0] = '\0';
	}
	return sync_it(o->folder_fd) < 0
		       ? error_errno(err, "cannot sync the folder of \"%s\"", o->shown)
		       : 0;
}

void output_end(struct output *o)
{
	if (o->temporary[0])
		unlinkat(o->folder_fd, o->temporary, 0);
	cleanup_close(&o->fd);
	cleanup_close(&o->folder_fd);
	free(o->shown);
	free(o->base);
	*o = (struct output)OUTPUT_INIT;
}
