/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/template_private.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters beyond ASCII count as such without a look into Unicode's tables. */
static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static char at(const struct scanner *s, size_t i)
{
	return i < s->len ? s->text[i] : '\0';
}

static bool starts(const struct scanner *s, size_t i, const char *what)
{
	size_t n = strlen(what);

	return i + n <= s->len && memcmp(s->text + i, what, n) == 0;
}

static struct token fail(struct scanner *s, const char *message)
{
	size_t line = 1;

	for (size_t i = 0; i < s->pos && i < s->len; i++)
		line += s->text[i] == '\n';
	error_set(s->err, EINVAL, "template: :%zu: %s", line, message);
	return (struct token){ .type = TOKEN_ERROR, .start = s->pos, .end = s->pos };
}

static struct token fail_at(struct scanner *s, const char *what, size_t i)
{
	unsigned char c = (unsigned char)at(s, i);
	char message[96];

	if (i >= s->len)
		return fail(s, "unclosed action");
	snprintf(message, sizeof(message), isprint(c) ? "%s U+%04X '%c'" : "%s U+%04X", what, c, c);
	return fail(s, message);
}

/* Behind "{{" at i: whether "- " follows, which trims the text before. */
static bool left_trim(const struct scanner *s, size_t i)
{
	return at(s, i) == '-' && i + 1 < s->len && is_space(s->text[i + 1]);
}

/* At i: "}}", or " -}}" from its minus on, the space before being known. Length, or 0. */
static size_t right_delimiter(const struct scanner *s, size_t i, bool spaced, bool *trim)
{
	*trim = spaced && starts(s, i, "-}}");
	return *trim ? 3 : starts(s, i, "}}") ? 2 : 0;
}

/* A comment at pos, delimiters included. 1: skipped; 0: there is none; -1: error set. */
static int skip_comment(struct scanner *s, struct token *error)
{
	size_t i = s->pos + 2, n;
	const char *end;
	bool trim, spaced;

	if (left_trim(s, i))
		i += 2;
	if (!starts(s, i, "/*"))
		return 0;
	end = memmem(s->text + i + 2, s->len - i - 2, "*/", 2);
	if (!end) {
		*error = fail(s, "unclosed comment");
		return -1;
	}
	i = (size_t)(end - s->text) + 2;
	spaced = is_space(at(s, i)) && i < s->len;
	n = right_delimiter(s, i + (spaced ? 1 : 0), spaced, &trim);
	if (!n || (spaced && !trim)) {
		*error = fail(s, "comment ends before closing delimiter");
		return -1;
	}
	s->pos = i + n + (spaced ? 1 : 0);
	s->trim_next = trim;
	return 1;
}

/* Text up to the next action or the end; empty text is none (type TOKEN_EOF). */
static struct token scan_text(struct scanner *s)
{
	const char *left = memmem(s->text + s->pos, s->len - s->pos, "{{", 2);
	size_t start = s->pos, stop = left ? (size_t)(left - s->text) : s->len, end = stop;

	if (s->trim_next)
		while (start < end && is_space(s->text[start]))
			start++;
	s->trim_next = false;
	if (left && left_trim(s, stop + 2))
		while (end > start && is_space(s->text[end - 1]))
			end--;
	s->pos = stop;
	return (struct token){ .type = end > start ? TOKEN_TEXT : TOKEN_EOF,
			       .start = start,
			       .end = end };
}

static struct token scan_outside(struct scanner *s)
{
	for (;;) {
		struct token t = scan_text(s), error;
		int comment;

		if (t.type == TOKEN_TEXT)
			return t;
		if (s->pos >= s->len)
			return (struct token){ .type = TOKEN_EOF, .start = s->len, .end = s->len };
		comment = skip_comment(s, &error);
		if (comment < 0)
			return error;
		if (comment)
			continue;
		t = (struct token){ .type = TOKEN_LEFT, .start = s->pos, .end = s->pos + 2 };
		s->pos += left_trim(s, s->pos + 2) ? 4 : 2;
		s->inside = true;
		s->parens = 0;
		return t;
	}
}

static struct token take(struct scanner *s, enum token_type type, size_t end, bool spaced)
{
	struct token t = { .type = type, .start = s->pos, .end = end, .spaced = spaced };

	s->pos = end;
	return t;
}

/* Whether what stands at i may follow a name. */
static bool ends_name(const struct scanner *s, size_t i)
{
	return i >= s->len || is_space(s->text[i]) || strchr(".,|:=)(", s->text[i]) ||
	       starts(s, i, "}}");
}

static struct token scan_name(struct scanner *s, enum token_type type, bool spaced)
{
	size_t i = s->pos + (type == TOKEN_WORD ? 0 : 1);

	while (i < s->len && is_word(s->text[i]))
		i++;
	if (!ends_name(s, i))
		return fail_at(s, "bad character", i);
	if (type == TOKEN_FIELD && i == s->pos + 1)
		type = TOKEN_DOT;
	return take(s, type, i, spaced);
}

static struct token scan_quoted(struct scanner *s, char quote, bool spaced)
{
	size_t i = s->pos + 1;

	for (;; i++) {
		if (i >= s->len || (s->text[i] == '\n' && quote != '`'))
			return fail(s, quote == '"'   ? "unterminated quoted string"
				       : quote == '`' ? "unterminated raw quoted string"
						      : "unterminated character constant");
		if (s->text[i] == quote)
			break;
		if (s->text[i] == '\\' && quote != '`')
			i++;
	}
	return take(s,
		    quote == '"'   ? TOKEN_STRING
		    : quote == '`' ? TOKEN_RAW_STRING
				   : TOKEN_RUNE,
		    i + 1, spaced);
}

static struct token scan_number(struct scanner *s, bool spaced)
{
	size_t i = s->pos + (strchr("+-", s->text[s->pos]) ? 1 : 0);

	while (i < s->len && (is_word(s->text[i]) || s->text[i] == '.' ||
			      (strchr("+-", s->text[i]) && strchr("eEpP", s->text[i - 1]) &&
			       !starts(s, s->pos, "0x"))))
		i++;
	return take(s, TOKEN_NUMBER, i, spaced);
}

static struct token scan_inside(struct scanner *s)
{
	size_t from = s->pos, n;
	bool spaced, trim;
	char c, next;

	while (s->pos < s->len && is_space(s->text[s->pos]))
		s->pos++;
	spaced = s->pos > from;
	n = right_delimiter(s, s->pos, spaced, &trim);
	if (n) {
		if (s->parens)
			return fail(s, "unclosed left paren");
		s->inside = false;
		s->trim_next = trim;
		return take(s, TOKEN_RIGHT, s->pos + n, spaced);
	}
	if (s->pos >= s->len)
		return fail(s, "unclosed action");
	c = s->text[s->pos];
	next = at(s, s->pos + 1);
	if (is_word(c) && !isdigit((unsigned char)c))
		return scan_name(s, TOKEN_WORD, spaced);
	if (isdigit((unsigned char)c) || c == '+' || c == '-' ||
	    (c == '.' && isdigit((unsigned char)next)))
		return scan_number(s, spaced);
	switch (c) {
	case '.':
		return scan_name(s, TOKEN_FIELD, spaced);
	case '$':
		return scan_name(s, TOKEN_VARIABLE, spaced);
	case '"':
	case '`':
	case '\'':
		return scan_quoted(s, c, spaced);
	case '|':
		return take(s, TOKEN_PIPE, s->pos + 1, spaced);
	case '=':
		return take(s, TOKEN_ASSIGN, s->pos + 1, spaced);
	case ':':
		if (next != '=')
			return fail(s, "expected :=");
		return take(s, TOKEN_DECLARE, s->pos + 2, spaced);
	case '(':
		s->parens++;
		return take(s, TOKEN_OPEN, s->pos + 1, spaced);
	case ')':
		if (!s->parens)
			return fail(s, "unexpected right paren");
		s->parens--;
		return take(s, TOKEN_CLOSE, s->pos + 1, spaced);
	}
	if (!isprint((unsigned char)c))
		return fail_at(s, "unrecognized character in action:", s->pos);
	return take(s, TOKEN_CHAR, s->pos + 1, spaced);
}

struct token scan(struct scanner *s)
{
	return s->inside ? scan_inside(s) : scan_outside(s);
}

static void put_rune(struct strbuf *out, uint32_t c)
{
	if (c < 0x80) {
		strbuf_putc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		strbuf_putc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			strbuf_putc(out, (char)(0xe0 | c >> 12));
		} else {
			strbuf_putc(out, (char)(0xf0 | c >> 18));
			strbuf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		strbuf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	strbuf_putc(out, (char)(0x80 | (c & 0x3f)));
}

/* n digits of the base at s as a number; -1: others stand there. */
static long digits(const char *s, size_t left, size_t n, int base)
{
	char buf[12] = "";
	char *end;
	long value;

	if (left < n)
		return -1;
	memcpy(buf, s, n);
	if (!isxdigit((unsigned char)buf[0]))
		return -1;
	value = strtol(buf, &end, base);
	return *end ? -1 : value;
}

/* The escape behind a backslash at s; its length, or 0. */
static size_t escape(const char *s, size_t left, char quote, struct strbuf *out)
{
	static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
	const char *letter = *s ? strchr(letters, *s) : NULL;
	size_t n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
	long value;

	if (letter || *s == quote) {
		strbuf_putc(out, letter ? values[letter - letters] : quote);
		return 1;
	}
	if (n) {
		value = digits(s + 1, left - 1, n, 16);
		if (value < 0 || value > 0x10ffff || (n > 2 && value >= 0xd800 && value < 0xe000))
			return 0;
		if (n == 2)
			strbuf_putc(out, (char)value);
		else
			put_rune(out, (uint32_t)value);
		return n + 1;
	}
	value = digits(s, left, 3, 8);
	if (value < 0 || value > 255)
		return 0;
	strbuf_putc(out, (char)value);
	return 3;
}

int scan_unquote(const char *s, size_t len, char quote, struct strbuf *out)
{
	for (size_t i = 0; i < len; i++) {
		size_t n;

		if (s[i] != '\\') {
			strbuf_putc(out, s[i]);
			continue;
		}
		n = i + 1 < len ? escape(s + i + 1, len - i - 1, quote, out) : 0;
		if (!n)
			return -1;
		i += n;
	}
	return 0;
}
