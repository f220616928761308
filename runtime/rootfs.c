/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/rootfs.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "runtime/kernel.h"
#include "runtime/sandbox.h"

/* ---- Parent */

/* Says why fsconfig or fsmount refused: the kernel's own line ("e overlay: ...") is better than an
 * errno where it gives one. */
static int fs_error(int fs, const char *type, struct error *err)
{
	int code = errno;
	char line[256];
	ssize_t n = read(fs, line, sizeof(line) - 1);

	if (n > 2 && (line[0] == 'e' || line[0] == 'w')) {
		while (n > 0 && line[n - 1] == '\n')
			n--;
		line[n] = '\0';
		return error_set(err, code, "mount %s: %s (%s)", type, strerror(code), line + 2);
	}
	return error_set(err, code, "mount %s: %s", type, strerror(code));
}

static int set_string(int fs, const char *key, const char *value)
{
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* An image may have a layer twice. The upper one shows all that the lower one could, and overlayfs takes no folder twice
 * (ELOOP). */
static bool stands_above(const struct strv *lowers, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(lowers->items[i], lowers->items[at]) == 0)
			return true;
	return false;
}

/* Kernels before 6.8 take the lower layers as one text in which ':' and '\' are escaped, and of
 * which 255 characters are kept by fsconfig: mount(2) takes a page, but leaves no detached mount.
 * So the old way is only for few, short paths. */
static int set_lowers_joined(int fs, const struct strv *lowers)
{
	autostrbuf struct strbuf joined = STRBUF_INIT;

	for (size_t i = 0; i < lowers->len; i++) {
		if (stands_above(lowers, i))
			continue;
		if (i)
			strbuf_putc(&joined, ':');
		for (const char *c = lowers->items[i]; *c; c++) {
			if (*c == ':' || *c == '\\')
				strbuf_putc(&joined, '\\');
			strbuf_putc(&joined, *c);
		}
	}
	return set_string(fs, "lowerdir", joined.data);
}

static int set_lowers(int fs, const struct strv *lowers)
{
	for (size_t i = 0; i < lowers->len; i++) {
		if (stands_above(lowers, i) || set_string(fs, "lowerdir+", lowers->items[i]) == 0)
			continue;
		if (i == 0 && errno == EINVAL)
			return set_lowers_joined(fs, lowers);
		return -1;
	}
	return 0;
}

static int mount_overlay(const struct spec_root *root, struct error *err)
{
	autoclose int fs = sys_fsopen("overlay");

	if (fs < 0)
		return error_errno(err, "overlay filesystem");
	/* No UUID: nobody asks for one, and the kernel would write it into the upper directory. Kernels
	 * before 6.6 do not know the word, nor do it. */
	(void)set_string(fs, "uuid", "null");
	/* Plain copies and whiteouts in the upper directory, whatever the kernel's defaults are:
	 * `commit` turns it into a layer that other runtimes read, and they know neither redirects
	 * nor data-less copies. */
	if (set_string(fs, "source", "overlay") < 0 || set_lowers(fs, &root->lowers) < 0 ||
	    (root->upper &&
	     (set_string(fs, "upperdir", root->upper) < 0 ||
	      set_string(fs, "workdir", root->work) < 0 || set_string(fs, "index", "off") < 0)) ||
	    set_string(fs, "metacopy", "off") < 0 ||
	    set_string(fs, "redirect_dir", "nofollow") < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_error(fs, "overlay", err);

	int fd = sys_fsmount(fs, root->upper ? 0 : MOUNT_ATTR_RDONLY);
	return fd < 0 ? fs_error(fs, "overlay", err) : fd;
}

/* A detached, private copy of what is mounted at path. */
static int clone_folder(const char *path, bool readonly, struct error *err)
{
	autoclose int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, "root filesystem %s", path);

	autoclose int tree = sys_open_tree_clone(at, readonly ? 0 : AT_RECURSIVE);
	if (tree < 0 || sys_mount_setattr(tree, AT_RECURSIVE, readonly ? MOUNT_ATTR_RDONLY : 0, 0,
					  MS_PRIVATE) < 0)
		return error_errno(err, "root filesystem %s", path);
	return STEAL_FD(tree);
}

int sandbox_mount_root(const struct spec_root *root, struct error *err)
{
	if (root->upper && root->lowers.len)
		return mount_overlay(root, err);
	if (root->lowers.len == 1)
		return clone_folder(root->lowers.items[0], true, err);
	if (root->lowers.len)
		return mount_overlay(root, err);
	if (root->path || root->upper)
		return clone_folder(root->path ? root->path : root->upper, false, err);
	return error_set(err, EINVAL, "the container has no root filesystem");
}

static int open_source(const struct spec_mount *m, struct error *err)
{
	autoclose int opened = -1;
	int at = m->source_fd;

	if (at < 0)
		at = opened = open(m->source, O_PATH | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, "bind mount %s: %s", m->destination, m->source);

	autoclose int tree = sys_open_tree_clone(at, m->recursive ? AT_RECURSIVE : 0);
	if (tree < 0)
		return error_errno(err, "bind mount %s: %s", m->destination,
				   m->source ? m->source : "");
	return STEAL_FD(tree);
}

int rootfs_prepare(struct sandbox_plan *plan, struct error *err)
{
	const struct spec *spec = plan->spec;

	plan->source_fds = xcalloc(spec->n_mounts + 1, sizeof(int));
	for (size_t i = 0; i < spec->n_mounts; i++)
		plan->source_fds[i] = -1;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (strcmp(spec->mounts[i].type, "bind") != 0)
			continue;
		plan->source_fds[i] = open_source(&spec->mounts[i], err);
		if (plan->source_fds[i] < 0)
			return -1;
	}
	return 0;
}

void rootfs_release(struct sandbox_plan *plan)
{
	for (size_t i = 0; plan->source_fds && i < plan->spec->n_mounts; i++)
		if (plan->source_fds[i] >= 0)
			close(plan->source_fds[i]);
	free(plan->source_fds);
	plan->source_fds = NULL;
}

/* ---- Child */

/* Whether the mounts are seen by nobody else, so that the root may become that of the namespace. */
static bool has_own_mounts(const struct spec *spec)
{
	if (spec->namespaces & CLONE_NEWNS)
		return true;
	for (size_t i = 0; i < spec->n_joins; i++)
		if (spec->joins[i].type == CLONE_NEWNS)
			return true;
	return false;
}

int rootfs_attach(struct sandbox_plan *plan, struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;
	bool own = has_own_mounts(spec);
	/* Hooks look for the root at the path that they know. */
	bool at_path = spec->root.path && (!own || spec->hooks[HOOK_CREATE_CONTAINER].n);
	autoclose int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int folder = at_path ? open(spec->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	/* Nothing done here may travel to the host through a shared mount, nor back. */
	if (host < 0 || (own && sys_mount_setattr(host, AT_RECURSIVE, 0, 0, MS_PRIVATE) < 0))
		return sandbox_fault(plan, STEP_ROOT,
				     sys_is_mount_root(host) ? "propagation" : "within a chroot");
	if (!own && !at_path) {
		errno = EINVAL;
		return sandbox_fault(plan, STEP_ROOT, "it needs a mount namespace");
	}
	if ((at_path && folder < 0) || sys_move_mount(plan->root_fd, at_path ? folder : host) < 0)
		return sandbox_fault(plan, STEP_ROOT, "attaching");
	fds->root = plan->root_fd;
	return 0;
}

int rootfs_enter(struct sandbox_plan *plan)
{
	const struct spec *spec = plan->spec;
	autoclose int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (host < 0 || fchdir(plan->root_fd) < 0)
		return sandbox_fault(plan, STEP_ROOT, "entering");
	if (!has_own_mounts(spec)) {
		if (chroot(".") < 0)
			return sandbox_fault(plan, STEP_ROOT, "chroot");
	} else if (sys_pivot_root(".", ".") == 0) {
		/* The old root now lies over the new one, at the same place: "." still is the new
		 * one, and what is unmounted there is the topmost. */
		if (sys_umount2(".", MNT_DETACH) < 0)
			return sandbox_fault(plan, STEP_ROOT, "detaching the host's mounts");
	} else if (errno == EINVAL && sys_is_mount_root(host)) {
		/* The kernel never pivots its first filesystem (an initramfs that stayed the root
		 * and was not bound over itself). The new root lies over "/", if it does not yet;
		 * going up from it ends at it, since the mount below is hidden at its very root. In
		 * a chroot the way up would lead out into the host: there we do not start
		 * containers. */
		if (spec->hooks[HOOK_CREATE_CONTAINER].n && spec->root.path &&
		    sys_move_mount(plan->root_fd, host) < 0)
			return sandbox_fault(plan, STEP_ROOT, "moving");
		if (chroot(".") < 0)
			return sandbox_fault(plan, STEP_ROOT, "chroot");
	} else {
		return sandbox_fault(plan, STEP_ROOT, "pivot_root");
	}
	if (chdir("/") < 0)
		return sandbox_fault(plan, STEP_ROOT, "chdir");
	return 0;
}

int sandbox_make_path(int root_fd, const char *path, bool is_file)
{
	int fd = sys_open_in_root(root_fd, path, O_PATH);
	if (fd >= 0 || errno != ENOENT)
		return fd;

	char part[4096];
	size_t len = strlen(path);
	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(part, path, len + 1);
	while (len > 1 && part[len - 1] == '/')
		part[--len] = '\0';

	/* Each parent is opened anew from the root, for it may be a link, relative or absolute. */
	int parent = sys_open_in_root(root_fd, "/", O_PATH | O_DIRECTORY);
	for (size_t start = part[0] == '/'; parent >= 0 && start < len;) {
		size_t end = start;
		while (end < len && part[end] != '/')
			end++;
		part[end] = '\0';
		if (end > start) {
			bool file = is_file && end == len;
			int next = sys_open_in_root(root_fd, part, O_PATH);

			if (next < 0 && errno == ENOENT) {
				int made = file ? mknodat(parent, part + start, S_IFREG | 0644, 0)
						: mkdirat(parent, part + start, 0755);
				if (made == 0 || errno == EEXIST)
					next = sys_open_in_root(root_fd, part, O_PATH);
			}
			cleanup_close(&parent);
			parent = next;
		}
		if (end < len)
			part[end] = '/';
		start = end + 1;
	}
	return parent;
}

/* One option "key=value" or "key" of a filesystem. */
static int set_option(int fs, const char *option)
{
	char key[64];
	const char *eq = strchr(option, '=');

	if (!eq)
		return sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	size_t len = (size_t)(eq - option);
	if (len >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, len);
	key[len] = '\0';
	return set_string(fs, key, eq + 1);
}

/* A new filesystem as a detached mount. */
static int make_filesystem(const struct spec_mount *m)
{
	autoclose int fs = sys_fsopen(m->type);

	if (fs < 0 || set_string(fs, "source", m->source ? m->source : m->type) < 0)
		return -1;
	for (size_t i = 0; i < m->options.len; i++)
		if (set_option(fs, m->options.items[i]) < 0)
			return -1;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return sys_fsmount(fs, m->attr_set);
}

static bool is_type(const struct spec_mount *m, const char *type)
{
	return strcmp(m->type, type) == 0;
}

/* Whether the mount may go to at, which destination was found to be. Below /proc the container's
 * view of itself is at stake: /proc/self/attr, /proc/sys, /proc/self/fd are trusted by programs and
 * by whoever execs into the container. Only files of figures that lxcfs and its like put there may
 * be covered (CVE-2019-16884, CVE-2025-52881). */
static bool may_cover(const struct spec_mount *m, int at)
{
	static const char *const figures[] = { "/proc/cpuinfo", "/proc/diskstats",
					       "/proc/meminfo", "/proc/stat",
					       "/proc/swaps",   "/proc/uptime",
					       "/proc/loadavg", "/proc/slabinfo",
					       "/proc/net/dev", "/proc/sys/kernel/ns_last_pid" };
	struct statfs fs;

	if (fstatfs(at, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return true;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (strcmp(m->destination, figures[i]) == 0)
			return true;
	return false;
}

/* Makes mount number i; the descriptor of the mount, now attached, or -1. */
static int furnish_mount(struct sandbox_plan *plan, const struct rootfs_fds *fds, size_t i)
{
	const struct spec_mount *m = &plan->spec->mounts[i];
	bool bind = is_type(m, "bind");
	autoclose int mount = bind ? plan->source_fds[i] : make_filesystem(m);
	struct stat st;

	if (mount < 0)
		return sandbox_fault(plan, STEP_MOUNT, m->destination);
	if (bind || m->propagation) {
		unsigned int recursive =
			m->recursive || (m->propagation & MS_REC) ? AT_RECURSIVE : 0;
		uint64_t propagation = m->propagation & ~(uint64_t)MS_REC;

		if (fstat(mount, &st) < 0 ||
		    sys_mount_setattr(mount, recursive, m->attr_set, m->attr_clear,
				      propagation ? propagation : MS_PRIVATE) < 0)
			return sandbox_fault(plan, STEP_MOUNT, m->destination);
	}

	autoclose int at = -1;
	if (is_type(m, "proc") || is_type(m, "sysfs")) {
		/* What masks /proc and /sys, and what writes below them, relies on their being
		 * where they seem to be: no image (or volume shared with another container) may
		 * lead them elsewhere by a link. */
		at = sys_openat2(fds->root, m->destination, O_PATH | O_DIRECTORY, 0,
				 RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (at < 0 && errno != ENOENT)
			return sandbox_fault(plan, STEP_MOUNT_PROC, m->destination);
	}
	if (at < 0)
		at = sandbox_make_path(fds->root, m->destination, bind && !S_ISDIR(st.st_mode));
	if (at < 0)
		return sandbox_fault(plan, STEP_MOUNT_POINT, m->destination);
	if (!is_type(m, "proc") && !may_cover(m, at)) {
		errno = EPERM;
		return sandbox_fault(plan, STEP_MOUNT_PROC, m->destination);
	}
	if (sys_move_mount(mount, at) < 0)
		return sandbox_fault(plan, STEP_MOUNT, m->destination);
	return STEAL_FD(mount);
}

/* The folder of path as a descriptor, and in *name its last part. */
static int open_parent(int root_fd, const char *path, const char **name)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	folder[len] = '\0';
	*name = slash ? slash + 1 : path;
	return sandbox_make_path(root_fd, len ? folder : "/", false);
}

static int furnish_devices(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	for (size_t i = 0; i < plan->spec->n_devices; i++) {
		const struct spec_device *d = &plan->spec->devices[i];
		const char *name;
		struct stat st;
		autoclose int folder = open_parent(fds->root, d->path, &name);

		if (folder < 0)
			return sandbox_fault(plan, STEP_DEVICE, d->path);
		if (mknodat(folder, name, d->mode, d->device) == 0) {
			if ((d->uid || d->gid) &&
			    fchownat(folder, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
				return sandbox_fault(plan, STEP_DEVICE, d->path);
			continue;
		}
		/* The same device may be there already, from a bound /dev. */
		if (errno != EEXIST || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != d->device)
			return sandbox_fault(plan, STEP_DEVICE, d->path);
	}
	return 0;
}

/* The links every Linux program expects in /dev (runtime-spec, config-linux.md, "Default
 * Devices"). */
static int furnish_links(struct sandbox_plan *plan, int dev_fd)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "pts/ptmx", "ptmx" },          { "/proc/kcore", "core" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][0], dev_fd, links[i][1]) < 0 && errno != EEXIST)
			return sandbox_fault(plan, STEP_DEVICE, links[i][1]);
	return 0;
}

int rootfs_furnish(struct sandbox_plan *plan, struct rootfs_fds *fds)
{
	int dev = -1;

	for (size_t i = 0; i < plan->spec->n_mounts; i++) {
		const struct spec_mount *m = &plan->spec->mounts[i];
		int fd = furnish_mount(plan, fds, i);

		/* Descriptors are not closed one by one: all go at once before exec. */
		if (fd < 0)
			return -1;
		if (is_type(m, "proc"))
			fds->proc = fd;
		else if (is_type(m, "devpts"))
			fds->devpts = fd;
		else if (!is_type(m, "bind") && strcmp(m->destination, "/dev") == 0)
			dev = fd;
	}
	if (furnish_devices(plan, fds) < 0)
		return -1;
	return dev < 0 ? 0 : furnish_links(plan, dev);
}

int rootfs_console(struct sandbox_plan *plan, const struct rootfs_fds *fds, int slave_fd)
{
	autoclose int slave = sys_open_tree_clone(slave_fd, 0);
	autoclose int at = sandbox_make_path(fds->root, "/dev/console", true);

	if (slave < 0 || at < 0 || sys_move_mount(slave, at) < 0)
		return sandbox_fault(plan, STEP_TERMINAL, "/dev/console");
	return 0;
}

/* Covers path, if it exists, with nothing: a file with the null device, a folder with one empty
 * read-only tmpfs that all of them share. */
static int mask(struct sandbox_plan *plan, const struct rootfs_fds *fds, const char *path,
		int *null, int *empty)
{
	struct stat st;
	autoclose int at = sys_open_in_root(fds->root, path, O_PATH);

	if (at < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0
							   : sandbox_fault(plan, STEP_MASK, path);
	if (fstat(at, &st) < 0)
		return sandbox_fault(plan, STEP_MASK, path);

	bool folder = S_ISDIR(st.st_mode);
	if (!folder && *null < 0) {
		/* What stands there must be the null device itself, not what an image or a
		 * neighbour put in its place. */
		*null = sys_open_in_root(fds->root, "/dev/null", O_PATH | O_NOFOLLOW);
		if (*null >= 0 &&
		    (fstat(*null, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)))
			errno = ENODEV, *null = -1;
		if (*null < 0)
			return sandbox_fault(plan, STEP_MASK, "/dev/null");
	}

	autoclose int cover = -1;
	if (folder && *empty < 0) {
		static const struct spec_mount tmpfs = { .type = (char *)"tmpfs",
							 .attr_set = MOUNT_ATTR_RDONLY };

		cover = *empty = make_filesystem(&tmpfs);
	} else {
		cover = sys_open_tree_clone(folder ? *empty : *null, 0);
	}
	if (cover < 0 || sys_move_mount(cover, at) < 0)
		return sandbox_fault(plan, STEP_MASK, path);
	if (cover == *empty)
		cover = -1; /* stays open, to be copied for the next folder */
	return 0;
}

int rootfs_seal(struct sandbox_plan *plan, const struct rootfs_fds *fds)
{
	const struct spec *spec = plan->spec;
	int null = -1, empty = -1;

	for (size_t i = 0; i < spec->readonly_paths.len; i++) {
		const char *path = spec->readonly_paths.items[i];
		autoclose int at = sys_open_in_root(fds->root, path, O_PATH);

		if (at < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		autoclose int tree = at < 0 ? -1 : sys_open_tree_clone(at, AT_RECURSIVE);
		if (tree < 0 ||
		    sys_mount_setattr(tree, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0) < 0 ||
		    sys_move_mount(tree, at) < 0)
			return sandbox_fault(plan, STEP_READONLY, path);
	}
	for (size_t i = 0; i < spec->masked_paths.len; i++)
		if (mask(plan, fds, spec->masked_paths.items[i], &null, &empty) < 0)
			return -1;
	if (spec->root.readonly && sys_mount_setattr(fds->root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		return sandbox_fault(plan, STEP_READONLY, "/");
	return 0;
}
