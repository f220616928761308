/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fs_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/fs.h"

/* Folders held open at once. Above this depth the outermost ones are closed, and opened again through ".." on the way
 * back. */
#define OPEN_MAX_DEPTH 32

int fs_walk_enter(struct fs_walk *w, int parent, const char *name)
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
		struct fs_level *outer = &w->levels[w->depth - OPEN_MAX_DEPTH];
		if (outer->dir) {
			outer->at = telldir(outer->dir);
			closedir(outer->dir);
		}
		outer->dir = NULL;
	}
	w->levels[w->depth++] = (struct fs_level){
		.dir = dir, .name = xstrdup(name), .dev = st.st_dev, .ino = st.st_ino
	};
	return 0;
}

int fs_walk_reopen_outer(struct fs_walk *w)
{
	struct fs_level *inner = &w->levels[w->depth - 1];
	struct fs_level *outer = inner - 1;
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
	seekdir(outer->dir, outer->at);
	return 0;
}

void fs_walk_leave(struct fs_walk *w)
{
	struct fs_level *l = &w->levels[--w->depth];

	if (l->dir)
		closedir(l->dir);
	free(l->name);
}

void fs_walk_path(const struct fs_walk *w, const char *name, struct strbuf *path)
{
	for (size_t i = 0; i < w->depth && path->len < ERROR_MESSAGE_MAX; i++)
		strbuf_printf(path, i ? "/%s" : "%s", w->levels[i].name);
	if (name)
		strbuf_printf(path, path->len ? "/%s" : "%s", name);
}

void fs_walk_free(struct fs_walk *w)
{
	while (w->depth)
		fs_walk_leave(w);
	free(w->levels);
}
