/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text and lists of strings. Memory that runs out ends the process with one line on stderr (xmalloc's habit):
 * a command cannot do anything sensible then, and what was being written is temporary until its rename. Code that must
 * survive (the monitor's loop, everything between clone and exec) allocates beforehand and uses none of this. */
#ifndef KNARR_LIB_STR_H
#define KNARR_LIB_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* malloc, calloc, realloc, strdup, strndup that never return NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* A formatted string of the caller's own; free it. */
char *str_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Makes text from outside fit for one line of a terminal, in place: tabs and line breaks become spaces, other control
 * characters (an escape sequence's beginning) question marks. */
void str_one_line(char *s);

/* Whether s stands in a comma-separated list, as in Accept-like headers and filters. */
bool str_in_list(const char *s, const char *comma_list);

/* Parses a whole decimal number (no sign, no space, no suffix) up to max into *out. Returns 0 or -1. */
int str_to_u64(const char *s, unsigned long long max, unsigned long long *out);

/* Growing bytes, always with a NUL behind them. Start with STRBUF_INIT; release with strbuf_free or autostrbuf. */
struct strbuf {
	char *data; /* NULL until something is added */
	size_t len; /* bytes, without the final NUL */
	size_t cap;
};

#define STRBUF_INIT \
	{ \
		0 \
	}

void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap);
/* Empties b and keeps its memory. */
void strbuf_reset(struct strbuf *b);
/* Hands b's text to the caller (an empty string if nothing was added), who frees it; b is empty afterwards. */
char *strbuf_steal(struct strbuf *b);
void strbuf_free(struct strbuf *b);
#define autostrbuf __attribute__((cleanup(strbuf_free)))

/* A list of strings that it owns, NULL-terminated, so that v.items serves as argv or environ. */
struct strv {
	char **items; /* NULL while empty */
	size_t len;
};

#define STRV_INIT \
	{ \
		0 \
	}

void strv_add(struct strv *v, const char *s);
/* Takes s, which must come from malloc. */
void strv_take(struct strv *v, char *s);
void strv_addf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_extend(struct strv *v, const struct strv *other);
bool strv_contains(const struct strv *v, const char *s);
/* Items joined by sep; the caller frees. */
char *strv_join(const struct strv *v, const char *sep);
/* KEY=VALUE lists (environments, labels): sets KEY, in its old place if it had one. A KEY without "=" is taken out. */
void strv_env_set(struct strv *v, const char *key_value);
/* The value of key in a KEY=VALUE list, or NULL; points into v. */
const char *strv_env_get(const struct strv *v, const char *key);
void strv_free(struct strv *v);
#define autostrv __attribute__((cleanup(strv_free)))

#endif
