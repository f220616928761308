/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An archive's members, and how they are found in it. */
#include "image-tools/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "image-tools/source.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

#define READ_SIZE ((size_t)256 << 10)
#define LINKS_MAX 8

const char *archive_bare_name(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

/* Where name stands in by_name, or would. */
static size_t find_place(const struct archive *a, const char *name, bool *there)
{
	size_t from = 0, to = a->n_names;

	*there = false;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int r = strcmp(a->by_name[middle]->name, name);

		if (r < 0)
			from = middle + 1;
		else
			to = middle;
		if (r == 0) {
			*there = true;
			return middle;
		}
	}
	return from;
}

/* Of two by the same name the later one counts, as in extraction. */
static void add_name(struct archive *a, struct archive_member *m)
{
	bool there;
	size_t at = find_place(a, m->name, &there);

	if (!there) {
		memmove(a->by_name + at + 1, a->by_name + at,
			(a->n_names - at) * sizeof(struct archive_member *));
		a->n_names++;
	}
	a->by_name[at] = m;
}

struct archive_member *archive_add(struct archive *a, const char *name, struct error *err)
{
	struct archive_member *m;

	if (a->n == ARCHIVE_MEMBERS_MAX) {
		error_set(err, EINVAL, "it has more than %u files: that is no image archive",
			  ARCHIVE_MEMBERS_MAX);
		return NULL;
	}
	if (a->n == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->members = xreallocarray(a->members, a->room, sizeof(struct archive_member *));
		a->by_name = xreallocarray(a->by_name, a->room, sizeof(struct archive_member *));
	}
	m = xcalloc(1, sizeof(*m));
	m->name = xstrdup(archive_bare_name(name));
	a->members[a->n++] = m;
	add_name(a, m);
	return m;
}

/* ---- Finding */

static const struct archive_member *find_exact(const struct archive *a, const char *name)
{
	bool there;
	size_t at = find_place(a, name, &there);

	return there ? a->by_name[at] : NULL;
}

static const struct archive_member *absent(const char *name, const char *what, struct error *err)
{
	error_set(err, ENOENT, "%s \"%.150s\" is not in the archive", what, name);
	return NULL;
}

/* A folder's file, now that it is asked for. */
static const struct archive_member *read_from_folder(struct archive *a, const char *name,
						     const char *what, struct error *err)
{
	int fd autoclose = fs_open_in_root(a->folder_fd, name, O_RDONLY | O_NONBLOCK, 0);
	struct archive_member *m;
	struct fd_source src;
	struct stat s;
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return absent(name, what, err);
	if (fd < 0 || fstat(fd, &s) < 0) {
		error_errno(err, "cannot open %s \"%.150s\"", what, name);
		return NULL;
	}
	if (!S_ISREG(s.st_mode)) {
		error_set(err, EINVAL, "%s \"%.150s\" is no file", what, name);
		return NULL;
	}
	m = archive_add(a, name, err);
	if (!m)
		return NULL;
	fd_source_init(&src, fd, name, READ_SIZE);
	r = archive_take(a, m, &src.src, (uint64_t)s.st_size, err);
	fd_source_free(&src);
	return r < 0 ? NULL : m;
}

const struct archive_member *archive_find(struct archive *a, const char *name, const char *what,
					  struct error *err)
{
	const struct archive_member *m = find_exact(a, archive_bare_name(name));

	if (!m && a->folder_fd >= 0)
		return read_from_folder(a, archive_bare_name(name), what, err);
	for (int i = 0; m && m->kind == ARCHIVE_LINK; i++)
		m = i < LINKS_MAX && m->target ? find_exact(a, m->target) : NULL;
	return m ? m : absent(name, what, err);
}

static const struct archive_member *find_kind(struct archive *a, const char *name, const char *what,
					      enum archive_kind kind, const char *other,
					      struct error *err)
{
	const struct archive_member *m = archive_find(a, name, what, err);

	if (!m || m->kind == kind)
		return m;
	error_set(err, EINVAL, "%s \"%.150s\" is %s%s%s", what, name, other, m->why ? ": " : "",
		  m->why ? m->why : "");
	return NULL;
}

const struct archive_member *archive_find_document(struct archive *a, const char *name,
						   const char *what, struct error *err)
{
	return find_kind(a, name, what, ARCHIVE_DOCUMENT, "no JSON document", err);
}

const struct archive_member *archive_find_layer(struct archive *a, const char *name,
						struct error *err)
{
	return find_kind(a, name, "layer", ARCHIVE_LAYER, "no tar archive, plain or compressed",
			 err);
}

/* ---- All of it */

int archive_read(const struct store *st, int fd, const char *name, struct progress *progress,
		 struct archive *out, struct error *err)
{
	struct rlimit files;
	struct stat s;
	int r;

	/* A staged layer is three descriptors. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	*out = (struct archive)ARCHIVE_INIT;
	out->st = st;
	out->progress = progress;
	if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode)) {
		out->folder_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		r = out->folder_fd < 0 ? error_errno(err, "cannot open it") : 0;
	} else {
		r = archive_read_tar(out, fd, err);
	}
	if (r == 0)
		return 0;
	archive_free(out);
	return error_prefix(err, "%s", name);
}

void archive_free(struct archive *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct archive_member *m = a->members[i];

		layer_abandon(m->layer);
		free(m->name);
		free(m->text);
		free(m->target);
		free(m->why);
		free(m);
	}
	free(a->members);
	free(a->by_name);
	cleanup_close(&a->folder_fd);
	*a = (struct archive)ARCHIVE_INIT;
}
