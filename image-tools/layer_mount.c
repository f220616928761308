/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a layer holds a shared lock on <run>/layers/<diffid>.lock, and only who gets the exclusive one unmounts it.
 * Mounting goes under one more lock for all layers, <run>/layers/lock, held by whoever finds a layer of his not mounted:
 * he has the shared lock already, so that nothing unmounts it under him, whoever else does the mounting. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image-tools/layer.h"
#include "image-tools/loop.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define MOUNTS "layers"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

/* Young fields of statx(2) that libc's headers may lack: asked for and read by number (linux/stat.h). */
#define DIO_MASK      0x2000U
#define DIO_MEMORY_AT 152
#define DIO_OFFSET_AT 156

static bool is_mounted(const char *path)
{
	struct statx s;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &s) == 0 &&
	       (s.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Whether the file can be read past the page cache in pieces of one EROFS block, so that its data need not be cached
 * twice. */
static bool can_read_directly(const char *path)
{
	_Alignas(8) uint8_t buf[256] = { 0 };
	uint32_t mask, memory, offset;

	if (syscall(SYS_statx, AT_FDCWD, path, 0, DIO_MASK, buf) < 0)
		return false;
	memcpy(&mask, buf, sizeof(mask));
	memcpy(&memory, buf + DIO_MEMORY_AT, sizeof(memory));
	memcpy(&offset, buf + DIO_OFFSET_AT, sizeof(offset));
	return (mask & DIO_MASK) && memory && memory <= 512 && offset && offset <= 512;
}

static int set_string(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* A detached EROFS mount, or -1 with errno. */
static int erofs_mount(const char *index, const char *tar, bool direct)
{
	int fs autoclose = (int)syscall(SYS_fsopen, "erofs", FSOPEN_CLOEXEC);

	/* "ro" for the sake of the devices: unasked, the kernel opens them for writing, which loop devices over files opened
	 * read-only refuse (EACCES). */
	if (fs < 0 || set_string(fs, "source", index) < 0 || set_string(fs, "device", tar) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -1;
	if (direct) /* refused by kernels that do not know it, which is as well */
		(void)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "directio", NULL, 0);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* For kernels whose EROFS mounts devices only (before 6.12). The loop devices go when the mount does. */
static int erofs_mount_loop(const char *index, const char *tar, struct error *err)
{
	char index_device[LOOP_PATH_MAX], tar_device[LOOP_PATH_MAX];
	int index_loop autoclose = loop_attach(index, index_device, err), tar_loop autoclose = -1,
		       fd;

	if (index_loop < 0 || (tar_loop = loop_attach(tar, tar_device, err)) < 0)
		return -1;
	fd = erofs_mount(index_device, tar_device, false);
	return fd < 0 ? error_errno(err, "cannot mount %s", index) : fd;
}

static int mount_layer(const struct store *st, const struct digest *diffid, const char *path,
		       struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	struct layer_info info;
	char *index autofree =
		str_format("%s/layers/sha256/%s.erofs", st->root, digest_hex(diffid, hex));
	char *tar autofree = str_format("%s/layers/sha256/%s.tar", st->root, hex);
	int fd autoclose = -1;

	if (layer_stat(st, diffid, &info, err) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", path);
	fd = erofs_mount(index, tar, can_read_directly(tar) && can_read_directly(index));
	if (fd < 0 && errno == ENOTBLK)
		fd = erofs_mount_loop(index, tar, err);
	else if (fd < 0 && errno == ENODEV)
		error_set(err, ENODEV, "this kernel has no EROFS, which layers are mounted by");
	else if (fd < 0)
		error_errno(err, "cannot mount layer %s", hex);
	if (fd < 0)
		return -1;
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "cannot mount layer %s on %s", hex, path);
	return 0;
}

/* Returns the descriptor that holds the layer, or -1. */
static int hold_one(const struct store *st, const struct digest *diffid, const char *path,
		    struct error *err)
{
	char *lock_path autofree = str_format("%s.lock", path);
	int fd autoclose = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
	       mutex autoclose = -1;

	if (fd < 0 || fs_lock(fd, LOCK_SH) < 0)
		return error_errno(err, "cannot lock %s", lock_path);
	if (is_mounted(path))
		return STEAL_FD(fd);
	mutex = openat(st->run_fd, MOUNTS "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (mutex < 0 || fs_lock(mutex, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s/" MOUNTS, st->run);
	if (!is_mounted(path) && mount_layer(st, diffid, path, err) < 0)
		return -1;
	return STEAL_FD(fd);
}

int layer_hold(const struct store *st, const struct digest *diffids, size_t n,
	       struct layer_hold *hold, struct error *err)
{
	*hold = (struct layer_hold){ 0 };
	if (mkdirat(st->run_fd, MOUNTS, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/" MOUNTS, st->run);
	hold->paths = xcalloc(n + 1, sizeof(*hold->paths));
	hold->lock_fds = xcalloc(n + 1, sizeof(*hold->lock_fds));
	for (size_t i = 0; i < n; i++) {
		char hex[DIGEST_HEX_MAX];

		hold->paths[i] =
			str_format("%s/" MOUNTS "/%s", st->run, digest_hex(&diffids[i], hex));
		hold->lock_fds[i] = hold_one(st, &diffids[i], hold->paths[i], err);
		if (hold->lock_fds[i] < 0) {
			free(hold->paths[i]);
			hold->paths[i] = NULL;
			layer_release(hold);
			return -1;
		}
		hold->n++;
	}
	return 0;
}

/* Unmounts path if nobody else holds it; fd is its lock file. */
static void drop(int fd, const char *path)
{
	if (fs_lock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	/* Busy (somebody looks around in it): the next layer_sweep does it. */
	if (!is_mounted(path) || syscall(SYS_umount2, path, 8 /* UMOUNT_NOFOLLOW */) == 0)
		(void)rmdir(path);
}

void layer_release(struct layer_hold *hold)
{
	for (size_t i = 0; i < hold->n; i++) {
		cleanup_close(&hold->lock_fds[i]);
		free(hold->paths[i]);
	}
	free(hold->paths);
	free(hold->lock_fds);
	*hold = (struct layer_hold){ 0 };
}

void layer_unmount_idle(const struct store *st, const struct digest *diffid)
{
	char hex[DIGEST_HEX_MAX];
	char *path autofree = str_format("%s/" MOUNTS "/%s", st->run, digest_hex(diffid, hex));
	char *lock_path autofree = str_format("%s.lock", path);
	int lock autoclose = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (lock >= 0)
		drop(lock, path);
}

bool layer_is_held(const struct store *st, const struct digest *diffid)
{
	char hex[DIGEST_HEX_MAX];
	char *path autofree = str_format(MOUNTS "/%s.lock", digest_hex(diffid, hex));
	int lock autoclose = openat(st->run_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return lock >= 0 ? fs_lock(lock, LOCK_EX | LOCK_NB) < 0 : errno != ENOENT;
}

int layer_sweep(const struct store *st, struct error *err)
{
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = openat(st->run_fd, MOUNTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || !(dir = fdopendir(fd))) {
		error_errno(err, "cannot read %s/" MOUNTS, st->run);
		cleanup_close(&fd);
		return -1;
	}
	while ((e = readdir(dir))) {
		char *path autofree = NULL;
		int lock autoclose = -1;

		if (!str_ends(e->d_name, ".lock"))
			continue;
		lock = openat(fd, e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		path = str_format("%s/" MOUNTS "/%.*s", st->run,
				  (int)(strlen(e->d_name) - strlen(".lock")), e->d_name);
		if (lock >= 0)
			drop(lock, path);
	}
	return 0;
}
