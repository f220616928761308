/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/fsck_containers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/container/container.h"
#include "runtime/container/names.h"

#define SHORT_ID      12
#define YOUNG_SECONDS 5

static void check_image(struct fsck *f, const struct container *c)
{
	struct error why = ERROR_INIT;
	autoimage struct image *img = image_open(f->st, &c->config.image_id, &why);

	if (!img)
		fsck_tell(
			f, FSCK_NONE, NULL,
			"container %s cannot be started: %s: load its image again, or remove it with 'knarr rm'",
			c->config.name, why.message);
}

static void check_state(struct fsck *f, struct container *c)
{
	struct container_state state;
	struct error why = ERROR_INIT;
	int home = c->config.auto_remove ? c->run_dirfd : c->dirfd;

	if (state_read(home, &state, NULL) == 0)
		return;
	/* What cannot be read counts as exited (255); so it is written down. */
	if (f->repair && container_lock(f->st, c, &why) == 0)
		(void)container_write_state(c, &why);
	fsck_tell(f, FSCK_REMAKE, &why, "container %s: its state.json is damaged", c->config.name);
}

/* Its name goes first when it is removed: only while nobody is at it is a missing one a fault. */
static void check_name(struct fsck *f, struct container *c)
{
	struct error why = ERROR_INIT;
	char id[ID_LEN + 1];

	if (name_lookup(f->st, c->config.name, id) == 0 && strcmp(id, c->config.id) == 0)
		return;
	if (c->lock_fd < 0 && container_lock(f->st, c, &why) < 0)
		return;
	if (f->repair)
		(void)name_claim(f->st, c->config.name, c->config.id, &why);
	fsck_tell(f, FSCK_SET_RIGHT, &why, "container %.*s: its name %s does not lead to it",
		  SHORT_ID, c->config.id, c->config.name);
}

/* A folder that was made or changed just now may have its maker still at it, on the way to its lock. */
static bool is_old(const struct store *st, const char *id)
{
	struct stat s;

	return fstatat(st->containers_fd, id, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
	       s.st_ctime + YOUNG_SECONDS < time(NULL);
}

static void check_container(struct fsck *f, const char *id)
{
	autocontainer struct container c = CONTAINER_INIT;
	struct error why = ERROR_INIT, failed = ERROR_INIT;
	char *shown autofree = str_format("containers/%.*s", SHORT_ID, id);

	fsck_owner(f, f->st->containers_fd, id, shown);
	if (container_open(f->st, id, &c, &why) == 0) {
		f->n_containers++;
		check_image(f, &c);
		check_state(f, &c);
		check_name(f, &c);
		return;
	}
	if (why.code != ENOENT) {
		if (f->repair)
			(void)container_condemn(f->st, id, why.message, &failed);
		fsck_tell(f, FSCK_QUARANTINE, &failed, "%s: %s", shown, why.message);
		return;
	}
	if (!is_old(f->st, id) || !container_is_left(f->st, id, f->repair))
		return;
	/* A command that was killed while it made or removed one: no fault, for the next start sees to it. */
	if (f->repair)
		fsck_tell(f, FSCK_REMOVE, NULL, "%s: left over", shown);
	else
		fsck_note(f, "%s: left over; the next start removes it", shown);
}

static void check_names(struct fsck *f)
{
	struct strv stale autostrv = STRV_INIT;

	names_stale(f->st, &stale);
	if (f->repair)
		names_clean(f->st);
	for (size_t i = 0; i < stale.len; i++) {
		if (f->repair)
			fsck_tell(f, FSCK_REMOVE, NULL, "containers/by-name/%s: left over",
				  stale.items[i]);
		else
			fsck_note(f, "containers/by-name/%s: left over; the next start removes it",
				  stale.items[i]);
	}
}

int fsck_containers(struct fsck *f, struct error *err)
{
	struct strv ids autostrv = STRV_INIT, strays autostrv = STRV_INIT;
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = openat(f->st->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !(dir = fdopendir(fd))) {
		error_errno(err, "cannot read %s/containers", f->st->root);
		cleanup_close(&fd);
		return -1;
	}
	while ((e = readdir(dir))) {
		if (id_valid(e->d_name))
			strv_add(&ids, e->d_name);
		else if (e->d_name[0] != '.' && strcmp(e->d_name, "by-name") != 0)
			strv_add(&strays, e->d_name);
	}
	for (size_t i = 0; i < ids.len; i++)
		check_container(f, ids.items[i]);
	for (size_t i = 0; i < strays.len; i++)
		fsck_tell(f, FSCK_NONE, NULL, "containers/%s: is no container; take it away",
			  strays.items[i]);
	check_names(f);
	return 0;
}
