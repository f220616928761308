/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/instruction.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"

enum form { WHOLE, WORDS, QUOTED_WORDS, JSON_OR_LINE, JSON_OR_WORDS, PAIRS, TYPE_AND_LINE };

static const struct {
	const char *name;
	enum form form;
} forms[] = {
	{ "ADD", JSON_OR_WORDS },
	{ "ARG", QUOTED_WORDS },
	{ "CMD", JSON_OR_LINE },
	{ "COPY", JSON_OR_WORDS },
	{ "ENTRYPOINT", JSON_OR_LINE },
	{ "ENV", PAIRS },
	{ "EXPOSE", WORDS },
	{ "FROM", WORDS },
	{ "HEALTHCHECK", TYPE_AND_LINE },
	{ "LABEL", PAIRS },
	{ "RUN", JSON_OR_LINE },
	{ "SHELL", JSON_OR_LINE },
	{ "VOLUME", JSON_OR_WORDS },
};

void instruction_free(struct instruction *i)
{
	free(i->typed);
	free(i->name);
	free(i->rest);
	strv_free(&i->flags);
	strv_free(&i->args);
	*i = (struct instruction)INSTRUCTION_INIT;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_spaces(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

static const char *skip_word(const char *p)
{
	while (*p && !is_space(*p))
		p++;
	return p;
}

/* The end of a word in which quotes and backslashes keep spaces together. */
static const char *skip_quoted_word(const char *p)
{
	char quote = '\0';

	for (; *p && (quote || !is_space(*p)); p++) {
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		else if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
	}
	return p;
}

static void take_word(struct strv *to, const char *p, const char *end)
{
	strv_take(to, xstrndup(p, (size_t)(end - p)));
}

/* Flags stand before the arguments. */
static const char *take_flags(struct instruction *i, const char *p)
{
	while (p[0] == '-' && p[1] == '-') {
		const char *end = skip_quoted_word(p);

		if (end == p + 2) /* "--" ends them */
			return skip_spaces(end);
		take_word(&i->flags, p, end);
		p = skip_spaces(end);
	}
	return p;
}

/* 1: it was a JSON array of strings; 0: it is none; -1 with err set: it is one of something else. */
static int take_json(struct instruction *i, const char *text, struct error *err)
{
	yyjson_doc *doc autojson = NULL;
	char *copy autofree = NULL;
	yyjson_val *val;
	size_t n, max;

	if (*text != '[')
		return 0;
	copy = xstrdup(text);
	doc = yyjson_read_opts(copy, strlen(copy), YYJSON_READ_STOP_WHEN_DONE, NULL, NULL);
	if (!doc)
		return 0;
	yyjson_arr_foreach(yyjson_doc_get_root(doc), n, max, val)
	{
		if (!yyjson_is_str(val))
			return error_set(
				err, EINVAL,
				"when using JSON array syntax, arrays must be comprised of strings only");
		if (strlen(yyjson_get_str(val)) != yyjson_get_len(val))
			return error_set(err, EINVAL, "%s: an argument has a NUL in it", i->name);
		strv_add(&i->args, yyjson_get_str(val));
	}
	i->json = true;
	return 1;
}

static void take_words(struct instruction *i, const char *p, const char *(*skip)(const char *))
{
	for (p = skip_spaces(p); *p; p = skip_spaces(p)) {
		const char *end = skip(p);

		take_word(&i->args, p, end);
		p = end;
	}
}

/* "KEY=VALUE KEY=VALUE ...", or the old "KEY all the rest". */
static int take_pairs(struct instruction *i, const char *p, struct error *err)
{
	const char *end = skip_quoted_word(p);

	if (!*p)
		return 0;
	if (!memchr(p, '=', (size_t)(end - p))) {
		end = skip_word(p);
		if (!*skip_spaces(end))
			return error_set(err, EINVAL, "%s must have two arguments", i->name);
		take_word(&i->args, p, end);
		strv_add(&i->args, skip_spaces(end));
		return 0;
	}
	for (; *p; p = skip_spaces(end)) {
		const char *equals;

		end = skip_quoted_word(p);
		equals = memchr(p, '=', (size_t)(end - p));
		if (!equals)
			return error_set(
				err, EINVAL,
				"Syntax error - can't find = in \"%.*s\". Must be of the form: name=value",
				(int)(end - p), p);
		take_word(&i->args, p, equals);
		take_word(&i->args, equals + 1, end);
	}
	return 0;
}

static int take_line(struct instruction *i, const char *p, struct error *err)
{
	int r = *p ? take_json(i, p, err) : 1;

	if (r == 0)
		strv_add(&i->args, p);
	return r < 0 ? -1 : 0;
}

static int take_args(struct instruction *i, const char *p, enum form form, struct error *err)
{
	const char *end;
	int r;

	switch (form) {
	case WHOLE:
		if (*p)
			strv_add(&i->args, p);
		return 0;
	case WORDS:
		take_words(i, p, skip_word);
		return 0;
	case QUOTED_WORDS:
		take_words(i, p, skip_quoted_word);
		return 0;
	case JSON_OR_LINE:
		return take_line(i, p, err);
	case JSON_OR_WORDS:
		r = take_json(i, p, err);
		if (r == 0)
			take_words(i, p, skip_word);
		return r < 0 ? -1 : 0;
	case PAIRS:
		return take_pairs(i, p, err);
	case TYPE_AND_LINE:
		end = skip_word(p);
		if (!*p)
			return 0;
		take_word(&i->args, p, end);
		return take_line(i, skip_spaces(end), err);
	}
	return 0;
}

static int parse(struct instruction *i, const char *line, struct error *err)
{
	const char *p = skip_spaces(line), *end = skip_word(p);
	enum form form = WHOLE;
	size_t len;

	i->typed = xstrndup(p, (size_t)(end - p));
	i->name = xstrdup(i->typed);
	for (char *c = i->name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	i->rest = xstrdup(skip_spaces(end));
	for (len = strlen(i->rest); len && is_space(i->rest[len - 1]); len--)
		i->rest[len - 1] = '\0';
	for (size_t n = 0; n < sizeof(forms) / sizeof(forms[0]); n++)
		if (strcmp(i->name, forms[n].name) == 0)
			form = forms[n].form;
	/* What ONBUILD and MAINTAINER say is kept as it stands. */
	p = form == WHOLE && (strcmp(i->name, "ONBUILD") == 0 || strcmp(i->name, "MAINTAINER") == 0)
		    ? i->rest
		    : take_flags(i, i->rest);
	return take_args(i, p, form, err);
}

int instruction_parse(const char *line, struct instruction *out, struct error *err)
{
	*out = (struct instruction)INSTRUCTION_INIT;
	if (parse(out, line, err) == 0)
		return 0;
	instruction_free(out);
	return -1;
}

/* The length of a flag's name behind the dashes. */
static size_t flag_length(const char *flag)
{
	return strcspn(flag + 2, "=");
}

const char *instruction_flag(const struct instruction *i, const char *name)
{
	for (size_t n = 0; n < i->flags.len; n++) {
		const char *flag = i->flags.items[n];
		size_t len = flag_length(flag);

		if (len == strlen(name) && strncmp(flag + 2, name, len) == 0)
			return flag[2 + len] ? flag + 3 + len : "";
	}
	return NULL;
}

int instruction_check_flags(const struct instruction *i, const char *const *allowed,
			    struct error *err)
{
	for (size_t n = 0; n < i->flags.len; n++) {
		const char *flag = i->flags.items[n];
		size_t len = flag_length(flag), known = 0;

		while (allowed[known] && (strlen(allowed[known]) != len ||
					  strncmp(flag + 2, allowed[known], len) != 0))
			known++;
		if (!allowed[known])
			return error_set(err, EINVAL, "unknown flag: --%.*s", (int)len, flag + 2);
		if (!flag[2 + len])
			return error_set(err, EINVAL, "missing a value on flag: --%s",
					 allowed[known]);
		if (instruction_flag(i, allowed[known]) != flag + 3 + len)
			return error_set(err, EINVAL, "duplicate flag specified: --%s",
					 allowed[known]);
	}
	return 0;
}
