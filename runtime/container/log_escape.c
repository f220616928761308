/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of any bytes as the text of a JSON string. */
#include <string.h>

#include "runtime/container/logfile.h"

/* The length of the UTF-8 sequence at s, or 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	size_t n;
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return n;
}

/* The escaped form of the character at s: its bytes in out (at most 6), their number in *made. Returns bytes of s. */
static size_t escape_one(const unsigned char *s, size_t len, char out[6], size_t *made)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = utf8_length(s, len);

	if (n == 0) {
		memcpy(out, "\\ufffd", 6);
		*made = 6;
		return 1;
	}
	*made = 2;
	out[0] = '\\';
	switch (s[0]) {
	case '"':
	case '\\':
		out[1] = (char)s[0];
		return 1;
	case '\n':
		out[1] = 'n';
		return 1;
	case '\r':
		out[1] = 'r';
		return 1;
	case '\t':
		out[1] = 't';
		return 1;
	default:
		break;
	}
	if (s[0] < 0x20 || s[0] == 0x7f) {
		memcpy(out, "\\u00", 4);
		out[4] = hex[s[0] >> 4];
		out[5] = hex[s[0] & 15];
		*made = 6;
		return 1;
	}
	memcpy(out, s, n);
	*made = n;
	return n;
}

/* How many bytes at in stand for themselves: printable ASCII but for the quote and the backslash. */
static size_t plain_length(const char *in, size_t len)
{
	size_t n = 0;

	while (n < len && in[n] >= ' ' && in[n] < 0x7f && in[n] != '"' && in[n] != '\\')
		n++;
	return n;
}

size_t json_escape(const char *in, size_t len, size_t *used, char *out, size_t room)
{
	size_t at = 0, n = 0;

	while (at < len) {
		char piece[6];
		size_t made, took,
			plain = plain_length(in + at, len - at < room - n ? len - at : room - n);

		memcpy(out + n, in + at, plain);
		at += plain;
		n += plain;
		if (at == len)
			break;
		took = escape_one((const unsigned char *)in + at, len - at, piece, &made);
		if (made > room - n)
			break;
		memcpy(out + n, piece, made);
		n += made;
		at += took;
	}
	*used = at;
	return n;
}
