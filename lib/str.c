/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 125 is the status of Knarr's own faults; _exit, because nothing half-buffered should look like a result. */
static _Noreturn void out_of_memory(void)
{
	static const char line[] = "knarr: out of memory\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	_exit(125);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory();
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	size_t len = strlen(s) + 1;

	return memcpy(xmalloc(len), s, len);
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = memcpy(xmalloc(len + 1), s, len);

	p[len] = '\0';
	return p;
}

static char *format(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	return s;
}

char *str_format(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = format(fmt, ap);
	va_end(ap);
	return s;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && strcmp(s + len - tail, suffix) == 0;
}

void str_one_line(char *s)
{
	for (; *s; s++) {
		if (*s == '\n' || *s == '\t' || *s == '\r')
			*s = ' ';
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

bool str_in_list(const char *s, const char *comma_list)
{
	size_t len = strlen(s);

	for (const char *item = comma_list;;) {
		size_t n = strcspn(item, ",");
		if (n == len && memcmp(item, s, len) == 0)
			return true;
		if (!item[n])
			return false;
		item += n + 1;
	}
}

int str_to_u64(const char *s, unsigned long long max, unsigned long long *out)
{
	unsigned long long value = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*s - '0'), &value))
			return -1;
	}
	if (value > max)
		return -1;
	*out = value;
	return 0;
}

/* Makes room for extra bytes and the NUL behind them. */
static void strbuf_grow(struct strbuf *b, size_t extra)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->len, extra, &need) || __builtin_add_overflow(need, 1, &need))
		out_of_memory();
	if (b->data && need <= b->cap)
		return;
	if (__builtin_mul_overflow(b->cap, 2, &cap) || cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	b->data = xreallocarray(b->data, cap, 1);
	b->cap = cap;
}

void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	strbuf_grow(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_putc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(b->data ? b->data + b->len : NULL, b->cap - b->len, fmt, ap);
	if (n < 0)
		out_of_memory();
	if ((size_t)n >= b->cap - b->len) {
		strbuf_grow(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

char *strbuf_steal(struct strbuf *b)
{
	char *s = b->data ? b->data : xstrdup("");

	*b = (struct strbuf)STRBUF_INIT;
	return s;
}

void strbuf_free(struct strbuf *b)
{
	free(b->data);
	*b = (struct strbuf)STRBUF_INIT;
}

/* A list of len items has room for the next power of two above it, four at least: the capacity need not be stored, and
 * adding n items one by one costs O(n). */
void strv_take(struct strv *v, char *s)
{
	size_t used = v->len + 1; /* with the NULL at the end */

	if (!v->items)
		v->items = xreallocarray(NULL, 4, sizeof(*v->items));
	else if (used >= 4 && (used & (used - 1)) == 0)
		v->items = xreallocarray(v->items, used, 2 * sizeof(*v->items));
	v->items[v->len++] = s;
	v->items[v->len] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
	strv_take(v, xstrdup(s));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(v, format(fmt, ap));
	va_end(ap);
}

void strv_extend(struct strv *v, const struct strv *other)
{
	size_t n = other->len; /* so that a list can be added to itself */

	for (size_t i = 0; i < n; i++)
		strv_add(v, other->items[i]);
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

char *strv_join(const struct strv *v, const char *sep)
{
	struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < v->len; i++) {
		if (i)
			strbuf_puts(&b, sep);
		strbuf_puts(&b, v->items[i]);
	}
	return strbuf_steal(&b);
}

/* The index of key's entry, or v->len. */
static size_t env_find(const struct strv *v, const char *key, size_t key_len)
{
	for (size_t i = 0; i < v->len; i++)
		if (strncmp(v->items[i], key, key_len) == 0 && v->items[i][key_len] == '=')
			return i;
	return v->len;
}

void strv_env_set(struct strv *v, const char *key_value)
{
	size_t key_len = strcspn(key_value, "=");
	size_t i = env_find(v, key_value, key_len);

	if (key_value[key_len] == '=') {
		if (i == v->len) {
			strv_add(v, key_value);
		} else {
			char *s = xstrdup(key_value);
			free(v->items[i]);
			v->items[i] = s;
		}
	} else if (i < v->len) {
		free(v->items[i]);
		memmove(&v->items[i], &v->items[i + 1], (v->len - i) * sizeof(*v->items));
		v->len--;
	}
}

const char *strv_env_get(const struct strv *v, const char *key)
{
	size_t key_len = strlen(key);
	size_t i = env_find(v, key, key_len);

	return i < v->len ? v->items[i] + key_len + 1 : NULL;
}

void strv_free(struct strv *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv)STRV_INIT;
}
