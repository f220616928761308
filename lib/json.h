/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thin layer over yyjson for documents from outside: size and depth limited, wrong types refused with the member's
 * name, duplicate keys refused. A document is read once, checked once, and turned into structs; nobody carries JSON
 * around. Writing goes through yyjson's mutable documents and json_write. */
#ifndef KNARR_LIB_JSON_H
#define KNARR_LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "lib/error.h"
#include "lib/str.h"

#define JSON_DEPTH_MAX 64

static inline void json_doc_free(yyjson_doc **doc)
{
	yyjson_doc_free(*doc);
}
static inline void json_mut_doc_free(yyjson_mut_doc **doc)
{
	yyjson_mut_doc_free(*doc);
}
#define autojson    __attribute__((cleanup(json_doc_free)))
#define automutjson __attribute__((cleanup(json_mut_doc_free)))

/* Parses text whose root must be an object or array. what names the document in messages ("manifest.json"). NULL with
 * err set: EINVAL (syntax with its position, too deep, a key twice). Free with yyjson_doc_free or autojson. */
yyjson_doc *json_parse(const char *text, size_t len, const char *what, struct error *err);

/* Members of an object. An absent or null member leaves *out as it is and returns 0; a wrong type returns -1 with err
 * naming the key. Strings point into the document; those with a NUL inside are refused. obj may be NULL: absent. */
int json_get_str(yyjson_val *obj, const char *key, const char **out, struct error *err);
int json_get_bool(yyjson_val *obj, const char *key, bool *out, struct error *err);
int json_get_i64(yyjson_val *obj, const char *key, int64_t *out, struct error *err);
int json_get_u64(yyjson_val *obj, const char *key, uint64_t *out, struct error *err);
int json_get_obj(yyjson_val *obj, const char *key, yyjson_val **out, struct error *err);
int json_get_arr(yyjson_val *obj, const char *key, yyjson_val **out, struct error *err);
/* An array of strings, appended to out. */
int json_get_strv(yyjson_val *obj, const char *key, struct strv *out, struct error *err);
/* An object whose values are strings, appended to out as KEY=VALUE. */
int json_get_map(yyjson_val *obj, const char *key, struct strv *out, struct error *err);
/* An object used as a set ({"80/tcp": {}}): its keys, appended to out. */
int json_get_set(yyjson_val *obj, const char *key, struct strv *out, struct error *err);

/* The other way: adds a copied array, map or set under key unless v is empty. */
void json_put_strv(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v);
void json_put_map(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v);
void json_put_set(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v);

/* The document as compact text (pretty: four spaces, as `docker inspect` prints); the caller frees. */
char *json_write(yyjson_mut_doc *doc, bool pretty, size_t *len);

#endif
