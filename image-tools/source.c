/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/source.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/str.h"

static int fd_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct fd_source *s = (struct fd_source *)src;
	ssize_t n;

	do
		n = s->size >= 0 ? pread(s->fd, s->buf, s->room, (off_t)s->position)
				 : read(s->fd, s->buf, s->room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_errno(err, "cannot read %s", s->name);
	s->position += (uint64_t)n;
	*data = s->buf;
	*len = (size_t)n;
	return 0;
}

static int fd_skip(struct source *src, uint64_t n, struct error *err)
{
	struct fd_source *s = (struct fd_source *)src;

	if (__builtin_add_overflow(s->position, n, &s->position) || s->position > (uint64_t)s->size)
		return error_set(err, EINVAL, "%s ends too early", s->name);
	return 0;
}

void fd_source_init(struct fd_source *s, int fd, const char *name, size_t room)
{
	struct stat st;
	off_t at;

	*s = (struct fd_source){
		.src = { .next = fd_next }, .fd = fd, .name = name, .size = -1, .room = room
	};
	s->buf = xmalloc(room);
	at = lseek(fd, 0, SEEK_CUR);
	if (at >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->position = (uint64_t)at;
		s->size = st.st_size;
		s->src.skip = fd_skip;
	}
}

void fd_source_free(struct fd_source *s)
{
	free(s->buf);
	s->buf = NULL;
}

static int memory_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct memory_source *s = (struct memory_source *)src;

	(void)err;
	*data = s->data;
	*len = s->len;
	s->data += s->len;
	s->len = 0;
	return 0;
}

void memory_source_init(struct memory_source *s, const void *data, size_t len)
{
	*s = (struct memory_source){ .src = { .next = memory_next }, .data = data, .len = len };
}

static int hash_next(struct source *src, const uint8_t **data, size_t *len, struct error *err)
{
	struct hash_source *s = (struct hash_source *)src;

	if (s->from->next(s->from, data, len, err) < 0)
		return -1;
	if (*len && !s->idle)
		sha256_update(&s->hash, *data, *len);
	s->length += *len;
	return 0;
}

void hash_source_init(struct hash_source *s, struct source *from)
{
	*s = (struct hash_source){ .src = { .next = hash_next }, .from = from };
	sha256_init(&s->hash);
}

int hash_source_finish(struct hash_source *s, struct digest *out, struct error *err)
{
	const uint8_t *data;
	size_t len;

	do
		if (hash_next(&s->src, &data, &len, err) < 0)
			return -1;
	while (len);
	sha256_final(&s->hash, out);
	return 0;
}
