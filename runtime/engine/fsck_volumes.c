/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/fsck_volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "image-tools/quarantine.h"
#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/container/container.h"
#include "runtime/container/volume_private.h"

static void check_volume(struct fsck *f, int folder, const char *name)
{
	char *data autofree = str_format("%s/" VOLUME_DATA, name);
	char *shown autofree = str_format("volumes/%s", name);
	char *kept autofree = str_format("volume-%.200s", name);
	struct volume v autovolume = VOLUME_INIT;
	struct error why = ERROR_INIT, failed = ERROR_INIT;
	struct stat s;

	fsck_owner(f, folder, name, shown);
	f->n_volumes++;
	if (fstatat(folder, data, &s, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(s.st_mode)) {
		if (f->repair)
			(void)quarantine_put(f->st, folder, name, kept, "it has no " VOLUME_DATA,
					     &failed);
		fsck_tell(f, FSCK_QUARANTINE, &failed, "%s: has no " VOLUME_DATA, shown);
		return;
	}
	if (volume_open(f->st, name, &v, &why) == 0)
		return;
	if (f->repair)
		(void)volume_describe_anew(f->st, name, &failed);
	fsck_tell(f, FSCK_REMAKE, &failed, "%s: its volume.json is damaged", shown);
}

/* What a container was promised. */
static int check_uses(struct fsck *f, struct error *err)
{
	struct container *list;
	size_t n;

	if (container_list_as_is(f->st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct host_config *h = &list[i].config.host;

		for (size_t k = 0; k < h->n_mounts; k++) {
			const char *name = h->mounts[k].source;
			struct volume v autovolume = VOLUME_INIT;
			struct error why = ERROR_INIT;

			if (h->mounts[k].type != HOST_MOUNT_VOLUME || !name ||
			    volume_open(f->st, name, &v, &why) == 0 || why.code != ENOENT)
				continue;
			fsck_tell(f, FSCK_NONE, NULL,
				  "container %s cannot be started: its volume %s is gone: make it "
				  "with 'knarr volume create', or remove the container",
				  list[i].config.name, name);
		}
	}
	container_list_free(list, n);
	return 0;
}

int fsck_volumes(struct fsck *f, struct error *err)
{
	/* Nobody makes a container with volumes, nor removes one, meanwhile. */
	autoclose int lock = volume_lock(f->st, LOCK_EX, err);
	autoclose int folder = lock < 0 ? -1 : volume_folder(f->st, err);
	struct strv names autostrv = STRV_INIT;
	DIR *dir autodir = NULL;
	struct dirent *e;
	int fd = folder < 0 ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !(dir = fdopendir(fd))) {
		cleanup_close(&fd);
		return folder < 0 ? -1 : error_errno(err, "cannot read %s/volumes", f->st->root);
	}
	fsck_owner(f, f->st->fd, "volumes", "volumes");
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			strv_add(&names, e->d_name);
	for (size_t i = 0; i < names.len; i++) {
		if (volume_check_name(names.items[i], NULL) == 0)
			check_volume(f, folder, names.items[i]);
		else
			fsck_tell(f, FSCK_NONE, NULL, "volumes/%s: is no volume; take it away",
				  names.items[i]);
	}
	return check_uses(f, err);
}
