/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a tree, whoever may still be at work in it: see lib/fs_walk.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/fs_walk.h"

/* Fills err with errno and the path to name (or to the innermost folder, if NULL) as far as it fits. */
static int fail(const struct fs_walk *w, const char *name, struct error *err)
{
	int saved = errno;
	autostrbuf struct strbuf path = STRBUF_INIT;

	fs_walk_path(w, name, &path);
	errno = saved;
	if (saved == EXDEV)
		return error_set(err, EXDEV, "cannot remove '%s': something is mounted on it",
				 path.data);
	return error_errno(err, "cannot remove '%s'", path.data);
}

/* The folder is read to its end: remove it and go up. top is the descriptor the outermost name belongs to. */
static int leave(struct fs_walk *w, int top)
{
	bool closed = w->depth > 1 && !w->levels[w->depth - 2].dir;

	if (w->depth > 1 && fs_walk_reopen_outer(w))
		return -1;
	struct fs_level *l = &w->levels[w->depth - 1];
	int parent = w->depth > 1 ? dirfd(l[-1].dir) : top;

	/* What was read of it before is gone: from the beginning, one more pass over what is left. */
	if (closed) {
		rewinddir(l[-1].dir);
		l[-1].removed = false;
	}
	if (unlinkat(parent, l->name, AT_REMOVEDIR) && errno != ENOENT) {
		if ((errno != ENOTEMPTY && errno != EEXIST) || !l->removed)
			return -1;
		/* Some filesystems skip names when others go while the folder is read. */
		l->removed = false;
		rewinddir(l->dir);
		return 0;
	}
	fs_walk_leave(w);
	if (w->depth)
		w->levels[w->depth - 1].removed = true;
	return 0;
}

/* Removes name, which is no folder, or enters it. */
static int remove_entry(struct fs_walk *w, int parent, const char *name, bool known_dir)
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
	if (fs_walk_enter(w, parent, name) == 0 || errno == ENOENT)
		return 0;
	if (known_dir && (errno == ENOTDIR || errno == ELOOP))
		return remove_entry(w, parent, name,
				    false); /* swapped for something else meanwhile */
	return -1;
}

int fs_remove_tree(int dirfd_, const char *path, struct error *err)
{
	autowalk struct fs_walk w = FS_WALK_INIT;
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
		struct fs_level *l = &w.levels[w.depth - 1];
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
