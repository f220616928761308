/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "image-tools/folder_tar.h"
#include "image-tools/stream.h"
#include "image-tools/unpack.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/engine/view.h"
#include "runtime/sandbox/inside.h"

#define LINKS_MAX 40 /* as many symbolic links as the kernel follows in one path */
#define READ_SIZE ((size_t)256 << 10)
#define PIPE_SIZE (1 << 20)

static int end_open(const struct copy_end *e, const char *path, int flags)
{
	return e->root_fd >= 0 ? fs_open_in_root(e->root_fd, path, flags | O_PATH, 0)
			       : open(path, flags | O_PATH | O_CLOEXEC);
}

/* Why a path of that end cannot be had, with errno. */
static int missing(const struct copy_end *e, const char *path, struct error *err)
{
	if (e->container && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, errno, "Could not find the file %s in container %s", path,
				 e->container);
	return error_errno(err, "%s%s%s", e->container ? e->container : "", e->container ? ":" : "",
			   path);
}

/* /proc and its kin are as good as empty, seen from outside of the container. */
static bool is_hidden(const struct copy_end *e, int fd)
{
	if (!e->container || !view_is_pseudo(fd))
		return false;
	errno = ENOENT;
	return true;
}

/* ---- The source */

/* Opens what is to be copied, as an O_PATH descriptor. */
static int open_source(const struct copy_end *e, bool follow, enum copy_kind *kind,
		       struct error *err)
{
	struct stat st;
	int fd autoclose = end_open(e, e->path.text, follow || e->path.folder ? 0 : O_NOFOLLOW);

	if (fd < 0 || is_hidden(e, fd) || fstat(fd, &st) < 0)
		return missing(e, e->path.text, err);
	if (S_ISSOCK(st.st_mode))
		return error_set(err, EINVAL, "%s is a socket, which cannot be copied",
				 e->path.text);
	/* A tar says first how long a file is. */
	if (S_ISREG(st.st_mode) && view_is_pseudo(fd))
		return error_set(err, EINVAL,
				 "%s: the kernel does not tell its size: copy it to a file first",
				 e->path.text);
	*kind = S_ISDIR(st.st_mode) ? COPY_FOLDER : COPY_FILE;
	return STEAL_FD(fd);
}

struct reading {
	int source;     /* O_PATH */
	const char *as; /* its name in the tar; NULL: only what is in it */
	int fd;         /* to write the tar to */
	bool container;
	int userns_fd; /* where it is read; -1: here */
};

static int write_tar(void *context, const void *data, size_t len, struct error *err)
{
	const struct reading *r = context;

	return fs_write_all(r->fd, data, len) < 0 ? error_errno(err, "cannot write the archive")
						  : 0;
}

static bool may_enter(void *context, int fd)
{
	const struct reading *r = context;

	return !r->container || !view_is_pseudo(fd);
}

static int read_tree(void *arg, uint64_t *bytes, struct error *err)
{
	struct reading *r = arg;
	const struct folder_tar_options options = { .enter = may_enter, .context = r };
	struct tar_writer *w autotarwriter = tar_writer_new(write_tar, r);
	struct folder_tar *f autofoldertar = folder_tar_new(w, &options);
	int result = r->as ? folder_tar_add_open(f, r->source, r->as, err)
			   : folder_tar_contents(f, r->source, "", err);

	(void)bytes;
	return result < 0 ? -1 : tar_writer_end(w, err);
}

/* ---- The destination */

struct destination {
	enum copy_kind kind;
	char *path; /* symbolic links at its end followed: the last name, or what it is to be, is none */
};

/* Follows the symbolic links that path ends with, down to one that leads to nothing: it is the missing thing's name that
 * is wanted. What is made under it is made without following anything (unpack). */
static int follow_end(const struct copy_end *e, char **path, struct error *err)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		int fd autoclose = end_open(e, *path, O_NOFOLLOW);
		char target[4096];
		struct stat st;
		ssize_t n;

		if (fd < 0)
			return errno == ENOENT ? 0 : missing(e, *path, err);
		if (fstat(fd, &st) < 0)
			return missing(e, *path, err);
		if (!S_ISLNK(st.st_mode))
			return 0;
		n = readlinkat(fd, "", target, sizeof(target) - 1);
		if (n < 0)
			return missing(e, *path, err);
		target[n] = '\0';
		while (n > 1 && target[n - 1] == '/')
			target[--n] = '\0';
		char *parent autofree = copy_path_parent(*path);
		char *next = *target == '/' ? xstrdup(target) : str_format("%s/%s", parent, target);
		free(*path);
		*path = next;
	}
	return error_set(err, ELOOP, "too many symlinks in %s", e->path.text);
}

static int refuse_device(const struct copy_end *e, struct error *err)
{
	if (e->container)
		return error_set(
			err, EINVAL,
			"destination \"%s:%s\" must be a directory or a regular file: got a device",
			e->container, e->path.text);
	return error_set(
		err, EINVAL,
		"invalid output path: \"%s\" must be a directory or a regular file: got a device",
		e->path.text);
}

static int check_parent(const struct copy_end *e, const char *path, struct error *err)
{
	char *parent autofree = copy_path_parent(path);
	int fd autoclose = end_open(e, parent, O_DIRECTORY);

	if (fd >= 0 && !is_hidden(e, fd))
		return 0;
	if (!e->container && errno == ENOENT)
		return error_set(err, ENOENT,
				 "invalid output path: directory \"%s\" does not exist", parent);
	return missing(e, parent, err);
}

static int find_destination(const struct copy_end *e, struct destination *d, struct error *err)
{
	int fd autoclose = end_open(e, e->path.text, 0);
	struct stat st;

	d->path = xstrdup(e->path.text);
	if (fd < 0 && errno != ENOENT)
		return missing(e, d->path, err);
	if (fd >= 0 && (is_hidden(e, fd) || fstat(fd, &st) < 0))
		return missing(e, d->path, err);
	d->kind = fd < 0 ? COPY_MISSING : S_ISDIR(st.st_mode) ? COPY_FOLDER : COPY_FILE;
	if (d->kind == COPY_FOLDER)
		return 0;
	if (d->kind == COPY_FILE && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return refuse_device(e, err);
	return follow_end(e, &d->path, err) < 0 ? -1 : check_parent(e, d->path, err);
}

/* Unpacks tar in the folder at path. */
static int write_tree(struct tar *tar, const struct copy_end *e, const char *path,
		      enum unpack_owner owner, const struct copy_options *options, uint64_t *bytes,
		      struct error *err)
{
	struct unpack_options unpack_options = {
		.root_fd = e->root_fd,
		.dir_fd = -1,
		.path = path,
		.owner = owner,
		.progress = options->progress,
		.what = e->path.text,
	};
	int fd autoclose = end_open(e, path, O_DIRECTORY);
	struct statvfs fs;

	if (fd < 0 || is_hidden(e, fd) || fstatvfs(fd, &fs) < 0)
		return missing(e, path, err);
	if (e->container && (fs.f_flag & ST_RDONLY))
		return error_set(err, EROFS, "container rootfs is marked read-only");
	unpack_options.dir_fd = e->root_fd >= 0 ? -1 : fd;
	return unpack(tar, &unpack_options, bytes, err);
}

/* ---- Both at once */

struct writing {
	const struct copy_end *dest;
	const char *path;
	const struct copy_options *options;
	int fd;
	uint64_t bytes;
	int result;
	struct error err;
};

static int write_copy(void *arg, uint64_t *bytes, struct error *err)
{
	struct writing *w = arg;
	struct fd_source src;
	struct tar *tar;
	enum unpack_owner owner = w->options->archive  ? UNPACK_KEPT
				  : w->dest->container ? UNPACK_ROOT
						       : UNPACK_OURS;
	int result;

	fd_source_init(&src, w->fd, "the copy", READ_SIZE);
	tar = tar_open(&src.src);
	result = write_tree(tar, w->dest, w->path, owner, w->options, bytes, err);
	tar_close(tar);
	fd_source_free(&src);
	return result;
}

static void *run_writing(void *arg)
{
	struct writing *w = arg;

	w->result = write_copy(w, &w->bytes, &w->err);
	/* The reader's next write fails, where it has not come to its end. */
	cleanup_close(&w->fd);
	w->fd = -1;
	return NULL;
}

/* The writing in a thread, and the reading here. */
static int transfer_by_thread(struct reading *r, struct writing *w, struct error *read_error,
			      int *read_result, struct error *err)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, run_writing, w);

	if (code)
		return error_set(err, code, "cannot start a thread: %s", strerror(code));
	*read_result = read_tree(r, NULL, read_error);
	cleanup_close(&r->fd);
	r->fd = -1;
	pthread_join(thread, NULL);
	return 0;
}

struct both {
	struct reading *reading;
	struct writing *writing;
};

/* In a process of their own: the pipe's other end is the other side's alone, or neither would see its end. */
static int read_inside(void *arg, uint64_t *bytes, struct error *err)
{
	const struct both *b = arg;

	cleanup_close(&b->writing->fd);
	return read_tree(b->reading, bytes, err);
}

static int write_inside(void *arg, uint64_t *bytes, struct error *err)
{
	const struct both *b = arg;

	cleanup_close(&b->reading->fd);
	return write_copy(b->writing, bytes, err);
}

/* One of the two in a process where IDs are the container's, and the other here. */
static int transfer_inside(struct reading *r, struct writing *w, struct error *read_error,
			   int *read_result, struct error *err)
{
	bool reads = r->userns_fd >= 0;
	struct both both = { .reading = r, .writing = w };
	struct inside *in = reads ? inside_start(r->userns_fd, read_inside, &both, err)
				  : inside_start(w->dest->userns_fd, write_inside, &both, err);

	if (!in)
		return -1;
	cleanup_close(reads ? &r->fd : &w->fd);
	*(reads ? &r->fd : &w->fd) = -1;
	if (reads) {
		run_writing(w);
		*read_result = inside_wait(in, NULL, read_error);
	} else {
		*read_result = read_tree(r, NULL, read_error);
		cleanup_close(&r->fd);
		r->fd = -1;
		w->result = inside_wait(in, &w->bytes, &w->err);
	}
	return 0;
}

static int transfer(struct reading *r, struct writing *w, struct error *err)
{
	struct error read_error = ERROR_INIT;
	bool inside = r->userns_fd >= 0 || w->dest->userns_fd >= 0;
	sigset_t pipe_signal, old;
	int ends[2], read_result = -1, started;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	r->fd = ends[1];
	w->fd = ends[0];
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
	started = (inside ? transfer_inside : transfer_by_thread)(r, w, &read_error, &read_result,
								  err);
	cleanup_close(&r->fd);
	cleanup_close(&w->fd);
	/* A signal that came of the pipe is taken back before it can arrive. */
	sigtimedwait(&pipe_signal, NULL, &(struct timespec){ 0 });
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (started < 0)
		return -1;
	/* What failed first: each side's failure is the other's end of file. */
	if (read_result < 0 && (read_error.code != EPIPE || w->result == 0))
		*err = read_error;
	else if (w->result < 0)
		*err = w->err;
	return read_result < 0 || w->result < 0 ? -1 : 0;
}

int copy_tree(const struct copy_end *src, const struct copy_end *dest,
	      const struct copy_options *options, uint64_t *bytes, struct error *err)
{
	struct destination d = { 0 };
	struct reading r = { .container = src->container != NULL, .userns_fd = src->userns_fd };
	struct writing w = { .dest = dest, .options = options };
	enum copy_kind kind;
	enum copy_shape shape;
	int source autoclose = open_source(src, options->follow_link, &kind, err);
	char *path autofree = NULL;
	int result = -1;

	if (source >= 0 && find_destination(dest, &d, err) == 0 &&
	    copy_rules(&src->path, kind, &dest->path, d.kind, &shape, err) == 0) {
		path = shape == COPY_AS ? copy_path_parent(d.path) : xstrdup(d.path);
		r.source = source;
		r.as = shape == COPY_CONTENTS ? NULL
		       : shape == COPY_AS     ? copy_path_name(d.path)
					      : copy_path_name(src->path.text);
		w.path = path;
		result = transfer(&r, &w, err);
		*bytes = w.bytes;
	}
	free(d.path);
	return result;
}

/* ---- Archives */

int copy_to_tar(const struct copy_end *src, int fd, const struct copy_options *options,
		struct error *err)
{
	struct reading r = { .fd = fd, .container = src->container != NULL };
	enum copy_kind kind;
	int source autoclose = open_source(src, options->follow_link, &kind, err);

	if (source < 0)
		return -1;
	if (src->path.folder && kind == COPY_FILE)
		return error_set(err, ENOTDIR, "%s: not a directory", src->path.text);
	r.source = source;
	if (!src->path.contents)
		r.as = copy_path_name(src->path.text);
	return inside_run(src->userns_fd, read_tree, &r, NULL, err);
}

/* Whoever writes the archive may have more to say behind its end mark (padding), and must not fail for it. */
static int drain(struct source *src, struct error *err)
{
	const uint8_t *data;
	size_t len = 1;

	while (len)
		if (src->next(src, &data, &len, err) < 0)
			return -1;
	return 0;
}

struct untarring {
	int fd;
	const struct copy_end *dest;
	const char *path;
	const struct copy_options *options;
};

static int write_archive(void *arg, uint64_t *bytes, struct error *err)
{
	const struct untarring *u = arg;
	struct fd_source file;
	struct stream *stream;
	struct tar *tar = NULL;
	int r = -1;

	fd_source_init(&file, u->fd, "the archive", READ_SIZE);
	stream = stream_open(&file.src, NULL, err);
	if (stream) {
		tar = tar_open(stream_source(stream));
		r = write_tree(tar, u->dest, u->path, UNPACK_KEPT, u->options, bytes, err);
	}
	if (r == 0)
		r = drain(&file.src, err);
	tar_close(tar);
	stream_close(stream);
	fd_source_free(&file);
	return r;
}

int copy_from_tar(int fd, const struct copy_end *dest, const struct copy_options *options,
		  uint64_t *bytes, struct error *err)
{
	struct destination d = { 0 };
	struct untarring u = { .fd = fd, .dest = dest, .options = options };
	int r = find_destination(dest, &d, err);

	*bytes = 0;
	if (r == 0 && d.kind != COPY_FOLDER)
		r = error_set(err, ENOTDIR, "destination \"%s:%s\" must be a directory",
			      dest->container, dest->path.text);
	u.path = d.path;
	if (r == 0)
		r = inside_run(dest->userns_fd, write_archive, &u, bytes, err);
	free(d.path);
	return r;
}
