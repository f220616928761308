/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Platforms, as images name them (os, architecture; Go's words for them) and as people type them after --platform. There
 * is one here. */
#ifndef KNARR_IMAGE_TOOLS_PLATFORM_H
#define KNARR_IMAGE_TOOLS_PLATFORM_H

#include <stdbool.h>

#include "lib/error.h"

#define PLATFORM              "linux/amd64"
#define PLATFORM_OS           "linux"
#define PLATFORM_ARCHITECTURE "amd64"

/* Whether an image said to be for os and architecture runs here. NULL: it is not said, and taken for granted. */
bool platform_is_ours(const char *os, const char *architecture);

/* Reads what --platform was given: "linux/amd64", "linux", "amd64", "x86_64", "linux/amd64/v1". Returns 0 where that is
 * this machine's, or -1 with err set: EINVAL. */
int platform_check(const char *text, struct error *err);

#endif
