/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volumes of a container that is about to be made (volumes_prepare), and of one that is gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "image-tools/layer.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/container/volume_private.h"
#include "runtime/engine/copy.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/spec/kernel.h"

/* The image's files, mounted when somebody first asks for them. */
struct image_files {
	const struct store *st;
	const struct image *image;
	struct layer_hold hold;
	int root_fd;
};

struct preparation {
	const struct store *st;
	struct container_config *config;
	struct volume_hold *hold;
	struct image_files files;
	bool exclusive; /* the lock is held so */
	bool again;     /* it must be: an empty volume is to be filled */
};

static int mount_files(struct image_files *f, struct error *err)
{
	struct spec_root root = { 0 };

	if (f->root_fd >= 0)
		return 0;
	f->root_fd = engine_mount_root(f->st, f->image, &root, &f->hold, err);
	strv_free(&root.lowers);
	if (f->root_fd < 0)
		return -1;
	/* Devices and programs of the image mean nothing to what reads it here. */
	if (sys_mount_setattr(f->root_fd, 0,
			      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
				      MOUNT_ATTR_NOEXEC,
			      0, 0) < 0)
		return error_errno(err, "the image's layers");
	return 0;
}

static void unmount_files(struct image_files *f)
{
	/* The mount before what it stands on. */
	cleanup_close(&f->root_fd);
	f->root_fd = -1;
	layer_release(&f->hold);
}

/* Whether the image has a folder at target: 1, 0, or -1 with err set. */
static int has_folder(struct image_files *f, const char *target, struct error *err)
{
	autoclose int fd = -1;

	if (mount_files(f, err) < 0)
		return -1;
	fd = fs_open_in_root(f->root_fd, target, O_PATH | O_DIRECTORY, 0);
	return fd >= 0;
}

/* Copies the image's folder at target into the draft, as its _data. */
static int copy_up(struct image_files *f, const struct volume_draft *d, const char *target,
		   struct error *err)
{
	const struct copy_options options = { .archive = true, .follow_link = true };
	struct copy_end from = { .root_fd = f->root_fd, .userns_fd = -1, .container = "the image" };
	struct copy_end to = { .root_fd = d->dirfd, .userns_fd = -1, .container = "the volume" };
	uint64_t bytes = 0;
	int r;

	copy_path_parse("/", target, &from.path);
	copy_path_parse("/", VOLUME_DATA, &to.path);
	r = copy_tree(&from, &to, &options, &bytes, err);
	copy_path_free(&from.path);
	copy_path_free(&to.path);
	return r < 0 ? error_prefix(err, "cannot fill the volume for %s", target) : 0;
}

/* Whether the volume is there, with something in it: 2; without: 1; not there: 0; -1 with err set. */
static int look_at(const struct store *st, const char *name, struct error *err)
{
	autofree char *path = volume_path(st, name);
	autodir DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, "volume %s", name);
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 2;
	return 1;
}

/* Makes the volume of m; EEXIST: another has meanwhile. */
static int make(struct preparation *p, struct host_mount *m, int filled, struct error *err)
{
	struct volume v autovolume = VOLUME_INIT;
	struct volume_draft draft autodraft = VOLUME_DRAFT_INIT;

	if (volume_describe(m->source, &m->labels, m->anonymous && p->config->auto_remove, &v,
			    err) < 0 ||
	    volume_draft_begin(p->st, &draft, err) < 0 ||
	    (filled && copy_up(&p->files, &draft, m->target, err) < 0) ||
	    volume_draft_finish(&draft, &v, filled, err) < 0)
		return -1;
	if (!m->source)
		m->source = xstrdup(v.name);
	strv_add(&p->hold->made, v.name);
	return 0;
}

/* An empty volume that no container has yet is filled like a new one. */
static int fill(struct preparation *p, const struct host_mount *m, struct error *err)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	struct volume_draft draft autodraft = VOLUME_DRAFT_INIT;

	if (volume_uses_read(p->st, &uses, err) < 0)
		return -1;
	if (volume_uses_count(&uses, m->source))
		return 0;
	if (!p->exclusive) {
		p->again = true;
		return 0;
	}
	if (volume_draft_begin(p->st, &draft, err) < 0 ||
	    copy_up(&p->files, &draft, m->target, err) < 0)
		return -1;
	return volume_draft_exchange(&draft, m->source, err);
}

static int prepare(struct preparation *p, struct host_mount *m, struct error *err)
{
	struct error why = ERROR_INIT;
	int there = m->source ? look_at(p->st, m->source, err) : 0;
	int copies = 0;

	if (there < 0 || there == 2)
		return there < 0 ? -1 : 0;
	if (!m->no_copy)
		copies = has_folder(&p->files, m->target, err);
	if (copies < 0)
		return -1;
	if (there == 1)
		return copies ? fill(p, m, err) : 0;
	if (make(p, m, copies, &why) == 0 || why.code == EEXIST)
		return 0;
	return error_set(err, why.code, "%s", why.message);
}

static int prepare_all(struct preparation *p, struct error *err)
{
	struct host_config *h = &p->config->host;

	for (size_t i = 0; i < h->n_mounts; i++)
		if (h->mounts[i].type == HOST_MOUNT_VOLUME && prepare(p, &h->mounts[i], err) < 0)
			return -1;
	return 0;
}

static bool has_volumes(const struct host_config *h)
{
	for (size_t i = 0; i < h->n_mounts; i++)
		if (h->mounts[i].type == HOST_MOUNT_VOLUME)
			return true;
	return false;
}

int volumes_prepare(const struct store *st, struct container_config *config,
		    const struct image *image, struct volume_hold *hold, struct error *err)
{
	struct preparation p = { .st = st, .config = config, .hold = hold };
	int r;

	*hold = (struct volume_hold)VOLUME_HOLD_INIT;
	p.files = (struct image_files){ .st = st, .image = image, .root_fd = -1 };
	for (size_t i = 0; i < config->run.volumes.len; i++)
		if (host_mounts_add_anonymous(&config->host, config->run.volumes.items[i], true,
					      err) < 0)
			return -1;
	if (!has_volumes(&config->host))
		return 0;
	hold->lock_fd = volume_lock(st, LOCK_SH, err);
	if (hold->lock_fd < 0)
		return -1;
	r = prepare_all(&p, err);
	if (r == 0 && p.again) {
		/* Between the two locks others may have been at it: all is looked at anew. */
		p.exclusive = true;
		r = fs_lock(hold->lock_fd, LOCK_EX) < 0
			    ? error_errno(err, "cannot lock the volumes of %s", st->root)
			    : prepare_all(&p, err);
	}
	unmount_files(&p.files);
	if (r < 0)
		volumes_abandon(st, hold);
	return r;
}

void volumes_keep(struct volume_hold *hold)
{
	cleanup_close(&hold->lock_fd);
	hold->lock_fd = -1;
	strv_free(&hold->made);
}

void volumes_abandon(const struct store *st, struct volume_hold *hold)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;

	/* Another may have found one by its name meanwhile, and want to keep it. */
	if (hold->made.len && fs_lock(hold->lock_fd, LOCK_EX) == 0 &&
	    volume_uses_read(st, &uses, NULL) == 0)
		for (size_t i = 0; i < hold->made.len; i++)
			if (!volume_uses_count(&uses, hold->made.items[i]))
				(void)volume_remove_locked(st, hold->made.items[i], NULL);
	volumes_keep(hold);
}

int volumes_remove_anonymous(const struct store *st, const struct container_config *config,
			     struct error *err)
{
	const struct host_config *h = &config->host;
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	autoclose int lock = -1;

	for (size_t i = 0; i < h->n_mounts; i++) {
		const struct host_mount *m = &h->mounts[i];
		struct error why = ERROR_INIT;

		if (m->type != HOST_MOUNT_VOLUME || !m->anonymous || !m->source)
			continue;
		if (lock < 0) {
			lock = volume_lock(st, LOCK_EX, err);
			if (lock < 0 || volume_uses_read(st, &uses, err) < 0)
				return -1;
		}
		if (volume_uses_count(&uses, m->source) ||
		    volume_remove_locked(st, m->source, &why) == 0 || why.code == ENOENT)
			continue;
		return error_set(err, why.code, "%s", why.message);
	}
	return 0;
}
