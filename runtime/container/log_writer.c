/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/log_files.h"
#include "runtime/container/logfile.h"

#define RETRY_SECONDS 1

void log_writer_init(struct log_writer *w, int dirfd, const struct log_limits *limits, char *lines)
{
	w->dirfd = dirfd;
	w->fd = -1;
	w->limits = *limits;
	w->oldest = w->number = 0;
	w->size = 0;
	w->dropped = 0;
	w->retry = 0;
	w->encoded = 0;
	w->pending[0] = w->pending[1] = 0;
	w->line[0] = lines;
	w->line[1] = lines + LOG_LINE_MAX;
}

/* ---- Files */

static int open_number(const struct log_writer *w, uint64_t number, int flags)
{
	char name[LOG_FILE_NAME_MAX];

	return openat(w->dirfd, log_file_name(number, name),
		      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

static void remove_oldest(struct log_writer *w)
{
	char name[LOG_FILE_NAME_MAX];

	unlinkat(w->dirfd, log_file_name(w->oldest++, name), 0);
}

static void remove_old(struct log_writer *w)
{
	while (w->limits.max_size && w->number - w->oldest >= w->limits.max_files)
		remove_oldest(w);
}

static int writer_open(struct log_writer *w)
{
	struct stat st;
	char last;

	if (w->fd >= 0)
		return 0;
	if (!log_files_find(w->dirfd, 0, &w->oldest, &w->number))
		w->oldest = w->number = 0;
	w->fd = open_number(w, w->number, 0);
	if (w->fd < 0 || fstat(w->fd, &st) < 0) {
		cleanup_close(&w->fd);
		w->fd = -1;
		return -1;
	}
	w->size = st.st_size;
	/* A monitor that was killed while it wrote leaves half an object: what comes next is not to be glued to it. */
	if (w->size && pread(w->fd, &last, 1, w->size - 1) == 1 && last != '\n' &&
	    pwrite(w->fd, "\n", 1, w->size) == 1)
		w->size++;
	remove_old(w);
	return 0;
}

/* Goes on in a new file. Where none can be made, the log goes on in the old one: too long is better than lost. */
static void rotate(struct log_writer *w)
{
	int fd = open_number(w, w->number + 1, O_EXCL);

	if (fd < 0 && errno == ENOSPC && w->oldest < w->number) {
		remove_oldest(w);
		fd = open_number(w, w->number + 1, O_EXCL);
	}
	if (fd < 0)
		return;
	/* On its way to the disk, so that a power cut takes no hole out of the middle. */
	sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	cleanup_close(&w->fd);
	w->fd = fd;
	w->number++;
	w->size = 0;
	remove_old(w);
}

/* ---- Objects */

/* Writes the buffer behind what is there. *end moves; w->size does so only at the end of an object. */
static int flush(struct log_writer *w, off_t *end)
{
	for (size_t done = 0; done < w->encoded;) {
		ssize_t n = pwrite(w->fd, w->buffer + done, w->encoded - done, *end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
		*end += n;
	}
	w->encoded = 0;
	return 0;
}

static int put(struct log_writer *w, off_t *end, const char *text, size_t len)
{
	if (sizeof(w->buffer) - w->encoded < len && flush(w, end) < 0)
		return -1;
	memcpy(w->buffer + w->encoded, text, len);
	w->encoded += len;
	return 0;
}

/* What stands behind the text of an object. All lines that come in one piece share it, and so its making. */
struct tail {
	char text[96];
	size_t len;
};

static void make_tail(struct tail *t, enum log_stream stream, struct timespec now)
{
	char time[TIME_TEXT_MAX];

	t->len = (size_t)snprintf(t->text, sizeof(t->text),
				  "\",\"stream\":\"%s\",\"time\":\"%s\"}\n",
				  stream == LOG_STDOUT ? "stdout" : "stderr", time_text(now, time));
}

/* One object, to the file. */
static int put_object(struct log_writer *w, off_t *end, const char *line, size_t len,
		      const struct tail *tail)
{
	if (put(w, end, "{\"log\":\"", 8) < 0)
		return -1;
	for (size_t used; len > 0; line += used, len -= used) {
		w->encoded += json_escape(line, len, &used, w->buffer + w->encoded,
					  sizeof(w->buffer) - w->encoded);
		if (used < len && flush(w, end) < 0)
			return -1;
	}
	return put(w, end, tail->text, tail->len);
}

/* Writes the lines that are buffered up to now, or takes the file back to where it was. lines: how many they are. */
static bool commit(struct log_writer *w, off_t *end, uint64_t lines, bool ok, struct timespec now)
{
	if (ok && flush(w, end) == 0) {
		w->size = *end;
		return true;
	}
	/* Without this, a reader would find half an object with the next one glued to it. */
	if (w->fd >= 0 && ftruncate(w->fd, w->size) < 0)
		errno = 0; /* the reader passes over damaged lines; there is nobody to tell */
	w->encoded = 0;
	w->dropped += lines;
	w->retry = now.tv_sec + RETRY_SECONDS;
	return false;
}

static bool put_notice(struct log_writer *w, off_t *end, struct timespec now)
{
	struct tail tail;
	char text[96];
	int n;

	n = snprintf(text, sizeof(text),
		     "knarr: %llu lines of output were lost here: the log could not be written\n",
		     (unsigned long long)w->dropped);
	make_tail(&tail, LOG_STDERR, now);
	/* It is told once it is written, and not before. */
	if (!commit(w, end, 0, put_object(w, end, text, (size_t)n, &tail) == 0, now))
		return false;
	w->dropped = 0;
	return true;
}

/* Whether lines can be written now. After a failure it is tried again only after a while: a disk that is full is so for
 * more than a moment. */
static bool ready(struct log_writer *w, off_t *end, struct timespec now)
{
	if (w->dropped && now.tv_sec < w->retry)
		return false;
	if (writer_open(w) < 0)
		return false;
	*end = w->size;
	return !w->dropped || put_notice(w, end, now);
}

/* Whether the file is as long as it may be, what is in the buffer counted in. */
static bool is_full(const struct log_writer *w, off_t end)
{
	return w->limits.max_size && end + (off_t)w->encoded >= w->limits.max_size;
}

void log_writer_add(struct log_writer *w, enum log_stream stream, const char *data, size_t len)
{
	struct timespec now;
	size_t *pending = &w->pending[stream];
	char *line = w->line[stream];
	off_t end = w->size;
	struct tail tail;
	uint64_t lines = 0;
	bool ok;

	if (w->limits.disabled)
		return;
	now = time_now();
	ok = ready(w, &end, now);
	make_tail(&tail, stream, now);
	while (len > 0) {
		const char *newline = memchr(data, '\n', len);
		size_t n = newline ? (size_t)(newline - data) + 1 : len;
		bool whole = newline != NULL;
		const char *text = data;

		if (n > LOG_LINE_MAX - *pending) {
			n = LOG_LINE_MAX - *pending;
			whole = false;
		}
		/* The usual case, a whole line in one piece, goes without a copy. */
		if (*pending > 0 || !whole) {
			memcpy(line + *pending, data, n);
			*pending += n;
			text = line;
		}
		data += n;
		len -= n;
		if (whole || *pending == LOG_LINE_MAX) {
			if (ok && is_full(w, end)) {
				ok = commit(w, &end, lines, true, now);
				lines = 0;
				if (ok)
					rotate(w);
				end = w->size;
			}
			lines++;
			ok = ok && put_object(w, &end, text, *pending ? *pending : n, &tail) == 0;
			*pending = 0;
		}
	}
	if (lines > 0)
		commit(w, &end, lines, ok, now);
}

void log_writer_close(struct log_writer *w)
{
	struct timespec now = time_now();

	w->retry = 0;
	for (int s = LOG_STDOUT; s <= LOG_STDERR; s++) {
		off_t end = w->size;
		struct tail tail;
		bool ok;

		if (!w->pending[s] && !w->dropped)
			continue;
		ok = ready(w, &end, now);
		make_tail(&tail, (enum log_stream)s, now);
		if (w->pending[s]) {
			ok = ok && put_object(w, &end, w->line[s], w->pending[s], &tail) == 0;
			commit(w, &end, 1, ok, now);
		}
		w->pending[s] = 0;
	}
	cleanup_close(&w->fd);
	w->fd = -1;
}
