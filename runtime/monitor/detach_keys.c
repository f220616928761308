/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/detach_keys.h"

#include <errno.h>
#include <string.h>

/* One key, of len characters. -1: it is none. */
static int parse_key(const char *text, size_t len)
{
	char last = len ? text[len - 1] : '\0';

	if (len == 1)
		return (unsigned char)last;
	if (len != 6 || strncmp(text, "ctrl-", 5) != 0)
		return -1;
	if (last >= 'a' && last <= 'z')
		return last - 'a' + 1;
	if (last == '@')
		return 0;
	return last >= '[' && last <= '_' ? last - '[' + 27 : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *out, struct error *err)
{
	const char *at = text;

	*out = (struct detach_keys)DETACH_KEYS_INIT;
	if (!text || !*text)
		return 0;
	for (out->n = 0;;) {
		size_t len = strcspn(at, ",");
		int key = parse_key(at, len);

		if (key < 0 || out->n == DETACH_KEYS_MAX)
			return error_set(err, EINVAL, "Invalid detach keys (%s) provided", text);
		out->keys[out->n++] = (unsigned char)key;
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

/* The most of the sequence that the keys held back and c end with. */
static size_t still_held(const struct detach_keys *k, unsigned char c)
{
	for (size_t n = k->held + 1; n > 0; n--)
		if (k->keys[n - 1] == c && memcmp(k->keys, k->keys + k->held + 1 - n, n - 1) == 0)
			return n;
	return 0;
}

size_t detach_keys_filter(struct detach_keys *k, const char *in, size_t n, char *out,
			  bool *detached)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];
		size_t held = k->n ? still_held(k, c) : 0, free_now = k->held + 1 - held;

		if (held && held == k->n) {
			k->held = 0;
			*detached = true;
			return len;
		}
		/* What was held and c, without the part that is held on; c itself is free only when nothing is. */
		memcpy(out + len, k->keys, free_now < k->held ? free_now : k->held);
		if (!held)
			out[len + k->held] = (char)c;
		len += free_now;
		k->held = held;
	}
	return len;
}
