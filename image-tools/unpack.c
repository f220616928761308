/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

#define NAME_TRIES 16

/* A folder's times are set when nothing more goes into it. */
struct folder {
	char *name;
	struct timespec mtime;
};

struct unpacking {
	const struct unpack_options *o;
	struct tar *tar;
	const struct tar_entry *e;
	char *name;       /* the entry's, cleaned; "" is the folder itself */
	const char *base; /* its last part, in name */
	char *parent; /* the name of the folder that parent_fd is, for the entries that follow; NULL: none yet */
	int parent_fd;
	struct folder *folders;
	size_t n_folders, room_folders;
	uint64_t bytes;
};

static int outside(const struct unpacking *u, const char *name, struct error *err)
{
	return error_set(err, EXDEV, "\"%s\" is outside of \"%s\"", name, u->o->path);
}

/* "/a/./b/../c/" becomes "a/c"; NULL with err set where it leads above the beginning. */
static char *clean(const struct unpacking *u, const char *path, struct error *err)
{
	struct strbuf text = STRBUF_INIT;

	for (const char *p = path; *p;) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 2 && memcmp(p, "..", 2) == 0) {
			if (!text.len) {
				strbuf_free(&text);
				outside(u, path, err);
				return NULL;
			}
			while (text.len && text.data[--text.len] != '/')
				;
			text.data[text.len] = '\0';
		} else if (len && !(len == 1 && *p == '.')) {
			if (text.len)
				strbuf_putc(&text, '/');
			strbuf_add(&text, p, len);
		}
		p += len;
	}
	return strbuf_steal(&text);
}

static int failed(const struct unpacking *u, struct error *err)
{
	return error_errno(err, "%.100s/%.300s", strcmp(u->o->path, "/") == 0 ? "" : u->o->path,
			   u->name);
}

/* ---- Parents */

/* The folder name as an O_PATH descriptor. */
static int open_folder(const struct unpacking *u, const char *name, struct error *err)
{
	const struct unpack_options *o = u->o;
	int fd;

	if (o->root_fd >= 0) {
		char *path autofree = str_format("%s/%s", o->path, name);

		return fs_mkdirs_in_root(o->root_fd, path, 0755, err);
	}
	fd = fs_openat2(o->dir_fd, *name ? name : ".", O_PATH | O_DIRECTORY, 0,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return fd >= 0 ? fd : error_errno(err, "%s/%s", o->path, name);
}

/* Splits name at its last slash; *base points into it. */
static char *folder_of(const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');

	*base = slash ? slash + 1 : name;
	return slash ? xstrndup(name, (size_t)(slash - name)) : xstrdup("");
}

static int enter_parent(struct unpacking *u, struct error *err)
{
	char *parent autofree = folder_of(u->name, &u->base);

	if (u->parent && strcmp(u->parent, parent) == 0)
		return 0;
	cleanup_close(&u->parent_fd);
	free(u->parent);
	u->parent = NULL;
	u->parent_fd = open_folder(u, parent, err);
	if (u->parent_fd < 0)
		return -1;
	u->parent = STEAL_PTR(parent);
	return 0;
}

/* ---- Replacing what is there */

/* Whether what stands under the entry's name may be replaced. */
static int may_replace(const struct unpacking *u, struct error *err)
{
	struct statx s;

	if (statx(u->parent_fd, u->base, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &s) < 0)
		return errno == ENOENT ? 0 : failed(u, err);
	if (S_ISDIR(s.stx_mode))
		return error_set(err, EEXIST,
				 "cannot overwrite directory \"%s\" with non-directory \"%s\"",
				 u->name, u->o->path);
	if (s.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return error_set(err, EBUSY, "%s/%s: device or resource busy: it is a mount point",
				 u->o->path, u->name);
	return 0;
}

/* Makes the entry under the name it is given in the parent. Returns a descriptor of the new file, 0 for what needs none, or
 * -1 with errno. */
typedef int (*make_fn)(const struct unpacking *u, const char *name, int target_fd);

static int make_file(const struct unpacking *u, const char *name, int target_fd)
{
	(void)target_fd;
	return openat(u->parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600);
}

static int make_symlink(const struct unpacking *u, const char *name, int target_fd)
{
	(void)target_fd;
	return symlinkat(u->e->link, u->parent_fd, name);
}

static int make_node(const struct unpacking *u, const char *name, int target_fd)
{
	mode_t type = u->e->type == TAR_CHARDEV    ? S_IFCHR
		      : u->e->type == TAR_BLOCKDEV ? S_IFBLK
						   : S_IFIFO;

	(void)target_fd;
	return mknodat(u->parent_fd, name, type | 0600, makedev(u->e->major, u->e->minor));
}

/* target_fd is the file itself: opened without following a link, so no swap of names can make it another. */
static int make_hardlink(const struct unpacking *u, const char *name, int target_fd)
{
	char path[32];

	return linkat(AT_FDCWD, fs_fd_path(target_fd, path), u->parent_fd, name, AT_SYMLINK_FOLLOW);
}

/* Under its own name where that is free, else beside it under a name of our own, in made. */
static int make(const struct unpacking *u, make_fn fn, int target_fd, char made[256],
		struct error *err)
{
	int fd;

	if (strlen(u->base) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return failed(u, err);
	}
	strcpy(made, u->base);
	fd = fn(u, made, target_fd);
	if (fd >= 0)
		return fd;
	if (errno != EEXIST)
		return failed(u, err);
	if (may_replace(u, err) < 0)
		return -1;
	for (int i = 0; i < NAME_TRIES; i++) {
		uint64_t random;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return failed(u, err);
		snprintf(made, 256, FS_TEMP_PREFIX "%016llx", (unsigned long long)random);
		fd = fn(u, made, target_fd);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd >= 0 ? fd : failed(u, err);
}

/* Gives what was made its name. */
static int settle(const struct unpacking *u, const char *made, struct error *err)
{
	if (strcmp(made, u->base) == 0)
		return 0;
	/* Once more, for it may have become a mount point meanwhile. */
	if (may_replace(u, err) < 0)
		return -1;
	if (renameat(u->parent_fd, made, u->parent_fd, u->base) < 0)
		return failed(u, err);
	/* Of two links to one file, rename(2) leaves both. */
	(void)unlinkat(u->parent_fd, made, 0);
	return 0;
}

/* ---- Attributes */

static bool owner_of(const struct unpacking *u, uid_t *uid, gid_t *gid)
{
	*uid = u->o->owner == UNPACK_KEPT ? u->e->uid : 0;
	*gid = u->o->owner == UNPACK_KEPT ? u->e->gid : 0;
	return u->o->owner != UNPACK_OURS;
}

/* What a filesystem does not keep, or not for us, is left out, as Docker does. Overlayfs' own say nothing outside of it. */
static int set_xattrs(const struct unpacking *u, int fd, struct error *err)
{
	for (size_t i = 0; i < u->e->n_xattrs; i++) {
		const struct tar_xattr *x = &u->e->xattrs[i];

		if (str_starts(x->name, "trusted.overlay."))
			continue;
		if (fsetxattr(fd, x->name, x->value, x->len, 0) < 0 && errno != ENOTSUP &&
		    errno != EPERM)
			return failed(u, err);
	}
	return 0;
}

static void times_of(const struct unpacking *u, struct timespec times[2])
{
	times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	times[1] = (struct timespec){ .tv_sec = u->e->mtime, .tv_nsec = u->e->mtime_nsec };
}

/* In this order: a new owner takes set-uid bits and capabilities away. */
static int dress(const struct unpacking *u, int fd, struct error *err)
{
	uid_t uid;
	gid_t gid;

	if ((owner_of(u, &uid, &gid) && fchown(fd, uid, gid) < 0) || fchmod(fd, u->e->mode) < 0)
		return failed(u, err);
	return set_xattrs(u, fd, err);
}

/* The same for what is not opened: links and devices. */
static int dress_unopened(const struct unpacking *u, const char *name, struct error *err)
{
	struct timespec times[2];
	uid_t uid;
	gid_t gid;

	times_of(u, times);
	if ((owner_of(u, &uid, &gid) &&
	     fchownat(u->parent_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) ||
	    utimensat(u->parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(u, err);
	if (u->e->type == TAR_SYMLINK)
		return 0;
	/* Through a descriptor of the node itself: fchmodat(2) would follow a link put in its place. */
	int fd autoclose = openat(u->parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char path[32];

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(u, err);
	if (S_ISLNK(st.st_mode) || chmod(fs_fd_path(fd, path), u->e->mode) < 0)
		return failed(u, err);
	return 0;
}

/* ---- Files */

static int write_piece(struct unpacking *u, int fd, uint64_t offset, uint64_t length,
		       const uint8_t **data, size_t *len, struct error *err)
{
	struct source *src = tar_data(u->tar);

	while (length) {
		size_t n;
		ssize_t w;

		if (!*len && src->next(src, data, len, err) < 0)
			return -1;
		if (!*len)
			return error_set(err, EINVAL, "damaged tar archive: %s is cut off",
					 u->name);
		n = *len < length ? *len : (size_t)length;
		w = pwrite(fd, *data, n, (off_t)offset);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return failed(u, err);
		*data += w;
		*len -= (size_t)w;
		offset += (uint64_t)w;
		length -= (uint64_t)w;
		u->bytes += (uint64_t)w;
		progress_step(u->o->progress, u->o->what, u->bytes, 0);
	}
	return 0;
}

static int fill(struct unpacking *u, int fd, struct error *err)
{
	const struct tar_entry *e = u->e;
	struct timespec times[2];
	const uint8_t *data = NULL;
	size_t len = 0;

	if (!e->pieces && write_piece(u, fd, 0, e->size, &data, &len, err) < 0)
		return -1;
	for (size_t i = 0; e->pieces && i < e->n_pieces; i++)
		if (write_piece(u, fd, e->pieces[i].offset, e->pieces[i].length, &data, &len, err) <
		    0)
			return -1;
	if (e->pieces && ftruncate(fd, (off_t)e->size) < 0)
		return failed(u, err);
	times_of(u, times);
	if (dress(u, fd, err) < 0)
		return -1;
	return futimens(fd, times) < 0 ? failed(u, err) : 0;
}

static int put_file(struct unpacking *u, struct error *err)
{
	char made[256];
	int fd autoclose = make(u, make_file, -1, made, err);

	if (fd < 0)
		return -1;
	if (fill(u, fd, err) == 0 && settle(u, made, err) == 0)
		return 0;
	unlinkat(u->parent_fd, made, 0);
	return -1;
}

/* ---- All else */

static int put_unopened(const struct unpacking *u, make_fn fn, struct error *err)
{
	char made[256];

	if (make(u, fn, -1, made, err) < 0)
		return -1;
	if (dress_unopened(u, made, err) == 0 && settle(u, made, err) == 0)
		return 0;
	unlinkat(u->parent_fd, made, 0);
	return -1;
}

static int put_hardlink(const struct unpacking *u, struct error *err)
{
	const char *base;
	char *name autofree = clean(u, u->e->link, err), *folder autofree = NULL;
	int folder_fd autoclose = -1, target autoclose = -1;
	struct stat st;
	char made[256];

	if (!name)
		return error_prefix(err, "invalid hardlink \"%s\" -> \"%s\"", u->name, u->e->link);
	folder = folder_of(name, &base);
	folder_fd = open_folder(u, folder, err);
	if (folder_fd < 0)
		return -1;
	target = openat(folder_fd, *base ? base : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || fstat(target, &st) < 0)
		return error_errno(err, "invalid hardlink \"%s\" -> \"%s\"", u->name, u->e->link);
	/* A link cannot be linked through its descriptor; and the kernel makes none to folders. */
	if (S_ISLNK(st.st_mode)) {
		if (strcmp(name, u->name) == 0)
			return 0;
		struct unpacking copy = *u;
		struct tar_entry e = *u->e;
		char text[4096];
		ssize_t n = readlinkat(target, "", text, sizeof(text) - 1);

		if (n < 0)
			return failed(u, err);
		text[n] = '\0';
		e.type = TAR_SYMLINK;
		e.link = text;
		copy.e = &e;
		return put_unopened(&copy, make_symlink, err);
	}
	if (make(u, make_hardlink, target, made, err) < 0)
		return -1;
	if (settle(u, made, err) == 0)
		return 0;
	unlinkat(u->parent_fd, made, 0);
	return -1;
}

static void remember_folder(struct unpacking *u)
{
	if (u->n_folders == u->room_folders) {
		u->room_folders = u->room_folders ? 2 * u->room_folders : 64;
		u->folders = xreallocarray(u->folders, u->room_folders, sizeof(*u->folders));
	}
	u->folders[u->n_folders++] = (struct folder){
		.name = xstrdup(u->name),
		.mtime = { .tv_sec = u->e->mtime, .tv_nsec = u->e->mtime_nsec },
	};
}

static int put_folder(struct unpacking *u, struct error *err)
{
	bool made = mkdirat(u->parent_fd, u->base, 0700) == 0;
	int fd autoclose = -1;

	if (!made && errno != EEXIST)
		return failed(u, err);
	fd = openat(u->parent_fd, u->base,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && !made && (errno == ENOTDIR || errno == ELOOP))
		return error_set(err, EEXIST,
				 "cannot overwrite non-directory \"%s\" with directory \"%s\"",
				 u->name, u->o->path);
	if (fd < 0)
		return failed(u, err);
	if (dress(u, fd, err) < 0)
		return -1;
	remember_folder(u);
	return 0;
}

static int put_entry(struct unpacking *u, struct error *err)
{
	free(u->name);
	u->name = clean(u, u->e->path, err);
	if (!u->name)
		return -1;
	if (strlen(u->name) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "%.200s...: the path is too long", u->name);
	/* The folder itself stays as it is. */
	if (!*u->name)
		return u->e->type == TAR_DIRECTORY
			       ? 0
			       : error_set(err, EINVAL, "the archive has an entry without a name");
	if (enter_parent(u, err) < 0)
		return -1;
	switch (u->e->type) {
	case TAR_FILE:
		return put_file(u, err);
	case TAR_DIRECTORY:
		return put_folder(u, err);
	case TAR_HARDLINK:
		return put_hardlink(u, err);
	case TAR_SYMLINK:
		return put_unopened(u, make_symlink, err);
	case TAR_CHARDEV:
	case TAR_BLOCKDEV:
	case TAR_FIFO:
		return put_unopened(u, make_node, err);
	case TAR_OTHER:
		break;
	}
	return error_set(err, EINVAL, "\"%s\": unhandled tar header type %d", u->name,
			 u->e->typeflag);
}

/* ---- The whole */

/* Folders made later lie deeper or beside: backwards, none is touched after its times are set. */
static int set_folder_times(struct unpacking *u, struct error *err)
{
	int r = 0;

	for (size_t i = u->n_folders; r == 0 && i-- > 0;) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, u->folders[i].mtime };

		free(u->name);
		u->name = xstrdup(u->folders[i].name);
		r = enter_parent(u, err);
		if (r == 0 && utimensat(u->parent_fd, u->base, times, AT_SYMLINK_NOFOLLOW) < 0)
			r = failed(u, err);
	}
	return r;
}

int unpack(struct tar *tar, const struct unpack_options *options, uint64_t *bytes,
	   struct error *err)
{
	struct unpacking u = { .o = options, .tar = tar, .parent_fd = -1 };
	int r;

	while ((r = tar_next(tar, &u.e, err)) > 0 && (r = put_entry(&u, err)) == 0)
		;
	if (r == 0)
		r = set_folder_times(&u, err);
	for (size_t i = 0; i < u.n_folders; i++)
		free(u.folders[i].name);
	free(u.folders);
	free(u.name);
	free(u.parent);
	cleanup_close(&u.parent_fd);
	*bytes = u.bytes;
	return r;
}
