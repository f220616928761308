/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

/* Keys of an object up to which each is compared with each; beyond, they are sorted. */
#define PAIRWISE_MAX 16

static bool same_key(yyjson_val *a, yyjson_val *b)
{
	size_t len = yyjson_get_len(a);

	return len == yyjson_get_len(b) && memcmp(yyjson_get_str(a), yyjson_get_str(b), len) == 0;
}

static int compare_keys(const void *pa, const void *pb)
{
	yyjson_val *a = *(yyjson_val *const *)pa, *b = *(yyjson_val *const *)pb;
	size_t len_a = yyjson_get_len(a), len_b = yyjson_get_len(b);

	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	return memcmp(yyjson_get_str(a), yyjson_get_str(b), len_a);
}

/* A key that stands twice in obj, or NULL. RFC 8259, section 4, leaves open which of them counts: two readers of one
 * manifest could then see two different images, so such a document is refused. */
static yyjson_val *duplicate_key(yyjson_val *obj)
{
	size_t n = 0, count = yyjson_obj_size(obj);
	yyjson_val *few[PAIRWISE_MAX];
	yyjson_val *key;
	yyjson_obj_iter it = yyjson_obj_iter_with(obj);

	if (count <= PAIRWISE_MAX) {
		while ((key = yyjson_obj_iter_next(&it))) {
			for (size_t i = 0; i < n; i++)
				if (same_key(few[i], key))
					return key;
			few[n++] = key;
		}
		return NULL;
	}
	autofree yyjson_val **keys = xcalloc(count, sizeof(*keys));
	while ((key = yyjson_obj_iter_next(&it)))
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(&keys[i - 1], &keys[i]) == 0)
			return keys[i];
	return NULL;
}

/* One walk over all containers, without recursion: the stack is as deep as a document may be. */
static int check(yyjson_val *root, const char *what, struct error *err)
{
	struct {
		yyjson_val *next;
		size_t left; /* values, and for an object keys, not visited yet */
		bool is_object;
	} stack[JSON_DEPTH_MAX];
	size_t depth = 0;
	yyjson_val *v = root;

	for (;;) {
		if (yyjson_is_ctn(v)) {
			yyjson_val *key = yyjson_is_obj(v) ? duplicate_key(v) : NULL;
			if (key)
				return error_set(err, EINVAL,
						 "%s: key \"%.64s\" stands twice in one object",
						 what, yyjson_get_str(key));
			if (depth == JSON_DEPTH_MAX)
				return error_set(err, EINVAL, "%s: nested deeper than %d levels",
						 what, JSON_DEPTH_MAX);
			stack[depth].next = unsafe_yyjson_get_first(v);
			stack[depth].left = yyjson_get_len(v);
			stack[depth].is_object = yyjson_is_obj(v);
			depth++;
		}
		while (depth && stack[depth - 1].left == 0)
			depth--;
		if (!depth)
			return 0;
		yyjson_val *member = stack[depth - 1].next;
		v = stack[depth - 1].is_object ? member + 1 : member;
		stack[depth - 1].next = unsafe_yyjson_get_next(v);
		stack[depth - 1].left--;
	}
}

yyjson_doc *json_parse(const char *text, size_t len, const char *what, struct error *err)
{
	yyjson_read_err why = { 0 };
	size_t line = 0, column = 0, position = 0;
	/* Without YYJSON_READ_INSITU the parser only reads text, whatever the type of its argument says. */
	autojson yyjson_doc *doc = yyjson_read_opts((char *)text, len, 0, NULL, &why);

	if (!doc && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
		error_set(err, ENOMEM, "%s: too large for the memory at hand", what);
		return NULL;
	}
	if (!doc) {
		yyjson_locate_pos(text, len, why.pos, &line, &column, &position);
		error_set(err, EINVAL, "%s: line %zu, column %zu: %s", what, line, column,
			  why.msg ? why.msg : "no JSON");
		return NULL;
	}
	if (!yyjson_is_ctn(yyjson_doc_get_root(doc))) {
		error_set(err, EINVAL, "%s: neither an object nor an array", what);
		return NULL;
	}
	if (check(yyjson_doc_get_root(doc), what, err))
		return NULL;
	return STEAL_PTR(doc);
}

/* Finds obj's member key: *out is NULL when obj or the member is absent or null. */
static int member(yyjson_val *obj, const char *key, yyjson_val **out, struct error *err)
{
	*out = NULL;
	if (!obj || yyjson_is_null(obj))
		return 0;
	if (!yyjson_is_obj(obj))
		return error_set(err, EINVAL, "\"%s\" is looked for in something that is no object",
				 key);
	yyjson_val *v = yyjson_obj_get(obj, key);
	if (v && !yyjson_is_null(v))
		*out = v;
	return 0;
}

/* The text of v, or NULL when it is no string or one that C would see shorter than it is. */
static const char *plain_text(yyjson_val *v)
{
	const char *s = yyjson_get_str(v);

	return s && strlen(s) == yyjson_get_len(v) ? s : NULL;
}

static int wrong(const char *key, const char *must, struct error *err)
{
	return error_set(err, EINVAL, "\"%s\" must be %s", key, must);
}

int json_get_str(yyjson_val *obj, const char *key, const char **out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (!v)
		return 0;
	const char *s = plain_text(v);
	if (!s)
		return wrong(key, yyjson_is_str(v) ? "a string without NUL characters" : "a string",
			     err);
	*out = s;
	return 0;
}

int json_get_bool(yyjson_val *obj, const char *key, bool *out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (v && !yyjson_is_bool(v))
		return wrong(key, "true or false", err);
	if (v)
		*out = yyjson_get_bool(v);
	return 0;
}

int json_get_i64(yyjson_val *obj, const char *key, int64_t *out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (v && (!yyjson_is_int(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX)))
		return wrong(key, "a whole number of at most 63 bits", err);
	if (v)
		*out = yyjson_is_uint(v) ? (int64_t)yyjson_get_uint(v) : yyjson_get_sint(v);
	return 0;
}

int json_get_u64(yyjson_val *obj, const char *key, uint64_t *out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (v && !yyjson_is_uint(v))
		return wrong(key, "a whole number, not negative, of at most 64 bits", err);
	if (v)
		*out = yyjson_get_uint(v);
	return 0;
}

int json_get_obj(yyjson_val *obj, const char *key, yyjson_val **out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (v && !yyjson_is_obj(v))
		return wrong(key, "an object", err);
	if (v)
		*out = v;
	return 0;
}

int json_get_arr(yyjson_val *obj, const char *key, yyjson_val **out, struct error *err)
{
	yyjson_val *v;

	if (member(obj, key, &v, err))
		return -1;
	if (v && !yyjson_is_arr(v))
		return wrong(key, "an array", err);
	if (v)
		*out = v;
	return 0;
}

int json_get_strv(yyjson_val *obj, const char *key, struct strv *out, struct error *err)
{
	yyjson_val *array = NULL, *v;

	if (json_get_arr(obj, key, &array, err))
		return -1;
	yyjson_arr_iter it = yyjson_arr_iter_with(array);
	while ((v = yyjson_arr_iter_next(&it))) {
		const char *s = plain_text(v);
		if (!s)
			return wrong(key, "an array of strings", err);
		strv_add(out, s);
	}
	return 0;
}

int json_get_map(yyjson_val *obj, const char *key, struct strv *out, struct error *err)
{
	yyjson_val *map = NULL, *k;

	if (json_get_obj(obj, key, &map, err))
		return -1;
	yyjson_obj_iter it = yyjson_obj_iter_with(map);
	while ((k = yyjson_obj_iter_next(&it))) {
		const char *name = plain_text(k);
		const char *value = plain_text(yyjson_obj_iter_get_val(k));
		/* A "=" in a name could not be told from the one behind it. */
		if (!name || !value || strchr(name, '='))
			return wrong(
				key,
				"an object whose values are strings and whose keys have no \"=\"",
				err);
		strv_addf(out, "%s=%s", name, value);
	}
	return 0;
}

int json_get_set(yyjson_val *obj, const char *key, struct strv *out, struct error *err)
{
	yyjson_val *set = NULL, *k;

	if (json_get_obj(obj, key, &set, err))
		return -1;
	yyjson_obj_iter it = yyjson_obj_iter_with(set);
	while ((k = yyjson_obj_iter_next(&it))) {
		const char *name = plain_text(k);
		if (!name)
			return wrong(key, "an object whose keys have no NUL characters", err);
		strv_add(out, name);
	}
	return 0;
}

void json_put_strv(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v)
{
	if (!v->len)
		return;
	yyjson_mut_val *array = yyjson_mut_arr(doc);
	for (size_t i = 0; i < v->len; i++)
		yyjson_mut_arr_add_strcpy(doc, array, v->items[i]);
	yyjson_mut_obj_add(obj, yyjson_mut_strcpy(doc, key), array);
}

struct pair {
	const char *text;
	size_t key_len;
	size_t index;
};

static int compare_pair_keys(const struct pair *a, const struct pair *b)
{
	size_t shorter = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->text, b->text, shorter);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int compare_pairs(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;
	int order = compare_pair_keys(a, b);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* Adds the items of v as members sorted by key, as Docker writes its maps; of equal keys the last counts, since a key
 * twice is what json_parse refuses. stop is what ends a key within an item. */
static void put_pairs(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
		      const struct strv *v, const char *stop)
{
	if (!v->len)
		return;
	autofree struct pair *pairs = xcalloc(v->len, sizeof(*pairs));
	for (size_t i = 0; i < v->len; i++)
		pairs[i] = (struct pair){ v->items[i], strcspn(v->items[i], stop), i };
	qsort(pairs, v->len, sizeof(*pairs), compare_pairs);

	yyjson_mut_val *members = yyjson_mut_obj(doc);
	for (size_t i = 0; i < v->len; i++) {
		const struct pair *p = &pairs[i];
		if (i + 1 < v->len && compare_pair_keys(p, p + 1) == 0)
			continue;
		const char *value = p->text[p->key_len] ? p->text + p->key_len + 1 : "";
		yyjson_mut_obj_add(members, yyjson_mut_strncpy(doc, p->text, p->key_len),
				   *stop ? yyjson_mut_strcpy(doc, value) : yyjson_mut_obj(doc));
	}
	yyjson_mut_obj_add(obj, yyjson_mut_strcpy(doc, key), members);
}

void json_put_map(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v)
{
	put_pairs(doc, obj, key, v, "=");
}

void json_put_set(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v)
{
	put_pairs(doc, obj, key, v, "");
}

/* The length of the well-formed UTF-8 character at s (Unicode, table 3-7), or 0. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80   ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (!n || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* What came from a command line can be any bytes, JSON cannot: as in Docker, each stray one becomes U+FFFD. Outside of
 * strings a document is ASCII, so its text can be mended as a whole. */
static char *mend(const char *text, size_t len, size_t *mended_len)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_length((const unsigned char *)text + i, len - i);
		strbuf_add(&out, n ? text + i : "\xef\xbf\xbd", n ? n : 3);
		i += n ? n : 1;
	}
	*mended_len = out.len;
	return strbuf_steal(&out);
}

char *json_write(yyjson_mut_doc *doc, bool pretty, size_t *len)
{
	yyjson_write_flag flags = pretty ? YYJSON_WRITE_PRETTY : YYJSON_WRITE_NOFLAG;
	size_t n = 0;
	char *text = yyjson_mut_write(doc, flags, &n);

	if (!text) {
		autofree char *raw =
			yyjson_mut_write(doc, flags | YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
		/* Left are memory and numbers that JSON has no form for (infinity), which nobody here writes. */
		text = raw ? mend(raw, n, &n) : xstrdup("null");
	}
	if (len)
		*len = n;
	return text;
}
