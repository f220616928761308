/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "image-tools/fsck_parts.h"
#include "image-tools/quarantine.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

static const struct {
	const char *would, *done;
} remedies[] = {
	[FSCK_NONE] = { NULL, NULL },
	[FSCK_REMOVE] = { "--repair removes it", "removed" },
	[FSCK_REMAKE] = { "--repair makes it anew", "made anew" },
	[FSCK_QUARANTINE] = { "--repair moves it to quarantine", "moved to quarantine" },
	[FSCK_SET_RIGHT] = { "--repair sets it right", "set right" },
};

static void say(struct fsck *f, struct strbuf *line)
{
	str_one_line(line->data);
	f->say(f, line->data);
}

void fsck_tell(struct fsck *f, enum fsck_remedy remedy, const struct error *failed, const char *fmt,
	       ...)
{
	struct strbuf line autostrbuf = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&line, fmt, ap);
	va_end(ap);
	if (remedy != FSCK_NONE && failed && failed->code)
		strbuf_printf(&line, "; it could not be mended: %s", failed->message);
	else if (remedy != FSCK_NONE)
		strbuf_printf(&line, "; %s",
			      f->repair ? remedies[remedy].done : remedies[remedy].would);
	if (f->repair && remedy != FSCK_NONE && !(failed && failed->code))
		f->mended++;
	else
		f->left++;
	say(f, &line);
}

void fsck_note(struct fsck *f, const char *fmt, ...)
{
	struct strbuf line autostrbuf = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&line, fmt, ap);
	va_end(ap);
	f->noted++;
	say(f, &line);
}

/* ---- Folders and what lies about in them */

void fsck_owner(struct fsck *f, int dirfd, const char *path, const char *shown)
{
	struct error why = ERROR_INIT;
	struct stat s;
	mode_t keep;

	if (fstatat(dirfd, path, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	/* The store's own folder may be one that was there before, as a mount point is. */
	keep = S_ISDIR(s.st_mode) && dirfd != f->st->fd ? 0700 : 0755;
	if (S_ISDIR(s.st_mode) && strcmp(path, ".") != 0)
		keep = 0700;
	if (s.st_uid == geteuid() && !(s.st_mode & 0777 & ~keep))
		return;
	if (f->repair && (fchownat(dirfd, path, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) < 0 ||
			  fchmodat(dirfd, path, s.st_mode & keep, 0) < 0))
		error_errno(&why, "%s", shown);
	fsck_tell(f, FSCK_SET_RIGHT, &why, "%s: owner %u, mode %03o: others may %s it", shown,
		  s.st_uid, s.st_mode & 0777, s.st_mode & 022 ? "change" : "look into");
}

static void check_folders(struct fsck *f)
{
	static const char *const folders[] = { "layers",     "layers/sha256",
					       "images",     "images/sha256",
					       "containers", "containers/by-name",
					       "tmp",        QUARANTINE_FOLDER,
					       "tags.json" };

	fsck_owner(f, f->st->fd, ".", f->st->root);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		fsck_owner(f, f->st->fd, folders[i], folders[i]);
}

/* Names in dirfd that is_left says true of. The store's lock is held, so nobody is making them. */
static int check_leftovers(struct fsck *f, int dirfd, const char *shown, store_is_left is_left,
			   bool fault, struct error *err)
{
	struct strv names autostrv = STRV_INIT;

	if (store_leftovers(dirfd, is_left, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		struct error why = ERROR_INIT;

		if (!f->repair && !fault) {
			fsck_note(f, "%s/%s: left over; the next start removes it", shown,
				  names.items[i]);
			continue;
		}
		if (f->repair)
			(void)fs_remove_tree(dirfd, names.items[i], &why);
		fsck_tell(f, FSCK_REMOVE, &why, "%s/%s: left over", shown, names.items[i]);
	}
	return 0;
}

static int check_all_leftovers(struct fsck *f, struct error *err)
{
	const struct store *st = f->st;
	int lock autoclose = store_lock(st, f->repair ? LOCK_EX : LOCK_SH, err);

	if (lock < 0)
		return -1;
	/* What is being made is made in tmp/, and what was is cleared away at the next start: that is no fault. */
	return check_leftovers(f, st->tmp_fd, "tmp", store_left_in_tmp, false, err) < 0 ||
			       check_leftovers(f, st->layers_fd, "layers/sha256",
					       store_left_in_layers, true, err) < 0 ||
			       check_leftovers(f, st->images_fd, "images/sha256",
					       store_left_in_images, true, err) < 0 ||
			       check_leftovers(f, st->fd, ".", store_left_in_root, false, err) < 0
		       ? -1
		       : 0;
}

int fsck_store(struct fsck *f, struct error *err)
{
	struct survey s autosurvey = SURVEY_INIT;

	check_folders(f);
	if (check_all_leftovers(f, err) < 0 || fsck_names_file(f, err) < 0)
		return -1;
	if (survey_under_lock(f->st, &s, err) < 0)
		return -1;
	f->n_images = s.n_images;
	f->n_names = s.tags.n;
	fsck_images(f, &s);
	if (fsck_layers(f, &s, err) < 0)
		return -1;
	fsck_needs(f, &s);
	fsck_names(f, &s);
	if (fsck_orphans(f, &s, err) < 0)
		return -1;
	return fsck_quarantine(f, &s, err);
}
