/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers' half of image-tools/users.h. */
#ifndef KNARR_RUNTIME_USERS_H
#define KNARR_RUNTIME_USERS_H

#include "image-tools/users.h"

/* An image_users_fn: every container with the image it was made from. Damaged ones are told of and left out: they can
 * be neither started nor committed. */
int users_of_images(const struct store *st, struct image_users *out, struct error *err);

#endif
