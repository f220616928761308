/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quarantine/: what was taken out of the store because it is damaged, so that nothing uses it and a person may look at it.
 * Beside each thing stands <name>.reason, a line of text.
 *
 *     layer-<diffid>.tar    image-<id>.json    tags.json    container-<id>/
 *
 * Nothing in Knarr reads it; what is no longer wanted is deleted by hand, or by `fsck --repair` when the store has the
 * thing whole again. */
#ifndef KNARR_IMAGE_TOOLS_QUARANTINE_H
#define KNARR_IMAGE_TOOLS_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"

#define QUARANTINE_FOLDER "quarantine"
#define QUARANTINE_REASON ".reason"

/* Moves path in the folder dirfd to quarantine/name, durably, in place of what may be there under that name. */
int quarantine_put(const struct store *st, int dirfd, const char *path, const char *name,
		   const char *reason, struct error *err);

/* The names of all things in it, without their reasons; none where there is no quarantine. */
int quarantine_list(const struct store *st, struct strv *names, struct error *err);

/* Takes a thing and its reason away; an empty quarantine goes, too. What is not there is no error. */
int quarantine_drop(const struct store *st, const char *name, struct error *err);

#endif
