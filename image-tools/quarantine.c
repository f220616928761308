/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

static int open_quarantine(const struct store *st)
{
	return openat(st->fd, QUARANTINE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int quarantine_put(const struct store *st, int dirfd, const char *path, const char *name,
		   const char *reason, struct error *err)
{
	char *note autofree = str_format("%s" QUARANTINE_REASON, name);
	char *line autofree = str_format("%s\n", reason);
	int fd autoclose = -1;

	if (mkdirat(st->fd, QUARANTINE_FOLDER, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make %s/" QUARANTINE_FOLDER, st->root);
	fd = open_quarantine(st);
	if (fd < 0)
		return error_errno(err, "cannot open %s/" QUARANTINE_FOLDER, st->root);
	/* A folder cannot be renamed over another that holds something. */
	if (fs_remove_tree(fd, name, err) < 0)
		return -1;
	/* The reason is for people; a full disk must not keep a damaged thing in use for the lack of it. */
	(void)fs_write_file(fd, note, line, strlen(line), 0600, FS_DURABLE, NULL);
	if (renameat(dirfd, path, fd, name) < 0)
		return error_errno(err, "cannot move '%s' to %s/" QUARANTINE_FOLDER, path,
				   st->root);
	/* The new name first: a power cut may leave both, and must not leave none. */
	if (fs_sync_dir(fd, err) < 0 || fs_sync_dir(dirfd, err) < 0 || fs_sync_dir(st->fd, err) < 0)
		return -1;
	return 0;
}

int quarantine_list(const struct store *st, struct strv *names, struct error *err)
{
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = open_quarantine(st);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || !(dir = fdopendir(fd))) {
		error_errno(err, "cannot read %s/" QUARANTINE_FOLDER, st->root);
		cleanup_close(&fd);
		return -1;
	}
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && !str_ends(e->d_name, QUARANTINE_REASON))
			strv_add(names, e->d_name);
	return 0;
}

int quarantine_drop(const struct store *st, const char *name, struct error *err)
{
	char *note autofree = str_format("%s" QUARANTINE_REASON, name);
	int fd autoclose = open_quarantine(st);

	if (fd < 0)
		return errno == ENOENT
			       ? 0
			       : error_errno(err, "cannot open %s/" QUARANTINE_FOLDER, st->root);
	if (fs_remove_tree(fd, name, err) < 0 || fs_remove_tree(fd, note, err) < 0)
		return -1;
	(void)unlinkat(st->fd, QUARANTINE_FOLDER, AT_REMOVEDIR);
	return 0;
}
