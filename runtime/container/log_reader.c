/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/str.h"
#include "runtime/container/log_files.h"
#include "runtime/container/logfile.h"

#define OBJECT_MAX (6U * LOG_LINE_MAX + 256) /* every byte as \u00xx, and what stands around it */

/* ---- Files */

/* Where the last *n objects begin; *n becomes how many are still missing. */
static off_t tail_offset(int fd, int64_t *n)
{
	char block[8192];
	struct stat st;
	off_t end;
	bool last = true; /* the newline that ends the last object does not count */

	if (fstat(fd, &st) < 0)
		return 0;
	if (*n <= 0)
		return st.st_size;
	for (end = st.st_size; end > 0;) {
		size_t len = end < (off_t)sizeof(block) ? (size_t)end : sizeof(block);
		ssize_t got = pread(fd, block, len, end - (off_t)len);

		if (got != (ssize_t)len)
			return 0;
		for (size_t i = len; i-- > 0;) {
			if (block[i] != '\n')
				continue;
			if (!last && --*n == 0)
				return end - (off_t)len + (off_t)i + 1;
			last = false;
		}
		end -= (off_t)len;
	}
	/* The first object has no newline before it. */
	if (!last)
		--*n;
	return 0;
}

static int open_number(int dirfd, uint64_t number)
{
	char name[LOG_FILE_NAME_MAX];

	return openat(dirfd, log_file_name(number, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int fail(struct error *err)
{
	return error_errno(err, "cannot open the container's log");
}

/* Opens the first file that is not below r->number. Returns 1, 0 where there is none, or -1. */
static int open_next(struct log_reader *r, struct error *err)
{
	uint64_t lowest, highest;

	while (log_files_find(r->dirfd, r->number, &lowest, &highest)) {
		r->fd = open_number(r->dirfd, lowest);
		if (r->fd >= 0) {
			r->number = lowest;
			r->offset = 0;
			return 1;
		}
		if (errno != ENOENT) /* removed this very moment: it was the oldest */
			return fail(err);
	}
	return 0;
}

void log_reader_close(struct log_reader *r)
{
	cleanup_close(&r->fd);
	r->fd = -1;
}

/* Goes back file by file until the last lines are all there. */
static int seek_tail(struct log_reader *r, struct error *err)
{
	int64_t missing = r->options.tail;
	uint64_t lowest, highest;

	if (!log_files_find(r->dirfd, 0, &lowest, &highest))
		return 0;
	for (uint64_t number = highest;; number--) {
		int fd = open_number(r->dirfd, number);

		if (fd < 0 && errno != ENOENT)
			return fail(err);
		/* Removed meanwhile: it was the oldest, and so is now what we have, if anything. */
		if (fd < 0)
			return r->fd >= 0 ? 0 : seek_tail(r, err);
		log_reader_close(r);
		r->fd = fd;
		r->number = number;
		r->offset = tail_offset(fd, &missing);
		if (missing <= 0 || number == lowest)
			return 0;
	}
}

int log_reader_open(struct log_reader *r, int dirfd, const struct log_options *options,
		    struct error *err)
{
	*r = (struct log_reader){ .dirfd = dirfd, .fd = -1, .options = *options };
	return options->tail >= 0 ? seek_tail(r, err) : 0;
}

/* ---- Objects */

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Whether its time is one that is asked for. */
static bool is_wanted(struct log_reader *r, const char *time)
{
	const struct log_options *o = &r->options;
	struct timespec t;

	if (!o->has_since && !o->has_until)
		return true;
	if (time_parse(time, &t) < 0 || (o->has_since && before(&t, &o->since)))
		return false;
	r->past = r->past || (o->has_until && before(&o->until, &t));
	return !o->has_until || !before(&o->until, &t);
}

/* One object to the buffer of its stream. */
static void show(struct log_reader *r, const char *text, size_t len, struct strbuf out[2])
{
	const struct log_options *o = &r->options;
	autojson yyjson_doc *doc = json_parse(text, len, "log", NULL);

	if (!doc)
		return;
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *log = yyjson_obj_get(root, "log");
	const char *stream = yyjson_get_str(yyjson_obj_get(root, "stream"));
	const char *time = yyjson_get_str(yyjson_obj_get(root, "time"));
	struct strbuf *to;

	if (!yyjson_is_str(log) || !stream || !time)
		return;
	if (!is_wanted(r, time))
		return;
	to = &out[strcmp(stream, "stderr") == 0];
	if (o->timestamps)
		strbuf_printf(to, "%s ", time);
	/* What a log's own attributes would stand before; there are none. */
	if (o->details)
		strbuf_putc(to, ' ');
	strbuf_add(to, yyjson_get_str(log), yyjson_get_len(log));
}

static int drain(struct strbuf *b, int fd, struct error *err)
{
	if (b->len && fs_write_all(fd, b->data, b->len) < 0)
		return error_errno(err, "cannot write the log out");
	strbuf_reset(b);
	return 0;
}

/* Shows the whole objects in data; *used becomes their length. The streams are written out in turn, so that lines on one
 * terminal come in the order in which the container wrote them. */
static int show_all(struct log_reader *r, const char *data, size_t len, size_t *used,
		    const int fds[2], struct error *err)
{
	struct strbuf out[2] = { STRBUF_INIT, STRBUF_INIT };
	int status = 0, current = 0;

	for (*used = 0; *used < len && status == 0;) {
		const char *start = data + *used;
		const char *newline = memchr(start, '\n', len - *used);

		if (!newline)
			break;
		show(r, start, (size_t)(newline - start), out);
		*used += (size_t)(newline - start) + 1;
		if (out[!current].len) {
			status = drain(&out[current], fds[current], err);
			current = !current;
		}
	}
	for (int s = 0; s < 2; s++) {
		if (status == 0)
			status = drain(&out[s], fds[s], err);
		strbuf_free(&out[s]);
	}
	return status;
}

/* Takes the first used bytes out of the reader's buffer. */
static void consume(struct log_reader *r, char *data, size_t *len, size_t used)
{
	memmove(data, data + used, *len - used);
	*len -= used;
	r->offset += (off_t)used;
}

/* What the file at hand has from r->offset on. */
static int copy_file(struct log_reader *r, const int fds[2], char *data, size_t room,
		     struct error *err)
{
	size_t len = 0, used;
	bool skip = false; /* within a line longer than any object can be */

	for (;;) {
		ssize_t n = pread(r->fd, data + len, room - len, r->offset + (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "cannot read the container's log");
		if (n == 0)
			return 0;
		len += (size_t)n;
		if (skip) {
			const char *newline = memchr(data, '\n', len);

			skip = !newline;
			consume(r, data, &len, newline ? (size_t)(newline - data) + 1 : len);
		}
		if (show_all(r, data, len, &used, fds, err) < 0)
			return -1;
		consume(r, data, &len, used);
		if (len == room) {
			skip = true;
			consume(r, data, &len, len);
		}
	}
}

int log_reader_copy(struct log_reader *r, int out_fd, int err_fd, struct error *err)
{
	const size_t room = OBJECT_MAX;
	autofree char *data = xmalloc(room);
	const int fds[2] = { out_fd, err_fd };
	uint64_t lowest, highest;
	int opened;

	for (;;) {
		if (r->fd < 0 && (opened = open_next(r, err)) <= 0)
			return opened;
		if (copy_file(r, fds, data, room, err) < 0)
			return -1;
		if (!log_files_find(r->dirfd, r->number + 1, &lowest, &highest))
			return 0;
		/* Nobody writes to this one any more; but before the other was made, somebody may have. */
		if (copy_file(r, fds, data, room, err) < 0)
			return -1;
		log_reader_close(r);
		r->number++;
	}
}
