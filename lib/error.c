/* SPDX-License-Identifier: GPL-2.0-or-later */
#define KNARR_LIB_ERROR_C
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/str.h"

/* Formats behind what buf holds already; what does not fit is cut and the cut is shown. */
static void append(char buf[ERROR_MESSAGE_MAX], const char *fmt, va_list ap)
{
	size_t used = strlen(buf);
	int n = vsnprintf(buf + used, ERROR_MESSAGE_MAX - used, fmt, ap);

	if (n < 0)
		buf[used] = '\0';
	else if ((size_t)n >= ERROR_MESSAGE_MAX - used)
		memcpy(buf + ERROR_MESSAGE_MAX - 4, "...", 4);
	str_one_line(buf + used);
}

static void __attribute__((format(printf, 2, 3))) appendf(char *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(buf, fmt, ap);
	va_end(ap);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!err)
		return -1;
	err->code = code ? code : EINVAL;
	err->status = 0;
	err->message[0] = '\0';
	va_start(ap, fmt);
	append(err->message, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

int error_errno(struct error *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!err)
		return -1;
	err->code = saved ? saved : EINVAL;
	err->status = 0;
	err->message[0] = '\0';
	va_start(ap, fmt);
	append(err->message, fmt, ap);
	va_end(ap);
	appendf(err->message, ": %s", strerror(err->code));
	errno = saved;
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	int saved = errno;
	char old[ERROR_MESSAGE_MAX];
	va_list ap;

	if (!err)
		return -1;
	memcpy(old, err->message, sizeof(old));
	err->message[0] = '\0';
	va_start(ap, fmt);
	append(err->message, fmt, ap);
	va_end(ap);
	appendf(err->message, ": %s", old);
	errno = saved;
	return -1;
}

int error_status(struct error *err, int status)
{
	if (err)
		err->status = status;
	return -1;
}

void error_clear(struct error *err)
{
	if (err)
		*err = (struct error)ERROR_INIT;
}
