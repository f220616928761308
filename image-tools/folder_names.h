/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in a folder, in the order of their bytes: who walks a tree so meets it in the same order every time. */
#ifndef KNARR_IMAGE_TOOLS_FOLDER_NAMES_H
#define KNARR_IMAGE_TOOLS_FOLDER_NAMES_H

#include <stddef.h>

struct folder_names {
	const char **items;
	size_t n;
	char *text; /* what they point into */
};

/* Reads all names but "." and ".." from dirfd, a folder open for reading, whose position moves to its end. Returns
 * 0, or -1 with errno; what was read is to be freed either way. */
int folder_names_read(int dirfd, struct folder_names *out);

void folder_names_free(struct folder_names *n);
#define autofoldernames __attribute__((cleanup(folder_names_free)))

#endif
