/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "image-tools/fsck_parts.h"
#include "image-tools/journal.h"
#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/str.h"

/* Where the mount points and sockets of the store at root live. They cannot live in the store itself: overlayfs takes
 * its lower folders as one string in which ':' and ',' mean something, and root is the user's to choose. */
static char *run_path(const char *root)
{
	struct digest d;
	char hex[DIGEST_HEX_MAX];

	if (strcmp(root, STORE_DEFAULT_ROOT) == 0)
		return xstrdup("/run/knarr");
	digest_of(root, strlen(root), &d);
	return str_format("/run/knarr-%.8s", digest_hex(&d, hex));
}

/* A folder that was just made is synced into its parents: what is put there later must not hang in the air. */
static int make_folder(int dirfd, const char *path, struct error *err)
{
	char *parent autofree = xstrdup(path);
	char *slash;

	if (fs_mkdirs(dirfd, path, 0700, err) < 0)
		return -1;
	while ((slash = strrchr(parent, '/')) && slash != parent) {
		int fd autoclose = -1;

		*slash = '\0';
		fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && fs_sync_dir(fd, err) < 0)
			return -1;
	}
	return dirfd == AT_FDCWD ? 0 : fs_sync_dir(dirfd, err);
}

static int open_folder(int dirfd, const char *shown, const char *path, bool durable,
		       struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (durable ? make_folder(dirfd, path, err) < 0 : fs_mkdirs(dirfd, path, 0700, err) < 0)
		return -1;
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open %s/%s", shown, path);
	return fd;
}

struct store *store_open(const char *root, struct error *err)
{
	struct store *st autostore = xcalloc(1, sizeof(*st));

	st->fd = st->layers_fd = st->images_fd = st->containers_fd = st->tmp_fd = st->run_fd = -1;
	if (!*root) {
		error_set(err, EINVAL, "the store's folder has an empty name");
		return NULL;
	}
	st->root = realpath(root, NULL);
	if (!st->root && errno == ENOENT) {
		if (make_folder(AT_FDCWD, root, err) < 0)
			return NULL;
		st->root = realpath(root, NULL);
	}
	st->fd = st->root ? open(st->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (st->fd < 0) {
		error_errno(err, "cannot open the store %s", root);
		return NULL;
	}
	st->run = run_path(st->root);
	if ((st->layers_fd = open_folder(st->fd, st->root, "layers/sha256", true, err)) < 0 ||
	    (st->images_fd = open_folder(st->fd, st->root, "images/sha256", true, err)) < 0 ||
	    (st->containers_fd = open_folder(st->fd, st->root, "containers", true, err)) < 0 ||
	    (st->tmp_fd = open_folder(st->fd, st->root, "tmp", true, err)) < 0 ||
	    (st->run_fd = open_folder(AT_FDCWD, "", st->run, false, err)) < 0)
		return NULL;
	return STEAL_PTR(st);
}

void store_close(struct store *st)
{
	if (!st)
		return;
	cleanup_close(&st->fd);
	cleanup_close(&st->layers_fd);
	cleanup_close(&st->images_fd);
	cleanup_close(&st->containers_fd);
	cleanup_close(&st->tmp_fd);
	cleanup_close(&st->run_fd);
	free(st->root);
	free(st->run);
	free(st);
}

int store_lock(const struct store *st, int operation, struct error *err)
{
	int fd autoclose = openat(st->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "cannot open %s/lock", st->root);
	if (fs_lock(fd, operation) < 0)
		return error_errno(err, "cannot lock %s", st->root);
	/* With the shared lock, too: an image that a killed rmi was taking away must not be found and given a container. Who
	 * cannot have it settled (the journal is damaged) reads what there is. */
	if (!(operation & LOCK_EX) && journal_exists(st)) {
		if (fs_lock(fd, LOCK_EX | (operation & LOCK_NB)) == 0)
			(void)journal_settle_locked(st, NULL);
		if (fs_lock(fd, operation) < 0)
			return error_errno(err, "cannot lock %s", st->root);
	}
	if ((operation & LOCK_EX) && journal_settle_locked(st, err) < 0)
		return -1;
	return STEAL_FD(fd);
}

/* Whether name is 64 hexadecimal digits and one of the suffixes; *stem becomes their digest. */
static bool is_object(const char *name, const char *suffix, struct digest *stem)
{
	char hex[DIGEST_HEX_MAX];

	if (strlen(name) != DIGEST_HEX_MAX - 1 + strlen(suffix) || !str_ends(name, suffix))
		return false;
	memcpy(hex, name, DIGEST_HEX_MAX - 1);
	hex[DIGEST_HEX_MAX - 1] = '\0';
	return digest_from_hex(hex, stem) == 0;
}

int store_objects(int dirfd, const char *suffix, struct digest **out, size_t *n)
{
	struct digest *list autofree = NULL;
	DIR *dir autodir = NULL;
	struct dirent *e;
	size_t room = 0, count = 0;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !(dir = fdopendir(fd))) {
		cleanup_close(&fd);
		return -1;
	}
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		if (count == room) {
			room = room ? 2 * room : 64;
			list = xreallocarray(list, room, sizeof(*list));
		}
		if (is_object(e->d_name, suffix, &list[count]))
			count++;
	}
	if (errno)
		return -1;
	*out = STEAL_PTR(list);
	*n = count;
	return 0;
}

int store_leftovers(int dirfd, store_is_left is_left, struct strv *names, struct error *err)
{
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !(dir = fdopendir(fd))) {
		error_errno(err, "cannot read a folder of the store");
		cleanup_close(&fd);
		return -1;
	}
	for (errno = 0; (e = readdir(dir)); errno = 0)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    is_left(dirfd, e->d_name))
			strv_add(names, e->d_name);
	return errno ? error_errno(err, "cannot read a folder of the store") : 0;
}

/* Removes what is left over. The names are gathered first, for removing while readdir runs may skip some. */
static int sweep(int dirfd, store_is_left is_left, struct error *err)
{
	struct strv names autostrv = STRV_INIT;

	if (store_leftovers(dirfd, is_left, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++)
		if (fs_remove_tree(dirfd, names.items[i], err) < 0)
			return -1;
	return names.len ? fs_sync_dir(dirfd, err) : 0;
}

bool store_left_in_layers(int dirfd, const char *name)
{
	struct digest d;

	(void)dirfd;
	return !is_object(name, ".json", &d) && !is_object(name, ".tar", &d) &&
	       !is_object(name, ".erofs", &d) && !is_object(name, ".chains", &d);
}

bool store_left_in_images(int dirfd, const char *name)
{
	struct digest d;

	(void)dirfd;
	return !is_object(name, ".json", &d);
}

/* What a living process makes in tmp/ it keeps locked. A journal still there could not be carried out: its time may come. */
bool store_left_in_tmp(int dirfd, const char *name)
{
	int fd autoclose = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return strcmp(name, JOURNAL_FILE) != 0 && (fd < 0 || fs_lock(fd, LOCK_EX | LOCK_NB) == 0);
}

bool store_left_in_root(int dirfd, const char *name)
{
	struct stat s;

	return str_starts(name, FS_TEMP_PREFIX) &&
	       fstatat(dirfd, name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode);
}

/* A file of a layer that has no record. */
static bool is_incomplete(int dirfd, const char *name)
{
	char json[DIGEST_HEX_MAX + 8];

	if (store_left_in_layers(dirfd, name))
		return false;
	memcpy(json, name, DIGEST_HEX_MAX - 1);
	strcpy(json + DIGEST_HEX_MAX - 1, ".json");
	return faccessat(dirfd, json, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* A layer that lost its record and is needed is for `fsck --repair` to mend; what nobody needs goes. */
static int sweep_incomplete(const struct store *st, struct error *err)
{
	struct strv names autostrv = STRV_INIT;
	struct survey s autosurvey = SURVEY_INIT;

	if (store_leftovers(st->layers_fd, is_incomplete, &names, err) < 0)
		return -1;
	if (!names.len)
		return 0;
	if (survey_take(st, &s, err) < 0)
		return -1;
	for (size_t i = 0; i < s.n_layers; i++)
		if (!s.layers[i].record && !s.layers[i].needed && !s.n_unread &&
		    layer_remove_locked(st, &s.layers[i].diffid, err) < 0)
			return -1;
	return fs_sync_dir(st->layers_fd, err);
}

int store_clean(const struct store *st, struct error *err)
{
	int lock autoclose = store_lock(st, LOCK_EX, err);

	if (lock < 0)
		return -1;
	if (sweep(st->tmp_fd, store_left_in_tmp, err) < 0 ||
	    sweep(st->layers_fd, store_left_in_layers, err) < 0 || sweep_incomplete(st, err) < 0 ||
	    sweep(st->images_fd, store_left_in_images, err) < 0 ||
	    sweep(st->fd, store_left_in_root, err) < 0)
		return error_prefix(err, "cannot clean %s", st->root);
	return 0;
}

int store_space(const struct store *st, unsigned long long need, struct error *err)
{
	struct statvfs v;
	unsigned long long room;

	if (fstatvfs(st->fd, &v) < 0)
		return error_errno(err, "cannot ask %s for its free space", st->root);
	if (__builtin_mul_overflow((unsigned long long)v.f_bavail, (unsigned long long)v.f_frsize,
				   &room))
		return 0;
	if (room < need)
		return error_set(err, ENOSPC,
				 "not enough space in %s: %llu bytes needed, %llu free", st->root,
				 need, room);
	return 0;
}
