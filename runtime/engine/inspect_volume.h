/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `inspect` shows of a volume: the members of Docker's API (moby, api/types/volume: Volume) and their order. */
#ifndef KNARR_RUNTIME_INSPECT_VOLUME_H
#define KNARR_RUNTIME_INSPECT_VOLUME_H

#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/json.h"

/* The volume's object, made in doc. NULL with err set: ENOENT (`get x: no such volume`). */
yyjson_mut_val *inspect_volume(yyjson_mut_doc *doc, const struct store *st, const char *name,
			       struct error *err);

#endif
