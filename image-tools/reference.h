/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of images: [host[:port]/]path[:tag][@digest], by the grammar of the distribution project's reference package.
 * As with Docker, "busybox" stands for docker.io/library/busybox:latest, and is shown as "busybox" again. */
#ifndef KNARR_IMAGE_TOOLS_REFERENCE_H
#define KNARR_IMAGE_TOOLS_REFERENCE_H

#include "lib/digest.h"
#include "lib/error.h"

#include <stdbool.h>

struct reference {
	char *repository; /* whole: "docker.io/library/busybox", "127.0.0.1:5000/debian" */
	char *tag;        /* NULL when the text had none */
	bool has_digest;
	struct digest digest;
};

#define REFERENCE_INIT \
	{ \
		0 \
	}

/* Parses text. Returns 0, or -1 with err set (EINVAL: `invalid reference format: "..."`, upper case in a repository named
 * as such). Free out's strings with reference_free. */
int reference_parse(const char *text, struct reference *out, struct error *err);

/* Gives out the tag "latest" where it has neither tag nor digest. */
void reference_default_tag(struct reference *ref);

/* The repository as people know it: "busybox", "user/name", "127.0.0.1:5000/debian". Points into ref. */
const char *reference_familiar(const struct reference *ref);

/* "busybox:latest" (familiar) or "docker.io/library/busybox:latest" (whole: the key in tags.json); the caller frees. */
char *reference_text(const struct reference *ref, bool familiar);

void reference_free(struct reference *ref);
#define autoreference __attribute__((cleanup(reference_free)))

#endif
