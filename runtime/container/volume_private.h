/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between runtime/container/volume.c and runtime/engine/volume_prepare.c. */
#ifndef KNARR_RUNTIME_VOLUME_PRIVATE_H
#define KNARR_RUNTIME_VOLUME_PRIVATE_H

#include "runtime/container/volume.h"

#define VOLUME_DATA "_data"

/* The folder of all volumes, made when missing; -1 with err set. */
int volume_folder(const struct store *st, struct error *err);

/* LOCK_SH or LOCK_EX; the descriptor's close releases it. */
int volume_lock(const struct store *st, int operation, struct error *err);

/* A volume being made. dirfd is its folder in tmp/, under a lock of its own that keeps it from being cleaned away. */
struct volume_draft {
	const struct store *st;
	char name[32]; /* in tmp/ */
	int dirfd;
};

#define VOLUME_DRAFT_INIT \
	{ \
		.dirfd = -1 \
	}

int volume_draft_begin(const struct store *st, struct volume_draft *d, struct error *err);
/* Makes _data (0755, empty) unless it is there; filled: with something in it that is to be synced. Writes v down and gives it
 * all its name. EEXIST: another has made it meanwhile. */
int volume_draft_finish(struct volume_draft *d, const struct volume *v, bool filled,
			struct error *err);
/* Puts the draft's _data in place of that of the volume name, which is empty, in one step. */
int volume_draft_exchange(struct volume_draft *d, const char *name, struct error *err);
/* What was not finished goes. */
void volume_draft_end(struct volume_draft *d);
#define autodraft __attribute__((cleanup(volume_draft_end)))

/* Fills v as a new one of that name; NULL: anonymous. */
int volume_describe(const char *name, const struct strv *labels, bool temporary, struct volume *v,
		    struct error *err);

/* Writes a volume's volume.json anew, as of one without labels: for one that is damaged. */
int volume_describe_anew(const struct store *st, const char *name, struct error *err);

/* Takes a volume away that nobody uses. The caller holds the lock, or knows that nobody knows the name. */
int volume_remove_locked(const struct store *st, const char *name, struct error *err);

#endif
