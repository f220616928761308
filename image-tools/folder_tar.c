/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/folder_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "image-tools/file_attributes.h"
#include "image-tools/file_map.h"
#include "image-tools/folder_names.h"
#include "lib/cleanup.h"
#include "lib/fs.h"

#define PATH_LONGEST 4095U

/* Folders held open at once. Those above are closed while what is below this depth is walked, and found again by
 * their path. */
#define OPEN_DEPTH 64

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

struct link_name {
	uint64_t dev, ino;
	char *name; /* NULL: a free place */
};

/* A folder that is being walked. */
struct level {
	struct level *up;
	int fd;    /* -1: closed for now */
	dev_t dev; /* who it was, to know it again */
	ino_t ino;
	unsigned depth;
};

struct folder_tar {
	struct tar_writer *w;
	const struct folder_tar_options *options;
	struct strbuf path; /* of the entry at hand, in the tar */
	struct level *level;
	int top_fd;     /* the outermost level's */
	size_t top_len; /* how much of path stands for it */
	struct file_attributes attributes;
	struct file_map map;
	struct link_name *links; /* a hash table, open addressing */
	size_t n_links, room_links;
	/* A large buffer has no place on the stack, which goes as deep as the folders do. */
	char target[PATH_LONGEST + 1];
	unsigned long unnameable;
	char *first_unnameable;
};

struct folder_tar *folder_tar_new(struct tar_writer *w, const struct folder_tar_options *options)
{
	struct folder_tar *f = xcalloc(1, sizeof(*f));

	f->w = w;
	f->options = options;
	return f;
}

void folder_tar_free(struct folder_tar *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->room_links; i++)
		free(f->links[i].name);
	free(f->links);
	strbuf_free(&f->path);
	file_attributes_free(&f->attributes);
	file_map_free(&f->map);
	free(f->first_unnameable);
	free(f);
}

unsigned long folder_tar_unnameable(const struct folder_tar *f, const char **first)
{
	if (first)
		*first = f->first_unnameable;
	return f->unnameable;
}

/* ---- Hard links */

static struct link_name *find_link(const struct folder_tar *f, uint64_t dev, uint64_t ino)
{
	size_t mask = f->room_links - 1;
	size_t i = (size_t)((ino * UINT64_C(0x9e3779b97f4a7c15) ^ dev) >> 20) & mask;

	while (f->links[i].name && (f->links[i].ino != ino || f->links[i].dev != dev))
		i = (i + 1) & mask;
	return &f->links[i];
}

static void grow_links(struct folder_tar *f)
{
	struct link_name *old = f->links;
	size_t n = f->room_links;

	f->room_links = n ? 2 * n : 256;
	f->links = xcalloc(f->room_links, sizeof(*f->links));
	for (size_t i = 0; i < n; i++)
		if (old[i].name)
			*find_link(f, old[i].dev, old[i].ino) = old[i];
	free(old);
}

/* The name under which the file was written before, or NULL: then it is remembered under the one it has now. */
static const char *linked_before(struct folder_tar *f, const struct stat *st)
{
	struct link_name *l;

	if (2 * f->n_links >= f->room_links)
		grow_links(f);
	l = find_link(f, st->st_dev, st->st_ino);
	if (l->name)
		return l->name;
	*l = (struct link_name){ st->st_dev, st->st_ino, xstrdup(f->path.data) };
	f->n_links++;
	return NULL;
}

/* ---- One entry */

static int failed(const struct folder_tar *f, const char *doing, struct error *err)
{
	return error_errno(err, "cannot %s /%.300s", doing, f->path.data ? f->path.data : "");
}

static void fill(struct tar_entry *e, const struct stat *st)
{
	e->mode = st->st_mode & 07777;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->mtime = st->st_mtim.tv_sec;
	e->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		e->major = major(st->st_rdev);
		e->minor = minor(st->st_rdev);
	}
	e->type = S_ISREG(st->st_mode)    ? TAR_FILE
		  : S_ISDIR(st->st_mode)  ? TAR_DIRECTORY
		  : S_ISLNK(st->st_mode)  ? TAR_SYMLINK
		  : S_ISCHR(st->st_mode)  ? TAR_CHARDEV
		  : S_ISBLK(st->st_mode)  ? TAR_BLOCKDEV
		  : S_ISFIFO(st->st_mode) ? TAR_FIFO
					  : TAR_OTHER;
}

/* An empty file of the layer format's own, named mark + name, in place of the entry at hand. */
static int put_mark(struct folder_tar *f, const struct stat *st, const char *mark, const char *name,
		    struct error *err)
{
	struct strbuf path autostrbuf = STRBUF_INIT;
	struct tar_entry e = { .type = TAR_FILE,
			       .mode = 0600,
			       .mtime = st->st_mtim.tv_sec,
			       .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec };

	strbuf_add(&path, f->path.data, f->path.len - strlen(name));
	strbuf_puts(&path, mark);
	strbuf_puts(&path, name);
	e.path = path.data;
	return tar_writer_entry(f->w, &e, err);
}

/* Copies len bytes from offset on. What the file no longer has is zeros. */
static int copy_run(struct folder_tar *f, int fd, uint64_t offset, uint64_t len, struct error *err)
{
	while (len) {
		size_t room;
		void *to = tar_writer_space(f->w, &room, err);
		ssize_t n;

		if (!to)
			return -1;
		if (room > len)
			room = (size_t)len;
		n = pread(fd, to, room, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(f, "read", err);
		if (n == 0) {
			memset(to, 0, room);
			n = (ssize_t)room;
		}
		tar_writer_filled(f->w, (size_t)n);
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int copy_data(struct folder_tar *f, int fd, const struct tar_entry *e, struct error *err)
{
	if (!e->pieces)
		return copy_run(f, fd, 0, e->size, err);
	for (size_t i = 0; i < e->n_pieces; i++)
		if (copy_run(f, fd, e->pieces[i].offset, e->pieces[i].length, err) < 0)
			return -1;
	return 0;
}

/* The file behind an O_PATH descriptor, for reading; its time of access stays as it is. -1 with errno. */
static int open_data(int at)
{
	char path[32];
	int fd = open(fs_fd_path(at, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd;
}

static int put_file(struct folder_tar *f, int at, const struct stat *st, struct tar_entry *e,
		    struct error *err)
{
	int fd autoclose = -1;

	e->size = (uint64_t)st->st_size;
	if (e->size) {
		fd = open_data(at);
		if (fd < 0)
			return failed(f, "open", err);
		if (file_map_read(&f->map, fd, st, e) < 0)
			return failed(f, "read", err);
	}
	if (tar_writer_entry(f->w, e, err) < 0)
		return -1;
	return e->size ? copy_data(f, fd, e, err) : 0;
}

static int put_symlink(struct folder_tar *f, int at, struct tar_entry *e, struct error *err)
{
	ssize_t n = readlinkat(at, "", f->target, sizeof(f->target) - 1);

	if (n < 0)
		return failed(f, "read", err);
	f->target[n] = '\0';
	e->link = f->target;
	return tar_writer_entry(f->w, e, err);
}

static int walk(struct folder_tar *f, int dirfd, bool xwhiteouts, struct error *err);

/* *at is closed as soon as the folder is open for reading. */
static int put_folder(struct folder_tar *f, int *at, const struct stat *st,
		      const struct tar_entry *e, bool enter, struct error *err)
{
	enum overlay_folder overlay = f->options->whiteouts ? f->attributes.folder : OVERLAY_MERGED;
	size_t len = f->path.len;
	int fd, r;

	if (tar_writer_entry(f->w, e, err) < 0)
		return -1;
	if (!enter)
		return 0;
	if (len && f->path.data[len - 1] != '/')
		strbuf_putc(&f->path, '/');
	if (overlay == OVERLAY_OPAQUE && put_mark(f, st, WHITEOUT_OPAQUE, "", err) < 0)
		return -1;
	fd = openat(*at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(f, "open", err);
	cleanup_close(at);
	*at = -1;
	r = walk(f, fd, overlay == OVERLAY_XWHITEOUTS, err);
	f->path.len = len;
	f->path.data[len] = '\0';
	return r;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

static bool is_mounted(int at)
{
	struct statx sx;

	return statx(at, "", AT_EMPTY_PATH, 0, &sx) == 0 &&
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool may_enter(const struct folder_tar *f, int at)
{
	const struct folder_tar_options *o = f->options;

	return !o->enter || !is_mounted(at) || o->enter(o->context, at);
}

/* Writes the entry called f->path, whose last part is name; *at is its O_PATH descriptor. */
static int put_entry(struct folder_tar *f, int *at, const char *name, bool xwhiteouts,
		     struct error *err)
{
	const struct folder_tar_options *o = f->options;
	struct tar_entry e = { .path = f->path.data, .link = "" };
	struct stat st;
	bool mounted;

	if (fstat(*at, &st) < 0)
		return failed(f, "look at", err);
	if (S_ISSOCK(st.st_mode))
		return 0;
	/* Whiteouts come first: overlayfs makes them hard links of each other. */
	if (o->whiteouts && is_whiteout(&st))
		return put_mark(f, &st, WHITEOUT, name, err);
	if (o->skip && o->skip(o->context, f->path.data))
		return 0;
	if (file_attributes_read(&f->attributes, *at, o->whiteouts, err) < 0)
		return error_prefix(err, "cannot read the extended attributes of /%.200s",
				    f->path.data);
	if (xwhiteouts && f->attributes.whiteout && S_ISREG(st.st_mode) && st.st_size == 0)
		return put_mark(f, &st, WHITEOUT, name, err);
	if (o->whiteouts && str_starts(name, WHITEOUT)) {
		if (!f->unnameable++)
			f->first_unnameable = xstrdup(f->path.data);
		return 0;
	}
	fill(&e, &st);
	e.xattrs = f->attributes.items;
	e.n_xattrs = f->attributes.n;
	mounted = o->one_mount && is_mounted(*at);
	if (S_ISDIR(st.st_mode))
		return put_folder(f, at, &st, &e, !mounted && may_enter(f, *at), err);
	if (st.st_nlink > 1 && !mounted) {
		const char *before = linked_before(f, &st);

		if (before) {
			e.type = TAR_HARDLINK;
			e.link = before;
			e.major = e.minor = 0;
			e.n_xattrs = 0;
			return tar_writer_entry(f->w, &e, err);
		}
	}
	if (S_ISREG(st.st_mode) && !mounted)
		return put_file(f, *at, &st, &e, err);
	if (S_ISLNK(st.st_mode))
		return put_symlink(f, *at, &e, err);
	return tar_writer_entry(f->w, &e, err);
}

/* ---- Folders */

/* Opens the folder called f->path again, which was closed while deeper ones were walked. */
static int open_again(struct folder_tar *f, struct level *l, struct error *err)
{
	struct stat st;

	l->fd = fs_openat2(f->top_fd, f->path.data + f->top_len, O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			   0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return failed(f, "open", err);
	if (st.st_dev != l->dev || st.st_ino != l->ino)
		return error_set(err, EBUSY, "/%.300s was moved while it was read", f->path.data);
	return 0;
}

/* Writes what is called name in the folder called f->path. */
static int put_name(struct folder_tar *f, struct level *l, const char *name, bool xwhiteouts,
		    struct error *err)
{
	size_t len = f->path.len;
	int at autoclose = -1;
	int r;

	if (l->fd < 0 && open_again(f, l, err) < 0)
		return -1;
	strbuf_puts(&f->path, name);
	at = openat(l->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (f->path.len > PATH_LONGEST)
		r = error_set(err, ENAMETOOLONG, "/%.200s...: the path is longer than %u bytes",
			      f->path.data, PATH_LONGEST);
	else if (at < 0)
		r = errno == ENOENT ? 0 : failed(f, "open", err);
	else
		r = put_entry(f, &at, name, xwhiteouts, err);
	f->path.len = len;
	f->path.data[len] = '\0';
	return r;
}

/* Enters the folder called f->path, whose descriptor is taken over. */
static int enter(struct folder_tar *f, struct level *l, int dirfd, struct error *err)
{
	struct level *up = f->level;
	struct stat st;

	*l = (struct level){ .up = up, .fd = dirfd, .depth = up ? up->depth + 1 : 0 };
	f->level = l;
	if (fstat(dirfd, &st) < 0)
		return failed(f, "look at", err);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if (!up) {
		f->top_fd = dirfd;
		f->top_len = f->path.len;
	} else if (up->up && l->depth > OPEN_DEPTH) {
		cleanup_close(&up->fd);
		up->fd = -1;
	}
	return 0;
}

/* Writes all that is in the folder called f->path. dirfd is taken over. */
static int walk(struct folder_tar *f, int dirfd, bool xwhiteouts, struct error *err)
{
	struct folder_names names autofoldernames = { 0 };
	struct level here;
	int r = enter(f, &here, dirfd, err);

	if (r == 0 && folder_names_read(dirfd, &names) < 0)
		r = failed(f, "read", err);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = put_name(f, &here, names.items[i], xwhiteouts, err);
	f->level = here.up;
	cleanup_close(&here.fd);
	return r;
}

int folder_tar_contents(struct folder_tar *f, int dirfd, const char *prefix, struct error *err)
{
	int fd;

	strbuf_reset(&f->path);
	strbuf_puts(&f->path, prefix);
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? failed(f, "open", err) : walk(f, fd, false, err);
}

int folder_tar_add_open(struct folder_tar *f, int at, const char *as, struct error *err)
{
	int own autoclose = fcntl(at, F_DUPFD_CLOEXEC, 3);

	strbuf_reset(&f->path);
	strbuf_puts(&f->path, as);
	return own < 0 ? failed(f, "open", err) : put_entry(f, &own, as, false, err);
}

int folder_tar_add(struct folder_tar *f, int dirfd, const char *name, const char *as,
		   struct error *err)
{
	int at autoclose = -1;

	strbuf_reset(&f->path);
	strbuf_puts(&f->path, as);
	at = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return failed(f, "open", err);
	return put_entry(f, &at, name, false, err);
}
