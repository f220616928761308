/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside image-tools/fsck.h: what is in the store, and the parts of the check that look at it. */
#ifndef KNARR_IMAGE_TOOLS_FSCK_PARTS_H
#define KNARR_IMAGE_TOOLS_FSCK_PARTS_H

#include "image-tools/fsck.h"
#include "image-tools/tags.h"
#include "lib/digest.h"

struct survey_image {
	struct digest id;
	char *name; /* as people call it: a name it has, or its ID's first digits */
	struct digest *diffids;
	size_t n_diffids;
	char wrong[ERROR_MESSAGE_MAX]; /* what is wrong with its configuration, or "" */
};

struct survey_layer {
	struct digest diffid;
	uint64_t tar_size;       /* bytes of what is there */
	bool tar, index, record; /* which files there are */
	bool needed;             /* by an image whose configuration is sound */
	bool sound;              /* it can be used: filled by fsck_layers */
	bool changed; /* it went since the survey, or was replaced: what was seen of it says nothing of it now */
};

/* What stood in the store at one moment. */
struct survey {
	struct survey_image *images; /* by ID */
	struct survey_layer
		*layers; /* by DiffID; also those that images need and that are not there */
	size_t n_images, n_layers, n_unread; /* n_unread: images with something wrong */
	struct tags tags;
};

#define SURVEY_INIT \
	{ \
		0 \
	}

/* Looks at the store, whose lock the caller holds, shared or exclusive: reads all configurations. A tags.json that cannot be
 * read counts as without names. */
int survey_take(const struct store *st, struct survey *out, struct error *err);

/* The same, under the shared lock, which it takes and leaves. */
int survey_under_lock(const struct store *st, struct survey *out, struct error *err);
struct survey_image *survey_image(const struct survey *s, const struct digest *id);
struct survey_layer *survey_layer(const struct survey *s, const struct digest *diffid);
void survey_free(struct survey *s);
#define autosurvey __attribute__((cleanup(survey_free)))

/* The parts, in order. Those that return a value return -1 with err set where they could not look. */
int fsck_names_file(struct fsck *f, struct error *err); /* is tags.json a list of names? */
void fsck_images(struct fsck *f, struct survey *s);     /* configurations hash to their names */
int fsck_layers(struct fsck *f, struct survey *s,
		struct error *err);                      /* layers are what they were */
void fsck_needs(struct fsck *f, const struct survey *s); /* images have all their layers */
void fsck_names(struct fsck *f, const struct survey *s); /* names lead to images */
int fsck_orphans(struct fsck *f, const struct survey *s,
		 struct error *err); /* layers have images */
int fsck_quarantine(struct fsck *f, const struct survey *s, struct error *err);

#endif
