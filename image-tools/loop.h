/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loop devices (loop(4)), for kernels whose EROFS cannot mount files. */
#ifndef KNARR_IMAGE_TOOLS_LOOP_H
#define KNARR_IMAGE_TOOLS_LOOP_H

#include "lib/error.h"

#define LOOP_PATH_MAX 32

/* Attaches the file read-only to a free loop device, which gives it up when its last user goes. Fills device with the
 * device's path. Returns a descriptor to be closed when the device is in use, or -1 with err set. */
int loop_attach(const char *path, char device[LOOP_PATH_MAX], struct error *err);

#endif
