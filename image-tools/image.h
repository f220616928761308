/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images: a configuration (OCI image-spec config.md; Docker's image JSON is the same document with more members) kept
 * byte for byte, whose SHA-256 is the image ID, naming its layers by DiffID, lowest first. */
#ifndef KNARR_IMAGE_TOOLS_IMAGE_H
#define KNARR_IMAGE_TOOLS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

#include "image-tools/store.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/str.h"

#define IMAGE_CONFIG_INIT \
	{ \
		0 \
	}

#define IMAGE_CONFIG_MAX (8U << 20) /* bytes; a larger configuration is refused */

/* How to ask a container whether it is well. Times in nanoseconds; 0: not said, so that a default holds. */
struct image_healthcheck {
	struct strv
		test; /* {"NONE"}, {"CMD", program, ...}, {"CMD-SHELL", line}; empty: nothing is said */
	int64_t interval, timeout, start_period, start_interval;
	int64_t retries;
};

/* What a container of the image starts with: the "config" member. Absent strings are NULL, absent lists empty. */
struct image_config {
	struct strv env; /* KEY=VALUE */
	struct strv entrypoint;
	struct strv cmd;
	struct strv shell;
	struct strv volumes;       /* paths */
	struct strv exposed_ports; /* "80/tcp" */
	struct strv labels;        /* KEY=VALUE */
	struct strv on_build;
	char *user;
	char *working_dir;
	char *stop_signal;
	struct image_healthcheck healthcheck;
};

struct image_history {
	char *created; /* RFC 3339 or NULL */
	char *created_by;
	char *author;
	char *comment;
	bool empty_layer;
};

struct image {
	struct digest id;
	char *created; /* RFC 3339 or NULL */
	char *architecture;
	char *os;
	char *author;
	struct image_config config;
	struct digest *diffids; /* lowest layer first */
	size_t n_diffids;
	struct image_history *history;
	size_t n_history;
	uint64_t size; /* sum of its layers' sizes; filled by image_open, 0 by image_parse */
};

/* Parses a configuration (untrusted). NULL with err set: EINVAL. */
struct image *image_parse(const char *json, size_t len, struct error *err);

/* The image of that ID. NULL with err set: ENOENT, EUCLEAN (the file does not hash to its name, or is damaged). */
struct image *image_open(const struct store *st, const struct digest *id, struct error *err);

/* The configuration as it came in, checked against its ID; the caller frees. NULL with err set: ENOENT, EUCLEAN. */
char *image_read(const struct store *st, const struct digest *id, size_t *len, struct error *err);

/* Stores a configuration, durably; all layers it names must be in the store (ENOENT). Fills id. The caller holds the
 * store's exclusive lock, so that no prune removes a layer between the look and the deed. */
int image_put(const struct store *st, const char *json, size_t len, struct digest *id,
	      struct error *err);

/* Whether the store has the image. */
bool image_exists(const struct store *st, const struct digest *id);

/* Takes an image's configuration away; what is not there is no error. The caller holds the store's exclusive lock. */
int image_remove_locked(const struct store *st, const struct digest *id, struct error *err);

/* Finds an image as people name it: name[:tag], name@digest, a whole ID with or without sha256:, or an unambiguous
 * beginning of one. -1 with err set: ENOENT (`image "x" not found; see 'knarr images'`), EINVAL (ambiguous, bad name). */
int image_resolve(const struct store *st, const char *name, struct digest *id, struct error *err);

/* The same, and what name was: *tag becomes the whole name it has in tags.json (the caller frees), or NULL where an ID or
 * a digest was given. */
int image_resolve_name(const struct store *st, const char *name, struct digest *id, char **tag,
		       struct error *err);

/* IDs of all images, in no order; the caller frees. */
int image_list(const struct store *st, struct digest **ids, size_t *n, struct error *err);

/* Reads a "config" member (NULL: absent) into *out, which is IMAGE_CONFIG_INIT. -1 with err set: EINVAL. */
int image_config_get(yyjson_val *obj, struct image_config *out, struct error *err);

/* Sets c's members in obj, in Docker's names and order and with sets and maps sorted, as Go writes them; what is empty is
 * left out. */
void image_config_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct image_config *c);

/* "Healthcheck" alone; nothing where there is nothing to say. */
void image_healthcheck_put(yyjson_mut_doc *doc, yyjson_mut_val *obj,
			   const struct image_healthcheck *h);

void image_config_copy(struct image_config *to, const struct image_config *from);
void image_config_free(struct image_config *c);
#define autoimageconfig __attribute__((cleanup(image_config_free)))

void image_free(struct image *img);
static inline void image_freep(struct image **img)
{
	image_free(*img);
}
#define autoimage __attribute__((cleanup(image_freep)))

#endif
