/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/str.h"

#define RETRY_SECONDS 1
#define OBJECT_MAX    (6U * LOG_LINE_MAX + 256) /* every byte as \u00xx, and what stands around it */

/* ---- Escaping */

/* The length of the UTF-8 sequence at s, or 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	size_t n;
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

/* The escaped form of the character at s: its bytes in out (at most 6), their number in *made. Returns bytes of s. */
static size_t escape_one(const unsigned char *s, size_t len, char out[6], size_t *made)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = utf8_length(s, len);

	if (n == 0) {
		memcpy(out, "\\ufffd", 6);
		*made = 6;
		return 1;
	}
	*made = 2;
	out[0] = '\\';
	switch (s[0]) {
	case '"':
	case '\\':
		out[1] = (char)s[0];
		return 1;
	case '\n':
		out[1] = 'n';
		return 1;
	case '\r':
		out[1] = 'r';
		return 1;
	case '\t':
		out[1] = 't';
		return 1;
	default:
		break;
	}
	if (s[0] < 0x20 || s[0] == 0x7f) {
		memcpy(out, "\\u00", 4);
		out[4] = hex[s[0] >> 4];
		out[5] = hex[s[0] & 15];
		*made = 6;
		return 1;
	}
	memcpy(out, s, n);
	*made = n;
	return n;
}

/* How many bytes at in stand for themselves: printable ASCII but for the quote and the backslash. */
static size_t plain_length(const char *in, size_t len)
{
	size_t n = 0;

	while (n < len && in[n] >= ' ' && in[n] < 0x7f && in[n] != '"' && in[n] != '\\')
		n++;
	return n;
}

size_t json_escape(const char *in, size_t len, size_t *used, char *out, size_t room)
{
	size_t at = 0, n = 0;

	while (at < len) {
		char piece[6];
		size_t made, took,
			plain = plain_length(in + at, len - at < room - n ? len - at : room - n);

		memcpy(out + n, in + at, plain);
		at += plain;
		n += plain;
		if (at == len)
			break;
		took = escape_one((const unsigned char *)in + at, len - at, piece, &made);
		if (made > room - n)
			break;
		memcpy(out + n, piece, made);
		n += made;
		at += took;
	}
	*used = at;
	return n;
}

/* ---- Writing */

void log_writer_init(struct log_writer *w, int dirfd, char *lines)
{
	w->dirfd = dirfd;
	w->fd = -1;
	w->size = 0;
	w->dropped = 0;
	w->retry = 0;
	w->encoded = 0;
	w->pending[0] = w->pending[1] = 0;
	w->line[0] = lines;
	w->line[1] = lines + LOG_LINE_MAX;
}

static int writer_open(struct log_writer *w)
{
	struct stat st;

	if (w->fd >= 0)
		return 0;
	w->fd = openat(w->dirfd, "log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->fd < 0 || fstat(w->fd, &st) < 0) {
		cleanup_close(&w->fd);
		w->fd = -1;
		return -1;
	}
	w->size = st.st_size;
	return 0;
}

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
static void commit(struct log_writer *w, off_t *end, uint64_t lines, bool ok, struct timespec now)
{
	if (ok && flush(w, end) == 0) {
		w->size = *end;
		return;
	}
	/* Without this, a reader would find half an object with the next one glued to it. */
	if (w->fd >= 0 && ftruncate(w->fd, w->size) < 0)
		errno = 0; /* the reader passes over damaged lines; there is nobody to tell */
	w->encoded = 0;
	w->dropped += lines;
	w->retry = now.tv_sec + RETRY_SECONDS;
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
	if (put_object(w, end, text, (size_t)n, &tail) < 0)
		return false;
	commit(w, end, 0, true, now);
	if (w->size != *end)
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

void log_writer_add(struct log_writer *w, enum log_stream stream, const char *data, size_t len)
{
	struct timespec now = time_now();
	size_t *pending = &w->pending[stream];
	char *line = w->line[stream];
	off_t end = w->size;
	bool ok = ready(w, &end, now);
	struct tail tail;
	uint64_t lines = 0;

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

/* ---- Reading */

/* Where the last n objects begin. */
static off_t tail_offset(int fd, int64_t n)
{
	char block[8192];
	struct stat st;
	off_t end;
	bool last = true; /* the newline that ends the last object does not count */

	if (fstat(fd, &st) < 0)
		return 0;
	if (n <= 0)
		return st.st_size;
	for (end = st.st_size; end > 0;) {
		size_t len = end < (off_t)sizeof(block) ? (size_t)end : sizeof(block);
		ssize_t got = pread(fd, block, len, end - (off_t)len);

		if (got != (ssize_t)len)
			return 0;
		for (size_t i = len; i-- > 0;) {
			if (block[i] != '\n')
				continue;
			if (!last && --n == 0)
				return end - (off_t)len + (off_t)i + 1;
			last = false;
		}
		end -= (off_t)len;
	}
	return 0;
}

int log_reader_open(struct log_reader *r, int dirfd, const struct log_options *options,
		    struct error *err)
{
	r->options = *options;
	r->fd = openat(dirfd, "log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->fd < 0)
		return error_errno(err, "cannot open the container's log");
	r->offset = options->tail >= 0 ? tail_offset(r->fd, options->tail) : 0;
	return 0;
}

void log_reader_close(struct log_reader *r)
{
	cleanup_close(&r->fd);
	r->fd = -1;
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* One object to the buffer of its stream. */
static void show(const struct log_reader *r, const char *text, size_t len, struct strbuf out[2])
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
	if (o->has_since || o->has_until) {
		struct timespec t;
		if (time_parse(time, &t) < 0 || (o->has_since && before(&t, &o->since)) ||
		    (o->has_until && before(&o->until, &t)))
			return;
	}
	to = &out[strcmp(stream, "stderr") == 0];
	if (o->timestamps)
		strbuf_printf(to, "%s ", time);
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
static int show_all(const struct log_reader *r, const char *data, size_t len, size_t *used,
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

int log_reader_copy(struct log_reader *r, int out_fd, int err_fd, struct error *err)
{
	const size_t room = OBJECT_MAX;
	autofree char *data = xmalloc(room);
	const int fds[2] = { out_fd, err_fd };
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
