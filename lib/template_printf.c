/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's fmt.Sprintf over values, with its words for what does not fit: %!d(string=x), %!v(MISSING), %!(EXTRA int=1). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/template_private.h"

#define WIDTH_MAX 1000 /* of a verb */

struct verb {
	bool minus, plus, sharp, space, zero;
	int width, precision; /* -1: not given */
	char letter;
};

static size_t count_runes(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		size_t step = rune_length(s + i, len - i);
		i += step ? step : 1;
	}
	return n;
}

static void pad(const char *s, size_t len, const struct verb *verb, struct strbuf *out)
{
	size_t runes = count_runes(s, len), width = verb->width > 0 ? (size_t)verb->width : 0;
	size_t fill = width > runes ? width - runes : 0;

	for (size_t i = 0; i < fill && !verb->minus; i++)
		strbuf_putc(out, verb->zero ? '0' : ' ');
	strbuf_add(out, s, len);
	for (size_t i = 0; i < fill && verb->minus; i++)
		strbuf_putc(out, ' ');
}

static void put_binary(uint64_t n, struct strbuf *out)
{
	bool started = false;

	for (int bit = 63; bit >= 0; bit--) {
		started |= n >> bit & 1 || bit == 0;
		if (started)
			strbuf_putc(out, n >> bit & 1 ? '1' : '0');
	}
}

static bool format_integer(bool negative, uint64_t n, const struct verb *verb, struct strbuf *out)
{
	struct strbuf text autostrbuf = STRBUF_INIT, whole autostrbuf = STRBUF_INIT;
	struct verb fill = *verb;
	size_t digits;

	switch (verb->letter) {
	case 'd':
	case 'v':
		strbuf_printf(&text, "%" PRIu64, n);
		break;
	case 'x':
		strbuf_printf(&text, verb->sharp ? "0x%" PRIx64 : "%" PRIx64, n);
		break;
	case 'X':
		strbuf_printf(&text, verb->sharp ? "0X%" PRIX64 : "%" PRIX64, n);
		break;
	case 'o':
		strbuf_printf(&text, verb->sharp ? "0%" PRIo64 : "%" PRIo64, n);
		break;
	case 'O':
		strbuf_printf(&text, "0o%" PRIo64, n);
		break;
	case 'b':
		put_binary(n, &text);
		break;
	case 'c':
	case 'q':
		if (n >= 0x80 || negative)
			strbuf_puts(&text, "\xef\xbf\xbd");
		else if (verb->letter == 'c')
			strbuf_putc(&text, (char)n);
		else
			strbuf_printf(&text, "'%c'", (char)n);
		pad(text.data, text.len, verb, out);
		return true;
	case 'U':
		strbuf_printf(&text, "U+%04" PRIX64, n);
		pad(text.data, text.len, verb, out);
		return true;
	default:
		return false;
	}
	digits = text.len;
	if (negative || verb->plus || verb->space)
		strbuf_putc(&whole, negative ? '-' : verb->plus ? '+' : ' ');
	if (verb->precision >= 0)
		for (size_t i = digits; i < (size_t)verb->precision; i++)
			strbuf_putc(&whole, '0');
	else if (verb->zero && !verb->minus)
		for (size_t i = digits + whole.len; verb->width > 0 && i < (size_t)verb->width; i++)
			strbuf_putc(&whole, '0');
	strbuf_add(&whole, text.data, text.len);
	fill.zero = false;
	pad(whole.data, whole.len, &fill, out);
	return true;
}

static bool format_float(double d, const struct verb *verb, struct strbuf *out)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	char fmt[16] = "%";

	if (!strchr("eEfFgGv", verb->letter))
		return false;
	if (verb->plus && d >= 0)
		strbuf_putc(&text, '+');
	if (verb->precision < 0 && strchr("gGv", verb->letter)) {
		print_float(d, -4, 6, &text);
	} else {
		snprintf(fmt, sizeof(fmt), "%%.*%c", verb->letter == 'v' ? 'g' : verb->letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		strbuf_printf(&text, fmt, verb->precision < 0 ? 6 : verb->precision, d);
#pragma GCC diagnostic pop
	}
	pad(text.data, text.len, verb, out);
	return true;
}

static bool format_string(const char *s, size_t len, const struct verb *verb, struct strbuf *out)
{
	struct strbuf text autostrbuf = STRBUF_INIT;

	if (verb->precision >= 0 && strchr("svq", verb->letter)) {
		size_t end = 0;

		for (int i = 0; i < verb->precision && end < len; i++) {
			size_t n = rune_length(s + end, len - end);
			end += n ? n : 1;
		}
		len = end;
	}
	switch (verb->letter) {
	case 's':
	case 'v':
		if (verb->letter == 'v' && verb->sharp)
			quote_go(s, len, &text);
		else
			strbuf_add(&text, s, len);
		break;
	case 'q':
		quote_go(s, len, &text);
		break;
	case 'x':
	case 'X':
		for (size_t i = 0; i < len; i++)
			strbuf_printf(&text, verb->letter == 'x' ? "%02x" : "%02X",
				      (unsigned char)s[i]);
		break;
	default:
		return false;
	}
	pad(text.data ? text.data : "", text.len, verb, out);
	return true;
}

static void format_value(struct run *r, const struct value *v, const struct verb *verb,
			 struct strbuf *out);

static void format_elements(struct run *r, const struct value *v, const struct verb *verb,
			    struct strbuf *out)
{
	size_t n;

	if (v->kind == VALUE_LIST) {
		strbuf_putc(out, '[');
		for (size_t i = 0; i < value_len(v); i++) {
			struct value element = value_at(r, v, i);

			if (i)
				strbuf_putc(out, ' ');
			format_value(r, &element, verb, out);
		}
		strbuf_putc(out, ']');
		return;
	}
	struct pair *pairs = value_pairs(r, v, &n);
	strbuf_puts(out, v->is_map ? "map[" : "{");
	for (size_t i = 0; i < n; i++) {
		struct value key = value_string(pairs[i].key, pairs[i].key_len);
		struct value member =
			value_json(r, pairs[i].json, v->is_map && r->types ? NULL : pairs[i].key);

		if (i)
			strbuf_putc(out, ' ');
		if (v->is_map || (verb->plus && verb->letter == 'v')) {
			format_value(r, &key, verb, out);
			strbuf_putc(out, ':');
		}
		format_value(r, &member, verb, out);
	}
	strbuf_putc(out, v->is_map ? ']' : '}');
}

static void format_value(struct run *r, const struct value *v, const struct verb *verb,
			 struct strbuf *out)
{
	bool known = false;
	struct strbuf text autostrbuf = STRBUF_INIT;

	if (verb->letter == 'T') {
		pad(value_type(v), strlen(value_type(v)), verb, out);
		return;
	}
	switch (v->kind) {
	case VALUE_BOOL:
		known = verb->letter == 't' || verb->letter == 'v';
		if (known)
			pad(v->boolean ? "true" : "false", v->boolean ? 4 : 5, verb, out);
		break;
	case VALUE_INT:
		known = format_integer(v->integer < 0,
				       v->integer < 0 ? 0 - (uint64_t)v->integer
						      : (uint64_t)v->integer,
				       verb, out);
		break;
	case VALUE_UINT:
		known = format_integer(false, v->natural, verb, out);
		break;
	case VALUE_FLOAT:
		known = format_float(v->real, verb, out);
		break;
	case VALUE_STRING:
		known = format_string(v->string, v->n, verb, out);
		break;
	case VALUE_LIST:
	case VALUE_OBJECT:
		format_elements(r, v, verb, out);
		return;
	default:
		known = verb->letter == 'v';
		if (known)
			pad("<nil>", 5, verb, out);
		else
			strbuf_printf(out, "%%!%c(<nil>)", verb->letter);
		return;
	}
	if (known)
		return;
	value_print(r, v, true, &text);
	strbuf_printf(out, "%%!%c(%s=%s)", verb->letter, value_type(v), text.data ? text.data : "");
}

/* A number, or * for the next argument. */
static int parse_width(const char *s, size_t len, size_t *i, const struct value *args, size_t n,
		       size_t *next)
{
	int width = -1;

	if (*i < len && s[*i] == '*') {
		(*i)++;
		if (*next < n && args[*next].kind == VALUE_INT &&
		    llabs(args[*next].integer) <= WIDTH_MAX)
			width = (int)args[*next].integer;
		(*next)++;
		return width;
	}
	for (; *i < len && isdigit((unsigned char)s[*i]); (*i)++) {
		width = (width < 0 ? 0 : width) * 10 + (s[*i] - '0');
		if (width > WIDTH_MAX)
			width = WIDTH_MAX;
	}
	return width;
}

static struct verb parse_verb(const char *s, size_t len, size_t *i, const struct value *args,
			      size_t n, size_t *next)
{
	struct verb v = { .width = -1, .precision = -1 };

	for (; *i < len && strchr("-+# 0", s[*i]); (*i)++) {
		v.minus |= s[*i] == '-';
		v.plus |= s[*i] == '+';
		v.sharp |= s[*i] == '#';
		v.space |= s[*i] == ' ';
		v.zero |= s[*i] == '0';
	}
	v.width = parse_width(s, len, i, args, n, next);
	if (v.width < -1) {
		v.minus = true;
		v.width = -v.width;
	}
	if (*i < len && s[*i] == '.') {
		(*i)++;
		v.precision = parse_width(s, len, i, args, n, next);
		v.precision = v.precision < 0 ? 0 : v.precision;
	}
	v.zero &= !v.minus;
	v.letter = *i < len ? s[*i] : '\0';
	return v;
}

void value_printf(struct run *r, const struct value *args, size_t n, struct strbuf *out)
{
	const char *s = args[0].string;
	size_t len = args[0].n, next = 1;

	for (size_t i = 0; i < len; i++) {
		struct verb verb;

		if (s[i] != '%') {
			strbuf_putc(out, s[i]);
			continue;
		}
		i++;
		verb = parse_verb(s, len, &i, args, n, &next);
		if (!verb.letter)
			strbuf_puts(out, "%!(NOVERB)");
		else if (verb.letter == '%')
			strbuf_putc(out, '%');
		else if (next >= n)
			strbuf_printf(out, "%%!%c(MISSING)", verb.letter);
		else
			format_value(r, &args[next++], &verb, out);
	}
	if (next >= n)
		return;
	strbuf_puts(out, "%!(EXTRA ");
	for (size_t i = next; i < n; i++) {
		if (i > next)
			strbuf_puts(out, ", ");
		strbuf_printf(out, "%s=", value_type(&args[i]));
		value_print(r, &args[i], true, out);
	}
	strbuf_putc(out, ')');
}
