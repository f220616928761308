/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts, as Docker shows them: in HostConfig as they were asked for (Binds of -v, Tmpfs of --tmpfs, Mounts of --mount), and
 * once more all together as what is mounted (moby, api/types/container: MountPoint). */
#include "runtime/engine/inspect_private.h"

#include <string.h>

#include "lib/cleanup.h"
#include "runtime/container/volume.h"
#include "runtime/engine/host_mounts.h"

static const char *type_name(const struct host_mount *m)
{
	return m->type == HOST_MOUNT_BIND     ? "bind"
	       : m->type == HOST_MOUNT_VOLUME ? "volume"
					      : "tmpfs";
}

void inspect_binds(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	struct strv binds autostrv = STRV_INIT;

	for (size_t i = 0; i < host->n_mounts; i++) {
		const struct host_mount *m = &host->mounts[i];

		if (m->type == HOST_MOUNT_TMPFS || m->by_mount || m->inherited || m->anonymous)
			continue;
		strv_addf(&binds, "%s:%s%s%s", m->source, m->target, m->options ? ":" : "",
			  m->options ? m->options : "");
	}
	inspect_list(doc, h, "Binds", &binds);
}

void inspect_tmpfs(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	struct strv all autostrv = STRV_INIT;

	for (size_t i = 0; i < host->n_mounts; i++) {
		const struct host_mount *m = &host->mounts[i];

		if (m->type == HOST_MOUNT_TMPFS && !m->by_mount && !m->inherited)
			strv_addf(&all, "%s=%s", m->target, m->options ? m->options : "");
	}
	json_put_map(doc, h, "Tmpfs", &all);
}

static void put_options(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct host_mount *m)
{
	yyjson_mut_val *part = yyjson_mut_obj(doc);
	const char *propagation = host_config_propagation_name(m->propagation);

	if (m->type == HOST_MOUNT_BIND && propagation)
		inspect_put(doc, part, "Propagation", propagation);
	if (m->non_recursive)
		yyjson_mut_obj_add_bool(doc, part, "NonRecursive", true);
	if (m->readonly_non_recursive)
		yyjson_mut_obj_add_bool(doc, part, "ReadOnlyNonRecursive", true);
	if (m->readonly_force_recursive)
		yyjson_mut_obj_add_bool(doc, part, "ReadOnlyForceRecursive", true);
	if (m->no_copy)
		yyjson_mut_obj_add_bool(doc, part, "NoCopy", true);
	if (m->tmpfs_size)
		yyjson_mut_obj_add_int(doc, part, "SizeBytes", m->tmpfs_size);
	if (m->tmpfs_mode)
		yyjson_mut_obj_add_uint(doc, part, "Mode", m->tmpfs_mode);
	if (yyjson_mut_obj_size(part))
		yyjson_mut_obj_add_val(doc, o,
				       m->type == HOST_MOUNT_BIND     ? "BindOptions"
				       : m->type == HOST_MOUNT_VOLUME ? "VolumeOptions"
								      : "TmpfsOptions",
				       part);
}

void inspect_mount_flags(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host)
{
	yyjson_mut_val *list = NULL, *o;

	for (size_t i = 0; i < host->n_mounts; i++) {
		const struct host_mount *m = &host->mounts[i];

		if (!m->by_mount || m->inherited)
			continue;
		if (!list)
			list = yyjson_mut_obj_add_arr(doc, h, "Mounts");
		o = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_str(doc, o, "Type", type_name(m));
		if (m->source && !m->anonymous)
			inspect_put(doc, o, "Source", m->source);
		inspect_put(doc, o, "Target", m->target);
		if (m->readonly)
			yyjson_mut_obj_add_bool(doc, o, "ReadOnly", true);
		put_options(doc, o, m);
	}
}

void inspect_mounts(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		    const struct host_config *host)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, o, "Mounts");

	for (size_t i = 0; i < host->n_mounts; i++) {
		const struct host_mount *m = &host->mounts[i];
		bool volume = m->type == HOST_MOUNT_VOLUME;
		const char *propagation = host_config_propagation_name(m->propagation);
		char *path autofree = volume ? volume_path(st, m->source) : NULL;
		yyjson_mut_val *p;

		if (m->type == HOST_MOUNT_TMPFS && !m->by_mount)
			continue;
		p = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_str(doc, p, "Type", type_name(m));
		if (volume)
			inspect_put(doc, p, "Name", m->source);
		inspect_put(doc, p, "Source", volume ? path : m->source);
		inspect_put(doc, p, "Destination", m->target);
		if (volume)
			yyjson_mut_obj_add_str(doc, p, "Driver", "local");
		/* A volume with a name has the label that the daemon would give it. */
		inspect_put(doc, p, "Mode",
			    m->type != HOST_MOUNT_TMPFS && m->options ? m->options
			    : volume && !m->anonymous                 ? "z"
								      : "");
		yyjson_mut_obj_add_bool(doc, p, "RW", !m->readonly);
		inspect_put(doc, p, "Propagation",
			    m->type != HOST_MOUNT_BIND ? ""
			    : propagation              ? propagation
						       : "rprivate");
	}
}
