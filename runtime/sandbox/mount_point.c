/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/sandbox_child.h"
#include "runtime/spec/kernel.h"

/* How many links to nowhere one path may lead through; the kernel's own limit for links. */
#define LINKS_MAX 40

/* A path that is being walked, in room of its own. */
struct walk {
	char text[4096]; /* without slashes at its end */
	size_t len;
};

static int walk_set(struct walk *w, const char *path)
{
	w->len = strlen(path);
	if (w->len >= sizeof(w->text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(w->text, path, w->len + 1);
	while (w->len > 1 && w->text[w->len - 1] == '/')
		w->text[--w->len] = '\0';
	return 0;
}

/* The part of the path from start to end is a link in parent: what it says takes its place. */
static int walk_follow(struct walk *w, int parent, size_t start, size_t end)
{
	char link[4096];
	ssize_t n = readlinkat(parent, w->text + start, link, sizeof(link));

	if (n < 0)
		return -1;
	if (n == 0 || (size_t)n == sizeof(link) || (size_t)n + w->len + 2 > sizeof(w->text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	size_t head = link[0] == '/' ? 0 : start, tail = w->len - end;

	w->text[end] = tail ? '/' : '\0';
	memmove(w->text + head + n, w->text + end, tail + 1);
	memcpy(w->text + head, link, (size_t)n);
	w->len = head + (size_t)n + tail;
	return 0;
}

static int make(int parent, const char *name, bool file)
{
	return file ? mknodat(parent, name, S_IFREG | 0644, 0) : mkdirat(parent, name, 0755);
}

/* Walks down once, making what is missing. Returns the descriptor; -1 with errno; -2 when w has become another path, past
 * a link to nowhere. */
static int descend(int root_fd, struct walk *w, bool is_file)
{
	/* Each folder is opened anew from the root, for it may be a link, relative or absolute. */
	int parent = sys_open_in_root(root_fd, "/", O_PATH | O_DIRECTORY);

	for (size_t start = w->text[0] == '/'; parent >= 0 && start < w->len;) {
		size_t end = start;

		while (end < w->len && w->text[end] != '/')
			end++;
		w->text[end] = '\0';
		if (end > start) {
			int next = sys_open_in_root(root_fd, w->text, O_PATH);

			if (next < 0 && errno == ENOENT) {
				int made = make(parent, w->text + start, is_file && end == w->len);

				if (made == 0 || errno == EEXIST)
					next = sys_open_in_root(root_fd, w->text, O_PATH);
				if (next < 0 && made < 0 && errno == ENOENT)
					next = walk_follow(w, parent, start, end) < 0 ? -1 : -2;
			}
			cleanup_close(&parent);
			parent = next;
		}
		if (parent >= 0 && end < w->len)
			w->text[end] = '/';
		start = end + 1;
	}
	return parent;
}

int sandbox_make_path(int root_fd, const char *path, bool is_file)
{
	struct walk w;
	int fd = sys_open_in_root(root_fd, path, O_PATH);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (walk_set(&w, path) < 0)
		return -1;
	for (int links = 0; links < LINKS_MAX; links++) {
		fd = descend(root_fd, &w, is_file);
		if (fd != -2)
			return fd;
	}
	errno = ELOOP;
	return -1;
}

int sandbox_make_parent(int root_fd, const char *path, const char **name)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	errno = EINVAL;
	if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return -1;
	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	folder[len] = '\0';
	return sandbox_make_path(root_fd, len ? folder : "/", false);
}
