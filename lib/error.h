/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors that travel upward. A function that can fail returns 0 or -1 (or a pointer or NULL) and fills the caller's
 * struct error once, at the depth that knows what happened; callers add context only where it helps a person. Nothing
 * here prints or exits: commands do that, with the message as it stands.
 *
 * A message names the thing and what to do, starts in lower case, has no final stop and no newline:
 *     image "web" not found; see 'knarr images'
 * It may name things that come from outside: control characters are taken out (str_one_line), so a message is one line. */
#ifndef KNARR_LIB_ERROR_H
#define KNARR_LIB_ERROR_H

#define ERROR_MESSAGE_MAX 512

struct error {
	int code;   /* an errno value that callers may test; 0 while nothing failed */
	int status; /* exit status the command should end with; 0 lets the command choose (125) */
	char message[ERROR_MESSAGE_MAX]; /* cut at the end with "..." when longer */
};

#define ERROR_INIT \
	{ \
		0 \
	}

/* Fills err with code, status 0 and a formatted message; returns -1 so that `return error_set(...)` reads well. err may
 * be NULL (the caller does not want to know). errno stays as it is. A code of 0 is stored as EINVAL: a filled error is
 * never "no error". */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, with the errno of the call that just failed as code and ": <strerror>" behind the message. */
int error_errno(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "<formatted>: " before the message err already carries. Keeps code and status. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the exit status a command should end with (126, 127, a program's own). Returns -1. */
int error_status(struct error *err, int status);

/* The analyzer looks at one file at a time: it is told here what all four return. */
#if defined(__clang_analyzer__) && !defined(KNARR_LIB_ERROR_C)
#define error_set(...)    (error_set(__VA_ARGS__), -1)
#define error_errno(...)  (error_errno(__VA_ARGS__), -1)
#define error_prefix(...) (error_prefix(__VA_ARGS__), -1)
#define error_status(...) (error_status(__VA_ARGS__), -1)
#endif

/* Empties err, for a caller that met the failure and goes on. */
void error_clear(struct error *err);

#endif
