/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/namespaces.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "runtime/spec/kernel.h"

static const struct {
	uint64_t type;
	const char *name, *file;
} types[NAMESPACE_TYPES] = {
	{ CLONE_NEWNS, "mount", "mnt" },    { CLONE_NEWCGROUP, "cgroup", "cgroup" },
	{ CLONE_NEWUTS, "uts", "uts" },     { CLONE_NEWIPC, "ipc", "ipc" },
	{ CLONE_NEWNET, "network", "net" }, { CLONE_NEWTIME, "time", "time" },
	{ CLONE_NEWPID, "pid", "pid" },     { CLONE_NEWUSER, "user", "user" },
};

const char *namespace_name(uint64_t type)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return "unknown";
}

const char *namespace_file(uint64_t type)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (types[i].type == type)
			return types[i].file;
	return "";
}

/* Whether the namespace behind fd, or at path, is the one that we are in. */
static bool is_our_own(uint64_t type, int fd, const char *path)
{
	struct stat theirs, own;
	char file[40];

	snprintf(file, sizeof(file), "/proc/self/ns/%s", namespace_file(type));
	return (path ? stat(path, &theirs) : fstat(fd, &theirs)) == 0 && stat(file, &own) == 0 &&
	       theirs.st_ino == own.st_ino && theirs.st_dev == own.st_dev;
}

bool namespace_is_own(uint64_t type, int fd)
{
	return is_our_own(type, fd, NULL);
}

static int open_join(const struct spec_join *j, struct error *err)
{
	const char *name = namespace_name(j->type);
	/* Not waited for: what a path of config.json leads to may be anything. */
	autoclose int fd = j->fd >= 0 ? fcntl(j->fd, F_DUPFD_CLOEXEC, 3)
				      : open(j->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "the %s namespace %s", name, j->path ? j->path : "to join");
	/* An old kernel knows no types of them (before 4.11), and says so at setns. */
	int type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0 || (uint64_t)type != j->type)
		return error_set(err, EINVAL, "%s is no %s namespace",
				 j->path ? j->path : "what is to be joined", name);
	return STEAL_FD(fd);
}

static int add_join(struct namespace_plan *plan, const struct spec_join *j, struct error *err)
{
	autoclose int fd = open_join(j, err);

	if (fd < 0)
		return -1;
	/* The container's root would become the machine's. */
	if (j->type == CLONE_NEWNS && namespace_is_own(j->type, fd))
		return error_set(
			err, EINVAL,
			"%s is the mount namespace of the machine, which cannot be the container's",
			j->path ? j->path : "what is to be joined");
	/* Joining it would be an error (setns(2)), and is not needed. */
	if (j->type == CLONE_NEWUSER && namespace_is_own(j->type, fd))
		return 0;
	if (j->type == CLONE_NEWPID) {
		plan->pid_fd = STEAL_FD(fd);
		return 0;
	}
	plan->joins[plan->n_joins].type = j->type;
	plan->joins[plan->n_joins++].fd = STEAL_FD(fd);
	return 0;
}

int namespaces_prepare(const struct spec *spec, struct namespace_plan *plan, struct error *err)
{
	uint64_t seen = spec->namespaces;
	bool joins_user = false;

	*plan = (struct namespace_plan)NAMESPACE_PLAN_INIT;
	for (size_t i = 0; i < spec->n_joins; i++) {
		if (seen & spec->joins[i].type)
			return error_set(err, EINVAL, "the %s namespace is asked for twice",
					 namespace_name(spec->joins[i].type));
		seen |= spec->joins[i].type;
	}
	if ((spec->namespaces & CLONE_NEWUSER) && (!spec->n_uid_mappings || !spec->n_gid_mappings))
		return error_set(err, EINVAL, "a user namespace needs uidMappings and gidMappings");

	/* The user namespace last: after it the rights over the others are gone. */
	for (int user = 0; user < 2; user++)
		for (size_t i = 0; i < spec->n_joins; i++)
			if ((spec->joins[i].type == CLONE_NEWUSER) == (user == 1) &&
			    add_join(plan, &spec->joins[i], err) < 0)
				return -1;
	joins_user = plan->n_joins && plan->joins[plan->n_joins - 1].type == CLONE_NEWUSER;
	plan->user = joins_user || (spec->namespaces & CLONE_NEWUSER);
	plan->has_offsets =
		(spec->namespaces & CLONE_NEWTIME) && (spec->has_monotonic || spec->has_boottime);
	/* A cgroup namespace made by clone3 would take the parent's cgroup for its root, not the one born into; offsets
	 * can be set while nobody is in the time namespace. */
	plan->unshared = spec->namespaces &
			 (CLONE_NEWCGROUP | (plan->has_offsets ? CLONE_NEWTIME : UINT64_C(0)));
	plan->clone_flags = spec->namespaces & ~plan->unshared;
	plan->two_stages = plan->n_joins && plan->user && spec->namespaces;
	return 0;
}

void namespaces_release(struct namespace_plan *plan)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		close(plan->joins[i].fd);
	if (plan->pid_fd >= 0)
		close(plan->pid_fd);
	*plan = (struct namespace_plan)NAMESPACE_PLAN_INIT;
}

int namespaces_enter_pid(int fd, int *own, struct error *err)
{
	*own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (*own < 0)
		return error_errno(err, "/proc/self/ns/pid");
	if (sys_setns(fd, CLONE_NEWPID) == 0)
		return 0;
	int code = errno;
	cleanup_close(own);
	*own = -1;
	if (code == ESRCH)
		return error_set(err, ESRCH, "the container is not running");
	return error_set(err, code, "joining the pid namespace: %s", strerror(code));
}

int namespaces_leave_pid(int *own, struct error *err)
{
	int result = 0;

	if (*own >= 0 && sys_setns(*own, CLONE_NEWPID) < 0)
		result = error_errno(err, "leaving the container's pid namespace");
	cleanup_close(own);
	*own = -1;
	return result;
}

/* ---- Maps and offsets */

static int write_proc(pid_t pid, const char *name, const struct strbuf *text, struct error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	/* In one piece, which is all that the kernel takes of such a file. */
	if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
		return error_errno(err, "writing the container's %s", name);
	return 0;
}

static int write_map(pid_t pid, const char *name, const struct spec_mapping *maps, size_t n,
		     struct error *err)
{
	struct strbuf autostrbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		strbuf_printf(&text, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", maps[i].inside,
			      maps[i].outside, maps[i].count);
	return write_proc(pid, name, &text, err);
}

int namespaces_write_maps(pid_t pid, const struct spec *spec, struct error *err)
{
	if (!(spec->namespaces & CLONE_NEWUSER))
		return 0;
	if (write_map(pid, "uid_map", spec->uid_mappings, spec->n_uid_mappings, err) < 0)
		return -1;
	return write_map(pid, "gid_map", spec->gid_mappings, spec->n_gid_mappings, err);
}

int namespaces_write_offsets(pid_t pid, const struct spec *spec, struct error *err)
{
	struct strbuf autostrbuf text = STRBUF_INIT;

	if (spec->has_monotonic)
		strbuf_printf(&text, "monotonic %" PRId64 " %" PRIu32 "\n", spec->monotonic.seconds,
			      spec->monotonic.nanoseconds);
	if (spec->has_boottime)
		strbuf_printf(&text, "boottime %" PRId64 " %" PRIu32 "\n", spec->boottime.seconds,
			      spec->boottime.nanoseconds);
	return write_proc(pid, "timens_offsets", &text, err);
}

uint32_t namespaces_outside_id(const struct spec_mapping *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return maps[i].outside + (id - maps[i].inside);
	return id;
}

/* ---- Of a running process */

int namespaces_of(pid_t pid, uint64_t *flags, bool *user, struct error *err)
{
	static const uint64_t where_other[] = { CLONE_NEWUSER, CLONE_NEWTIME, CLONE_NEWNS };

	*flags = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
	for (size_t i = 0; i < sizeof(where_other) / sizeof(where_other[0]); i++) {
		char path[48];

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid,
			 namespace_file(where_other[i]));
		if (access(path, F_OK) < 0) {
			/* A kernel without time namespaces, or the process has ended. */
			if (where_other[i] != CLONE_NEWTIME)
				return error_set(err, ESRCH, "the container is not running");
			continue;
		}
		if (!is_our_own(where_other[i], -1, path))
			*flags |= where_other[i];
	}
	*user = *flags & CLONE_NEWUSER;
	return 0;
}
