/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An archive that is a tar. Its names are text and stay text: nothing on any disk is looked up by them. */
#include <errno.h>
#include <string.h>

#include "image-tools/archive.h"
#include "image-tools/stream.h"
#include "image-tools/tar.h"
#include "lib/str.h"

#define READ_SIZE ((size_t)256 << 10)

/* What a symbolic link at name means: target seen from name's folder, textually, for there are no folders. NULL where it
 * leads out of the archive. */
static char *link_target(const char *name, const char *target)
{
	struct strv parts autostrv = STRV_INIT;
	const char *sources[2] = { name, target };

	for (int i = target[0] == '/' ? 1 : 0; i < 2; i++) {
		const char *p = sources[i];

		while (*p) {
			size_t len = strcspn(p, "/");

			if (i == 0 && !p[len])
				break; /* the link's own name */
			if (len == 2 && p[0] == '.' && p[1] == '.') {
				if (!parts.len)
					return NULL;
				free(parts.items[--parts.len]);
				parts.items[parts.len] = NULL;
			} else if (len && !(len == 1 && p[0] == '.')) {
				strv_take(&parts, xstrndup(p, len));
			}
			p += len + (p[len] == '/');
		}
	}
	return strv_join(&parts, "/");
}

static int read_entry(struct archive *a, struct tar *tar, const struct tar_entry *e,
		      struct error *err)
{
	struct archive_member *m;

	switch (e->type) {
	case TAR_FILE:
		m = archive_add(a, e->path, err);
		if (!m)
			return -1;
		if (!e->pieces)
			return archive_take(a, m, tar_data(tar), e->stored, err);
		/* `tar -S` over a folder: nobody's image archive, and its bytes would have to be put together. */
		m->why = xstrdup("it is stored as a sparse file");
		return 0;
	case TAR_SYMLINK:
	case TAR_HARDLINK:
		m = archive_add(a, e->path, err);
		if (!m)
			return -1;
		m->kind = ARCHIVE_LINK;
		m->target = e->type == TAR_SYMLINK ? link_target(m->name, e->link)
						   : xstrdup(archive_bare_name(e->link));
		return 0;
	default:
		return 0;
	}
}

/* To the end of the compressed data, so that its checksum is looked at and who writes into a pipe can finish. */
static int drain(struct source *src, struct error *err)
{
	const uint8_t *data;
	size_t len;

	do
		if (src->next(src, &data, &len, err) < 0)
			return -1;
	while (len);
	return 0;
}

static int read_all(struct archive *a, struct source *src, struct error *err)
{
	struct stream *s autostream = stream_open(src, NULL, err);
	struct tar *tar autotar = NULL;
	const struct tar_entry *e;
	const uint8_t *head;
	size_t len;
	int more;

	if (!s || stream_head(s, &head, &len, err) < 0)
		return -1;
	if (len < TAR_BLOCK || !tar_sniff(head))
		return error_set(err, EINVAL, "it is no tar archive");
	tar = tar_open(stream_source(s));
	while ((more = tar_next(tar, &e, err)) > 0)
		if (read_entry(a, tar, e, err) < 0)
			return -1;
	return more < 0 ? -1 : drain(stream_source(s), err);
}

int archive_read_tar(struct archive *a, int fd, struct error *err)
{
	struct fd_source src;
	int r;

	fd_source_init(&src, fd, "the archive", READ_SIZE);
	r = read_all(a, &src.src, err);
	fd_source_free(&src);
	return r;
}
