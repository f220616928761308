/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/host_info.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_file.h"
#include "runtime/container/container.h"

#ifndef ZFS_SUPER_MAGIC
#define ZFS_SUPER_MAGIC 0x2fc12fc1
#endif
#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif

void host_info_free(struct host_info *h)
{
	free(h->kernel);
	free(h->system);
	free(h->name);
	free(h->architecture);
	strv_free(&h->warnings);
	*h = (struct host_info)HOST_INFO_INIT;
}

static int count_containers(const struct store *st, struct host_info *h, struct error *err)
{
	struct container *list;
	size_t n;

	if (container_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct container_state *s = &list[i].state;

		h->running += s->status == STATUS_RUNNING && !s->paused;
		h->paused += s->status == STATUS_RUNNING && s->paused;
		h->stopped += s->status != STATUS_RUNNING;
	}
	container_list_free(list, n);
	return 0;
}

static const char *filesystem_of(int fd)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "extfs" },  { XFS_SUPER_MAGIC, "xfs" },
		{ BTRFS_SUPER_MAGIC, "btrfs" }, { TMPFS_MAGIC, "tmpfs" },
		{ RAMFS_MAGIC, "ramfs" },       { OVERLAYFS_SUPER_MAGIC, "overlayfs" },
		{ F2FS_SUPER_MAGIC, "f2fs" },   { ZFS_SUPER_MAGIC, "zfs" },
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) == 0)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if ((unsigned long)fs.f_type == known[i].magic)
				return known[i].name;
	return "<unknown>";
}

/* PRETTY_NAME of /etc/os-release (os-release(5)), without its quotes. */
static char *operating_system(void)
{
	autofree char *text = fs_read_file(AT_FDCWD, "/etc/os-release", 64 << 10, NULL, NULL);
	char *rest = text, *line;

	while (text && (line = strsep(&rest, "\n"))) {
		size_t len;

		if (!str_starts(line, "PRETTY_NAME="))
			continue;
		line += strlen("PRETTY_NAME=");
		len = strlen(line);
		if (len > 1 && (*line == '"' || *line == '\'') && line[len - 1] == *line) {
			line++;
			len -= 2;
		}
		return xstrndup(line, len);
	}
	return xstrdup("Linux");
}

static bool forwards(void)
{
	autofree char *text =
		fs_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", 16, NULL, NULL);

	return text && *text == '1';
}

static void look_at_cgroups(struct host_info *h)
{
	autoclose int root = cgroup_open(".", NULL);
	char have[CGROUP_FILE_MAX];

	h->cgroup = root >= 0;
	if (root < 0 || cgroup_file_read(root, "cgroup.controllers", have) < 0)
		return;
	h->has_memory = cgroup_file_lists(have, "memory");
	h->has_cpu = cgroup_file_lists(have, "cpu");
	h->has_cpuset = cgroup_file_lists(have, "cpuset");
	h->has_pids = cgroup_file_lists(have, "pids");
	h->has_io = cgroup_file_lists(have, "io");
}

/* Docker's words, in its order. */
static void warn(struct host_info *h)
{
	const struct {
		bool fine;
		const char *text;
	} looks[] = {
		{ h->has_memory, "WARNING: No memory limit support" },
		{ h->has_memory, "WARNING: No swap limit support" },
		{ h->has_cpu, "WARNING: No cpu cfs quota support" },
		{ h->has_cpu, "WARNING: No cpu cfs period support" },
		{ h->has_cpu, "WARNING: No cpu shares support" },
		{ h->has_cpuset, "WARNING: No cpuset support" },
		{ h->has_pids, "WARNING: No pids limit support" },
		{ h->has_io, "WARNING: No io.weight support" },
	};

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (!looks[i].fine)
			strv_add(&h->warnings, looks[i].text);
}

static void look_at_machine(struct host_info *h)
{
	struct utsname u = { 0 };
	struct sysinfo s = { 0 };

	uname(&u);
	sysinfo(&s);
	h->kernel = xstrdup(u.release);
	h->name = xstrdup(u.nodename);
	h->architecture = xstrdup(u.machine);
	h->system = operating_system();
	h->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	h->memory = (uint64_t)s.totalram * s.mem_unit;
	h->ipv4_forwarding = forwards();
	look_at_cgroups(h);
	warn(h);
}

int host_info_read(const struct store *st, struct host_info *out, struct error *err)
{
	struct digest *images = NULL;

	*out = (struct host_info)HOST_INFO_INIT;
	if (count_containers(st, out, err) < 0 || image_list(st, &images, &out->images, err) < 0)
		return -1;
	free(images);
	out->filesystem = filesystem_of(st->fd);
	look_at_machine(out);
	return 0;
}
