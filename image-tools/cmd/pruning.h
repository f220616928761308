/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the prune commands say: the question before, and the account after. */
#ifndef KNARR_IMAGE_TOOLS_CMD_PRUNING_H
#define KNARR_IMAGE_TOOLS_CMD_PRUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "image-tools/removal.h"

/* Prints warning and " [y/N] ", reads a line of standard input, whatever that is, and returns whether it was y or Y. At the
 * end of input the answer is no. The commands then end with 0 and nothing done, as Docker's do. */
bool pruning_confirmed(const char *warning);

/* "Deleted Images:" and its lines, with an empty one behind, if any went. */
void pruning_print_images(const struct removal *gone);

/* "Total reclaimed space: 212B" */
void pruning_print_total(uint64_t bytes);

/* One line on stderr where layers were left for the sake of a damaged image. */
void pruning_tell_kept(const struct removal *gone);

#endif
