/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the person at the console: "<program>: message" on stderr. Only commands and the monitor speak; the library
 * fills a struct error instead. The one exception is log_warn_once, for a machine that lacks something (cgroup
 * controllers, say) where the work goes on without it. */
#ifndef KNARR_LIB_LOG_H
#define KNARR_LIB_LOG_H

#include "lib/error.h"

/* The name that stands before every line: the base name of argv[0], "docker" or "knarr". */
void log_set_program(const char *argv0);
const char *log_program(void);

/* "<program>: <message>". */
void log_error(const struct error *err);
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "<program>: warning: <message>", each distinct fmt at most once in a process; silent after log_quiet. */
void log_warn_once(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_quiet(void);

/* Has warnings go to fn, without program and "warning: ", instead of stderr. */
void log_divert_warnings(void (*fn)(const char *message));

#endif
