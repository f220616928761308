/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of text/template (funcs.go) and those that Docker adds (its templates package). Number and kind of
 * the arguments are checked by the caller. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/template_private.h"

#define PAD_MAX 100000 /* spaces */

static int give(struct run *r, struct strbuf *text, struct value *out)
{
	*out = value_string(pool_copy(&r->pool, text->data, text->len), text->len);
	strbuf_free(text);
	return 0;
}

/* ---- Looking into values */

static int call_len(struct run *r, const struct value *args, size_t n, struct value *out)
{
	(void)n;
	switch (args->kind) {
	case VALUE_STRING:
		*out = value_int((int64_t)args->n);
		return 0;
	case VALUE_OBJECT:
	case VALUE_LIST:
		*out = value_int((int64_t)value_len(args));
		return 0;
	case VALUE_NONE:
	case VALUE_NIL:
		return error_set(r->err, EINVAL, "len of nil pointer");
	default:
		break;
	}
	return error_set(r->err, EINVAL, "len of type %s", value_type(args));
}

/* A whole number that may be a list's index. */
static int position(struct run *r, const struct value *v, size_t limit, size_t *out)
{
	if (v->kind == VALUE_NONE || v->kind == VALUE_NIL)
		return error_set(r->err, EINVAL, "cannot index slice/array with nil");
	if (v->kind != VALUE_INT)
		return error_set(r->err, EINVAL, "cannot index slice/array with type %s",
				 value_type(v));
	if (v->integer < 0 || (uint64_t)v->integer > limit)
		return error_set(r->err, EINVAL, "index out of range: %" PRId64, v->integer);
	*out = (size_t)v->integer;
	return 0;
}

static int index_one(struct run *r, const struct value *in, const struct value *key,
		     struct value *out)
{
	size_t i, len = in->kind == VALUE_STRING ? in->n : value_len(in);

	if (in->kind == VALUE_NONE || in->kind == VALUE_NIL)
		return error_set(r->err, EINVAL, "index of untyped nil");
	if (in->kind == VALUE_STRING || in->kind == VALUE_LIST) {
		if (position(r, key, len, &i) < 0)
			return -1;
		if (i == len)
			return error_set(r->err, EINVAL, "reflect: %s index out of range",
					 in->kind == VALUE_LIST ? "slice" : "string");
		*out = in->kind == VALUE_LIST ? value_at(r, in, i)
					      : value_int((unsigned char)in->string[i]);
		return 0;
	}
	if (in->kind != VALUE_OBJECT)
		return error_set(r->err, EINVAL, "can't index item of type %s", value_type(in));
	if (key->kind == VALUE_NONE || key->kind == VALUE_NIL)
		return error_set(r->err, EINVAL, "value is nil; should be of type string");
	if (key->kind != VALUE_STRING)
		return error_set(r->err, EINVAL, "value has type %s; should be string",
				 value_type(key));
	*out = value_member(r, in, key->string);
	return 0;
}

static int call_index(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct value v = args[0];

	for (size_t i = 1; i < n; i++) {
		struct value next;

		if (index_one(r, &v, &args[i], &next) < 0)
			return -1;
		/* With known types, a map whose values are strings has "" for what it has not. */
		if (next.kind == VALUE_NONE && r->types)
			next = value_string("", 0);
		v = next;
	}
	*out = v;
	return 0;
}

static int call_slice(struct run *r, const struct value *args, size_t n, struct value *out)
{
	const struct value *in = args;
	size_t bounds[2] = { 0, in->kind == VALUE_STRING ? in->n : value_len(in) };
	size_t end = bounds[1];

	if (in->kind == VALUE_NONE || in->kind == VALUE_NIL)
		return error_set(r->err, EINVAL, "slice of untyped nil");
	if (n > 3)
		return error_set(r->err, EINVAL, "too many slice indexes: %zu", n - 1);
	if (in->kind != VALUE_STRING && in->kind != VALUE_LIST)
		return error_set(r->err, EINVAL, "can't slice item of type %s", value_type(in));
	for (size_t i = 1; i < n; i++)
		if (position(r, &args[i], end, &bounds[i - 1]) < 0)
			return -1;
	if (bounds[0] > bounds[1])
		return error_set(r->err, EINVAL, "invalid slice index: %zu > %zu", bounds[0],
				 bounds[1]);
	n = bounds[1] - bounds[0];
	if (in->kind == VALUE_STRING) {
		*out = value_string(pool_copy(&r->pool, in->string + bounds[0], n), n);
		return 0;
	}
	*out = (struct value){ .kind = VALUE_LIST, .n = n };
	out->items = pool_alloc(&r->pool, (n + 1) * sizeof(*out->items));
	for (size_t i = 0; i < n; i++)
		out->items[i] = value_at(r, in, bounds[0] + i);
	return 0;
}

/* ---- Comparing */

static int check_basic(struct run *r, const struct value *v)
{
	if (v->kind >= VALUE_BOOL && v->kind <= VALUE_STRING)
		return 0;
	return error_set(r->err, EINVAL, "invalid type for comparison");
}

static int compare_whole(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_INT && b->kind == VALUE_INT)
		return (a->integer > b->integer) - (a->integer < b->integer);
	if (a->kind == VALUE_UINT && b->kind == VALUE_UINT)
		return (a->natural > b->natural) - (a->natural < b->natural);
	return a->kind == VALUE_UINT ? 1 : -1;
}

static int compare_strings(const struct value *a, const struct value *b)
{
	int order = memcmp(a->string, b->string, a->n < b->n ? a->n : b->n);

	return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* <0, 0, >0 in *order. */
static int compare(struct run *r, const struct value *a, const struct value *b, int *order)
{
	bool whole = (a->kind == VALUE_INT || a->kind == VALUE_UINT) &&
		     (b->kind == VALUE_INT || b->kind == VALUE_UINT);

	if (check_basic(r, a) < 0 || check_basic(r, b) < 0)
		return -1;
	if (whole)
		*order = compare_whole(a, b);
	else if (a->kind != b->kind)
		return error_set(r->err, EINVAL, "incompatible types for comparison");
	else if (a->kind == VALUE_STRING)
		*order = compare_strings(a, b);
	else if (a->kind == VALUE_FLOAT)
		*order = (a->real > b->real) - (a->real < b->real);
	else
		*order = a->boolean - b->boolean;
	return 0;
}

static bool is_nil(const struct value *v)
{
	return v->kind == VALUE_NONE || v->kind == VALUE_NIL;
}

static int equal(struct run *r, const struct value *a, const struct value *b, bool *out)
{
	int order;

	*out = is_nil(a) && is_nil(b);
	if (is_nil(a) || is_nil(b))
		return 0;
	if (compare(r, a, b, &order) < 0)
		return -1;
	*out = order == 0;
	return 0;
}

static int call_eq(struct run *r, const struct value *args, size_t n, struct value *out)
{
	bool same = false;

	if (n < 2)
		return error_set(r->err, EINVAL, "missing argument for comparison");
	for (size_t i = 1; i < n && !same; i++)
		if (equal(r, &args[0], &args[i], &same) < 0)
			return -1;
	*out = value_bool(same);
	return 0;
}

static int call_ne(struct run *r, const struct value *args, size_t n, struct value *out)
{
	bool same;

	(void)n;
	if (equal(r, &args[0], &args[1], &same) < 0)
		return -1;
	*out = value_bool(!same);
	return 0;
}

static int ordered(struct run *r, const struct value *args, int *order)
{
	if (args[0].kind == VALUE_BOOL && args[1].kind == VALUE_BOOL)
		return error_set(r->err, EINVAL, "invalid type for comparison");
	return compare(r, &args[0], &args[1], order);
}

#define ORDER_FUNCTION(name, test) \
	static int name(struct run *r, const struct value *args, size_t n, struct value *out) \
	{ \
		int order = 0; \
		(void)n; \
		if (ordered(r, args, &order) < 0) \
			return -1; \
		*out = value_bool(order test 0); \
		return 0; \
	}

ORDER_FUNCTION(call_lt, <)
ORDER_FUNCTION(call_le, <=)
ORDER_FUNCTION(call_gt, >)
ORDER_FUNCTION(call_ge, >=)

static int call_not(struct run *r, const struct value *args, size_t n, struct value *out)
{
	(void)r;
	(void)n;
	*out = value_bool(!value_true(args));
	return 0;
}

/* ---- Printing */

static int call_print(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;

	value_sprint(r, args, n, false, &text);
	return give(r, &text, out);
}

static int call_println(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;

	value_sprint(r, args, n, true, &text);
	return give(r, &text, out);
}

static int call_printf(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;

	value_printf(r, args, n, &text);
	return give(r, &text, out);
}

static int call_json(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;

	(void)n;
	value_json_text(r, args, &text);
	return give(r, &text, out);
}

static int call_html(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf plain autostrbuf = STRBUF_INIT, text = STRBUF_INIT;

	value_sprint(r, args, n, false, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		char c = plain.data[i];

		switch (c) {
		case '"':
			strbuf_puts(&text, "&#34;");
			break;
		case '\'':
			strbuf_puts(&text, "&#39;");
			break;
		case '&':
			strbuf_puts(&text, "&amp;");
			break;
		case '<':
			strbuf_puts(&text, "&lt;");
			break;
		case '>':
			strbuf_puts(&text, "&gt;");
			break;
		case '\0':
			strbuf_puts(&text, "\xef\xbf\xbd");
			break;
		default:
			strbuf_putc(&text, c);
		}
	}
	return give(r, &text, out);
}

static int call_js(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf plain autostrbuf = STRBUF_INIT, text = STRBUF_INIT;

	value_sprint(r, args, n, false, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		unsigned char c = (unsigned char)plain.data[i];

		if (c == '\\' || c == '\'' || c == '"')
			strbuf_printf(&text, "\\%c", c);
		else if (c < 0x20 || strchr("<>&=", c))
			strbuf_printf(&text, "\\u%04X", c);
		else
			strbuf_putc(&text, (char)c);
	}
	return give(r, &text, out);
}

static int call_urlquery(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf plain autostrbuf = STRBUF_INIT, text = STRBUF_INIT;

	value_sprint(r, args, n, false, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		unsigned char c = (unsigned char)plain.data[i];

		if (c < 0x80 && (isalnum(c) || (c && strchr("-_.~", c))))
			strbuf_putc(&text, (char)c);
		else if (c == ' ')
			strbuf_putc(&text, '+');
		else
			strbuf_printf(&text, "%%%02X", c);
	}
	return give(r, &text, out);
}

/* ---- Text */

/* ASCII letters; what is beyond stays as it is. */
static int map_letters(struct run *r, const struct value *in, int (*map)(int), struct value *out)
{
	char *text = pool_copy(&r->pool, in->string, in->n);

	for (size_t i = 0; i < in->n; i++)
		if ((unsigned char)text[i] < 0x80)
			text[i] = (char)map((unsigned char)text[i]);
	*out = value_string(text, in->n);
	return 0;
}

static int call_upper(struct run *r, const struct value *args, size_t n, struct value *out)
{
	(void)n;
	return map_letters(r, args, toupper, out);
}

static int call_lower(struct run *r, const struct value *args, size_t n, struct value *out)
{
	(void)n;
	return map_letters(r, args, tolower, out);
}

static int call_title(struct run *r, const struct value *args, size_t n, struct value *out)
{
	char *text = pool_copy(&r->pool, args->string, args->n);
	bool inside = false;

	(void)n;
	for (size_t i = 0; i < args->n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!inside && c < 0x80)
			text[i] = (char)toupper(c);
		inside = c >= 0x80 || c == '_' || isalnum(c);
	}
	*out = value_string(text, args->n);
	return 0;
}

static int call_split(struct run *r, const struct value *args, size_t n, struct value *out)
{
	const char *s = args[0].string, *sep = args[1].string;
	size_t left = args[0].n, sep_len = args[1].n, room = 0;

	(void)n;
	*out = (struct value){ .kind = VALUE_LIST };
	for (;;) {
		const char *at = sep_len ? memmem(s, left, sep, sep_len) : NULL;
		size_t len = at ? (size_t)(at - s) : left;

		if (!sep_len && left) { /* into characters */
			len = rune_length(s, left);
			len = len ? len : 1;
			at = len < left ? s + len : NULL;
		}
		if (out->n == room) {
			struct value *more;

			room = room ? 2 * room : 8;
			more = pool_alloc(&r->pool, room * sizeof(*more));
			if (out->n)
				memcpy(more, out->items, out->n * sizeof(*more));
			out->items = more;
		}
		if (sep_len || left)
			out->items[out->n++] = value_string(pool_copy(&r->pool, s, len), len);
		if (!at)
			return 0;
		left -= len + sep_len;
		s += len + sep_len;
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The elements of a list, or the sorted values of a map. */
static int call_join(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;
	struct strv parts autostrv = STRV_INIT;
	const struct value *in = args;
	struct pair *pairs = NULL;
	size_t count = 0;

	(void)n;
	if (in->kind == VALUE_OBJECT)
		pairs = value_pairs(r, in, &count);
	else if (in->kind == VALUE_LIST)
		count = value_len(in);
	for (size_t i = 0; i < count; i++) {
		struct value v = pairs ? value_json(r, pairs[i].json, NULL) : value_at(r, in, i);
		struct strbuf part = STRBUF_INIT;

		value_print(r, &v, true, &part);
		strv_take(&parts, strbuf_steal(&part));
	}
	if (pairs && parts.len)
		qsort(parts.items, parts.len, sizeof(*parts.items), compare_texts);
	for (size_t i = 0; i < parts.len; i++) {
		if (i)
			strbuf_add(&text, args[1].string, args[1].n);
		strbuf_puts(&text, parts.items[i]);
	}
	return give(r, &text, out);
}

static int call_pad(struct run *r, const struct value *args, size_t n, struct value *out)
{
	struct strbuf text = STRBUF_INIT;

	(void)n;
	for (size_t i = 1; i < 3; i++)
		if (args[i].integer < 0 || args[i].integer > PAD_MAX)
			return error_set(r->err, EINVAL, "%" PRId64 " spaces are not to be had",
					 args[i].integer);
	if (args->n) {
		for (int64_t i = 0; i < args[1].integer; i++)
			strbuf_putc(&text, ' ');
		strbuf_add(&text, args->string, args->n);
		for (int64_t i = 0; i < args[2].integer; i++)
			strbuf_putc(&text, ' ');
	}
	return give(r, &text, out);
}

static int call_truncate(struct run *r, const struct value *args, size_t n, struct value *out)
{
	int64_t limit = args[1].integer;

	(void)n;
	if (limit < 0)
		return error_set(r->err, EINVAL, "slice bounds out of range [:%" PRId64 "]", limit);
	*out = args[0];
	if (args->n > (uint64_t)limit)
		*out = value_string(pool_copy(&r->pool, args->string, (size_t)limit),
				    (size_t)limit);
	return 0;
}

static const struct function functions[] = {
	{ "and", "v*", NULL, false },           { "eq", "v*", call_eq, false },
	{ "ge", "vv", call_ge, false },         { "gt", "vv", call_gt, false },
	{ "html", "*", call_html, false },      { "index", "v*", call_index, false },
	{ "join", "ls", call_join, true },      { "js", "*", call_js, false },
	{ "json", "v", call_json, true },       { "le", "vv", call_le, false },
	{ "len", "v", call_len, false },        { "lower", "s", call_lower, true },
	{ "lt", "vv", call_lt, false },         { "ne", "vv", call_ne, false },
	{ "not", "v", call_not, false },        { "or", "v*", NULL, false },
	{ "pad", "sii", call_pad, false },      { "print", "*", call_print, false },
	{ "printf", "s*", call_printf, false }, { "println", "*", call_println, false },
	{ "slice", "v*", call_slice, false },   { "split", "ss", call_split, true },
	{ "title", "s", call_title, true },     { "truncate", "si", call_truncate, true },
	{ "upper", "s", call_upper, true },     { "urlquery", "*", call_urlquery, false },
};

const struct function *function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
			return &functions[i];
	return NULL;
}
