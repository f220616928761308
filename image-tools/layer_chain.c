/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Indexes for one stack of layers each. Why they are needed and how they live: image-tools/README.md, "What a layer alone
 * cannot know". */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-tools/index.h"
#include "image-tools/layer_private.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

/* "<diffid>.chains/<chain ID>.erofs" */
#define CHAIN_FILE_MAX (2 * LAYER_FILE_MAX)

void layer_chain_id(const struct digest *diffids, size_t n, struct digest *out)
{
	*out = diffids[0];
	for (size_t i = 1; i < n; i++) {
		char text[2 * DIGEST_TEXT_MAX];

		digest_text(out, text);
		strcat(text, " ");
		digest_text(&diffids[i], text + strlen(text));
		digest_of(text, strlen(text), out);
	}
}

static const char *chain_file(const struct digest *diffid, const struct digest *chain,
			      char buf[CHAIN_FILE_MAX])
{
	layer_file(diffid, LAYER_CHAINS "/", buf);
	layer_file(chain, ".erofs", buf + strlen(buf));
	return buf;
}

bool layer_has_chains(const struct store *st, const struct digest *diffid)
{
	char name[LAYER_FILE_MAX];

	return faccessat(st->layers_fd, layer_file(diffid, LAYER_CHAINS, name), F_OK,
			 AT_SYMLINK_NOFOLLOW) == 0;
}

int layer_check_lowest(const struct layer_info *info, size_t n, struct error *err)
{
	char text[DIGEST_TEXT_MAX];

	return info->links_lower && !n
		       ? error_set(err, EINVAL,
				   "layer %s has hard links to files of layers below it, "
				   "and there are none",
				   digest_text(&info->diffid, text))
		       : 0;
}

/* Whether the index is there and begins as that of the chain over its tar. */
static bool is_made(const struct store *st, const struct layer_info *info,
		    const struct digest *chain)
{
	char name[CHAIN_FILE_MAX];
	struct stat s;
	int fd autoclose = openat(st->layers_fd, chain_file(&info->diffid, chain, name),
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fstat(fd, &s) == 0 &&
	       erofs_matches(fd, (uint64_t)s.st_size, info->tar_size, chain->bytes);
}

/* Makes the index of the tar upon the layers mounted at dirs, in a file without a name; -1 with err set. */
static int make(const struct store *st, int tar_fd, const struct digest *chain, const int *dirs,
		size_t n, struct error *err)
{
	int data_fd autoclose = layer_unnamed_file(st, err), fd autoclose = -1;
	struct lower *lower autolower = NULL;
	struct index_totals totals;

	if (data_fd < 0 || (fd = layer_unnamed_file(st, err)) < 0)
		return -1;
	lower = lower_new(dirs, n, data_fd);
	return index_make(tar_fd, chain->bytes, lower, fd, &totals, err) < 0 ? -1 : STEAL_FD(fd);
}

/* Names a finished index; one that is there and good stays. */
static int put(const struct store *st, const struct layer_info *info, const struct digest *chain,
	       int fd, struct error *err)
{
	char folder[LAYER_FILE_MAX], name[CHAIN_FILE_MAX], path[32];

	if (is_made(st, info, chain))
		return 0;
	layer_file(&info->diffid, LAYER_CHAINS, folder);
	chain_file(&info->diffid, chain, name);
	if ((mkdirat(st->layers_fd, folder, 0700) < 0 && errno != EEXIST) ||
	    (unlinkat(st->layers_fd, name, 0) < 0 && errno != ENOENT) ||
	    (linkat(AT_FDCWD, fs_fd_path(fd, path), st->layers_fd, name, AT_SYMLINK_FOLLOW) < 0 &&
	     errno != EEXIST)) /* somebody else made it just now: the same bytes */
		return error_errno(err, "cannot name an index in %s/layers", st->root);
	return 0;
}

char *layer_chain_index(const struct store *st, const struct layer_info *info,
			const struct digest *chain, const int *dirs, size_t n, struct error *err)
{
	char file[CHAIN_FILE_MAX], name[LAYER_FILE_MAX];
	char *path autofree =
		str_format("%s/layers/sha256/%s", st->root, chain_file(&info->diffid, chain, file));
	int tar_fd autoclose = -1, fd autoclose = -1, lock autoclose = -1;

	if (is_made(st, info, chain))
		return STEAL_PTR(path);
	tar_fd = openat(st->layers_fd, layer_file(&info->diffid, ".tar", name),
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (tar_fd < 0) {
		error_errno(err, "cannot open a layer's tar");
		return NULL;
	}
	fd = make(st, tar_fd, chain, dirs, n, err);
	if (fd < 0)
		return NULL;
	if (fdatasync(fd) < 0) {
		error_errno(err, "cannot write a layer's index");
		return NULL;
	}
	/* Not while somebody takes the layer away: the folder would come back. */
	lock = store_lock(st, LOCK_SH, err);
	if (lock < 0)
		return NULL;
	if (faccessat(st->layers_fd, layer_file(&info->diffid, ".json", name), F_OK,
		      AT_SYMLINK_NOFOLLOW) < 0) {
		error_errno(err, "a layer was removed");
		return NULL;
	}
	return put(st, info, chain, fd, err) < 0 ? NULL : STEAL_PTR(path);
}

int layer_chains_publish(struct layer_writer *w, struct error *err)
{
	char name[LAYER_FILE_MAX];

	if (w->info.needs_lower &&
	    mkdirat(w->st->layers_fd, layer_file(&w->info.diffid, LAYER_CHAINS, name), 0700) < 0 &&
	    errno != EEXIST)
		return error_errno(err, "cannot make a folder in %s/layers", w->st->root);
	for (size_t i = 0; i < w->n_chains; i++)
		if (put(w->st, &w->info, &w->chains[i].id, w->chains[i].fd, err) < 0)
			return -1;
	return 0;
}

bool layer_chains_any(const struct store *st, const struct digest *diffid,
		      bool (*holds)(const struct store *st, const struct digest *chain))
{
	char name[LAYER_FILE_MAX];
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = openat(st->layers_fd, layer_file(diffid, LAYER_CHAINS, name),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && !(dir = fdopendir(fd)))
		cleanup_close(&fd);
	while (dir && (e = readdir(dir))) {
		char hex[DIGEST_HEX_MAX] = "";
		struct digest chain;

		memcpy(hex, e->d_name, strnlen(e->d_name, DIGEST_HEX_MAX - 1));
		if (digest_from_hex(hex, &chain) == 0 && holds(st, &chain))
			return true;
	}
	return false;
}

static bool unmount(const struct store *st, const struct digest *chain)
{
	layer_unmount_idle(st, chain);
	return false;
}

int layer_chains_remove(const struct store *st, const struct digest *diffid, struct error *err)
{
	char name[LAYER_FILE_MAX];

	(void)layer_chains_any(st, diffid, unmount);
	return fs_remove_tree(st->layers_fd, layer_file(diffid, LAYER_CHAINS, name), err);
}

/* ---- Before publication */

/* The layers of one image, mounted one after the other, for those above them to look at. */
struct stack {
	const struct store *st;
	struct layer_writer *const *writers; /* sorted by DiffID */
	size_t n_writers;
	const struct digest *diffids;
	int *dirs; /* mounted so far */
	size_t n;
};

static int compare_with_writer(const void *diffid, const void *writer)
{
	struct layer_writer *const *w = writer;

	return memcmp(diffid, &(*w)->info.diffid, sizeof(struct digest));
}

static struct layer_writer *find_writer(const struct stack *s, const struct digest *diffid)
{
	struct layer_writer *const *found =
		s->n_writers ? bsearch(diffid, s->writers, s->n_writers, sizeof(*s->writers),
				       compare_with_writer)
			     : NULL;

	return found ? *found : NULL;
}

/* The writer's index for the layers so far and its own. */
static int add_chain(struct stack *s, struct layer_writer *w, struct error *err)
{
	char text[DIGEST_TEXT_MAX];
	struct digest chain;
	int fd;

	layer_chain_id(s->diffids, s->n + 1, &chain);
	for (size_t i = 0; i < w->n_chains; i++)
		if (digest_equal(&w->chains[i].id, &chain))
			return w->chains[i].fd;
	fd = make(s->st, w->tar_fd, &chain, s->dirs, s->n, err);
	if (fd < 0)
		return error_prefix(err, "layer %s", digest_text(&w->info.diffid, text));
	w->chains = xreallocarray(w->chains, w->n_chains + 1, sizeof(*w->chains));
	w->chains[w->n_chains++] = (struct layer_chain){ chain, fd };
	w->synced = false;
	return fd;
}

static int push_writer(struct stack *s, struct layer_writer *w, bool mount, struct error *err)
{
	char index[32], tar[32];
	int fd = w->index_fd;

	/* At the bottom, too, where a link to a lower layer's file is refused, in words that name it. */
	if (w->info.needs_lower && (s->n || w->info.links_lower))
		fd = add_chain(s, w, err);
	if (fd < 0 || !mount)
		return fd;
	return layer_mount_detached(fs_fd_path(fd, index), fs_fd_path(w->tar_fd, tar), err);
}

static int push_stored(struct stack *s, const struct digest *diffid, struct error *err)
{
	char name[LAYER_FILE_MAX];
	char *tar autofree =
		str_format("%s/layers/sha256/%s", s->st->root, layer_file(diffid, ".tar", name));
	char *index autofree = NULL;
	struct layer_info info;
	struct digest chain;

	if (layer_stat(s->st, diffid, &info, err) < 0 || layer_check_lowest(&info, s->n, err) < 0)
		return -1;
	if (info.needs_lower && s->n) {
		layer_chain_id(s->diffids, s->n + 1, &chain);
		index = layer_chain_index(s->st, &info, &chain, s->dirs, s->n, err);
	} else {
		index = str_format("%s/layers/sha256/%s", s->st->root,
				   layer_file(diffid, ".erofs", name));
	}
	return index ? layer_mount_detached(index, tar, err) : -1;
}

int layer_complete(const struct store *st, struct layer_writer *const *writers, size_t n_writers,
		   const struct digest *diffids, size_t n, struct error *err)
{
	struct stack s = {
		.st = st, .writers = writers, .n_writers = n_writers, .diffids = diffids
	};
	size_t needed = 0; /* layers up to the highest that must be looked at */
	int r = 0;

	if (n > LAYERS_MAX)
		return error_set(err, E2BIG, "the image has %zu layers; Linux mounts at most %u", n,
				 LAYERS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct layer_writer *w = find_writer(&s, &diffids[i]);

		if (w && w->info.needs_lower && (i || w->info.links_lower))
			needed = i + 1;
	}
	s.dirs = xcalloc(needed + 1, sizeof(*s.dirs));
	while (r == 0 && s.n < needed) {
		struct layer_writer *w = find_writer(&s, &diffids[s.n]);
		bool mount = s.n + 1 < needed;
		int fd = w ? push_writer(&s, w, mount, err) : push_stored(&s, &diffids[s.n], err);

		if (fd < 0)
			r = -1;
		else if (mount)
			s.dirs[s.n] = fd;
		s.n += r == 0;
	}
	for (size_t i = 0; i < s.n && i + 1 < needed; i++)
		cleanup_close(&s.dirs[i]);
	free(s.dirs);
	return r;
}
