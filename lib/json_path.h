/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a document whose author is to be told just where it is wrong. A place knows the way to it, and every error
 * begins with that way:
 *     process.user.uid: missing
 *     linux.namespaces[3].type: not a string
 * A member that is null counts as absent, as in Go's programs, which write most of these documents. Documents come from
 * json_parse (lib/json.h), so no key stands twice and nesting has an end. */
#ifndef KNARR_LIB_JSON_PATH_H
#define KNARR_LIB_JSON_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "lib/error.h"
#include "lib/str.h"

/* A place of a document. Those below it point to it: it has to outlive them. */
struct json_at {
	yyjson_val *value; /* NULL: nothing there */
	const struct json_at
		*parent; /* NULL: key names the whole document in messages, "" for nothing */
	const char *key; /* NULL: an element of an array, by index */
	size_t index;
};

/* Fills err with EINVAL, or code, and "<way>: <formatted>"; returns -1. */
int json_at_error(const struct json_at *at, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int json_at_error_code(const struct json_at *at, int code, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* -1 with err set unless at is an object. */
int json_at_check_object(const struct json_at *at, struct error *err);

/* A member of object, which may be a place where nothing is. */
struct json_at json_at_member(const struct json_at *object, const char *key);

/* Members of a given type. An absent one leaves *out as it is, or (get_object, get_array) gives a place with nothing in it.
 * 0, or -1 with err set. */
int json_at_get_object(const struct json_at *object, const char *key, struct json_at *out,
		       struct error *err);
int json_at_get_array(const struct json_at *object, const char *key, struct json_at *out,
		      struct error *err);
int json_at_get_bool(const struct json_at *object, const char *key, bool *out, struct error *err);
/* Strings point into the document, and hold no NUL. */
int json_at_get_str(const struct json_at *object, const char *key, const char **out,
		    struct error *err);
int json_at_get_int(const struct json_at *object, const char *key, int64_t min, int64_t max,
		    int64_t *out, struct error *err);
int json_at_get_uint(const struct json_at *object, const char *key, uint64_t max, uint64_t *out,
		     struct error *err);
/* An array of strings, appended to out. */
int json_at_get_strv(const struct json_at *object, const char *key, struct strv *out,
		     struct error *err);
/* An object whose values are strings, appended to out as KEY=VALUE. A key that is empty or has a "=" is refused. */
int json_at_get_map(const struct json_at *object, const char *key, struct strv *out,
		    struct error *err);

/* The same of what must be there: absent is an error. */
int json_at_need_object(const struct json_at *object, const char *key, struct json_at *out,
			struct error *err);
int json_at_need_bool(const struct json_at *object, const char *key, bool *out, struct error *err);
int json_at_need_str(const struct json_at *object, const char *key, const char **out,
		     struct error *err);
int json_at_need_int(const struct json_at *object, const char *key, int64_t min, int64_t max,
		     int64_t *out, struct error *err);
int json_at_need_uint(const struct json_at *object, const char *key, uint64_t max, uint64_t *out,
		      struct error *err);

/* The string at a place (an element of an array, say). */
int json_at_str(const struct json_at *at, const char **out, struct error *err);
int json_at_uint(const struct json_at *at, uint64_t max, uint64_t *out, struct error *err);

/* The elements of an array or the members of an object, in order:
 *     for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e))
 * Of an empty place there are none. A null among them is a place with a null in it. */
struct json_at json_at_first(const struct json_at *list);
struct json_at json_at_next(const struct json_at *list, const struct json_at *current);

#endif
