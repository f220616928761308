/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of /proc and /sys, read and written whole, without allocation; and the clock that all
 * time limits are told by. */
#ifndef KNARR_INIT_FILE_H
#define KNARR_INIT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads at most size - 1 bytes into buf and ends them with a zero; a final newline is taken off.
 * Returns the length, or -1 with errno (and buf empty). */
ssize_t file_read(const char *path, char *buf, size_t size);

/* Writes text in one write (what the control files of the kernel expect). Returns 0, or -1 with
 * errno. */
int file_write(const char *path, const char *text);

/* The number that the file starts with, or fallback if it cannot be read or is none. */
uint64_t file_number(const char *path, uint64_t fallback);

/* mkdir -p: makes path and its parents with mode 0755; what stands already is left as it is. */
int file_mkdirs(const char *path);

/* Milliseconds of CLOCK_MONOTONIC: never goes back, also when the date is set. */
int64_t clock_ms(void);

/* Bytes as a person reads them, three figures at most: "512K", "7.9G", "64G". Returns buf. */
char *human_size(uint64_t bytes, char buf[static 8]);

#endif
