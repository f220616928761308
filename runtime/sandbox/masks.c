/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/masks.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/mounts.h"
#include "runtime/spec/kernel.h"

#define COVER_ATTRIBUTES ((uint64_t)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC))

/* What masks are copied from; each opened when first needed. */
struct covers {
	int null;  /* the null device */
	int empty; /* a tmpfs */
};

static bool absent(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

static int make_readonly(struct sandbox_plan *plan, const struct rootfs_fds *fds, const char *path)
{
	autoclose int at = sys_open_in_root(fds->root, path, O_PATH);

	if (at < 0 && absent())
		return 0;
	autoclose int tree = at < 0 ? -1 : sys_open_tree_clone(at, AT_RECURSIVE);
	if (tree < 0 ||
	    sys_mount_setattr(tree, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE) < 0 ||
	    sys_move_mount(tree, at) < 0)
		return sandbox_fault(plan, STEP_READONLY, path);
	return 0;
}

/* What stands at /dev/null must be the null device itself, not what an image or a neighbour put in its place
 * (CVE-2025-31133). */
static int open_null(const struct rootfs_fds *fds)
{
	struct stat st;
	autoclose int null = sys_open_in_root(fds->root, "/dev/null", O_PATH | O_NOFOLLOW);

	if (null < 0 || fstat(null, &st) < 0)
		return -1;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
		errno = ENODEV;
		return -1;
	}
	return STEAL_FD(null);
}

/* Covers path, if it exists, with nothing: a file with the null device, a folder with one empty tmpfs that all of them
 * share. Neither can be changed through the cover. */
static int mask(struct sandbox_plan *plan, const struct rootfs_fds *fds, const char *path,
		struct covers *covers)
{
	struct stat st;
	autoclose int at = sys_open_in_root(fds->root, path, O_PATH);

	if (at < 0)
		return absent() ? 0 : sandbox_fault(plan, STEP_MASK, path);
	if (fstat(at, &st) < 0)
		return sandbox_fault(plan, STEP_MASK, path);

	bool folder = S_ISDIR(st.st_mode);
	if (!folder && covers->null < 0 && (covers->null = open_null(fds)) < 0)
		return sandbox_fault(plan, STEP_MASK, "/dev/null");

	autoclose int cover = -1;
	if (folder && covers->empty < 0) {
		static const struct spec_mount tmpfs = { .type = (char *)"tmpfs" };

		/* The first is not copied: a mount that is not attached cannot be, before Linux 6.15. It stays open. */
		covers->empty = mounts_filesystem(&tmpfs, COVER_ATTRIBUTES, NULL, 0);
		if (covers->empty < 0 || sys_move_mount(covers->empty, at) < 0)
			return sandbox_fault(plan, STEP_MASK, path);
		return 0;
	}
	cover = sys_open_tree_clone(folder ? covers->empty : covers->null, 0);
	if (cover < 0 || sys_mount_setattr(cover, 0, COVER_ATTRIBUTES, 0, MS_PRIVATE) < 0 ||
	    sys_move_mount(cover, at) < 0)
		return sandbox_fault(plan, STEP_MASK, path);
	return 0;
}

int masks_make(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;
	struct covers covers = { .null = -1, .empty = -1 };

	for (size_t i = 0; i < spec->readonly_paths.len; i++)
		if (make_readonly(plan, fds, spec->readonly_paths.items[i]) < 0)
			return -1;
	for (size_t i = 0; i < spec->masked_paths.len; i++)
		if (mask(plan, fds, spec->masked_paths.items[i], &covers) < 0)
			return -1;
	return 0;
}
