/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/say.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static int console_fd = -1;
static int kmsg_fd = -1;
static bool muted;

static void reopen(int *fd, const char *path)
{
	int new_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (new_fd < 0)
		return;
	if (*fd >= 0)
		close(*fd);
	*fd = new_fd;
}

void say_open(void)
{
	reopen(&console_fd, "/dev/console");
	reopen(&kmsg_fd, "/dev/kmsg");
}

void say_mute(bool mute)
{
	muted = mute;
}

bool say_muted(void)
{
	return muted;
}

static void put(int fd, const char *prefix, const char *fmt, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t used = strlen(prefix);
	int n;

	if (fd < 0)
		return;
	memcpy(line, prefix, used);
	n = vsnprintf(line + used, sizeof line - used - 1, fmt, args);
	if (n < 0)
		return;
	used += (size_t)n;
	if (used > sizeof line - 2)
		used = sizeof line - 2;
	line[used++] = '\n';
	/* What the terminal does not take now is lost: see the header. */
	if (write(fd, line, used) < 0)
		return;
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (muted)
		put(kmsg_fd, "<6>init: ", fmt, args);
	else
		put(console_fd, "init: ", fmt, args);
	va_end(args);
}

void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(console_fd, "init: ", fmt, args);
	va_end(args);
	/* At the level "debug" even a kernel that is not quiet does not repeat it on the console.
	 */
	va_start(args, fmt);
	put(kmsg_fd, "<7>init: ", fmt, args);
	va_end(args);
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(kmsg_fd, "<6>init: ", fmt, args);
	va_end(args);
}
