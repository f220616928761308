/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of a container's inspect, each of which adds its members to an object. For runtime/inspect*.c. */
#ifndef KNARR_RUNTIME_INSPECT_PRIVATE_H
#define KNARR_RUNTIME_INSPECT_PRIVATE_H

#include "runtime/engine/inspect.h"

/* Members that have one value here. The table ends with a NULL key. */
enum inspect_constant { NUL, NO, ZERO, EMPTY, LIST, MAP };

struct inspect_member {
	const char *key;
	enum inspect_constant value;
};

void inspect_constants(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct inspect_member *m);

/* A list, or null where it is empty. */
void inspect_list(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const struct strv *v);

/* "HostConfig" */
void inspect_host_config(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c);
/* Its "Binds", "Tmpfs" and "Mounts", each where Docker has it. */
void inspect_binds(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host);
void inspect_tmpfs(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host);
void inspect_mount_flags(yyjson_mut_doc *doc, yyjson_mut_val *h, const struct host_config *host);
/* "Mounts": what is mounted, wherever it came from. */
void inspect_mounts(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		    const struct host_config *host);

#endif
