/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing what cgroup_limits.h has worked out, and telling why something cannot be written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/str.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/cgroup_file.h"
#include "runtime/cgroup/cgroup_limits.h"
#include "runtime/cgroup/device_filter.h"

/* Whether the controller is in use by cgroup v1 (/proc/cgroups, whose second column is the number of a hierarchy): then
 * v2 cannot have it. */
static bool belongs_to_v1(const char *controller)
{
	const char *name = strcmp(controller, "io") == 0 ? "blkio" : controller;
	autofile FILE *table = fopen("/proc/cgroups", "re");
	autofree char *line = NULL;
	size_t cap = 0;

	while (table && getline(&line, &cap, table) > 0) {
		char *rest = line, *word = strsep(&rest, "\t"), *hierarchy = strsep(&rest, "\t");

		if (hierarchy && strcmp(word, name) == 0)
			return strcmp(hierarchy, "0") != 0;
	}
	return false;
}

/* A file that is not there: for want of its controller, or because the kernel was built without that part of it. */
static int lacks(int fd, const struct cgroup_setting *s, struct error *err)
{
	char have[CGROUP_FILE_MAX], controller[32];

	snprintf(controller, sizeof(controller), "%.*s",
		 (int)(s->controller ? sizeof(controller) - 1 : strcspn(s->file, ".")),
		 s->controller ? s->controller : s->file);
	if (cgroup_file_read(fd, "cgroup.controllers", have) < 0)
		return error_errno(err, "cannot set %s", s->file);
	if (strcmp(controller, "cgroup") == 0 || cgroup_file_lists(have, controller))
		return error_set(err, ENOTSUP, "cannot set %s to %s: this kernel has no such limit",
				 s->file, s->value);
	if (belongs_to_v1(controller)) {
		log_warn_once("cgroup v1 has this machine's controllers: not all limits hold here");
		return 0;
	}
	return error_set(err, ENOTSUP, "cannot set %s to %s: cgroup v2 has no %s controller here",
			 s->file, s->value, controller);
}

/* Weights count for disks whose model of costs is turned on, which is the whole machine's affair (cgroup-v2.rst,
 * "io.cost.qos"): so that is done when somebody first asks for weights, with the kernel's own model. */
static int count_costs(int root, const char *device)
{
	char text[CGROUP_FILE_MAX];
	autofree char *on = str_format("%s enable=1", device);

	if (cgroup_file_read(root, "io.cost.qos", text) >= 0 && strstr(text, on))
		return 0;
	return cgroup_file_write(root, "io.cost.qos", on);
}

/* For all disks there are: those that stand for hardware. */
static void count_all_costs(int root)
{
	autodir DIR *disks = opendir("/sys/block");
	struct dirent *e;

	while (disks && (e = readdir(disks)) != NULL) {
		autofree char *device = str_format("%s/device", e->d_name);
		autofree char *number = str_format("%s/dev", e->d_name);
		autofree char *text = NULL;

		if (e->d_name[0] == '.' || faccessat(dirfd(disks), device, F_OK, 0) < 0)
			continue;
		text = fs_read_file(dirfd(disks), number, 64, NULL, NULL);
		if (!text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		count_costs(root, text);
	}
}

/* "4950" or "8:0 4950" to io.weight. */
static int write_weight(int fd, const char *value)
{
	autoclose int root = cgroup_open_root();
	size_t device = strcspn(value, " ");

	if (root >= 0 && value[device]) {
		autofree char *number = xstrndup(value, device);
		if (count_costs(root, number) < 0)
			return -1;
	} else if (root >= 0) {
		count_all_costs(root);
	}
	return cgroup_file_write(fd, "io.weight", value);
}

static int write_setting(int fd, const struct cgroup_setting *s, struct error *err)
{
	const char *file = s->file, *value = s->value;
	int status = cgroup_file_write(fd, file, value);

	if (status < 0 && errno == ENOENT && s->else_value) {
		file = "io.weight";
		value = s->else_value;
		status = faccessat(fd, file, F_OK, 0) < 0 ? -1 : write_weight(fd, value);
	}
	if (status == 0)
		return 0;
	if (errno == ENOENT)
		return s->may_lack ? 0 : lacks(fd, s, err);
	return error_errno(err, "cannot set %s to %s", file, value);
}

/* With memory_check_before_update: the kernel would kill at once where the limit is below what is in use. */
static int check_usage(int fd, const struct resources *r, struct error *err)
{
	char text[CGROUP_FILE_MAX];
	long long used;

	if (!r->memory_check_before_update || r->memory <= 0)
		return 0;
	if (cgroup_file_read(fd, "memory.current", text) <= 0)
		return 0; /* without the controller there is no limit either */
	used = strtoll(text, NULL, 10);
	if (r->memory < used)
		return error_set(err, EBUSY,
				 "linux.resources.memory.limit (%" PRId64
				 ") is less than what is in use (%lld)",
				 r->memory, used);
	if (r->memory_swap <= 0 || cgroup_file_read(fd, "memory.swap.current", text) <= 0)
		return 0;
	used += strtoll(text, NULL, 10);
	if (r->memory_swap < used)
		return error_set(err, EBUSY,
				 "linux.resources.memory.swap (%" PRId64
				 ") is less than what is in use (%lld)",
				 r->memory_swap, used);
	return 0;
}

/* The first number in a control file, or RESOURCE_UNLIMITED for "max"; RESOURCE_UNSET: there is no such file. */
static int64_t current(int fd, const char *file)
{
	char text[CGROUP_FILE_MAX];

	if (cgroup_file_read(fd, file, text) <= 0)
		return RESOURCE_UNSET;
	return str_starts(text, "max") ? RESOURCE_UNLIMITED : (int64_t)strtoll(text, NULL, 10);
}

/* A change may name one half of what belongs together; the cgroup has the other. */
static void complete(int fd, struct resources *r)
{
	if (r->memory_swap > 0 && (r->memory == RESOURCE_UNSET || r->memory == 0))
		r->memory = current(fd, "memory.max");
	if (r->cpu_period > 0 && (r->cpu_quota == RESOURCE_UNSET || r->cpu_quota == 0))
		r->cpu_quota = current(fd, "cpu.max");
}

int cgroup_apply(int cgroup_fd, const struct resources *r, struct error *err)
{
	struct cgroup_settings settings autosettings = { 0 };
	struct resources whole = *r; /* what it points to stays the caller's */

	if (cgroup_fd >= 0)
		complete(cgroup_fd, &whole);
	if (cgroup_settings(&whole, &settings, err) < 0)
		return -1;
	if (cgroup_fd < 0)
		return 0;
	if (check_usage(cgroup_fd, r, err) < 0)
		return -1;
	for (size_t i = 0; i < settings.n; i++)
		if (write_setting(cgroup_fd, &settings.items[i], err) < 0)
			return -1;
	return 0;
}

/* The rights with which a process can attach a program like the default filter, which yields, to a cgroup further down. */
#define MAY_LOAD_FILTERS (UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_BPF)

int cgroup_allow_devices(int cgroup_fd, const struct spec *spec, struct error *err)
{
	const struct resources *r = &spec->resources;
	bool own = r->devices_set || (spec->process.capabilities.bounding & MAY_LOAD_FILTERS);
	size_t n = r->n_devices + n_device_rules_default;
	autofree struct device_rule *rules = xcalloc(n, sizeof(*rules));
	struct error why = ERROR_INIT;

	if (cgroup_fd < 0 || (!own && device_filter_holds(cgroup_fd)))
		return 0;
	for (size_t i = 0; i < r->n_devices; i++) {
		const struct resource_device *d = &r->devices[i];

		rules[i] = (struct device_rule){
			.allow = d->allow,
			.type = d->type,
			.major = d->major,
			.minor = d->minor,
			.access = (d->mknod ? DEVICE_MKNOD : 0) | (d->read ? DEVICE_READ : 0) |
				  (d->write ? DEVICE_WRITE : 0),
		};
	}
	/* Last, as in runc and crun: no container goes without /dev/null. */
	memcpy(rules + r->n_devices, device_rules_default, n_device_rules_default * sizeof(*rules));
	if (device_filter_set(cgroup_fd, rules, n, &why) == 0)
		return 0;
	if (why.code == ENOTSUP) {
		log_warn_once("%s: containers may open every device", why.message);
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}
