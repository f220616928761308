/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/spec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"
#include "runtime/spec/seccomp.h"
#include "runtime/spec/seccomp_profile.h"

void spec_process_free(struct spec_process *p)
{
	free(p->groups);
	strv_free(&p->args);
	strv_free(&p->env);
	free(p->cwd);
	free(p->rlimits);
	seccomp_profile_free(p->custom_seccomp);
	free(p->affinity_initial);
	free(p->affinity_final);
	free(p->apparmor_profile);
	free(p->selinux_label);
	memset(p, 0, sizeof(*p));
}

static void free_hooks(struct spec_hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++) {
		free(hooks->items[i].path);
		strv_free(&hooks->items[i].args);
		strv_free(&hooks->items[i].env);
	}
	free(hooks->items);
}

void spec_mount_free(struct spec_mount *m)
{
	free(m->destination);
	free(m->type);
	free(m->source);
	strv_free(&m->options);
	free(m->uid_mappings);
	free(m->gid_mappings);
	if (m->source_detached)
		cleanup_close(&m->source_fd);
}

void spec_remove_mount(struct spec *spec, const char *destination)
{
	size_t kept = 0;

	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, destination) == 0)
			spec_mount_free(&spec->mounts[i]);
		else
			spec->mounts[kept++] = spec->mounts[i];
	spec->n_mounts = kept;
}

void spec_free_joins(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_joins; i++) {
		free(spec->joins[i].path);
		cleanup_close(&spec->joins[i].fd);
	}
	free(spec->joins);
	spec->joins = NULL;
	spec->n_joins = 0;
}

void spec_free(struct spec *spec)
{
	spec_process_free(&spec->process);
	strv_free(&spec->root.lowers);
	free(spec->root.upper);
	free(spec->root.work);
	free(spec->root.path);
	free(spec->hostname);
	free(spec->domainname);
	for (size_t i = 0; i < spec->n_mounts; i++)
		spec_mount_free(&spec->mounts[i]);
	free(spec->mounts);
	for (size_t i = 0; i < spec->n_devices; i++) {
		free(spec->devices[i].path);
		free(spec->devices[i].source);
	}
	free(spec->devices);
	strv_free(&spec->masked_paths);
	strv_free(&spec->readonly_paths);
	strv_free(&spec->sysctls);
	free(spec->cgroup);
	resources_free(&spec->resources);
	spec_free_joins(spec);
	free(spec->uid_mappings);
	free(spec->gid_mappings);
	strv_free(&spec->annotations);
	for (size_t i = 0; i < HOOK_STAGES; i++)
		free_hooks(&spec->hooks[i]);
	*spec = (struct spec)SPEC_INIT;
}

/* Lists double when their length is a power of two, so that no capacity need be kept. */
static void *grow(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return list;
	return xreallocarray(list, n ? 2 * n : 1, size);
}

struct spec_mount *spec_add_mount(struct spec *spec)
{
	spec->mounts = grow(spec->mounts, spec->n_mounts, sizeof(*spec->mounts));

	struct spec_mount *m = &spec->mounts[spec->n_mounts++];
	*m = (struct spec_mount){ .source_fd = -1 };
	return m;
}

struct spec_device *spec_add_device(struct spec *spec)
{
	spec->devices = grow(spec->devices, spec->n_devices, sizeof(*spec->devices));

	struct spec_device *d = &spec->devices[spec->n_devices++];
	memset(d, 0, sizeof(*d));
	return d;
}

struct spec_join *spec_add_join(struct spec *spec)
{
	spec->joins = grow(spec->joins, spec->n_joins, sizeof(*spec->joins));

	struct spec_join *j = &spec->joins[spec->n_joins++];
	*j = (struct spec_join){ .fd = -1 };
	return j;
}

struct spec_hook *spec_add_hook(struct spec *spec, enum spec_stage stage)
{
	struct spec_hooks *hooks = &spec->hooks[stage];

	hooks->items = grow(hooks->items, hooks->n, sizeof(*hooks->items));

	struct spec_hook *h = &hooks->items[hooks->n++];
	memset(h, 0, sizeof(*h));
	return h;
}

void spec_add_mapping(struct spec_mapping **list, size_t *n, struct spec_mapping mapping)
{
	*list = grow(*list, *n, sizeof(**list));
	(*list)[(*n)++] = mapping;
}

/* ---- Docker's defaults */

#define NO_SUID_EXEC_DEV (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

static const struct {
	const char *destination, *type, *source;
	uint64_t attributes;
	const char *options; /* separated by commas */
} default_mounts[] = {
	{ "/proc", "proc", "proc", NO_SUID_EXEC_DEV, "" },
	{ "/dev", "tmpfs", "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	  "mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	  "newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/sys", "sysfs", "sysfs", NO_SUID_EXEC_DEV | MOUNT_ATTR_RDONLY, "" },
	{ "/sys/fs/cgroup", "cgroup2", "cgroup", NO_SUID_EXEC_DEV | MOUNT_ATTR_RDONLY, "" },
	{ "/dev/mqueue", "mqueue", "mqueue", NO_SUID_EXEC_DEV, "" },
	{ "/dev/shm", "tmpfs", "shm", NO_SUID_EXEC_DEV, "mode=1777,size=65536k" },
};

static const struct {
	const char *path;
	unsigned int major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

/* What of /proc and /sys tells about the host or its hardware. */
static const char *const default_masked[] = {
	"/proc/asound",     "/proc/acpi",        "/proc/interrupts",
	"/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
	"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap",
};

static const char *const default_readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void add_options(struct strv *v, const char *options)
{
	while (*options) {
		size_t len = strcspn(options, ",");

		strv_take(v, xstrndup(options, len));
		options += len + (options[len] == ',');
	}
}

void spec_process_docker_defaults(struct spec_process *p)
{
	uint64_t set = CAPABILITY_DOCKER_DEFAULT;

	p->umask = (mode_t)-1;
	p->capabilities =
		(struct spec_capabilities){ .bounding = set, .effective = set, .permitted = set };
	p->seccomp = seccomp_default();
}

struct spec_device *spec_find_device(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->n_devices; i++)
		if (strcmp(spec->devices[i].path, path) == 0)
			return &spec->devices[i];
	return NULL;
}

void spec_add_default_devices(struct spec *spec)
{
	for (size_t i = 0; i < LENGTH(default_devices); i++) {
		if (spec_find_device(spec, default_devices[i].path))
			continue;

		struct spec_device *d = spec_add_device(spec);
		d->path = xstrdup(default_devices[i].path);
		d->mode = S_IFCHR | 0666;
		d->device = makedev(default_devices[i].major, default_devices[i].minor);
	}
}

void spec_docker_defaults(struct spec *spec, bool network_none)
{
	spec_process_docker_defaults(&spec->process);
	spec->namespaces =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	if (network_none)
		spec->namespaces |= CLONE_NEWNET;

	for (size_t i = 0; i < LENGTH(default_mounts); i++) {
		struct spec_mount *m = spec_add_mount(spec);

		m->destination = xstrdup(default_mounts[i].destination);
		m->type = xstrdup(default_mounts[i].type);
		m->source = xstrdup(default_mounts[i].source);
		m->attr_set = default_mounts[i].attributes;
		add_options(&m->options, default_mounts[i].options);
	}
	spec_add_default_devices(spec);
	for (size_t i = 0; i < LENGTH(default_masked); i++)
		strv_add(&spec->masked_paths, default_masked[i]);
	for (size_t i = 0; i < LENGTH(default_readonly); i++)
		strv_add(&spec->readonly_paths, default_readonly[i]);
}
