/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/difference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image-tools/file_attributes.h"
#include "image-tools/folder_names.h"
#include "lib/cleanup.h"

#define PATH_LONGEST 4095U

struct comparison {
	struct strv *out;
	struct strbuf path; /* of the folder at hand, with a final slash */
	struct file_attributes upper, lower;
};

/* Descriptors, from which everything is looked up. */
struct side {
	int upper, lower; /* lower -1: the layers below have no folder there */
	bool hidden; /* what they have shows nowhere: the upper folder or one above it is opaque */
	bool xwhiteouts;
};

static int failed(const struct comparison *c, const char *name, struct error *err)
{
	return error_errno(err, "cannot compare %.200s%.100s", c->path.data, name);
}

static void add(struct comparison *c, char kind, const char *name)
{
	strv_addf(c->out, "%c %s%s", kind, c->path.data, name);
}

static bool same_attributes(const struct file_attributes *a, const struct file_attributes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		    a->items[i].len != b->items[i].len ||
		    memcmp(a->items[i].value, b->items[i].value, a->items[i].len) != 0)
			return false;
	return true;
}

static bool same_folder(const struct comparison *c, const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       same_attributes(&c->upper, &c->lower);
}

static int compare(struct comparison *c, const struct side *s, struct error *err);

static int open_folder(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A folder of the upper directory; below is what the layers have there, NULL: nothing. */
static int compare_folder(struct comparison *c, const struct side *s, const char *name,
			  const struct stat *st, const struct stat *below, struct error *err)
{
	struct side in = { .upper = -1, .lower = -1, .hidden = s->hidden };
	int upper autoclose = open_folder(s->upper, name), lower autoclose = -1;
	size_t len = c->path.len, before = c->out->len;
	bool same = false;
	int r;

	if (upper < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : failed(c, name, err);
	if (file_attributes_read(&c->upper, upper, true, err) < 0)
		return error_prefix(err, "%.200s%.100s", c->path.data, name);
	in.hidden |= c->upper.folder == OVERLAY_OPAQUE;
	in.xwhiteouts = c->upper.folder == OVERLAY_XWHITEOUTS;
	if (below && S_ISDIR(below->st_mode)) {
		lower = open_folder(s->lower, name);
		if (lower < 0)
			return failed(c, name, err);
		if (file_attributes_read(&c->lower, lower, false, err) < 0)
			return error_prefix(err, "%.200s%.100s", c->path.data, name);
		same = same_folder(c, st, below);
	}
	add(c, below ? 'C' : 'A', name);
	strbuf_puts(&c->path, name);
	strbuf_putc(&c->path, '/');
	in.upper = upper;
	in.lower = lower;
	r = c->path.len > PATH_LONGEST
		    ? error_set(err, ENAMETOOLONG, "%.200s...: the path is too long", c->path.data)
		    : compare(c, &in, err);
	c->path.len = len;
	c->path.data[len] = '\0';
	if (r == 0 && same && c->out->len == before + 1) {
		free(c->out->items[before]);
		c->out->items[before] = NULL;
		c->out->len = before;
	}
	return r;
}

/* Whether st, of name in the upper directory, hides what the layers have there. */
static bool is_whiteout(struct comparison *c, const struct side *s, const char *name,
			const struct stat *st)
{
	int at autoclose = -1;

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == 0;
	if (!s->xwhiteouts || !S_ISREG(st->st_mode) || st->st_size)
		return false;
	at = openat(s->upper, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return at >= 0 && file_attributes_read(&c->upper, at, true, NULL) == 0 && c->upper.whiteout;
}

static int compare_name(struct comparison *c, const struct side *s, const char *name,
			struct error *err)
{
	struct stat st, lower_st;
	const struct stat *below = NULL;

	if (fstatat(s->upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(c, name, err);
	if (s->lower >= 0 && fstatat(s->lower, name, &lower_st, AT_SYMLINK_NOFOLLOW) == 0)
		below = &lower_st;
	if (is_whiteout(c, s, name, &st)) {
		if (below)
			add(c, 'D', name);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return compare_folder(c, s, name, &st, below, err);
	add(c, below ? 'C' : 'A', name);
	return 0;
}

/* The names of both sides, each once, in one order. */
static int compare_both(struct comparison *c, const struct side *s, const struct folder_names *up,
			const struct folder_names *low, struct error *err)
{
	for (size_t i = 0, k = 0; i < up->n || k < low->n;) {
		int order = i == up->n ? 1 : k == low->n ? -1 : strcmp(up->items[i], low->items[k]);

		if (order > 0) {
			add(c, 'D', low->items[k++]);
			continue;
		}
		if (compare_name(c, s, up->items[i++], err) < 0)
			return -1;
		k += order == 0;
	}
	return 0;
}

static int compare(struct comparison *c, const struct side *s, struct error *err)
{
	struct folder_names up autofoldernames = { 0 }, low autofoldernames = { 0 };

	if (folder_names_read(s->upper, &up) < 0 ||
	    (s->hidden && s->lower >= 0 && folder_names_read(s->lower, &low) < 0))
		return failed(c, "", err);
	return compare_both(c, s, &up, &low, err);
}

int difference_list(int upper_fd, int lower_fd, struct strv *out, struct error *err)
{
	struct comparison c = { .out = out };
	struct side s = { .upper = upper_fd, .lower = lower_fd };
	int r;

	strbuf_putc(&c.path, '/');
	r = compare(&c, &s, err);
	strbuf_free(&c.path);
	file_attributes_free(&c.upper);
	file_attributes_free(&c.lower);
	return r;
}
