/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes: folders that outlive the containers they are mounted in.
 *
 *     volumes/<name>/_data/         what is in it
 *                    volume.json    {"name", "driver": "local", "created": RFC 3339, "labels": {...}, "temporary"}
 *     volumes/.lock
 *
 * A volume is made in tmp/, filled (with what the image has at its place), synced and then renamed to its name; it is
 * renamed back to tmp/ before it is removed. So under its name it is whole or not there, whatever is killed or cut off.
 *
 * Who uses a volume is told by the containers: every container.json whose mounts name it, running or not. The lock is
 * taken shared by whoever makes a container with volumes, from the look for the volume until container.json stands (struct
 * volume_hold), and exclusive by whoever removes one: so no volume goes that a container was just promised. Order: the
 * store's lock first, then this one, then a container's. */
#ifndef KNARR_RUNTIME_VOLUME_H
#define KNARR_RUNTIME_VOLUME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "image-tools/image.h"
#include "image-tools/prune_filter.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"
#include "runtime/container/config.h"

/* What Docker puts on a volume that nobody gave a name, with an empty value. */
#define VOLUME_ANONYMOUS_LABEL "com.docker.volume.anonymous"

struct volume {
	char *name;
	struct timespec created;
	struct strv labels; /* KEY=VALUE, sorted */
	bool temporary; /* anonymous, of a container with --rm: after a power cut, which ends that, it goes */
};

#define VOLUME_INIT \
	{ \
		0 \
	}

void volume_free(struct volume *v);
#define autovolume __attribute__((cleanup(volume_free)))

/* Checks a name: [a-zA-Z0-9][a-zA-Z0-9_.-]+, at most 255 bytes. -1 with err set, EINVAL, in Docker's words (`create x: ...`). */
int volume_check_name(const char *name, struct error *err);

/* Makes a volume, empty, unless there is one of that name. name NULL: a random one of 64 digits, labelled as anonymous.
 * *out, where not NULL, is filled and the caller's. */
int volume_create(const struct store *st, const char *name, const struct strv *labels,
		  struct volume *out, struct error *err);

/* -1 with err set: ENOENT (`get x: no such volume`), EINVAL (its volume.json is damaged). */
int volume_open(const struct store *st, const char *name, struct volume *out, struct error *err);

/* All of them, sorted by name; the caller frees. A damaged one is told of by log_warn_once and has a name only. */
int volume_list(const struct store *st, struct volume **list, size_t *n, struct error *err);
void volume_list_free(struct volume *list, size_t n);

/* Where its files are: an absolute path of the machine; the caller frees. */
char *volume_path(const struct store *st, const char *name);

/* Bytes of the files in it. */
int volume_size(const struct store *st, const char *name, uint64_t *bytes, struct error *err);

/* Which containers use which volumes: pairs "<name> <container ID>", sorted. */
struct volume_uses {
	struct strv pairs;
};

#define VOLUME_USES_INIT \
	{ \
		STRV_INIT \
	}

int volume_uses_read(const struct store *st, struct volume_uses *out, struct error *err);
size_t volume_uses_count(const struct volume_uses *u, const char *name);
void volume_uses_free(struct volume_uses *u);
#define autovolumeuses __attribute__((cleanup(volume_uses_free)))

/* Removes it. -1 with err set: ENOENT (`get x: no such volume`), EBUSY (`remove x: volume is in use - [id]`). */
int volume_remove(const struct store *st, const char *name, struct error *err);

/* Removes those that no container uses and filter lets go: anonymous ones only, or all. Appends their names to gone and adds
 * their sizes to reclaimed. */
int volume_prune(const struct store *st, const struct prune_filter *filter, bool all,
		 struct strv *gone, uint64_t *reclaimed, struct error *err);

/* At boot: removes the temporary volumes of containers that the machine's end has ended. */
int volume_recover_all(const struct store *st, struct error *err);

/* ---- A container's */

/* What was made for a container that does not stand yet. */
struct volume_hold {
	int lock_fd;
	struct strv made; /* names */
};

#define VOLUME_HOLD_INIT \
	{ \
		.lock_fd = -1, .made = STRV_INIT \
	}

/* For a container about to be made: adds the image's VOLUMEs to config's mounts, names the anonymous ones, and makes every
 * volume that is not there. A volume that is new, or empty and in no other container, begins with what the image has at
 * its target (owners, modes, times, attributes, links), unless the mount says no_copy. Then config can be written, under hold.
 * -1 with err set and nothing held or left. */
int volumes_prepare(const struct store *st, struct container_config *config,
		    const struct image *image, struct volume_hold *hold, struct error *err);

/* container.json stands: the volumes are its own now. */
void volumes_keep(struct volume_hold *hold);
/* It could not be made: the volumes that were made for it go again. Both may be called on a hold that is VOLUME_HOLD_INIT. */
void volumes_abandon(const struct store *st, struct volume_hold *hold);

/* Removes the anonymous volumes of a container that was just removed (`rm -v`, `run --rm`), but for those that another
 * container uses too. */
int volumes_remove_anonymous(const struct store *st, const struct container_config *config,
			     struct error *err);

#endif
