/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/file_map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/str.h"

#define HOLE_MIN   (UINT64_C(64) << 10)
#define PIECES_MAX 65536U

void file_map_free(struct file_map *m)
{
	free(m->pieces);
	*m = (struct file_map){ 0 };
}

static void add(struct file_map *m, uint64_t offset, uint64_t end, uint64_t hole_min)
{
	if (m->n) {
		struct tar_piece *last = &m->pieces[m->n - 1];

		if (offset < last->offset + last->length + hole_min) {
			last->length = end - last->offset;
			return;
		}
	} else if (offset < hole_min) {
		offset = 0;
	}
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->pieces = xreallocarray(m->pieces, m->room, sizeof(*m->pieces));
	}
	m->pieces[m->n++] = (struct tar_piece){ offset, end - offset };
}

/* Fills the map; holes shorter than hole_min are no holes. Stops beyond PIECES_MAX. -1 with errno. */
static int scan(struct file_map *m, int fd, uint64_t size, uint64_t hole_min)
{
	off_t at = 0;

	m->n = 0;
	while ((uint64_t)at < size && m->n <= PIECES_MAX) {
		off_t data = lseek(fd, at, SEEK_DATA), end;

		if (data < 0 && errno == ENXIO) /* nothing but a hole from here on */
			break;
		if (data < 0)
			return -1;
		if ((uint64_t)data >= size)
			break;
		end = lseek(fd, data, SEEK_HOLE);
		if (end < 0 && errno == ENXIO) /* it became shorter */
			break;
		if (end < 0)
			return -1;
		if ((uint64_t)end > size)
			end = (off_t)size;
		add(m, (uint64_t)data, (uint64_t)end, hole_min);
		at = end;
	}
	return 0;
}

static uint64_t stored(const struct file_map *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->pieces[i].length;
	return sum;
}

int file_map_read(struct file_map *m, int fd, const struct stat *st, struct tar_entry *e)
{
	uint64_t hole_min = HOLE_MIN;

	e->pieces = NULL;
	e->n_pieces = 0;
	if (e->size < FILE_MAP_HOLES_MIN ||
	    (uint64_t)st->st_blocks * 512 > e->size - FILE_MAP_HOLES_MIN)
		return 0;
	do {
		if (scan(m, fd, e->size, hole_min) < 0)
			return -1;
		hole_min *= 2;
	} while (m->n > PIECES_MAX);
	if (e->size - stored(m) < FILE_MAP_HOLES_MIN)
		return 0;
	if (!m->pieces) /* never NULL, which would mean that there are no holes */
		m->pieces = xcalloc(m->room = 1, sizeof(*m->pieces));
	e->pieces = m->pieces;
	e->n_pieces = m->n;
	return 0;
}
