/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a file has data and where holes: the map of a sparse file for a tar. */
#ifndef KNARR_IMAGE_TOOLS_FILE_MAP_H
#define KNARR_IMAGE_TOOLS_FILE_MAP_H

#include <stddef.h>
#include <sys/stat.h>

#include "image-tools/tar.h"

/* A file whose holes come to less is not worth a map: its zeros are written like other data. */
#define FILE_MAP_HOLES_MIN (1U << 20)

struct file_map {
	struct tar_piece *pieces;
	size_t n, room;
};

/* Sets e's pieces where the regular file fd, of which st tells and whose size e has, has holes enough; else they
 * stay NULL. Holes shorter than 64 KiB count as data, and longer ones, too, where there would be more than 65,536
 * pieces. The pieces are m's, until its next use. Returns 0, or -1 with errno. fd's position is not kept. */
int file_map_read(struct file_map *m, int fd, const struct stat *st, struct tar_entry *e);

void file_map_free(struct file_map *m);

#endif
