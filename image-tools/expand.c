/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/expand.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 32 /* of ${a:-${b:-...}} */

struct reading {
	const char *p;
	const struct strv *env;
	unsigned depth;
	struct strv *words; /* NULL: none are wanted */
	struct strbuf word; /* the one that is growing */
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters that stand for themselves, and so do not divide words. */
static void add_word(struct reading *r, const char *text, size_t len)
{
	strbuf_add(&r->word, text, len);
}

static void end_word(struct reading *r)
{
	if (r->words && r->word.len)
		strv_add(r->words, r->word.data);
	strbuf_reset(&r->word);
}

static void add_divided(struct reading *r, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_space(text[i]))
			end_word(r);
		else
			add_word(r, text + i, 1);
	}
}

static const char *value_of(const struct reading *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->env->len; i++) {
		const char *item = r->env->items[i];

		if (strncmp(item, name, len) == 0 && item[len] == '=')
			return item + len + 1;
	}
	return NULL;
}

static int until(struct reading *r, char stop, struct strbuf *out, struct error *err);

/* What stands behind ${NAME, up to the brace. */
static int modified(struct reading *r, const char *name, size_t len, struct strbuf *out,
		    struct error *err)
{
	struct strbuf word autostrbuf = STRBUF_INIT;
	const char *value = value_of(r, name, len);
	bool colon = *r->p == ':', has = value && (!colon || *value);
	char modifier;

	r->p += colon;
	modifier = *r->p;
	if (!modifier)
		return error_set(err, EINVAL, "syntax error: missing '}'");
	if (!strchr("+-?", modifier))
		return error_set(err, EINVAL, "unsupported modifier (%c) in substitution",
				 modifier);
	r->p++;
	if (++r->depth > DEPTH_MAX)
		return error_set(err, EINVAL, "substitutions are nested too deep");
	if (until(r, '}', &word, err) < 0)
		return -1;
	r->depth--;
	if (modifier == '?' && !has)
		return error_set(err, EINVAL, "%.*s: %s", (int)len, name,
				 word.len ? word.data : "not allowed to be unset");
	if (modifier == '+' ? has : !has)
		strbuf_add(out, word.data, word.len);
	else if (modifier != '+' && value)
		strbuf_puts(out, value);
	return 0;
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		return 1;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

static int dollar(struct reading *r, struct strbuf *out, struct error *err)
{
	const char *name, *value;
	size_t len;
	bool brace = r->p[1] == '{';

	r->p += brace ? 2 : 1;
	name = r->p;
	len = name_length(name);
	r->p += len;
	if (!brace) {
		value = len ? value_of(r, name, len) : "$";
		strbuf_puts(out, value ? value : "");
		return 0;
	}
	if (!*name)
		return error_set(err, EINVAL, "syntax error: missing '}'");
	if (!len)
		return error_set(err, EINVAL, "syntax error: bad substitution");
	if (*r->p != '}')
		return modified(r, name, len, out, err);
	r->p++;
	value = value_of(r, name, len);
	strbuf_puts(out, value ? value : "");
	return 0;
}

static int single_quotes(struct reading *r, struct strbuf *out, struct error *err)
{
	const char *end = strchr(r->p + 1, '\'');

	if (!end)
		return error_set(
			err, EINVAL,
			"unexpected end of statement while looking for matching single-quote");
	strbuf_add(out, r->p + 1, (size_t)(end - r->p - 1));
	r->p = end + 1;
	return 0;
}

static int double_quotes(struct reading *r, struct strbuf *out, struct error *err)
{
	for (r->p++; *r->p != '"';) {
		if (!*r->p)
			return error_set(
				err, EINVAL,
				"unexpected end of statement while looking for matching double-quote");
		if (*r->p == '$') {
			if (dollar(r, out, err) < 0)
				return -1;
			continue;
		}
		if (*r->p == '\\' && (r->p[1] == '"' || r->p[1] == '$' || r->p[1] == '\\'))
			r->p++;
		else if (*r->p == '\\' && !r->p[1]) {
			r->p++;
			continue;
		}
		strbuf_putc(out, *r->p++);
	}
	r->p++;
	return 0;
}

/* Reads up to stop, which is passed over; 0: to the end. */
static int until(struct reading *r, char stop, struct strbuf *out, struct error *err)
{
	while (*r->p && *r->p != stop) {
		size_t before = out->len;
		char c = *r->p;
		int n = 0;

		if (c == '\'')
			n = single_quotes(r, out, err);
		else if (c == '"')
			n = double_quotes(r, out, err);
		else if (c == '$')
			n = dollar(r, out, err);
		else if (c == '\\' && !*++r->p) /* at the end it means nothing */
			break;
		else
			strbuf_putc(out, *r->p++);
		if (n < 0)
			return -1;
		if (r->depth || out->len == before)
			continue;
		if (c == '\'' || c == '"' || c == '\\')
			add_word(r, out->data + before, out->len - before);
		else
			add_divided(r, out->data + before, out->len - before);
	}
	if (stop && *r->p != stop)
		return error_set(err, EINVAL, "syntax error: missing '}'");
	r->p += stop != '\0';
	return 0;
}

static int expand(const char *word, const struct strv *env, struct strbuf *out, struct strv *words,
		  struct error *err)
{
	struct reading r = { .p = word, .env = env, .words = words };
	int n = until(&r, '\0', out, err);

	if (n < 0)
		error_prefix(err, "failed to process \"%.200s\"", word);
	else
		end_word(&r);
	strbuf_free(&r.word);
	return n;
}

int expand_word(const char *word, const struct strv *env, struct strbuf *out, struct error *err)
{
	return expand(word, env, out, NULL, err);
}

int expand_words(const char *word, const struct strv *env, struct strv *out, struct error *err)
{
	struct strbuf whole autostrbuf = STRBUF_INIT;

	return expand(word, env, &whole, out, err);
}
