/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/host_config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/cleanup.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Limits of processes */

/* In the names of docker/go-units, which are those of the shell's ulimit. */
static const struct {
	const char *name;
	int resource;
} ulimits[] = {
	{ "core", RLIMIT_CORE },         { "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },         { "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },       { "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },     { "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },           { "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },     { "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

const char *ulimit_name(int resource)
{
	for (size_t i = 0; i < LENGTH(ulimits); i++)
		if (ulimits[i].resource == resource)
			return ulimits[i].name;
	return NULL;
}

int ulimit_resource(const char *name)
{
	for (size_t i = 0; i < LENGTH(ulimits); i++)
		if (strcmp(ulimits[i].name, name) == 0)
			return ulimits[i].resource;
	return -1;
}

/* ---- Restart policies */

static const char *const policies[] = { [RESTART_NO] = "no",
					[RESTART_ON_FAILURE] = "on-failure",
					[RESTART_ALWAYS] = "always",
					[RESTART_UNLESS_STOPPED] = "unless-stopped" };

const char *restart_policy_name(enum restart_policy policy)
{
	return policies[policy];
}

/* A count of retries as Go's strconv.Atoi reads it. */
static int parse_count(const char *text, long *out)
{
	char *end;

	if (*text != '-' && *text != '+' && (*text < '0' || *text > '9'))
		return -1;
	errno = 0;
	*out = strtol(text, &end, 10);
	return errno || *end || end == text ? -1 : 0;
}

int restart_policy_parse(const char *text, enum restart_policy *policy, unsigned int *max,
			 struct error *err)
{
	size_t len = strcspn(text, ":"), i;
	long count = 0;

	if (!len && *text)
		return error_set(err, EINVAL,
				 "invalid restart policy format: no policy provided before colon");
	if (text[len] && text[len + 1] && parse_count(text + len + 1, &count) < 0)
		return error_set(
			err, EINVAL,
			"invalid restart policy format: maximum retry count must be an integer");
	for (i = 0; i < LENGTH(policies); i++)
		if (strlen(policies[i]) == len && strncmp(policies[i], text, len) == 0)
			break;
	if (!len)
		i = RESTART_NO;
	if (i == LENGTH(policies))
		return error_set(
			err, EINVAL,
			"invalid restart policy: unknown policy '%.*s'; use one of 'no', 'always', "
			"'on-failure', or 'unless-stopped'",
			(int)(len > 100 ? 100 : len), text);
	if (i != RESTART_ON_FAILURE && count)
		return error_set(
			err, EINVAL,
			"invalid restart policy: maximum retry count can only be used with "
			"'on-failure'%s",
			count < 0 ? " and cannot be negative" : "");
	if (count < 0)
		return error_set(err, EINVAL,
				 "invalid restart policy: maximum retry count cannot be negative");
	if (count > INT_MAX)
		return error_set(
			err, EINVAL,
			"invalid restart policy format: maximum retry count must be an integer");
	*policy = (enum restart_policy)i;
	*max = (unsigned int)count;
	return 0;
}

/* ---- Lists */

struct host_mount *host_config_add_mount(struct host_config *h)
{
	struct host_mount *m;

	h->mounts = xreallocarray(h->mounts, h->n_mounts + 1, sizeof(*h->mounts));
	m = &h->mounts[h->n_mounts++];
	*m = (struct host_mount){ 0 };
	return m;
}

struct host_device *host_config_add_device(struct host_config *h)
{
	struct host_device *d;

	h->devices = xreallocarray(h->devices, h->n_devices + 1, sizeof(*h->devices));
	d = &h->devices[h->n_devices++];
	*d = (struct host_device){ 0 };
	return d;
}

struct host_block *host_config_add_block(struct host_config *h, enum host_block_kind kind)
{
	struct host_blocks *list = &h->blocks[kind];
	struct host_block *b;

	list->items = xreallocarray(list->items, list->n + 1, sizeof(*list->items));
	b = &list->items[list->n++];
	*b = (struct host_block){ 0 };
	return b;
}

void host_config_add_ulimit(struct host_config *h, int resource, struct rlimit limit)
{
	for (size_t i = 0; i < h->n_ulimits; i++)
		if (h->ulimits[i].resource == resource) {
			h->ulimits[i].limit = limit;
			return;
		}
	h->ulimits = xreallocarray(h->ulimits, h->n_ulimits + 1, sizeof(*h->ulimits));
	h->ulimits[h->n_ulimits++] = (struct spec_rlimit){ resource, limit };
}

const char *host_config_seccomp(const struct host_config *h)
{
	const char *found = NULL;

	for (size_t i = 0; i < h->security_opt.len; i++)
		if (str_starts(h->security_opt.items[i], "seccomp"))
			found = h->security_opt.items[i] + strlen("seccomp") + 1;
	return found;
}

/* ---- Copies */

/* What of a host_config is owned text, by address. */
#define TEXTS(h) \
	{ \
		&(h)->pid_mode, &(h)->ipc_mode, &(h)->uts_mode, &(h)->cgroupns_mode, \
			&(h)->userns_mode, &(h)->domainname, &(h)->cgroup_parent, &(h)->cid_file, \
			&(h)->log_driver, &(h)->resources.cpuset_cpus, &(h)->resources.cpuset_mems \
	}

#define LISTS(h) \
	{ \
		&(h)->cap_add, &(h)->cap_drop, &(h)->group_add, &(h)->security_opt, \
			&(h)->device_rules, &(h)->volumes_from, &(h)->dns, &(h)->dns_search, \
			&(h)->dns_options, &(h)->extra_hosts, &(h)->sysctls, &(h)->annotations, \
			&(h)->log_opts \
	}

static char *copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void copy_mounts(struct host_config *to, const struct host_config *from)
{
	to->mounts = NULL;
	to->n_mounts = 0;
	for (size_t i = 0; i < from->n_mounts; i++) {
		struct host_mount *m = host_config_add_mount(to);

		*m = from->mounts[i];
		m->source = copy_text(m->source);
		m->target = copy_text(m->target);
		m->options = copy_text(m->options);
		m->labels = (struct strv)STRV_INIT;
		strv_extend(&m->labels, &from->mounts[i].labels);
	}
}

static void copy_devices(struct host_config *to, const struct host_config *from)
{
	to->devices = NULL;
	to->n_devices = 0;
	for (size_t i = 0; i < from->n_devices; i++) {
		struct host_device *d = host_config_add_device(to);

		d->source = copy_text(from->devices[i].source);
		d->target = copy_text(from->devices[i].target);
		d->permissions = copy_text(from->devices[i].permissions);
	}
}

static void copy_limits(struct host_config *to, const struct host_config *from)
{
	to->ulimits = NULL;
	to->n_ulimits = 0;
	for (size_t i = 0; i < from->n_ulimits; i++)
		host_config_add_ulimit(to, from->ulimits[i].resource, from->ulimits[i].limit);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++) {
		to->blocks[kind] = (struct host_blocks){ 0 };
		for (size_t i = 0; i < from->blocks[kind].n; i++)
			*host_config_add_block(to, (enum host_block_kind)kind) =
				(struct host_block){
					copy_text(from->blocks[kind].items[i].path),
					from->blocks[kind].items[i].value,
				};
	}
}

void host_config_copy(struct host_config *to, const struct host_config *from)
{
	*to = *from;
	/* Of resources, no more than what container.json has. */
	to->resources.weight_devices = to->resources.read_bps = to->resources.write_bps =
		to->resources.read_iops = to->resources.write_iops = (struct resource_blocks){ 0 };
	to->resources.hugetlb = NULL;
	to->resources.n_hugetlb = 0;
	to->resources.unified = (struct strv)STRV_INIT;
	to->resources.devices = NULL;
	to->resources.n_devices = 0;
	to->resources.devices_set = false;

	char *const *const texts_from[] = TEXTS(from);
	char **const texts[] = TEXTS(to);
	const struct strv *const lists_from[] = LISTS(from);
	struct strv *const lists[] = LISTS(to);

	for (size_t i = 0; i < LENGTH(texts); i++)
		*texts[i] = copy_text(*texts_from[i]);
	for (size_t i = 0; i < LENGTH(lists); i++) {
		*lists[i] = (struct strv)STRV_INIT;
		strv_extend(lists[i], lists_from[i]);
	}
	copy_mounts(to, from);
	copy_devices(to, from);
	copy_limits(to, from);
}

void host_config_free(struct host_config *h)
{
	char **const texts[] = TEXTS(h);
	struct strv *const lists[] = LISTS(h);

	for (size_t i = 0; i < LENGTH(texts); i++) {
		free(*texts[i]);
		*texts[i] = NULL;
	}
	for (size_t i = 0; i < LENGTH(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < h->n_mounts; i++) {
		free(h->mounts[i].source);
		free(h->mounts[i].target);
		free(h->mounts[i].options);
		strv_free(&h->mounts[i].labels);
	}
	free(h->mounts);
	for (size_t i = 0; i < h->n_devices; i++) {
		free(h->devices[i].source);
		free(h->devices[i].target);
		free(h->devices[i].permissions);
	}
	free(h->devices);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++) {
		for (size_t i = 0; i < h->blocks[kind].n; i++)
			free(h->blocks[kind].items[i].path);
		free(h->blocks[kind].items);
	}
	free(h->ulimits);
	resources_free(&h->resources);
	*h = (struct host_config)HOST_CONFIG_INIT;
}

/* ---- Propagation of mounts */

static const struct {
	const char *name;
	unsigned long flags;
} propagations[] = {
	{ "private", MS_PRIVATE }, { "rprivate", MS_PRIVATE | MS_REC },
	{ "slave", MS_SLAVE },     { "rslave", MS_SLAVE | MS_REC },
	{ "shared", MS_SHARED },   { "rshared", MS_SHARED | MS_REC },
};

unsigned long host_config_propagation(const char *name)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(propagations[0]); i++)
		if (strcmp(name, propagations[i].name) == 0)
			return propagations[i].flags;
	return 0;
}

const char *host_config_propagation_name(unsigned long flags)
{
	for (size_t i = 0; i < sizeof(propagations) / sizeof(propagations[0]); i++)
		if (flags == propagations[i].flags)
			return propagations[i].name;
	return NULL;
}
