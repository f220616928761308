/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/lower.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image-tools/erofs.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define XATTR_LIST_MAX_SIZE  (64U << 10)
#define XATTR_VALUE_MAX_SIZE (64U << 10)

struct lower {
	struct tree_below below; /* first, so that it casts */
	const int *dirs;
	size_t n;
	int data_fd;
	uint64_t data_end;
};

static int failed(const char *path, struct error *err)
{
	return error_errno(err, "cannot read \"%.150s\" of a lower layer", path);
}

static bool is_opaque(int dir)
{
	char value[2];

	return fgetxattr(dir, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

enum found {
	FOUND,
	NOT_HERE, /* but perhaps in the next layer below */
	NOT_BELOW /* and in none below this one */
};

/* Looks for path in one layer. On FOUND, *folder is its folder, open, and *s what it is; name is its last part. */
static enum found look_in(int root, const char *path, char name[TREE_NAME_MAX + 1], int *folder,
			  struct stat *s)
{
	int at autoclose = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum found absent = at >= 0 && is_opaque(at) ? NOT_BELOW : NOT_HERE;

	while (at >= 0) {
		size_t len = strcspn(path, "/");
		int next;

		if (len > TREE_NAME_MAX)
			return NOT_BELOW;
		memcpy(name, path, len);
		name[len] = '\0';
		if (fstatat(at, name, s, AT_SYMLINK_NOFOLLOW) < 0)
			break;
		if (S_ISCHR(s->st_mode) && s->st_rdev == 0)
			return NOT_BELOW;
		if (!path[len]) {
			*folder = STEAL_FD(at);
			return FOUND;
		}
		if (!S_ISDIR(s->st_mode))
			return NOT_BELOW;
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cleanup_close(&at);
		at = next;
		if (at >= 0 && is_opaque(at))
			absent = NOT_BELOW;
		path += len + 1;
	}
	return errno == ENOENT ? absent : NOT_BELOW;
}

/* ---- What it is */

/* The path of name in the open folder, for the calls on attributes, which know no other way to a link or a device. */
static void proc_path(int folder, const char *name, char buf[64 + TREE_NAME_MAX])
{
	fs_fd_path(folder, buf);
	strcat(strcat(buf, "/"), name);
}

static int copy_xattrs(struct tree *t, struct tree_inode *inode, const char *path,
		       struct error *err)
{
	char *list autofree = xmalloc(XATTR_LIST_MAX_SIZE);
	uint8_t *value autofree = NULL;
	ssize_t len = llistxattr(path, list, XATTR_LIST_MAX_SIZE);

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : failed(path, err);
	for (const char *name = list; name < list + len; name += strlen(name) + 1) {
		ssize_t n;

		if (str_starts(name, "trusted.overlay."))
			continue;
		if (!value)
			value = xmalloc(XATTR_VALUE_MAX_SIZE);
		n = lgetxattr(path, name, value, XATTR_VALUE_MAX_SIZE);
		if (n < 0)
			return failed(path, err);
		if (erofs_add_xattr(t, inode, name, value, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_data(struct lower *l, struct tree_inode *inode, int folder, const char *name,
		     struct error *err)
{
	int fd autoclose = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t *buf autofree = xmalloc(64U << 10);
	uint64_t left = inode->size;

	inode->offset = l->data_end;
	while (left) {
		ssize_t n = fd < 0 ? -1 : read(fd, buf, 64U << 10);

		if (n <= 0 || pwrite(l->data_fd, buf, (size_t)n, (off_t)l->data_end) != n)
			return n == 0 ? error_set(err, EUCLEAN,
						  "\"%.150s\" of a lower layer ends too early",
						  name)
				      : failed(name, err);
		l->data_end += (uint64_t)n;
		left -= (uint64_t)n < left ? (uint64_t)n : left;
	}
	return 0;
}

static int copy_target(struct tree *t, struct tree_inode *inode, int folder, const char *name,
		       struct error *err)
{
	char *target = tree_alloc(t, TREE_PATH_MAX + 1, err);
	ssize_t n = target ? readlinkat(folder, name, target, TREE_PATH_MAX + 1) : -1;

	if (!target)
		return -1;
	if (n <= 0 || n > (ssize_t)TREE_PATH_MAX)
		return failed(name, err);
	target[n] = '\0';
	inode->target = target;
	inode->size = (uint64_t)n;
	return 0;
}

static struct tree_inode *describe(struct lower *l, struct tree *t, int folder, const char *name,
				   const struct stat *s, struct error *err)
{
	struct tree_inode *inode = tree_inode_new(t, s->st_mode, err);
	char path[64 + TREE_NAME_MAX];
	int r = 0;

	if (!inode)
		return NULL;
	inode->below = 1;
	inode->uid = s->st_uid;
	inode->gid = s->st_gid;
	inode->mtime = s->st_mtim.tv_sec;
	inode->mtime_nsec = (uint32_t)s->st_mtim.tv_nsec;
	if (S_ISREG(s->st_mode)) {
		inode->size = (uint64_t)s->st_size;
		r = copy_data(l, inode, folder, name, err);
	} else if (S_ISLNK(s->st_mode)) {
		r = copy_target(t, inode, folder, name, err);
	} else if (S_ISCHR(s->st_mode) || S_ISBLK(s->st_mode)) {
		inode->rdev_major = major(s->st_rdev);
		inode->rdev_minor = minor(s->st_rdev);
	}
	proc_path(folder, name, path);
	return r < 0 || copy_xattrs(t, inode, path, err) < 0 ? NULL : inode;
}

static int find(struct tree_below *below, struct tree *t, const char *path, struct tree_inode **out,
		struct error *err)
{
	struct lower *l = (struct lower *)below;
	char name[TREE_NAME_MAX + 1];
	struct stat s;

	*out = NULL;
	for (size_t i = l->n; i-- > 0;) {
		int folder autoclose = -1;
		enum found found = look_in(l->dirs[i], path, name, &folder, &s);

		if (found == NOT_BELOW)
			return 0;
		if (found == NOT_HERE)
			continue;
		*out = describe(l, t, folder, name, &s, err);
		return *out ? 0 : -1;
	}
	return 0;
}

/* ---- The view */

struct lower *lower_new(const int *dirs, size_t n, int data_fd)
{
	struct lower *l = xcalloc(1, sizeof(*l));

	l->below.find = find;
	l->dirs = dirs;
	l->n = n;
	l->data_fd = data_fd;
	return l;
}

void lower_free(struct lower *l)
{
	free(l);
}

struct tree_below *lower_below(struct lower *l)
{
	return &l->below;
}

int lower_data(const struct lower *l)
{
	return l->data_fd;
}
