/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values, and how Go's fmt and encoding/json write them. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/template_private.h"

/* ---- Values */

struct value value_string(const char *s, size_t len)
{
	return (struct value){ .kind = VALUE_STRING, .string = s, .n = len };
}

struct value value_int(int64_t i)
{
	return (struct value){ .kind = VALUE_INT, .integer = i };
}

struct value value_bool(bool b)
{
	return (struct value){ .kind = VALUE_BOOL, .boolean = b };
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && name && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

struct value value_json(const struct run *r, yyjson_val *json, const char *member)
{
	const struct template_types *types = r->types;
	struct value v = { .kind = VALUE_NIL };

	switch (yyjson_get_type(json)) {
	case YYJSON_TYPE_BOOL:
		return value_bool(yyjson_get_bool(json));
	case YYJSON_TYPE_NUM:
		if (yyjson_is_real(json))
			return (struct value){ .kind = VALUE_FLOAT, .real = yyjson_get_real(json) };
		if (yyjson_is_uint(json) && yyjson_get_uint(json) > INT64_MAX)
			return (struct value){ .kind = VALUE_UINT,
					       .natural = yyjson_get_uint(json) };
		return value_int(yyjson_is_uint(json) ? (int64_t)yyjson_get_uint(json)
						      : yyjson_get_sint(json));
	case YYJSON_TYPE_STR:
		return value_string(yyjson_get_str(json), yyjson_get_len(json));
	case YYJSON_TYPE_ARR:
		v.kind = VALUE_LIST;
		v.json = json;
		return v;
	case YYJSON_TYPE_OBJ:
		v.kind = VALUE_OBJECT;
		v.json = json;
		v.is_map = !types || listed(types->maps, member);
		return v;
	default:
		break;
	}
	if (types && listed(types->lists, member))
		v.kind = VALUE_LIST;
	if (types && listed(types->maps, member)) {
		v.kind = VALUE_OBJECT;
		v.is_map = true;
	}
	return v;
}

size_t value_len(const struct value *v)
{
	return v->json ? yyjson_get_len(v->json) : v->n;
}

bool value_true(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return v->boolean;
	case VALUE_INT:
		return v->integer != 0;
	case VALUE_UINT:
		return true;
	case VALUE_FLOAT:
		return v->real != 0;
	case VALUE_STRING:
		return v->n > 0;
	case VALUE_LIST:
		return value_len(v) > 0;
	case VALUE_OBJECT:
		return !v->is_map || value_len(v) > 0;
	default:
		return false;
	}
}

struct value value_at(const struct run *r, const struct value *list, size_t i)
{
	return list->json ? value_json(r, yyjson_arr_get(list->json, i), NULL) : list->items[i];
}

static int compare_pairs(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;
	int order = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

struct pair *value_pairs(struct run *r, const struct value *v, size_t *n)
{
	size_t count = v->json ? yyjson_obj_size(v->json) : 0;
	struct pair *pairs = pool_alloc(&r->pool, (count + 1) * sizeof(*pairs));
	yyjson_obj_iter it = yyjson_obj_iter_with(v->json);
	yyjson_val *key;

	*n = 0;
	while ((key = yyjson_obj_iter_next(&it))) {
		if (v->is_root && r->types && listed(r->types->methods, yyjson_get_str(key)))
			continue;
		pairs[(*n)++] = (struct pair){ yyjson_get_str(key), yyjson_get_len(key),
					       yyjson_obj_iter_get_val(key) };
	}
	if (v->is_map && *n > 1)
		qsort(pairs, *n, sizeof(*pairs), compare_pairs);
	return pairs;
}

struct value value_member(const struct run *r, const struct value *v, const char *name)
{
	yyjson_val *json = v->json ? yyjson_obj_get(v->json, name) : NULL;
	struct value found;

	if (!json)
		return (struct value){ .kind = VALUE_NONE };
	found = value_json(r, json, v->is_map && r->types ? NULL : name);
	return found;
}

const char *value_type(const struct value *v)
{
	static const char *const names[] = {
		[VALUE_NONE] = "<nil>",
		[VALUE_NIL] = "<nil>",
		[VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",
		[VALUE_UINT] = "uint64",
		[VALUE_FLOAT] = "float64",
		[VALUE_STRING] = "string",
		[VALUE_LIST] = "[]interface {}",
		[VALUE_OBJECT] = "map[string]interface {}",
	};

	if (v->kind == VALUE_LIST && !v->json)
		return "[]string";
	return names[v->kind];
}

/* ---- Numbers */

void print_float(double d, int low, int high, struct strbuf *out)
{
	char digits[32];
	int precision = 0, exponent;

	if (!isfinite(d)) {
		strbuf_puts(out, isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
		return;
	}
	do
		snprintf(digits, sizeof(digits), "%.*e", precision, d);
	while (strtod(digits, NULL) != d && ++precision < 17);
	exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (d == 0 || (exponent >= low && exponent < high))
		strbuf_printf(out, "%.*f", precision > exponent ? precision - exponent : 0, d);
	else
		strbuf_puts(out, digits);
}

/* ---- Text */

size_t rune_length(const char *s, size_t left)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80   ? 1
		   : u[0] < 0xc2 ? 0
		   : u[0] < 0xe0 ? 2
		   : u[0] < 0xf0 ? 3
		   : u[0] < 0xf5 ? 4
				 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

void quote_go(const char *s, size_t len, struct strbuf *out)
{
	static const char controls[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";

	strbuf_putc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = rune_length(s + i, len - i);
		const char *control = s[i] ? strchr(controls, s[i]) : NULL;

		if (control)
			strbuf_printf(out, "\\%c", letters[control - controls]);
		else if (s[i] == '"' || s[i] == '\\')
			strbuf_printf(out, "\\%c", s[i]);
		else if (!n || (n == 1 && !isprint((unsigned char)s[i])))
			strbuf_printf(out, "\\x%02x", (unsigned char)s[i]);
		else
			strbuf_add(out, s + i, n);
		i += n ? n : 1;
	}
	strbuf_putc(out, '"');
}

/* ---- %v */

static void print_object(struct run *r, const struct value *v, struct strbuf *out)
{
	size_t n;
	struct pair *pairs = value_pairs(r, v, &n);

	strbuf_puts(out, v->is_map ? "map[" : "{");
	for (size_t i = 0; i < n; i++) {
		struct value member =
			value_json(r, pairs[i].json, v->is_map && r->types ? NULL : pairs[i].key);

		if (i)
			strbuf_putc(out, ' ');
		if (v->is_map) {
			strbuf_add(out, pairs[i].key, pairs[i].key_len);
			strbuf_putc(out, ':');
		}
		value_print(r, &member, true, out);
	}
	strbuf_putc(out, v->is_map ? ']' : '}');
}

void value_print(struct run *r, const struct value *v, bool nested, struct strbuf *out)
{
	switch (v->kind) {
	case VALUE_NONE:
		strbuf_puts(out, nested ? "<nil>" : "<no value>");
		break;
	case VALUE_NIL:
		strbuf_puts(out, nested || r->types ? "<nil>" : "<no value>");
		break;
	case VALUE_BOOL:
		strbuf_puts(out, v->boolean ? "true" : "false");
		break;
	case VALUE_INT:
		strbuf_printf(out, "%" PRId64, v->integer);
		break;
	case VALUE_UINT:
		strbuf_printf(out, "%" PRIu64, v->natural);
		break;
	case VALUE_FLOAT:
		print_float(v->real, -4, 6, out);
		break;
	case VALUE_STRING:
		strbuf_add(out, v->string, v->n);
		break;
	case VALUE_LIST:
		strbuf_putc(out, '[');
		for (size_t i = 0; i < value_len(v); i++) {
			struct value element = value_at(r, v, i);

			if (i)
				strbuf_putc(out, ' ');
			value_print(r, &element, true, out);
		}
		strbuf_putc(out, ']');
		break;
	case VALUE_OBJECT:
		print_object(r, v, out);
		break;
	}
}

/* As fmt.Sprint: a space between two of which neither is a string. */
void value_sprint(struct run *r, const struct value *args, size_t n, bool line, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i &&
		    (line || (args[i].kind != VALUE_STRING && args[i - 1].kind != VALUE_STRING)))
			strbuf_putc(out, ' ');
		value_print(r, &args[i], true, out);
	}
	if (line)
		strbuf_putc(out, '\n');
}

/* ---- json */

/* As encoding/json writes strings; html: with its escapes for what HTML would take for its own. */
static void json_string(const char *s, size_t len, bool html, struct strbuf *out)
{
	static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt";

	strbuf_putc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = rune_length(s + i, len - i);
		unsigned char c = (unsigned char)s[i];
		const char *control = c ? strchr(controls, c) : NULL;

		if (c == '"' || c == '\\')
			strbuf_printf(out, "\\%c", c);
		else if (control)
			strbuf_printf(out, "\\%c", letters[control - controls]);
		else if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&')))
			strbuf_printf(out, "\\u%04x", c);
		else if (!n)
			strbuf_puts(out, "\\ufffd");
		else if (n == 3 && (memcmp(s + i, "\xe2\x80\xa8", 3) == 0 ||
				    memcmp(s + i, "\xe2\x80\xa9", 3) == 0))
			strbuf_printf(out, "\\u202%c", s[i + 2] == '\xa8' ? '8' : '9');
		else
			strbuf_add(out, s + i, n);
		i += n ? n : 1;
	}
	strbuf_putc(out, '"');
}

static void json_value(struct run *r, const struct value *v, bool html, struct strbuf *out)
{
	size_t n;
	struct pair *pairs;

	switch (v->kind) {
	case VALUE_STRING:
		json_string(v->string, v->n, html, out);
		return;
	case VALUE_FLOAT:
		print_float(v->real, -6, 21, out);
		return;
	case VALUE_LIST:
		if (!v->json && !v->items) {
			strbuf_puts(out, "null");
			return;
		}
		strbuf_putc(out, '[');
		for (size_t i = 0; i < value_len(v); i++) {
			struct value element = value_at(r, v, i);

			if (i)
				strbuf_putc(out, ',');
			json_value(r, &element, html, out);
		}
		strbuf_putc(out, ']');
		return;
	case VALUE_OBJECT:
		if (!v->json) {
			strbuf_puts(out, "null");
			return;
		}
		pairs = value_pairs(r, v, &n);
		strbuf_putc(out, '{');
		for (size_t i = 0; i < n; i++) {
			struct value member = value_json(
				r, pairs[i].json, v->is_map && r->types ? NULL : pairs[i].key);

			if (i)
				strbuf_putc(out, ',');
			json_string(pairs[i].key, pairs[i].key_len, html, out);
			strbuf_putc(out, ':');
			json_value(r, &member, html, out);
		}
		strbuf_putc(out, '}');
		return;
	case VALUE_NONE:
	case VALUE_NIL:
		strbuf_puts(out, "null");
		return;
	default:
		value_print(r, v, true, out);
	}
}

void value_json_text(struct run *r, const struct value *v, struct strbuf *out)
{
	json_value(r, v, v->is_root && r->types && r->types->row, out);
}
