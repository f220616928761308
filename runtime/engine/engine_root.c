/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root filesystem that a container's processes see: writable layer, layers of the image, mount points. */
#include "runtime/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/sandbox.h"

static void make_skeleton(int run_fd)
{
	static const char *const folders[] = { "skeleton", "skeleton/dev", "skeleton/etc",
					       "skeleton/proc", "skeleton/sys" };
	static const char *const files[] = { "skeleton/etc/hostname", "skeleton/etc/hosts",
					     "skeleton/etc/resolv.conf" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(run_fd, folders[i], 0755) == 0)
			fchmodat(run_fd, folders[i], 0755, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		autoclose int fd = openat(run_fd, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd >= 0)
			fchmod(fd, 0644);
	}
}

void engine_skeleton(const struct store *st, struct strv *lowers)
{
	static const char last[] = "skeleton/etc/resolv.conf";

	if (faccessat(st->run_fd, last, F_OK, 0) < 0)
		make_skeleton(st->run_fd);
	if (faccessat(st->run_fd, last, F_OK, 0) == 0)
		strv_addf(lowers, "%s/skeleton", st->run);
}

int engine_writable_layer(const struct store *st, const struct container *c, struct spec_root *root,
			  struct error *err)
{
	if ((mkdirat(c->dirfd, "upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(c->dirfd, "work", 0700) < 0 && errno != EEXIST))
		return error_errno(err, "cannot make the container's writable layer");
	root->upper = str_format("%s/containers/%s/upper", st->root, c->config.id);
	root->work = str_format("%s/containers/%s/work", st->root, c->config.id);
	return 0;
}

int engine_mount_root(const struct store *st, const struct image *image, struct spec_root *root,
		      struct layer_hold *hold, struct error *err)
{
	if (layer_hold(st, image->diffids, image->n_diffids, hold, err) < 0)
		return -1;
	for (size_t i = hold->n; i-- > 0;)
		strv_add(&root->lowers, hold->paths[i]);
	engine_skeleton(st, &root->lowers);
	return sandbox_mount_root(root, err);
}
