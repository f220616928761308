/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/json_path.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/cleanup.h"

/* A name of the document's own making is cut to this in a message. */
#define KEY_SHOWN 80

static void add_way(struct strbuf *b, const struct json_at *at)
{
	if (at->parent)
		add_way(b, at->parent);
	if (!at->key)
		strbuf_printf(b, "[%zu]", at->index);
	else if (*at->key || at->parent)
		strbuf_printf(b, "%s%.*s", b->len ? "." : "", KEY_SHOWN, at->key);
}

static int fail(const struct json_at *at, int code, struct error *err, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static int fail(const struct json_at *at, int code, struct error *err, const char *fmt, va_list ap)
{
	autostrbuf struct strbuf b = STRBUF_INIT;

	add_way(&b, at);
	if (b.len)
		strbuf_puts(&b, ": ");
	strbuf_vprintf(&b, fmt, ap);
	return error_set(err, code, "%s", b.data);
}

int json_at_error(const struct json_at *at, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(at, EINVAL, err, fmt, ap);
	va_end(ap);
	return -1;
}

int json_at_error_code(const struct json_at *at, int code, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail(at, code, err, fmt, ap);
	va_end(ap);
	return -1;
}

int json_at_check_object(const struct json_at *at, struct error *err)
{
	return yyjson_is_obj(at->value) ? 0 : json_at_error(at, err, "not an object");
}

struct json_at json_at_member(const struct json_at *object, const char *key)
{
	yyjson_val *value = object->value ? yyjson_obj_get(object->value, key) : NULL;

	return (struct json_at){ .value = yyjson_is_null(value) ? NULL : value,
				 .parent = object,
				 .key = key };
}

/* ---- Values of a type */

static int take_str(const struct json_at *at, const char **out, struct error *err)
{
	const char *s = yyjson_get_str(at->value);

	if (!s)
		return json_at_error(at, err, "not a string");
	if (strlen(s) != yyjson_get_len(at->value))
		return json_at_error(at, err, "has a NUL character in it");
	*out = s;
	return 0;
}

static int check_whole(const struct json_at *at, struct error *err)
{
	if (!yyjson_is_num(at->value))
		return json_at_error(at, err, "not a number");
	if (!yyjson_is_int(at->value))
		return json_at_error(at, err, "not a whole number, or too large");
	return 0;
}

static int take_int(const struct json_at *at, int64_t min, int64_t max, int64_t *out,
		    struct error *err)
{
	if (check_whole(at, err))
		return -1;
	if (yyjson_is_uint(at->value) && yyjson_get_uint(at->value) > INT64_MAX)
		return json_at_error(at, err, "%" PRIu64 " is not in %" PRId64 " to %" PRId64,
				     yyjson_get_uint(at->value), min, max);

	int64_t n = yyjson_get_sint(at->value);
	if (n < min || n > max)
		return json_at_error(at, err, "%" PRId64 " is not in %" PRId64 " to %" PRId64, n,
				     min, max);
	*out = n;
	return 0;
}

static int take_uint(const struct json_at *at, uint64_t max, uint64_t *out, struct error *err)
{
	if (check_whole(at, err))
		return -1;
	if (!yyjson_is_uint(at->value))
		return json_at_error(at, err, "%" PRId64 " is not in 0 to %" PRIu64,
				     yyjson_get_sint(at->value), max);
	if (yyjson_get_uint(at->value) > max)
		return json_at_error(at, err, "%" PRIu64 " is not in 0 to %" PRIu64,
				     yyjson_get_uint(at->value), max);
	*out = yyjson_get_uint(at->value);
	return 0;
}

static int take_bool(const struct json_at *at, bool *out, struct error *err)
{
	if (!yyjson_is_bool(at->value))
		return json_at_error(at, err, "neither true nor false");
	*out = yyjson_get_bool(at->value);
	return 0;
}

int json_at_str(const struct json_at *at, const char **out, struct error *err)
{
	return take_str(at, out, err);
}

int json_at_uint(const struct json_at *at, uint64_t max, uint64_t *out, struct error *err)
{
	return take_uint(at, max, out, err);
}

/* ---- Members */

int json_at_get_object(const struct json_at *object, const char *key, struct json_at *out,
		       struct error *err)
{
	*out = json_at_member(object, key);
	return out->value ? json_at_check_object(out, err) : 0;
}

int json_at_get_array(const struct json_at *object, const char *key, struct json_at *out,
		      struct error *err)
{
	*out = json_at_member(object, key);
	return !out->value || yyjson_is_arr(out->value) ? 0
							: json_at_error(out, err, "not an array");
}

int json_at_get_bool(const struct json_at *object, const char *key, bool *out, struct error *err)
{
	struct json_at at = json_at_member(object, key);

	return at.value ? take_bool(&at, out, err) : 0;
}

int json_at_get_str(const struct json_at *object, const char *key, const char **out,
		    struct error *err)
{
	struct json_at at = json_at_member(object, key);

	return at.value ? take_str(&at, out, err) : 0;
}

int json_at_get_int(const struct json_at *object, const char *key, int64_t min, int64_t max,
		    int64_t *out, struct error *err)
{
	struct json_at at = json_at_member(object, key);

	return at.value ? take_int(&at, min, max, out, err) : 0;
}

int json_at_get_uint(const struct json_at *object, const char *key, uint64_t max, uint64_t *out,
		     struct error *err)
{
	struct json_at at = json_at_member(object, key);

	return at.value ? take_uint(&at, max, out, err) : 0;
}

int json_at_get_strv(const struct json_at *object, const char *key, struct strv *out,
		     struct error *err)
{
	struct json_at list;
	const char *s;

	if (json_at_get_array(object, key, &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (take_str(&e, &s, err))
			return -1;
		strv_add(out, s);
	}
	return 0;
}

int json_at_get_map(const struct json_at *object, const char *key, struct strv *out,
		    struct error *err)
{
	struct json_at map;
	const char *value;

	if (json_at_get_object(object, key, &map, err))
		return -1;
	for (struct json_at e = json_at_first(&map); e.value; e = json_at_next(&map, &e)) {
		/* In yyjson's documents the key stands before its value. */
		size_t len = yyjson_get_len(e.value - 1);

		if (len == 0 || strlen(e.key) != len || strchr(e.key, '='))
			return json_at_error(&map, err, "\"%.*s\" cannot be a key here", KEY_SHOWN,
					     e.key);
		if (take_str(&e, &value, err))
			return -1;
		strv_addf(out, "%s=%s", e.key, value);
	}
	return 0;
}

static int need(const struct json_at *object, const char *key, struct json_at *out,
		struct error *err)
{
	*out = json_at_member(object, key);
	return out->value ? 0 : json_at_error(out, err, "missing");
}

int json_at_need_object(const struct json_at *object, const char *key, struct json_at *out,
			struct error *err)
{
	return need(object, key, out, err) || json_at_check_object(out, err) ? -1 : 0;
}

int json_at_need_bool(const struct json_at *object, const char *key, bool *out, struct error *err)
{
	struct json_at at;

	return need(object, key, &at, err) || take_bool(&at, out, err) ? -1 : 0;
}

int json_at_need_str(const struct json_at *object, const char *key, const char **out,
		     struct error *err)
{
	struct json_at at;

	return need(object, key, &at, err) || take_str(&at, out, err) ? -1 : 0;
}

int json_at_need_int(const struct json_at *object, const char *key, int64_t min, int64_t max,
		     int64_t *out, struct error *err)
{
	struct json_at at;

	return need(object, key, &at, err) || take_int(&at, min, max, out, err) ? -1 : 0;
}

int json_at_need_uint(const struct json_at *object, const char *key, uint64_t max, uint64_t *out,
		      struct error *err)
{
	struct json_at at;

	return need(object, key, &at, err) || take_uint(&at, max, out, err) ? -1 : 0;
}

/* ---- Walking */

struct json_at json_at_first(const struct json_at *list)
{
	struct json_at at = { .parent = list };

	if (!yyjson_is_ctn(list->value) || unsafe_yyjson_get_len(list->value) == 0)
		return at;
	at.value = unsafe_yyjson_get_first(list->value);
	if (yyjson_is_obj(list->value)) {
		at.key = yyjson_get_str(at.value);
		at.value++;
	}
	return at;
}

struct json_at json_at_next(const struct json_at *list, const struct json_at *current)
{
	struct json_at at = { .parent = list, .index = current->index + 1 };

	if (at.index >= unsafe_yyjson_get_len(list->value))
		return at;
	at.value = unsafe_yyjson_get_next(current->value);
	if (current->key) {
		at.key = yyjson_get_str(at.value);
		at.value++;
	}
	return at;
}
