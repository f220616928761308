/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/mounts.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/copy_up.h"
#include "runtime/sandbox/idmap.h"
#include "runtime/spec/kernel.h"

static bool is_type(const struct spec_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

/* config.json says "cgroup" for either version: here it is version 2. */
static bool is_cgroup(const struct spec_mount *m)
{
	return is_type(m, "cgroup2") || is_type(m, "cgroup");
}

/* Neither a filesystem nor a bind: what is there gets attributes and propagation. */
static bool is_change(const struct spec_mount *m)
{
	return m->remount || is_type(m, "none");
}

bool mounts_own_namespace(const struct spec *spec, uint64_t type)
{
	if (spec->namespaces & type)
		return true;
	for (size_t i = 0; i < spec->n_joins; i++)
		if (spec->joins[i].type == type)
			return true;
	return false;
}

/* ---- Filesystems */

static int set_string(int fs, const char *key, const char *value)
{
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
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

/* Those that have nothing on a disk to be spared writing to. The whole filesystem must not become read-only with one
 * mount of it: others may share it. */
static bool is_pseudo(const struct spec_mount *m)
{
	return is_type(m, "proc") || is_type(m, "sysfs") || is_type(m, "tmpfs") ||
	       is_type(m, "devpts") || is_type(m, "mqueue") || is_cgroup(m);
}

static int configure(int fs, const struct spec_mount *m, uint64_t attributes)
{
	if (set_string(fs, "source", m->source && *m->source ? m->source : m->type) < 0)
		return -1;
	/* A disk that cannot be written is not mounted at all without this. */
	if ((attributes & MOUNT_ATTR_RDONLY) && !is_pseudo(m) &&
	    sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -1;
	for (size_t i = 0; i < m->options.len; i++)
		if (set_option(fs, m->options.items[i]) < 0)
			return -1;
	return sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

/* The kernel's own line about a failure, "e tmpfs: Unknown parameter 'x'", without its letter. errno stays. */
static void read_why(int fs, char *why, size_t size)
{
	int code = errno;
	ssize_t n = read(fs, why, size - 1);

	errno = code;
	if (n <= 2 || why[0] != 'e') {
		why[0] = '\0';
		return;
	}
	while (n > 2 && why[n - 1] == '\n')
		n--;
	memmove(why, why + 2, (size_t)n - 2);
	why[n - 2] = '\0';
}

int mounts_filesystem(const struct spec_mount *m, uint64_t attributes, char *why, size_t size)
{
	autoclose int fs = sys_fsopen(is_cgroup(m) ? "cgroup2" : m->type);
	int mount = -1;

	if (size)
		why[0] = '\0';
	if (fs >= 0 && configure(fs, m, attributes) == 0)
		mount = sys_fsmount(fs, attributes);
	if (mount < 0 && fs >= 0 && size)
		read_why(fs, why, size);
	return mount;
}

/* ---- Parent */

static bool has_recursive(const struct spec_mount *m)
{
	return m->attr_set_recursive || m->attr_clear_recursive;
}

/* Attributes of a mount that is there. */
static int set_attributes(int mount, const struct spec_mount *m)
{
	if ((m->attr_set || m->attr_clear) &&
	    sys_mount_setattr(mount, 0, m->attr_set, m->attr_clear, 0) < 0)
		return -1;
	return has_recursive(m) ? sys_mount_setattr(mount, AT_RECURSIVE, m->attr_set_recursive,
						    m->attr_clear_recursive, 0)
				: 0;
}

/* A detached copy stays a peer of what it was copied from, if that is shared: so what is not asked for must be taken
 * away, and a slave is made of a peer. What is mounted below follows. */
static int set_propagation(int mount, const struct spec_mount *m)
{
	unsigned int recursive = m->recursive || (m->propagation & MS_REC) ? AT_RECURSIVE : 0;
	unsigned long kind = m->propagation & ~(unsigned long)MS_REC;

	if (kind == (MS_SLAVE | MS_SHARED))
		return sys_mount_setattr(mount, recursive, 0, 0, MS_SLAVE) < 0
			       ? -1
			       : sys_mount_setattr(mount, recursive, 0, 0, MS_SHARED);
	return sys_mount_setattr(mount, recursive, 0, 0, kind ? kind : MS_PRIVATE);
}

/* The namespace with a mount's map of IDs: of its own, or like the container's. */
static int open_idmap(const struct spec *spec, const struct spec_mount *m, struct error *err)
{
	if (m->n_uid_mappings || m->n_gid_mappings)
		return idmap_namespace(m->uid_mappings, m->n_uid_mappings, m->gid_mappings,
				       m->n_gid_mappings, err);
	if (spec->n_uid_mappings || spec->n_gid_mappings)
		return idmap_of(spec, err);
	for (size_t i = 0; i < spec->n_joins; i++) {
		const struct spec_join *j = &spec->joins[i];

		if (j->type != CLONE_NEWUSER)
			continue;
		int fd = j->fd >= 0 ? fcntl(j->fd, F_DUPFD_CLOEXEC, 3)
				    : open(j->path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? error_errno(err, "mount %s: user namespace %s", m->destination,
					    j->path ? j->path : "")
			      : fd;
	}
	return error_set(err, EINVAL,
			 "mount %s: idmap without mappings, and without a user namespace",
			 m->destination);
}

static int set_idmap(const struct spec *spec, const struct spec_mount *m, int mount,
		     struct error *err)
{
	if (!m->idmap && !m->n_uid_mappings && !m->n_gid_mappings)
		return 0;

	autoclose int map = open_idmap(spec, m, err);
	if (map < 0)
		return -1;
	if (idmap_mount(mount, map, m->idmap_recursive) == 0)
		return 0;
	if (errno == EINVAL)
		return error_set(
			err, EINVAL,
			"mount %s: the filesystem of %s cannot map owners for a user namespace",
			m->destination, m->source ? m->source : "its source");
	return error_errno(err, "mount %s: mapping IDs of %s", m->destination,
			   m->source ? m->source : "its source");
}

/* Whether the child, which sees a copy of the machine's mounts, clones the source itself: then the mounts of a container are
 * made, and listed, in their order. Not in a user namespace: what is mounted below the source is locked there, and the
 * way to it may be closed. */
static bool child_clones(const struct spec *spec, const struct spec_mount *m)
{
	return is_type(m, "bind") && m->source && m->source_fd < 0 && !m->source_detached &&
	       !m->idmap && !m->n_uid_mappings && !m->n_gid_mappings &&
	       (spec->namespaces & CLONE_NEWNS) && !mounts_own_namespace(spec, CLONE_NEWUSER);
}

static int prepare_bind(const struct spec *spec, const struct spec_mount *m, struct error *err)
{
	autoclose int opened = -1;
	const char *source = m->source ? m->source : "";
	int at = m->source_fd;

	if (at < 0)
		at = opened = open(source, O_PATH | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, "bind mount %s: %s", m->destination, source);
	/* A detached mount could not be cloned before Linux 6.15. */
	autoclose int tree = m->source_detached
				     ? fcntl(at, F_DUPFD_CLOEXEC, 3)
				     : sys_open_tree_clone(at, m->recursive ? AT_RECURSIVE : 0);
	if (tree < 0)
		return error_errno(err, "bind mount %s: %s", m->destination, source);
	/* The map first: once there is a user of the mount, it cannot be had. */
	if (set_idmap(spec, m, tree, err) < 0)
		return -1;
	if (set_propagation(tree, m) < 0 || set_attributes(tree, m) < 0)
		return error_errno(err, "bind mount %s: %s", m->destination, source);
	return STEAL_FD(tree);
}

/* The kernel numbers mounts as they are made, and lists them by number. */
int mounts_bind(const struct spec *spec, size_t i, struct error *err)
{
	return prepare_bind(spec, &spec->mounts[i], err);
}

/* Who makes the bind later is to find a source. */
static int check_source(const struct spec_mount *m, struct error *err)
{
	autoclose int at = -1;

	if (m->source_fd < 0 && (at = open(m->source ? m->source : "", O_PATH | O_CLOEXEC)) < 0)
		return error_errno(err, "bind mount %s: %s", m->destination,
				   m->source ? m->source : "");
	return 0;
}

/* The machine's own mount of cgroup2, or -1. */
static int clone_cgroups(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		autoclose int at = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (at >= 0 && fstatfs(at, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return sys_open_tree_clone(at, 0);
	}
	return -1;
}

static int joined_namespace(const struct namespace_plan *ns, uint64_t type)
{
	for (size_t i = 0; i < ns->n_joins; i++)
		if (ns->joins[i].type == type)
			return ns->joins[i].fd;
	return -1;
}

/* Enters the namespace behind fd for a moment; what leads back, or -1 with errno. */
static int enter_namespace(int fd, uint64_t type)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_file(type));
	autoclose int own = open(path, O_RDONLY | O_CLOEXEC);
	return own < 0 || sys_setns(fd, (int)type) < 0 ? -1 : STEAL_FD(own);
}

/* A filesystem of a namespace that is the machine's, or another container's. The child has no right to it once it has a user namespace of its
 * own; and mounting cgroup2 outside of a cgroup namespace would set the options of the machine's mount anew. */
static int prepare_shared(const struct sandbox_plan *plan, const struct spec_mount *m,
			  struct error *err)
{
	const struct spec *spec = plan->spec;
	bool user = mounts_own_namespace(spec, CLONE_NEWUSER);
	uint64_t type = is_cgroup(m)           ? CLONE_NEWCGROUP
			: is_type(m, "proc")   ? CLONE_NEWPID
			: is_type(m, "sysfs")  ? CLONE_NEWNET
			: is_type(m, "mqueue") ? CLONE_NEWIPC
					       : 0;
	char why[128];
	autoclose int mount = -1, own = -1;
	int joined = user && (type == CLONE_NEWNET || type == CLONE_NEWIPC)
			     ? joined_namespace(&plan->ns, type)
			     : -1;

	if (!type || (mounts_own_namespace(spec, type) && joined < 0) || (!user && !is_cgroup(m)))
		return -1;
	if (is_cgroup(m) && (mount = clone_cgroups()) >= 0) {
		if (set_propagation(mount, m) < 0 || set_attributes(mount, m) < 0)
			return error_errno(err, "mount %s", m->destination);
		return STEAL_FD(mount);
	}
	if (!user)
		return -1;
	if (joined >= 0 && (own = enter_namespace(joined, type)) < 0)
		return error_errno(err, "mount %s: entering the namespace", m->destination);
	mount = mounts_filesystem(m, m->attr_set, why, sizeof(why));
	int code = errno;
	if (own >= 0 && sys_setns(own, (int)type) < 0)
		return error_errno(err, "mount %s: leaving the namespace", m->destination);
	if (mount < 0)
		return error_set(err, code, "mount %s: %s: %s", m->destination,
				 why[0] ? why : m->type, strerror(code));
	/* It was made with the others. */
	struct spec_mount rest = *m;
	rest.attr_set = rest.attr_clear = 0;
	if ((m->propagation && set_propagation(mount, m) < 0) || set_attributes(mount, &rest) < 0)
		return error_errno(err, "mount %s", m->destination);
	return STEAL_FD(mount);
}

int mounts_prepare(struct sandbox_plan *plan, struct error *err)
{
	const struct spec *spec = plan->spec;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		bool bind = is_type(m, "bind");
		struct error local = ERROR_INIT;

		if (!m->destination || !*m->destination)
			return error_set(err, EINVAL, "a mount has no destination");
		if (is_change(m))
			continue;
		if (!bind && (m->idmap || m->n_uid_mappings || m->n_gid_mappings))
			return error_set(err, EINVAL,
					 "mount %s: only bind mounts can have ID mappings",
					 m->destination);
		if (!bind && !m->type)
			return error_set(err, EINVAL, "mount %s: it has no type", m->destination);
		if (bind && (spec->ordered_mounts || child_clones(spec, m)))
			check_source(m, &local);
		else
			plan->mount_fds[i] = bind ? prepare_bind(spec, m, &local)
						  : prepare_shared(plan, m, &local);
		if (local.code) {
			if (err)
				*err = local;
			return -1;
		}
	}
	return 0;
}

/* ---- Child */

/* What failed: the destination and what the kernel says. */
static int mount_fault(struct sandbox_plan *plan, const struct spec_mount *m, const char *why)
{
	char detail[SANDBOX_DETAIL_MAX];
	size_t len = strlen(m->destination), more = strlen(why);

	if (!more || len + more + 4 > sizeof(detail))
		return sandbox_fault(plan, STEP_MOUNT, m->destination);
	memcpy(detail, m->destination, len);
	memcpy(detail + len, " (", 2);
	memcpy(detail + len + 2, why, more);
	memcpy(detail + len + 2 + more, ")", 2);
	return sandbox_fault(plan, STEP_MOUNT, detail);
}

static uint64_t deferred(const struct spec_mount *m)
{
	return is_type(m, "tmpfs") ? MOUNT_ATTR_RDONLY : 0;
}

static int make_filesystem(struct sandbox_plan *plan, const struct spec_mount *m)
{
	char why[128];
	struct spec_mount later = *m;

	later.attr_set &= ~deferred(m);
	later.attr_set_recursive &= ~deferred(m);
	autoclose int mount = mounts_filesystem(m, later.attr_set, why, sizeof(why));
	if (mount < 0 && errno == ENODEV && is_cgroup(m)) {
		static const struct spec_mount none = { .type = (char *)"tmpfs" };

		/* A kernel without cgroups: an empty folder tells so. */
		mount = mounts_filesystem(&none, later.attr_set | MOUNT_ATTR_RDONLY, why,
					  sizeof(why));
	}
	if (mount < 0 && errno == ENODEV && !why[0])
		return mount_fault(plan, m, m->type);
	if (mount < 0)
		return mount_fault(plan, m, why);
	later.attr_set = later.attr_clear = 0;
	if ((m->propagation && set_propagation(mount, m) < 0) || set_attributes(mount, &later) < 0)
		return mount_fault(plan, m, "");
	return STEAL_FD(mount);
}

static int clone_bind(struct sandbox_plan *plan, const struct spec_mount *m)
{
	autoclose int at = open(m->source, O_PATH | O_CLOEXEC);
	autoclose int tree = at < 0 ? -1 : sys_open_tree_clone(at, m->recursive ? AT_RECURSIVE : 0);

	if (tree < 0 || set_propagation(tree, m) < 0 || set_attributes(tree, m) < 0)
		return mount_fault(plan, m, m->source);
	return STEAL_FD(tree);
}

int mounts_create(struct sandbox_plan *plan)
{
	for (size_t i = 0; i < plan->spec->n_mounts; i++) {
		const struct spec_mount *m = &plan->spec->mounts[i];

		if (is_change(m) || plan->mount_fds[i] >= 0)
			continue;
		if (!is_type(m, "bind"))
			plan->mount_fds[i] = make_filesystem(plan, m);
		else if (child_clones(plan->spec, m))
			plan->mount_fds[i] = clone_bind(plan, m);
		else
			plan->mount_fds[i] = sandbox_ask_bind(plan, i);
		if (plan->mount_fds[i] < 0)
			return -1;
	}
	return 0;
}

bool mounts_may_cover(int at, const char *destination)
{
	static const char *const figures[] = {
		"/proc/cpuinfo",  "/proc/diskstats",
		"/proc/meminfo",  "/proc/stat",
		"/proc/swaps",    "/proc/uptime",
		"/proc/loadavg",  "/proc/net/dev",
		"/proc/slabinfo", "/proc/sys/kernel/ns_last_pid",
	};
	struct statfs fs;

	if (fstatfs(at, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return true;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (strcmp(destination, figures[i]) == 0)
			return true;
	return false;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* Where procfs and sysfs go. What masks them, and what is written below them, relies on their being where they seem to
 * be: no image, nor a volume shared with another container, may lead them elsewhere by a link (CVE-2023-27561). */
static int open_straight(struct sandbox_plan *plan, const struct rootfs_fds *fds,
			 const char *destination)
{
	for (int tries = 0;; tries++) {
		int at = sys_openat2(fds->root, destination, O_PATH | O_DIRECTORY, 0,
				     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);

		if (at >= 0)
			return at;
		if (errno != ENOENT || tries)
			return sandbox_fault(plan, STEP_MOUNT_PROC, destination);
		autoclose int made = sandbox_make_path(fds->root, destination, false);
		if (made < 0)
			return sandbox_fault(plan, STEP_MOUNT_POINT, destination);
	}
}

/* Whether a mount that is no procfs goes to where programs look for one: a fake of it (CVE-2019-16884). */
static bool would_fake_proc(const struct rootfs_fds *fds, int at, int mount)
{
	struct statfs fs;
	autoclose int proc = sys_open_in_root(fds->root, "/proc", O_PATH | O_NOFOLLOW);

	return proc >= 0 && same_file(at, proc) &&
	       (fstatfs(mount, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC);
}

static int open_mount_point(struct sandbox_plan *plan, const struct rootfs_fds *fds,
			    const struct spec_mount *m, int mount, bool is_file)
{
	if (is_type(m, "proc") || is_type(m, "sysfs"))
		return open_straight(plan, fds, m->destination);

	autoclose int at = sandbox_make_path(fds->root, m->destination, is_file);
	if (at < 0)
		return sandbox_fault(plan, STEP_MOUNT_POINT, m->destination);
	if (!mounts_may_cover(at, m->destination) || would_fake_proc(fds, at, mount)) {
		errno = EPERM;
		return sandbox_fault(plan, STEP_MOUNT_PROC, m->destination);
	}
	return STEAL_FD(at);
}

/* "remount": the attributes, and options of the filesystem if there are any, of what is mounted there already. */
static int change_mount(struct sandbox_plan *plan, const struct rootfs_fds *fds,
			const struct spec_mount *m)
{
	char why[128] = "";
	autoclose int at = sys_open_in_root(fds->root, m->destination, O_PATH);

	if (at < 0)
		return mount_fault(plan, m, why);
	if (!sys_is_mount_root(at)) {
		errno = EINVAL;
		return mount_fault(plan, m, "nothing is mounted there");
	}
	if (m->options.len && !is_type(m, "bind")) {
		autoclose int fs = sys_fspick(at);

		if (fs < 0)
			return mount_fault(plan, m, why);
		for (size_t i = 0; i < m->options.len; i++)
			if (set_option(fs, m->options.items[i]) < 0) {
				read_why(fs, why, sizeof(why));
				return mount_fault(plan, m, why);
			}
		if (sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0) {
			read_why(fs, why, sizeof(why));
			return mount_fault(plan, m, why);
		}
	}
	if ((m->propagation && set_propagation(at, m) < 0) || set_attributes(at, m) < 0)
		return mount_fault(plan, m, why);
	return 0;
}

static bool has_option(const struct spec_mount *m, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < m->options.len; i++)
		if (strncmp(m->options.items[i], key, len) == 0 && m->options.items[i][len] == '=')
			return true;
	return false;
}

/* A tmpfs over a folder of the image has its mode, as Docker's have, and over one that it copies its owner, unless its
 * options say something else. */
static int inherit(const struct spec_mount *m, int over, int mount)
{
	autoclose int folder = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (folder < 0 || fstat(over, &st) < 0)
		return -1;
	if (m->copy_up && fchown(folder, has_option(m, "uid") ? (uid_t)-1 : st.st_uid,
				 has_option(m, "gid") ? (gid_t)-1 : st.st_gid) < 0)
		return -1;
	return has_option(m, "mode") ? 0 : fchmod(folder, st.st_mode & 07777);
}

static int fill_tmpfs(struct sandbox_plan *plan, const struct rootfs_fds *fds,
		      const struct spec_mount *m, int mount)
{
	autoclose int over = sys_open_in_root(fds->root, m->destination, O_PATH | O_DIRECTORY);

	if (over < 0)
		return 0;
	if (m->copy_up && same_file(over, fds->root)) {
		errno = EINVAL;
		return mount_fault(plan, m, "the root cannot begin as a copy of itself");
	}
	if (m->copy_up && copy_up(over, mount) < 0)
		return mount_fault(plan, m, "copying what is there");
	return inherit(m, over, mount) < 0 ? mount_fault(plan, m, "") : 0;
}

/* What is mounted over the root is the root from then on. */
static void replace_root(struct sandbox_plan *plan, struct rootfs_fds *fds, int mount)
{
	plan->root_fd = mount;
	fds->root = mount;
}

static int make_mount(struct sandbox_plan *plan, struct rootfs_fds *fds, size_t i)
{
	const struct spec_mount *m = &plan->spec->mounts[i];
	int mount = plan->mount_fds[i];
	struct stat st, over;

	if (is_change(m))
		return change_mount(plan, fds, m);
	if (fstat(mount, &st) < 0)
		return mount_fault(plan, m, "");

	/* Before its mount point is made. */
	if (is_type(m, "tmpfs") && fill_tmpfs(plan, fds, m, mount) < 0)
		return -1;
	autoclose int at = open_mount_point(plan, fds, m, mount, !S_ISDIR(st.st_mode));
	if (at < 0)
		return -1;
	if (fstat(at, &over) == 0 && S_ISDIR(over.st_mode) != S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return mount_fault(plan, m, "a folder onto a file, or the other way round");
	}
	bool root = same_file(at, fds->root);
	if (sys_move_mount(mount, at) < 0)
		return mount_fault(plan, m, "");
	if (root)
		replace_root(plan, fds, mount);
	return 0;
}

int mounts_make(struct sandbox_plan *plan, struct rootfs_fds *fds)
{
	for (size_t i = 0; i < plan->spec->n_mounts; i++) {
		const struct spec_mount *m = &plan->spec->mounts[i];

		if (make_mount(plan, fds, i) < 0)
			return -1;
		if (fds->proc < 0 && is_type(m, "proc"))
			fds->proc = plan->mount_fds[i];
		else if (fds->devpts < 0 && is_type(m, "devpts"))
			fds->devpts = plan->mount_fds[i];
	}
	if (fds->proc < 0 && plan->spec->sysctls.len) {
		static const struct spec_mount proc = { .type = (char *)"proc" };

		/* Not to be seen by anyone: the container has another's, or none. */
		fds->proc = mounts_filesystem(&proc, 0, NULL, 0);
	}
	return 0;
}

int mounts_seal(struct sandbox_plan *plan)
{
	for (size_t i = 0; i < plan->spec->n_mounts; i++) {
		const struct spec_mount *m = &plan->spec->mounts[i];
		bool all = m->attr_set_recursive & deferred(m);

		if (is_change(m) || !(all || (m->attr_set & deferred(m))))
			continue;
		if (sys_mount_setattr(plan->mount_fds[i], all ? AT_RECURSIVE : 0, MOUNT_ATTR_RDONLY,
				      0, 0) < 0)
			return sandbox_fault(plan, STEP_READONLY, m->destination);
	}
	return 0;
}
