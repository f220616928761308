/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's log: containers/<id>/log (with --log-opt max-size, a row of files: runtime/container/log_files.h), in the format of
 * Docker's json-file driver, one object a line:
 *
 *     {"log":"hello\n","stream":"stdout","time":"2026-11-24T02:03:04.000000005Z"}
 *
 * "log" is one line of output with its newline; a line longer than LOG_LINE_MAX is cut into several objects, of which only
 * the last has the newline, as with Docker. JSON is text: bytes that are not UTF-8 become U+FFFD, again as with Docker.
 *
 * The writer is the monitor's: nothing is allocated, and a full disk costs lines, not the container: what could not be
 * written whole is taken back, and a notice tells how many lines are missing once there is room again. */
#ifndef KNARR_RUNTIME_LOGFILE_H
#define KNARR_RUNTIME_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/error.h"

#define LOG_LINE_MAX 16384

enum log_stream { LOG_STDOUT, LOG_STDERR };

/* ---- Writing */

/* What --log-driver and --log-opt ask for. */
struct log_limits {
	bool disabled; /* "none": nothing is kept */
	int64_t max_size; /* bytes after which a new file is begun, at the end of an object; 0: never */
	unsigned int max_files; /* with max_size: how many are kept, at least 1 */
};

struct log_writer {
	int dirfd; /* the container's folder; not owned */
	int fd;    /* -1 until there is something to write: a silent container has no log */
	struct log_limits limits;
	uint64_t oldest, number; /* of the first file, and of the one behind fd */
	off_t size;              /* end of the last whole object */
	uint64_t dropped;        /* lines lost since the last that was written */
	time_t retry;            /* when to try again after a failure */
	size_t pending[2];       /* bytes of an unfinished line, per stream */
	size_t encoded;          /* bytes in buffer */
	char *line[2];           /* LOG_LINE_MAX bytes each, of the caller's */
	char buffer[8192];
};

/* Starts a writer on the folder dirfd; lines points to 2 * LOG_LINE_MAX bytes that stay the caller's. Appends to a log
 * that is there from an earlier run of the container. */
void log_writer_init(struct log_writer *w, int dirfd, const struct log_limits *limits, char *lines);

/* Adds output. Whole lines reach the file before it returns; the rest waits for its newline. */
void log_writer_add(struct log_writer *w, enum log_stream stream, const char *data, size_t len);

/* Writes unfinished lines too and closes the file. */
void log_writer_close(struct log_writer *w);

/* Escapes text for the inside of a JSON string. *used becomes the bytes of in that were encoded (all, unless out is
 * full); returns the bytes in out. A UTF-8 sequence that in breaks off within counts as broken. */
size_t json_escape(const char *in, size_t len, size_t *used, char *out, size_t room);

/* ---- Reading */

struct log_options {
	int64_t tail; /* at most so many of the last lines; -1: all */
	bool has_since, has_until;
	struct timespec since, until;
	bool timestamps; /* each line begins with its time and a space */
	bool details;    /* and then with the log's attributes and a space */
};

#define LOG_OPTIONS_INIT \
	{ \
		.tail = -1 \
	}

/* A reader of a log: gives what is there, and, asked again later, what came since, also where the log was rotated
 * meanwhile. Damaged lines are passed over. Of files that were rotated away before it came to them nothing is left. */
struct log_reader {
	int dirfd;       /* the container's folder, to watch for changes; not owned */
	int fd;          /* -1: the next file is still to be opened */
	uint64_t number; /* of the file behind fd, or the lowest that the next may have */
	off_t offset;    /* of the next unread object */
	bool past;       /* an object from after options.until was met */
	struct log_options options;
};

/* Starts a reader on the folder dirfd, which may have no log yet. -1 with err set. */
int log_reader_open(struct log_reader *r, int dirfd, const struct log_options *options,
		    struct error *err);

/* Writes every whole object from r->offset on to out_fd or err_fd by its stream. Returns 0, or -1 with err set. */
int log_reader_copy(struct log_reader *r, int out_fd, int err_fd, struct error *err);

void log_reader_close(struct log_reader *r);

#endif
