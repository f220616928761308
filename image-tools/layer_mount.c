/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a layer holds a shared lock on <run>/layers/<diffid>.lock, and only who gets the exclusive one unmounts it.
 * Mounting goes under one more lock for all layers, <run>/layers/lock, held by whoever finds a layer of his not mounted:
 * he has the shared lock already, so that nothing unmounts it under him, whoever else does the mounting.
 *
 * <run>/layers/<diffid>.stale stands beside a mount whose files are no longer the layer's: it was damaged and has been taken
 * away or put right, and somebody still runs on the old ones. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "image-tools/layer_private.h"
#include "image-tools/loop.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define MOUNTS "layers"
#define STALE  ".stale"

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

int layer_mount_detached(const char *index, const char *tar, struct error *err)
{
	int fd = erofs_mount(index, tar, can_read_directly(tar) && can_read_directly(index));

	if (fd >= 0)
		return fd;
	if (errno == ENOTBLK)
		return erofs_mount_loop(index, tar, err);
	if (errno == ENODEV)
		return error_set(err, ENODEV,
				 "this kernel has no EROFS, which layers are mounted by");
	return error_errno(err, "cannot mount a layer");
}

/* A layer that somebody is about to hold. */
struct held {
	const struct digest *diffids; /* the stack up to this one, which is the last */
	size_t n;
	char *const *below; /* where the others are mounted */
	bool chained;       /* its index is the one for this stack */
	struct digest chain;
	char *path; /* the mount point */
};

/* The index for the stack, made if it is missing; the caller frees. */
static char *chain_index(const struct store *st, const struct held *h,
			 const struct layer_info *info, struct error *err)
{
	int *dirs autofree = xcalloc(h->n, sizeof(*dirs));
	char *index = NULL;
	size_t n = 0;

	for (; n + 1 < h->n; n++) {
		dirs[n] = open(h->below[n], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dirs[n] < 0) {
			error_errno(err, "cannot open %s", h->below[n]);
			break;
		}
	}
	if (n + 1 == h->n)
		index = layer_chain_index(st, info, &h->chain, dirs, n, err);
	while (n)
		close(dirs[--n]);
	return index;
}

static int mount_layer(const struct store *st, const struct held *h, const struct layer_info *info,
		       struct error *err)
{
	char hex[DIGEST_HEX_MAX];
	char *tar autofree =
		str_format("%s/layers/sha256/%s.tar", st->root, digest_hex(&info->diffid, hex));
	char *index autofree = NULL;
	int fd autoclose = -1;

	if (!layer_files_match(st, info))
		return error_set(
			err, EUCLEAN,
			"layer sha256:%s is damaged: its tar and its index do not fit; run "
			"'knarr fsck --repair'",
			hex);
	if (layer_check_lowest(info, h->n - 1, err) < 0)
		return -1;
	index = h->chained ? chain_index(st, h, info, err)
			   : str_format("%s/layers/sha256/%s.erofs", st->root, hex);
	if (!index)
		return -1;
	if (mkdir(h->path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s", h->path);
	fd = layer_mount_detached(index, tar, err);
	if (fd < 0 && err && (err->code == EUCLEAN || err->code == EINVAL || err->code == EIO))
		return error_set(
			err, EUCLEAN,
			"layer sha256:%s is damaged: the kernel cannot mount it; run 'knarr fsck "
			"--repair'",
			hex);
	if (fd < 0)
		return error_prefix(err, "layer %s", hex);
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, h->path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "cannot mount layer %s on %s", hex, h->path);
	return 0;
}

/* Decides which of a layer's indexes is mounted where. */
static void choose(const struct store *st, struct held *h, bool chained)
{
	char hex[DIGEST_HEX_MAX];

	h->chained = chained;
	if (chained)
		layer_chain_id(h->diffids, h->n, &h->chain);
	free(h->path);
	h->path = str_format("%s/" MOUNTS "/%s", st->run,
			     digest_hex(chained ? &h->chain : &h->diffids[h->n - 1], hex));
}

/* The shared lock on a mount point, or -1. */
static int lock_mount(const char *path, struct error *err)
{
	char *lock_path autofree = str_format("%s.lock", path);

	/* Who unmounts removes the lock file, too: then ours has no name any more, and the next one is it. */
	for (int i = 0; i < 100; i++) {
		int fd autoclose = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat s;

		if (fd < 0 || fs_lock(fd, LOCK_SH) < 0 || fstat(fd, &s) < 0)
			break;
		if (s.st_nlink)
			return STEAL_FD(fd);
	}
	return error_errno(err, "cannot lock %s", lock_path);
}

static bool is_stale(const char *path)
{
	char *mark autofree = str_format("%s" STALE, path);

	return access(mark, F_OK) == 0;
}

static void drop(const char *path);

/* As lock_mount, and what is mounted there is, or will be, what the layer's files say. */
static int lock_fresh(const struct digest *diffid, const char *path, struct error *err)
{
	char text[DIGEST_TEXT_MAX];
	int fd = lock_mount(path, err);

	if (fd < 0 || !is_stale(path))
		return fd;
	cleanup_close(&fd);
	drop(path);
	fd = lock_mount(path, err);
	if (fd < 0 || !is_stale(path))
		return fd;
	cleanup_close(&fd);
	return error_set(
		err, EBUSY,
		"layer %s was damaged, and containers still run on what it was; stop them first",
		digest_text(diffid, text));
}

/* Returns the descriptor that holds the layer, or -1. */
static int hold_one(const struct store *st, struct held *h, struct error *err)
{
	const struct digest *diffid = &h->diffids[h->n - 1];
	int fd autoclose = -1, mutex autoclose = -1;
	struct layer_info info;

	choose(st, h, h->n > 1 && layer_has_chains(st, diffid));
	fd = lock_fresh(diffid, h->path, err);
	if (fd < 0 || is_mounted(h->path))
		return STEAL_FD(fd);
	if (layer_stat(st, diffid, &info, err) < 0)
		return -1;
	if (info.needs_lower && h->n > 1 && !h->chained) {
		/* The folder that would have told is lost. */
		cleanup_close(&fd);
		choose(st, h, true);
		fd = lock_fresh(diffid, h->path, err);
		if (fd < 0)
			return -1;
	}
	mutex = openat(st->run_fd, MOUNTS "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (mutex < 0 || fs_lock(mutex, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s/" MOUNTS, st->run);
	if (!is_mounted(h->path) && mount_layer(st, h, &info, err) < 0)
		return -1;
	return STEAL_FD(fd);
}

int layer_hold(const struct store *st, const struct digest *diffids, size_t n,
	       struct layer_hold *hold, struct error *err)
{
	*hold = (struct layer_hold){ 0 };
	if (n > LAYERS_MAX)
		return error_set(err, E2BIG, "the image has %zu layers; Linux mounts at most %u", n,
				 LAYERS_MAX);
	if (mkdirat(st->run_fd, MOUNTS, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/" MOUNTS, st->run);
	hold->paths = xcalloc(n + 1, sizeof(*hold->paths));
	hold->lock_fds = xcalloc(n + 1, sizeof(*hold->lock_fds));
	for (; hold->n < n; hold->n++) {
		struct held h = { .diffids = diffids, .n = hold->n + 1, .below = hold->paths };
		int fd = hold_one(st, &h, err);

		if (fd < 0) {
			free(h.path);
			layer_release(hold);
			return -1;
		}
		hold->paths[hold->n] = h.path;
		hold->lock_fds[hold->n] = fd;
	}
	return 0;
}

/* Unmounts path if nobody holds it. */
static void drop(const char *path)
{
	char *lock_path autofree = str_format("%s.lock", path);
	char *mark autofree = str_format("%s" STALE, path);
	int fd autoclose = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat s;

	if (fd < 0 || fs_lock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &s) < 0 || !s.st_nlink)
		return;
	/* Busy (somebody looks around in it): a later sweep does it. */
	if (is_mounted(path) && syscall(SYS_umount2, path, 8 /* UMOUNT_NOFOLLOW */) < 0)
		return;
	(void)rmdir(path);
	(void)unlink(mark);
	(void)unlink(lock_path);
}

void layer_release(struct layer_hold *hold)
{
	for (size_t i = 0; i < hold->n; i++) {
		/* Idle from now on, if nobody else holds it. */
		(void)futimens(hold->lock_fds[i], NULL);
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

	drop(path);
}

/* False, for layer_chains_any to go on. */
static bool retire(const struct store *st, const struct digest *id)
{
	char hex[DIGEST_HEX_MAX];
	char *path autofree = str_format("%s/" MOUNTS "/%s", st->run, digest_hex(id, hex));
	char *mark autofree = str_format("%s" STALE, path);
	int fd autoclose = -1;

	/* Marked first: who comes between the two is refused, or has it mounted anew. */
	if (is_mounted(path))
		fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	drop(path);
	return false;
}

void layer_retire(const struct store *st, const struct digest *diffid)
{
	(void)retire(st, diffid);
	(void)layer_chains_any(st, diffid, retire);
}

static bool is_locked(const struct store *st, const struct digest *id)
{
	char hex[DIGEST_HEX_MAX];
	char *path autofree = str_format(MOUNTS "/%s.lock", digest_hex(id, hex));
	int lock autoclose = openat(st->run_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return lock >= 0 ? fs_lock(lock, LOCK_EX | LOCK_NB) < 0 : errno != ENOENT;
}

bool layer_is_held(const struct store *st, const struct digest *diffid)
{
	return is_locked(st, diffid) || layer_chains_any(st, diffid, is_locked);
}

/* Unmounts what nobody holds and nobody has held for so many seconds. */
static int sweep(const struct store *st, long seconds, struct error *err)
{
	time_t before = time(NULL) - seconds;
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
		struct stat s;

		if (!str_ends(e->d_name, ".lock") ||
		    fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0 || s.st_mtime > before)
			continue;
		path = str_format("%s/" MOUNTS "/%.*s", st->run,
				  (int)(strlen(e->d_name) - strlen(".lock")), e->d_name);
		drop(path);
	}
	return 0;
}

void layer_sweep_idle(const struct store *st)
{
	(void)sweep(st, LAYER_IDLE_SECONDS, NULL);
}

int layer_sweep(const struct store *st, struct error *err)
{
	/* Whatever the clock said when it was last held. */
	return sweep(st, -(LONG_MAX / 4), err);
}
