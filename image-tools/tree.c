/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/str.h"

#define CHUNK_SIZE  ((size_t)256 << 10)
#define TABLE_FIRST 1024U
#define LINKS_MAX   40 /* symbolic links followed on the way, as path_resolution(7) */

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(16) uint8_t data[];
};

void *tree_alloc(struct tree *t, size_t size, struct error *err)
{
	struct arena_chunk *c = t->arena;
	void *p;

	if (size > t->limit) {
		error_set(err, E2BIG, "the archive has more files than can be kept track of");
		return NULL;
	}
	size = (size + 7) & ~(size_t)7;
	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;

		if (t->memory + room > t->limit) {
			error_set(err, E2BIG,
				  "the archive has more files than can be kept track of");
			return NULL;
		}
		c = xmalloc(sizeof(*c) + room);
		c->used = 0;
		c->size = room;
		t->memory += room;
		/* A large piece has a chunk of its own, behind the one that still has room. */
		if (room != CHUNK_SIZE && t->arena) {
			c->next = t->arena->next;
			t->arena->next = c;
		} else {
			c->next = t->arena;
			t->arena = c;
		}
	}
	p = c->data + c->used;
	c->used += size;
	return memset(p, 0, size);
}

struct tree_inode *tree_inode_new(struct tree *t, uint32_t mode, struct error *err)
{
	struct tree_inode *inode = tree_alloc(t, sizeof(*inode), err);

	if (!inode)
		return NULL;
	inode->mode = mode & 0xffff;
	if (S_ISDIR(mode) && !(inode->folder = tree_alloc(t, sizeof(*inode->folder), err)))
		return NULL;
	return inode;
}

struct tree *tree_new(size_t limit)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	t->limit = limit < 2 * CHUNK_SIZE ? 2 * CHUNK_SIZE : limit;
	t->table_size = TABLE_FIRST;
	t->table = xcalloc(t->table_size, sizeof(*t->table));
	t->root = tree_inode_new(t, S_IFDIR | 0755, NULL);
	t->root->implied = 1;
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (struct arena_chunk *c = t->arena, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t->table);
	free(t);
}

/* ---- The table of names: one for all folders, keyed by folder and name, so that a folder of a million files takes no
 * longer per file than one of ten. FNV-1a; the archive's author gains little by collisions, for chains are bounded by
 * the memory limit and the table grows with them. */

static uint32_t hash_of(const struct tree_inode *folder, const char *name, size_t len)
{
	uint64_t key = (uintptr_t)folder * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t h = 2166136261U ^ (uint32_t)(key >> 32);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619U;
	return h ^ h >> 15;
}

static void hash_insert(struct tree *t, struct tree_dentry *d)
{
	struct tree_dentry **slot = &t->table[d->hash & (t->table_size - 1)];

	d->next_hashed = *slot;
	*slot = d;
}

static void grow(struct tree *t)
{
	struct tree_dentry **old = t->table;
	size_t size = t->table_size;

	t->table_size *= 2;
	t->table = xcalloc(t->table_size, sizeof(*t->table));
	for (size_t i = 0; i < size; i++)
		for (struct tree_dentry *d = old[i], *next; d; d = next) {
			next = d->next_hashed;
			hash_insert(t, d);
		}
	free(old);
}

static struct tree_dentry *find(const struct tree *t, const struct tree_inode *folder,
				const char *name, size_t len)
{
	uint32_t hash = hash_of(folder, name, len);

	for (struct tree_dentry *d = t->table[hash & (t->table_size - 1)]; d; d = d->next_hashed)
		if (d->hash == hash && d->folder == folder && d->name_len == len &&
		    memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

struct tree_dentry *tree_lookup(const struct tree *t, const struct tree_inode *folder,
				const char *name)
{
	return find(t, folder, name, strlen(name));
}

bool tree_is_whiteout(const struct tree_inode *inode)
{
	return S_ISCHR(inode->mode) && inode->rdev_major == 0 && inode->rdev_minor == 0;
}

int tree_link(struct tree *t, struct tree_inode *folder, const char *name, struct tree_inode *inode,
	      struct error *err)
{
	size_t len = strlen(name);
	struct tree_dentry *d = find(t, folder, name, len);

	if (tree_is_whiteout(inode))
		folder->whiteouts = 1;
	if (d) {
		/* What was below a folder that goes is out of reach now, for names are kept by folder. */
		d->inode = inode;
		return 0;
	}
	d = tree_alloc(t, sizeof(*d) + len + 1, err);
	if (!d)
		return -1;
	memcpy(d->name, name, len);
	d->name_len = (uint16_t)len;
	d->hash = hash_of(folder, name, len);
	d->folder = folder;
	d->inode = inode;
	d->next_sibling = folder->folder->children;
	folder->folder->children = d;
	folder->folder->n_children++;
	if (t->n_dentries++ == t->table_size)
		grow(t);
	hash_insert(t, d);
	return 0;
}

/* ---- Paths */

/* path without empty parts, "." and "..", in buf (TREE_PATH_MAX + 1). As in a process, ".." at the root of an absolute
 * path stays there; a relative one that climbs is an error. */
static int clean(const char *path, char *buf, struct error *err)
{
	bool absolute = path[0] == '/';
	size_t len = 0;

	if (strlen(path) > TREE_PATH_MAX)
		return error_set(err, EINVAL, "its name is longer than %u bytes", TREE_PATH_MAX);
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			if (!len && !absolute)
				return error_set(err, EINVAL,
						 "its name leads out of the archive's root");
			while (len && buf[--len] != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			if (n > TREE_NAME_MAX)
				return error_set(err, EINVAL,
						 "its name has a part of more than %u bytes",
						 TREE_NAME_MAX);
			if (len)
				buf[len++] = '/';
			memcpy(buf + len, path, n);
			len += n;
		}
		path += n + (path[n] == '/');
	}
	buf[len] = '\0';
	return 0;
}

/* A walk keeps the folders it went through, for the ".." of symbolic links. */
struct walk {
	struct tree *t;
	bool make;
	int links;
	size_t depth; /* of the current folder, stack[depth]; stack[0] is the root, which has no entry */
	const struct tree_dentry *stack[TREE_PATH_MAX / 2 + 2];
};

static struct tree_inode *current(const struct walk *w)
{
	return w->depth ? w->stack[w->depth]->inode : w->t->root;
}

/* Whether the current folder shows what lower layers have under its path. */
static bool shows_below(const struct walk *w)
{
	bool shows = !w->t->root->opaque;

	for (size_t i = 1; i <= w->depth && shows; i++)
		shows = !w->stack[i]->inode->opaque;
	return shows;
}

/* Asks below for name in the current folder. *out is NULL where there is nothing. */
static int ask_below(struct walk *w, const char *name, size_t len, struct tree_inode **out,
		     struct error *err)
{
	char path[TREE_PATH_MAX + 1];
	size_t at = 0;

	*out = NULL;
	if (!w->t->below || !shows_below(w))
		return 0;
	for (size_t i = 1; i <= w->depth + 1; i++) {
		const char *part = i <= w->depth ? w->stack[i]->name : name;
		size_t part_len = i <= w->depth ? w->stack[i]->name_len : len;

		if (at + part_len + 1 > TREE_PATH_MAX)
			return 0;
		memcpy(path + at, part, part_len);
		at += part_len;
		path[at++] = '/';
	}
	path[at - 1] = '\0';
	return w->t->below->find(w->t->below, w->t, path, out, err);
}

static int nothing(const struct tree *t, struct error *err)
{
	return error_set(err, ENOENT, "nothing of that name is in this layer%s",
			 t->below ? " or below it" : "");
}

/* Puts inode into the current folder. Returns its entry or NULL. */
static struct tree_dentry *put(struct walk *w, const char *name, size_t len,
			       struct tree_inode *inode, struct error *err)
{
	char buf[TREE_NAME_MAX + 1] = "";

	memcpy(buf, name, len);
	buf[len] = '\0';
	return tree_link(w->t, current(w), buf, inode, err) < 0 ? NULL
								: find(w->t, current(w), name, len);
}

/* A folder that is used without having been described. hides: a lower one was taken away, so that the new one must not
 * show its contents again. */
static struct tree_dentry *make_folder(struct walk *w, const char *name, size_t len, bool hides,
				       struct error *err)
{
	struct tree_inode *parent = current(w);
	struct tree_inode *inode = tree_inode_new(w->t, S_IFDIR | 0755, err);

	if (!inode)
		return NULL;
	if (!hides && shows_below(w))
		w->t->n_implied++;
	inode->implied = 1;
	inode->opaque = hides;
	inode->mtime = parent->mtime;
	inode->mtime_nsec = parent->mtime_nsec;
	return put(w, name, len, inode, err);
}

static int walk(struct walk *w, const char *path, struct error *err);

/* Goes from the current folder into name. */
static int step(struct walk *w, const char *name, size_t len, struct error *err)
{
	struct tree_dentry *d;
	struct tree_inode *inode = NULL;

	if (len == 0 || (len == 1 && name[0] == '.'))
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		w->depth -= w->depth > 0;
		return 0;
	}
	if (len > TREE_NAME_MAX)
		return error_set(err, EINVAL,
				 "its name leads through a symbolic link to no valid name");
	d = find(w->t, current(w), name, len);
	if (!d && ask_below(w, name, len, &inode, err) < 0)
		return -1;
	/* Where a file stands below, a folder takes its place. */
	if (inode && (S_ISDIR(inode->mode) || S_ISLNK(inode->mode))) {
		d = put(w, name, len, inode, err);
		if (!d)
			return -1;
	} else if (!d || tree_is_whiteout(d->inode)) {
		if (!w->make)
			return nothing(w->t, err);
		d = make_folder(w, name, len, d != NULL, err);
		if (!d)
			return -1;
	}
	inode = d->inode;
	if (S_ISLNK(inode->mode)) {
		if (++w->links > LINKS_MAX)
			return error_set(err, EINVAL,
					 "its name leads through too many symbolic links");
		if (inode->target[0] == '/')
			w->depth = 0;
		return walk(w, inode->target, err);
	}
	if (!S_ISDIR(inode->mode))
		return error_set(err, EINVAL, "its name leads through \"%.*s\", which is no folder",
				 (int)len, name);
	if (w->depth + 1 == sizeof(w->stack) / sizeof(w->stack[0]))
		return error_set(err, EINVAL, "its name is too deep");
	w->stack[++w->depth] = d;
	return 0;
}

/* Recursion goes as deep as LINKS_MAX. */
static int walk(struct walk *w, const char *path, struct error *err)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (step(w, path, len, err) < 0)
			return -1;
		path += len + (path[len] == '/');
	}
	return 0;
}

/* Walks to the folder of path's last component, which goes to name. */
static int walk_to_parent(struct walk *w, struct tree *t, const char *path, bool make, char *name,
			  struct error *err)
{
	char cleaned[TREE_PATH_MAX + 1];
	char *last;

	w->t = t;
	w->make = make;
	w->links = 0;
	w->depth = 0;
	if (clean(path, cleaned, err) < 0)
		return -1;
	last = strrchr(cleaned, '/');
	strcpy(name, last ? last + 1 : cleaned);
	if (!last)
		return 0;
	*last = '\0';
	return walk(w, cleaned, err);
}

struct tree_inode *tree_parent(struct tree *t, const char *path, bool make, char *name,
			       struct error *err)
{
	struct walk w;

	return walk_to_parent(&w, t, path, make, name, err) < 0 ? NULL : current(&w);
}

struct tree_inode *tree_find(struct tree *t, const char *path, struct error *err)
{
	char name[TREE_NAME_MAX + 1];
	struct tree_inode *inode = NULL;
	struct tree_dentry *d;
	struct walk w;

	if (walk_to_parent(&w, t, path, false, name, err) < 0)
		return NULL;
	if (!*name)
		return t->root;
	d = tree_lookup(t, current(&w), name);
	if (d && !tree_is_whiteout(d->inode))
		return d->inode;
	if (!d && ask_below(&w, name, strlen(name), &inode, err) < 0)
		return NULL;
	if (!inode) {
		nothing(t, err);
		return NULL;
	}
	return put(&w, name, strlen(name), inode, err) ? inode : NULL;
}
