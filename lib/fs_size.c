/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a tree holds, whoever may still be at work in it: see lib/fs_walk.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/fs_walk.h"

/* A file with several names. */
struct linked {
	ino_t ino;
	uint64_t size;
};

struct sum {
	uint64_t bytes;
	struct linked *linked; /* each name of each */
	size_t n, room;
};

static void sum_free(struct sum *s)
{
	free(s->linked);
}

static void add(struct sum *s, const struct stat *st)
{
	if (st->st_nlink == 1) {
		s->bytes += (uint64_t)st->st_size;
		return;
	}
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->linked = xreallocarray(s->linked, s->room, sizeof(*s->linked));
	}
	s->linked[s->n++] = (struct linked){ st->st_ino, (uint64_t)st->st_size };
}

static int compare_linked(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* The walk stays on one filesystem, so that the inode's number is enough. */
static uint64_t total(struct sum *s)
{
	if (s->n)
		qsort(s->linked, s->n, sizeof(*s->linked), compare_linked);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || s->linked[i].ino != s->linked[i - 1].ino)
			s->bytes += s->linked[i].size;
	return s->bytes;
}

/* What is gone or changed its nature since its name was read was not there. A mount is not the tree's own. */
static bool passing(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP || code == EXDEV;
}

static int visit(struct fs_walk *w, struct sum *s, int parent, const char *name)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (S_ISDIR(st.st_mode) && fs_walk_enter(w, parent, name) < 0))
		return passing(errno) ? 0 : -1;
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		add(s, &st);
	return 0;
}

static int up(struct fs_walk *w)
{
	if (w->depth > 1 && fs_walk_reopen_outer(w) < 0)
		return -1;
	fs_walk_leave(w);
	return 0;
}

int fs_tree_size(int dirfd_, const char *path, uint64_t *bytes, struct error *err)
{
	__attribute__((cleanup(sum_free))) struct sum s = { 0 };
	autowalk struct fs_walk w = FS_WALK_INIT;
	autostrbuf struct strbuf where = STRBUF_INIT;
	int r = visit(&w, &s, dirfd_, path), saved;

	while (r == 0 && w.depth) {
		DIR *dir = w.levels[w.depth - 1].dir;
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			r = errno ? -1 : up(&w);
		else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = visit(&w, &s, dirfd(dir), e->d_name);
	}
	*bytes = total(&s);
	if (r == 0)
		return 0;
	saved = errno;
	fs_walk_path(&w, w.depth ? NULL : path, &where);
	errno = saved;
	return error_errno(err, "cannot read '%s'", where.data);
}
