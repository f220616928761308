/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that somebody named to have output in (`save -o FILE`): it appears under its name whole, or not at all, and what
 * stood there before stays until then. Between the two it has no name where the filesystem can do that (O_TMPFILE: a kill
 * leaves nothing), else one that begins with FS_TEMP_PREFIX in the same folder.
 *
 * The new file's mode is the umask's matter, its owner who writes it. A symbolic link is followed where the kernel lets one
 * follow it (proc(5), protected_symlinks): what it leads to is replaced. A FIFO or a character device (/dev/null,
 * /dev/stdout into a pipe) is written as it stands; a folder and a disk are refused. */
#ifndef KNARR_LIB_OUTPUT_H
#define KNARR_LIB_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

struct output {
	int fd;      /* to write into; a file is also readable */
	bool direct; /* a FIFO or device: there is nothing to name or take back */
	char *shown; /* the path as it was given, for messages */
	char *base;  /* the file's name in the folder */
	int folder_fd;
	uint64_t written, behind; /* bytes; up to behind the disk was told to write */
	char temporary[32];       /* "": it has no name */
};

#define OUTPUT_INIT \
	{ \
		.fd = -1, .folder_fd = -1 \
	}

/* Returns 0, or -1 with err set: EISDIR, ENOENT (no such folder), ENXIO (a disk), EACCES, ... */
int output_open(struct output *o, const char *path, struct error *err);

/* Writes all of it into a file, and has the disk begin with it at once. Returns 0, or -1 with err set (ENOSPC, ...). */
int output_write(struct output *o, const void *data, size_t len, struct error *err);

/* Syncs the file and gives it its name, in place of what has it. Returns 0, or -1 with err set (ENOSPC, EIO, ...) and the
 * name as it was; output_end is still to be called. */
int output_finish(struct output *o, struct error *err);

/* Frees o. What was not finished is gone. */
void output_end(struct output *o);
#define autooutput __attribute__((cleanup(output_end)))

#endif
