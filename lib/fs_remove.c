/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a tree that a container wrote: any depth, any number of names, links everywhere, perhaps a mount left behind,
 * perhaps somebody still moving things about. Hence no recursion, a bounded number of open folders, and each folder
 * opened by one name relative to its parent's descriptor, where the kernel refuses links and mount points. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

/* Folders held open at once. Above this depth the outermost ones are closed, and opened again through ".." on the way
 * back; that costs one more pass over what is left in them. */
#define OPEN_MAX_DEPTH 32

/* One folder on the way from the top to where the work is. */
struct level {
	DIR *dir;   /* NULL: closed for now */
	char *name; /* in the parent */
	dev_t dev;  /* who it was when it was opened, to know it again */
	ino_t ino;
	bool removed; /* something went since the last pass began: another pass may find more */
};

struct walk {
	struct level *levels;
	size_t depth;
	size_t room;
};

static void walk_free(struct walk *w)
{
	while (w->depth) {
		struct level *l = &w->levels[--w->depth];
		if (l->dir)
			closedir(l->dir);
		free(l->name);
	}
	free(w->levels);
}

/* Fills err with errno and the path to name (or to the innermost folder, if NULL) as far as it fits. */
static int fail(const struct walk *w, const char *name, struct error *err)
{
	int saved = errno;
	autostrbuf struct strbuf path = STRBUF_INIT;

	for (size_t i = 0; i < w->depth && path.len < ERROR_MESSAGE_MAX; i++)
		strbuf_printf(&path, i ? "/%s" : "%s", w->levels[i].name);
	if (name)
		strbuf_printf(&path, path.len ? "/%s" : "%s", name);
	errno = saved;
	if (saved == EXDEV)
		return error_set(err, EXDEV, "cannot remove '%s': something is mounted on it",
				 path.data);
	return error_errno(err, "cannot remove '%s'", path.data);
}

/* Goes down into the folder name of parent. Returns -1 with errno. */
static int enter(struct walk *w, int parent, const char *name)
{
	struct stat st;
	autoclose int fd = fs_openat2(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
				      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	if (fd < 0 || fstat(fd, &st))
		return -1;
	DIR *dir = fdopendir(fd);
	if (!dir)
		return -1;
	(void)STEAL_FD(fd); /* dir's now */
	if (w->depth == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->levels = xreallocarray(w->levels, w->room, sizeof(*w->levels));
	}
	if (w->depth >= OPEN_MAX_DEPTH) {
		struct level *outer = &w->levels[w->depth - OPEN_MAX_DEPTH];
		if (outer->dir)
			closedir(outer->dir);
		outer->dir = NULL;
	}
	w->levels[w->depth++] = (struct level){
		.dir = dir, .name = xstrdup(name), .dev = st.st_dev, .ino = st.st_ino
	};
	return 0;
}

/* Makes sure that the folder around the innermost one is open. If somebody moved the innermost one elsewhere, ".." is
 * not where we came from: then nothing more may be removed. */
static int reopen_outer(struct walk *w)
{
	struct level *inner = &w->levels[w->depth - 1];
	struct level *outer = inner - 1;
	struct stat st;

	if (outer->dir)
		return 0;
	autoclose int fd = openat(dirfd(inner->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (st.st_dev != outer->dev || st.st_ino != outer->ino) {
		errno = ESTALE;
		return -1;
	}
	outer->dir = fdopendir(fd);
	if (!outer->dir)
		return -1;
	(void)STEAL_FD(fd);
	outer->removed = false;
	return 0;
}

/* The folder is read to its end: remove it and go up. top is the descriptor the outermost name belongs to. */
static int leave(struct walk *w, int top)
{
	if (w->depth > 1 && reopen_outer(w))
		return -1;
	struct level *l = &w->levels[w->depth - 1];
	int parent = w->depth > 1 ? dirfd(l[-1].dir) : top;

	if (unlinkat(parent, l->name, AT_REMOVEDIR) && errno != ENOENT) {
		if ((errno != ENOTEMPTY && errno != EEXIST) || !l->removed)
			return -1;
		/* Some filesystems skip names when others go while the folder is read. */
		l->removed = false;
		rewinddir(l->dir);
		return 0;
	}
	closedir(l->dir);
	free(l->name);
	w->depth--;
	if (w->depth)
		l[-1].removed = true;
	return 0;
}

/* Removes name, which is no folder, or enters it. */
static int remove_entry(struct walk *w, int parent, const char *name, bool known_dir)
{
	if (!known_dir) {
		if (unlinkat(parent, name, 0) == 0) {
			if (w->depth)
				w->levels[w->depth - 1].removed = true;
			return 0;
		}
		if (errno == ENOENT)
			return 0;
		if (errno == EBUSY)
			errno = EXDEV; /* a file that something is bind-mounted on */
		if (errno != EISDIR)
			return -1;
	}
	if (enter(w, parent, name) == 0 || errno == ENOENT)
		return 0;
	if (known_dir && (errno == ENOTDIR || errno == ELOOP))
		return remove_entry(w, parent, name,
				    false); /* swapped for something else meanwhile */
	return -1;
}

int fs_remove_tree(int dirfd_, const char *path, struct error *err)
{
	__attribute__((cleanup(walk_free))) struct walk w = { 0 };
	autofree char *trimmed = xstrdup(path);
	size_t len = strlen(trimmed);

	while (len > 1 && trimmed[len - 1] == '/')
		trimmed[--len] = '\0';
	char *slash = strrchr(trimmed, '/');
	const char *name = slash ? slash + 1 : trimmed;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "cannot remove '%s': no name of a file or folder",
				 path);
	autofree char *folder =
		slash ? xstrndup(trimmed, slash == trimmed ? 1 : (size_t)(slash - trimmed))
		      : xstrdup(".");
	autoclose int top = openat(dirfd_, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot remove '%s'", path);

	if (remove_entry(&w, top, name, false))
		return fail(&w, path, err);
	while (w.depth) {
		struct level *l = &w.levels[w.depth - 1];
		errno = 0;
		const struct dirent *e = readdir(l->dir);
		if (!e) {
			if (errno || leave(&w, top))
				return fail(&w, NULL, err);
		} else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			if (remove_entry(&w, dirfd(l->dir), e->d_name, e->d_type == DT_DIR))
				return fail(&w, e->d_name, err);
		}
	}
	return 0;
}
