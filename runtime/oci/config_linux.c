/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The "linux" object of config.json, but for its resources and sysctls. */
#include <errno.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/cleanup.h"
#include "runtime/oci/config.h"
#include "runtime/oci/config_private.h"
#include "runtime/spec/kernel.h"
#include "runtime/spec/seccomp_profile.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define MAJOR_MAX 0xfff
#define MINOR_MAX 0xfffff
/* The kernel takes as many lines in a map of a user namespace. */
#define MAPPING_MAX 340

/* ---- Namespaces */

static const struct oci_word namespace_types[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mount", CLONE_NEWNS },
	{ "network", CLONE_NEWNET },   { "pid", CLONE_NEWPID }, { "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },     { "uts", CLONE_NEWUTS }, { NULL, 0 },
};

const char *oci_namespace_name(size_t i)
{
	return namespace_types[i].word;
}

static int read_namespaces(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at list;
	uint64_t seen = 0, type;

	if (json_at_get_array(object, "namespaces", &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		struct json_at type_at = json_at_member(&e, "type"),
			       path_at = json_at_member(&e, "path");
		const char *name, *path = "";

		if (json_at_check_object(&e, err) || json_at_need_str(&e, "type", &name, err) ||
		    oci_word_value(&type_at, namespace_types, "a type of namespace", name, &type,
				   err) ||
		    json_at_get_str(&e, "path", &path, err))
			return -1;
		if (seen & type)
			return json_at_error(&e, err, "\"%s\" stands there twice", name);
		seen |= type;
		if (!*path) {
			out->namespaces |= type;
			continue;
		}
		if (path[0] != '/')
			return json_at_error(&path_at, err, "\"%s\" is not an absolute path", path);

		struct spec_join *join = spec_add_join(out);
		join->type = type;
		join->path = xstrdup(path);
	}
	return 0;
}

static bool joins(const struct spec *spec, uint64_t type)
{
	for (size_t i = 0; i < spec->n_joins; i++)
		if (spec->joins[i].type == type)
			return true;
	return false;
}

int oci_get_mappings(const struct json_at *object, const char *key, struct spec_mapping **out,
		     size_t *n, struct error *err)
{
	struct json_at list;
	uint64_t inside, outside, count;

	if (json_at_get_array(object, key, &list, err))
		return -1;
	if (list.value && yyjson_arr_size(list.value) > MAPPING_MAX)
		return json_at_error(&list, err, "more than the %d that the kernel takes",
				     MAPPING_MAX);
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (json_at_check_object(&e, err) ||
		    json_at_need_uint(&e, "containerID", UINT32_MAX, &inside, err) ||
		    json_at_need_uint(&e, "hostID", UINT32_MAX, &outside, err) ||
		    json_at_need_uint(&e, "size", UINT32_MAX, &count, err))
			return -1;
		if (count == 0)
			return json_at_error(&e, err, "size is 0");
		if (inside + count > UINT32_MAX || outside + count > UINT32_MAX)
			return json_at_error(&e, err, "reaches beyond the highest ID");
		for (size_t i = 0; i < *n; i++) {
			const struct spec_mapping *m = &(*out)[i];

			if ((inside < (uint64_t)m->inside + m->count &&
			     m->inside < inside + count) ||
			    (outside < (uint64_t)m->outside + m->count &&
			     m->outside < outside + count))
				return json_at_error(&e, err, "overlaps with an entry before");
		}
		spec_add_mapping(out, n,
				 (struct spec_mapping){ (uint32_t)inside, (uint32_t)outside,
							(uint32_t)count });
	}
	return 0;
}

static int read_id_mappings(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at uids = json_at_member(object, "uidMappings");
	struct json_at gids = json_at_member(object, "gidMappings");

	if (oci_get_mappings(object, "uidMappings", &out->uid_mappings, &out->n_uid_mappings,
			     err) ||
	    oci_get_mappings(object, "gidMappings", &out->gid_mappings, &out->n_gid_mappings, err))
		return -1;
	if (out->namespaces & CLONE_NEWUSER) {
		if (!out->n_uid_mappings)
			return json_at_error(&uids, err, "missing, with a new user namespace");
		if (!out->n_gid_mappings)
			return json_at_error(&gids, err, "missing, with a new user namespace");
	} else if (!joins(out, CLONE_NEWUSER) && (out->n_uid_mappings || out->n_gid_mappings)) {
		return json_at_error(out->n_uid_mappings ? &uids : &gids, err,
				     "there is no user namespace to map them in");
	}
	return 0;
}

static int read_clock(const struct json_at *offsets, const char *key, struct spec_time_offset *out,
		      bool *has, struct error *err)
{
	struct json_at object;
	uint64_t nanoseconds = 0;

	if (json_at_get_object(offsets, key, &object, err) ||
	    json_at_get_int(&object, "secs", INT64_MIN, INT64_MAX, &out->seconds, err) ||
	    json_at_get_uint(&object, "nanosecs", 999999999, &nanoseconds, err))
		return -1;
	out->nanoseconds = (uint32_t)nanoseconds;
	*has = object.value != NULL;
	return 0;
}

static int read_time_offsets(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at offsets;

	if (json_at_get_object(object, "timeOffsets", &offsets, err))
		return -1;
	for (struct json_at e = json_at_first(&offsets); e.value; e = json_at_next(&offsets, &e))
		if (strcmp(e.key, "monotonic") != 0 && strcmp(e.key, "boottime") != 0)
			return json_at_error(
				&e, err,
				"no clock that has an offset; monotonic and boottime have");
	if (read_clock(&offsets, "monotonic", &out->monotonic, &out->has_monotonic, err) ||
	    read_clock(&offsets, "boottime", &out->boottime, &out->has_boottime, err))
		return -1;
	if ((out->has_monotonic || out->has_boottime) && !(out->namespaces & CLONE_NEWTIME))
		return json_at_error(&offsets, err,
				     "there is no new time namespace to set them in");
	return 0;
}

/* ---- Devices */

static const struct oci_word device_types[] = {
	{ "c", S_IFCHR }, { "u", S_IFCHR }, { "b", S_IFBLK }, { "p", S_IFIFO }, { NULL, 0 },
};

static int read_device(const struct json_at *e, struct spec *out, struct error *err)
{
	struct json_at type_at = json_at_member(e, "type"), path_at = json_at_member(e, "path");
	const char *path, *name;
	uint64_t type, major_number = 0, minor_number = 0, mode = 0666, uid = 0, gid = 0;

	if (json_at_check_object(e, err) || json_at_need_str(e, "path", &path, err) ||
	    json_at_need_str(e, "type", &name, err) ||
	    oci_word_value(&type_at, device_types, "a type of device (c, b, u, p)", name, &type,
			   err))
		return -1;
	if (type != S_IFIFO && (json_at_need_uint(e, "major", MAJOR_MAX, &major_number, err) ||
				json_at_need_uint(e, "minor", MINOR_MAX, &minor_number, err)))
		return -1;
	/* Some write the mode of stat(2), with the type in it. */
	if (json_at_get_uint(e, "fileMode", 0177777, &mode, err) ||
	    json_at_get_uint(e, "uid", OCI_ID_MAX, &uid, err) ||
	    json_at_get_uint(e, "gid", OCI_ID_MAX, &gid, err))
		return -1;

	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (path[0] != '/' || len == 1)
		return json_at_error(&path_at, err, "\"%s\" is not an absolute path of a device",
				     path);

	autofree char *clean = xstrndup(path, len);
	dev_t device = type == S_IFIFO
			       ? 0
			       : makedev((unsigned int)major_number, (unsigned int)minor_number);
	struct spec_device *d = spec_find_device(out, clean);
	/* Twice the same device: the later one counts. One path cannot be two devices. */
	if (d && (d->device != device || (d->mode & S_IFMT) != type))
		return json_at_error(&path_at, err, "\"%s\" stands there twice, as two devices",
				     path);
	if (!d) {
		d = spec_add_device(out);
		d->path = STEAL_PTR(clean);
	}
	d->mode = (mode_t)(type | (mode & 07777));
	d->device = device;
	d->uid = (uid_t)uid;
	d->gid = (gid_t)gid;
	return 0;
}

/* What is listed, and the defaults that are there in every container (config-linux.md, "Default Devices"). */
static int read_devices(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at list;

	if (json_at_get_array(object, "devices", &list, err))
		return -1;
	if (list.value && yyjson_arr_size(list.value) > 4096)
		return json_at_error(&list, err, "more than 4096");
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e))
		if (read_device(&e, out, err))
			return -1;
	spec_add_default_devices(out);
	return 0;
}

/* ---- What is left */

static const struct oci_word propagations[] = {
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ NULL, 0 },
};

static const struct oci_word personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ NULL, 0 },
};

static int read_propagation(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at at = json_at_member(object, "rootfsPropagation");
	const char *name = "";
	uint64_t value = 0;

	if (json_at_get_str(object, "rootfsPropagation", &name, err))
		return -1;
	if (*name && oci_word_value(&at, propagations, "shared, slave, private or unbindable", name,
				    &value, err))
		return -1;
	out->root_propagation = (unsigned long)value;
	return 0;
}

static int read_personality(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at personality_object, flags;
	const char *name;
	uint64_t value;

	if (json_at_get_object(object, "personality", &personality_object, err))
		return -1;
	if (!personality_object.value)
		return 0;

	struct json_at at = json_at_member(&personality_object, "domain");
	if (json_at_need_str(&personality_object, "domain", &name, err) ||
	    oci_word_value(&at, personalities, "LINUX or LINUX32", name, &value, err) ||
	    json_at_get_array(&personality_object, "flags", &flags, err))
		return -1;
	if (flags.value && yyjson_arr_size(flags.value) > 0)
		return json_at_error(&flags, err, "the specification has no flags yet");
	out->personality = (uint32_t)value;
	out->has_personality = true;
	return 0;
}

/* Asked for in vain: better said than left out. */
static int refuse(const struct json_at *object, const char *key, const char *why, struct error *err)
{
	struct json_at at = json_at_member(object, key);

	if (!at.value || yyjson_equals_str(at.value, ""))
		return 0;
	return json_at_error_code(&at, ENOTSUP, err, "%s", why);
}

static int check_cgroups_path(const struct json_at *object, const char *path, struct error *err)
{
	struct json_at at = json_at_member(object, "cgroupsPath");

	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return json_at_error(&at, err, "\"%s\" leads out of its own by \"..\"",
					     path);
	return 0;
}

int oci_read_linux(const struct json_at *object, struct spec *out, struct error *err)
{
	struct json_at resources, seccomp;

	if (refuse(object, "intelRdt", "Intel RDT (resctrl) is not supported", err) ||
	    refuse(object, "netDevices",
		   "moving network devices is not supported (runtime-spec 1.3)", err) ||
	    refuse(object, "memoryPolicy", "not supported (runtime-spec 1.3)", err) ||
	    refuse(object, "mountLabel", "labels of SELinux are not supported", err))
		return -1;
	if (read_namespaces(object, out, err) || read_id_mappings(object, out, err) ||
	    read_time_offsets(object, out, err) || read_devices(object, out, err) ||
	    read_propagation(object, out, err) || read_personality(object, out, err) ||
	    oci_read_sysctls(object, out, err) ||
	    oci_get_paths(object, "maskedPaths", &out->masked_paths, err) ||
	    oci_get_paths(object, "readonlyPaths", &out->readonly_paths, err) ||
	    oci_get_text(object, "cgroupsPath", &out->cgroup, err) ||
	    json_at_get_object(object, "resources", &resources, err) ||
	    json_at_get_object(object, "seccomp", &seccomp, err))
		return -1;
	if (out->cgroup && check_cgroups_path(object, out->cgroup, err))
		return -1;
	if (resources.value && oci_read_resources(&resources, &out->resources, err))
		return -1;
	if (seccomp.value &&
	    seccomp_profile_compile_oci(&seccomp, &out->process.custom_seccomp, err))
		return -1;
	return 0;
}
