/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the machine for a container: those of --device, or with --privileged all there are, and the rules for them. */
#include "runtime/engine/engine_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/spec/kernel.h"

#define DEPTH_MAX 8 /* folders below /dev, or below one given with --device */

static bool has_device(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->n_devices; i++)
		if (strcmp(spec->devices[i].path, path) == 0)
			return true;
	return false;
}

static void add_device(struct spec *spec, const char *source, const char *path,
		       const struct stat *st)
{
	struct spec_device *d;

	if (has_device(spec, path))
		return;
	d = spec_add_device(spec);
	d->path = xstrdup(path);
	d->source = xstrdup(source);
	d->mode = st->st_mode;
	d->device = st->st_rdev;
	d->uid = st->st_uid;
	d->gid = st->st_gid;
}

static void allow(struct resources *r, const struct stat *st, const char *permissions)
{
	struct resource_device *rule = resources_add_device(r);

	rule->allow = true;
	rule->type = S_ISBLK(st->st_mode) ? 'b' : 'c';
	rule->major = major(st->st_rdev);
	rule->minor = minor(st->st_rdev);
	rule->read = strchr(permissions, 'r');
	rule->write = strchr(permissions, 'w');
	rule->mknod = strchr(permissions, 'm');
}

/* What of the machine's /dev is not for a container: filesystems and nodes that it has of its own. */
static bool is_own(const char *path)
{
	return str_in_list(path, "/dev/pts,/dev/shm,/dev/fd,/dev/mqueue,/dev/console,/dev/.lxc,"
				 "/dev/.lxd-mounts,/dev/.udev,/dev/ptmx");
}

/* All nodes in a folder and below it. permissions NULL: no rules for them. Returns how many. */
static size_t add_folder(struct spec *spec, const char *source, const char *path,
			 const char *permissions, int depth)
{
	autodir DIR *dir = opendir(source);
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir))) {
		autofree char *from = str_format("%s/%s", source, e->d_name);
		autofree char *to = str_format("%s/%s", path, e->d_name);
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_own(from) ||
		    lstat(from, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			n += add_folder(spec, from, to, permissions, depth + 1);
		} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			add_device(spec, from, to, &st);
			if (permissions)
				allow(&spec->resources, &st, permissions);
			n++;
		}
	}
	return n;
}

static int add_one(const struct host_device *d, bool privileged, struct spec *spec,
		   struct error *err)
{
	const char *permissions = privileged ? NULL : d->permissions;
	struct stat st;

	if (stat(d->source, &st) < 0)
		return error_set(err, errno,
				 "error gathering device information while adding custom device "
				 "\"%s\": %s",
				 d->source,
				 errno == ENOENT ? "no such file or directory" : strerror(errno));
	if (S_ISDIR(st.st_mode) && add_folder(spec, d->source, d->target, permissions, 0))
		return 0;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, EINVAL,
				 "error gathering device information while adding custom device "
				 "\"%s\": not a device node",
				 d->source);
	add_device(spec, d->source, d->target, &st);
	if (permissions)
		allow(&spec->resources, &st, permissions);
	return 0;
}

int engine_devices(const struct host_config *h, struct spec *spec, struct error *err)
{
	if (h->privileged) {
		struct resource_device *all = resources_add_device(&spec->resources);

		all->allow = all->read = all->write = all->mknod = true;
		all->type = 'a';
		add_folder(spec, "/dev", "/dev", NULL, 0);
	}
	for (size_t i = 0; i < h->n_devices; i++)
		if (add_one(&h->devices[i], h->privileged, spec, err) < 0)
			return -1;
	for (size_t i = 0; !h->privileged && i < h->device_rules.len; i++) {
		struct resource_device rule;

		if (engine_device_rule(h->device_rules.items[i], &rule, err) < 0)
			return -1;
		*resources_add_device(&spec->resources) = rule;
	}
	return 0;
}
