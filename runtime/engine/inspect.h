/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `inspect` shows of a container, as image-tools/inspect.h does of an image: the members of Docker's API
 * (moby, api/types/container: InspectResponse, HostConfig), their names and their order. */
#ifndef KNARR_RUNTIME_INSPECT_H
#define KNARR_RUNTIME_INSPECT_H

#include <stdbool.h>

#include "image-tools/inspect.h"
#include "runtime/container/container.h"

/* The container's object, made in doc; size: with SizeRw and SizeRootFs, which are counted anew. NULL with err set. */
yyjson_mut_val *inspect_container(yyjson_mut_doc *doc, const struct store *st,
				  const struct container *c, bool size, struct error *err);

/* Bytes of the files in its writable layer, and of those and its image's. */
int container_sizes(const struct store *st, const struct container *c, uint64_t *own, uint64_t *all,
		    struct error *err);

#endif
