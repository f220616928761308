/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is still to be done if the command at work dies: tmp/journal. Adding an image takes several steps (layers, its
 * configuration, its names), removing one takes them the other way round, and a kill or a power cut may come between any
 * two. So before the first step the journal is written and synced, and with the last one it goes:
 *
 *     adding      names to be set back to what they were, images and layers to be taken away again
 *     removing    names to be taken away, images and layers to be removed: what is being done, to be done to the end
 *
 * Either way it says the same: {"tags":{NAME: ID or null},"images":[ID],"layers":[DIFFID]}, "make these names mean this,
 * then remove these images, then these layers". Whoever takes the store's exclusive lock next does that first
 * (store_lock), and every command that opens the store and finds a journal nobody holds the lock for (journal_settle).
 * While its writer lives he holds the lock, and nobody looks.
 *
 * What takes one step only (a tag, one image whose layers are there) needs no journal. */
#ifndef KNARR_IMAGE_TOOLS_JOURNAL_H
#define KNARR_IMAGE_TOOLS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "image-tools/store.h"
#include "image-tools/tags.h"
#include "lib/digest.h"
#include "lib/error.h"

#define JOURNAL_FILE "journal" /* in tmp/ */

struct journal {
	struct tag *names; /* an ID of zeros: the name is to go */
	struct digest *images, *layers;
	size_t n_names, n_images, n_layers;
};

#define JOURNAL_INIT \
	{ \
		0 \
	}

/* Notes one thing. Of an image or a layer a second time is passed over; names, of which there may be very many, must be noted
 * once. The name is copied; id NULL: it is to go. */
void journal_note_name(struct journal *j, const char *name, const struct digest *id);
void journal_note_image(struct journal *j, const struct digest *id);
void journal_note_layer(struct journal *j, const struct digest *diffid);
void journal_free(struct journal *j);
#define autojournal __attribute__((cleanup(journal_free)))

/* The three of whoever holds the store's exclusive lock. Writes the journal, durably. */
int journal_begin_locked(const struct store *st, const struct journal *j, struct error *err);

/* All is done: takes the journal away, durably. */
int journal_end_locked(const struct store *st, struct error *err);

/* Does what the journal says, in its order and durably, and takes it away. For the end of a removal, and for taking back
 * an addition that failed. What is done already is no error. */
int journal_carry_out_locked(const struct store *st, const struct journal *j, struct error *err);

/* Whether there is a journal: somebody is at work, or has died at it. */
bool journal_exists(const struct store *st);

/* Carries out the journal of a dead command, if there is one. store_lock does it for whoever takes the lock. */
int journal_settle_locked(const struct store *st, struct error *err);

/* The same for whoever just opened the store; where the lock is held, nothing is to be done. */
void journal_settle(const struct store *st);

#endif
