/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that change an image's configuration without running anything: what `commit -c` and `import -c`
 * take, and what a Dockerfile's same instructions do. CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
 * STOPSIGNAL, USER, VOLUME and WORKDIR, in capitals or not.
 *
 * Variables in them are replaced from the configuration as it stands, and a relative WORKDIR is below the one there
 * is, as in a Dockerfile. (Docker's daemon applies `commit -c` to an empty configuration and merges the container's
 * in behind, so that ENV PATH=$PATH:/x loses the path there and CMD [] has no effect.) */
#ifndef KNARR_IMAGE_TOOLS_CHANGE_H
#define KNARR_IMAGE_TOOLS_CHANGE_H

#include <stdbool.h>

#include "image-tools/image.h"
#include "image-tools/instruction.h"
#include "lib/error.h"

/* What one instruction needs to know of those before it. */
struct change {
	struct image_config *config;
	bool cmd_set; /* by a CMD: an ENTRYPOINT behind it leaves it, one without it clears the image's */
};

/* Applies one instruction. Returns 0, or -1 with err set, EINVAL, in Docker's words ("xyz is not a valid change
 * command", "ENV must have two arguments"), and the configuration as it was or partly changed. */
int change_instruction(struct change *change, const struct instruction *instruction,
		       struct error *err);

/* Parses and applies all of lines, in order; empty lines and comments (#) among them mean nothing. */
int changes_apply(struct image_config *config, const struct strv *lines, struct error *err);

#endif
