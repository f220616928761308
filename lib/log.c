/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fs.h"

static const char *program = "knarr";
static bool quiet;
static void (*divert)(const char *message);

void log_set_program(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0;

	if (name && *name)
		program = name;
}

const char *log_program(void)
{
	return program;
}

/* One write a line, so that lines of several processes (a monitor, a command) do not run into each other. Nothing is
 * allocated: the monitor speaks when memory is short, too. */
static void say(const char *kind, const char *fmt, va_list ap)
{
	char line[4096];
	size_t room = sizeof(line) - 1; /* the line break */
	int n = snprintf(line, room, "%s: %s", program, kind);
	size_t len = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;

	n = vsnprintf(line + len, room - len, fmt, ap);
	if (n > 0)
		len += (size_t)n < room - len ? (size_t)n : room - len - 1;
	line[len++] = '\n';
	fs_write_all(STDERR_FILENO, line, len);
}

void log_error(const struct error *err)
{
	log_line("%s", err->message);
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void log_warn_once(const char *fmt, ...)
{
	static const char *said[64];
	size_t i = 0;
	va_list ap;

	if (quiet)
		return;
	for (; i < sizeof(said) / sizeof(said[0]) && said[i]; i++)
		if (strcmp(said[i], fmt) == 0)
			return;
	if (i < sizeof(said) / sizeof(said[0]))
		said[i] = fmt;
	va_start(ap, fmt);
	if (divert) {
		char message[4096];

		vsnprintf(message, sizeof(message), fmt, ap);
		divert(message);
	} else {
		say("warning: ", fmt, ap);
	}
	va_end(ap);
}

void log_divert_warnings(void (*fn)(const char *message))
{
	divert = fn;
}

void log_quiet(void)
{
	quiet = true;
}
