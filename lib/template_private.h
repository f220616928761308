/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the templates: tokens (template_scan.c) become a tree (template_parse.c), which is walked (template_run.c) with
 * functions (template_functions.c) over values that print as Go's fmt does (template_print.c). */
#ifndef KNARR_LIB_TEMPLATE_PRIVATE_H
#define KNARR_LIB_TEMPLATE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/template.h"

/* ---- Memory that goes all at once */

struct pool {
	struct pool_block *last;
	size_t total; /* bytes handed out */
};

/* Zeroed. */
void *pool_alloc(struct pool *p, size_t size);
/* A copy with a NUL behind it. */
char *pool_copy(struct pool *p, const char *s, size_t len);
void pool_free(struct pool *p);

/* ---- Tokens */

enum token_type {
	TOKEN_EOF,
	TOKEN_ERROR, /* the scanner's error is set */
	TOKEN_TEXT,
	TOKEN_LEFT,  /* {{ */
	TOKEN_RIGHT, /* }} */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_PIPE,
	TOKEN_DECLARE, /* := */
	TOKEN_ASSIGN,  /* = */
	TOKEN_CHAR,    /* a comma, or another character that no grammar rule has */
	TOKEN_DOT,
	TOKEN_FIELD,    /* .Name */
	TOKEN_VARIABLE, /* $ or $name */
	TOKEN_STRING,
	TOKEN_RAW_STRING,
	TOKEN_NUMBER,
	TOKEN_RUNE, /* 'x' */
	TOKEN_WORD, /* a function's name, true, false, nil or a keyword */
};

struct token {
	enum token_type type;
	size_t start, end; /* in the text; of TOKEN_TEXT after trimming */
	bool spaced;       /* white space stands before it */
};

struct scanner {
	const char *text;
	size_t len, pos;
	bool inside;       /* of an action */
	bool trim_next;    /* the last action ended with -}} */
	size_t parens;     /* open ones in this action */
	size_t line;       /* on which the last token began, for messages */
	struct error *err; /* filled with TOKEN_ERROR */
};

struct token scan(struct scanner *s);

/* The text of a quoted string or rune (without its quotes) in out. Returns 0 or -1 (bad escape). */
int scan_unquote(const char *s, size_t len, char quote, struct strbuf *out);

/* ---- The tree */

enum node_type {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_WITH,
	NODE_RANGE,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_PIPE,     /* child: its commands */
	NODE_COMMAND,  /* child: its words */
	NODE_FIELD,    /* .A.B */
	NODE_VARIABLE, /* $x.A; names[0] is "$x" */
	NODE_CHAIN,    /* (child).A.B */
	NODE_FUNCTION,
	NODE_DOT,
	NODE_NIL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_STRING,
};

struct node {
	enum node_type type;
	size_t start, end;       /* what it was written as */
	size_t pos;              /* where a message says it is */
	struct node *next;       /* sibling */
	struct node *child;      /* see above; of an action or control: its pipe */
	struct node *body, *alt; /* of a control: what stands between, and after {{else}} */
	const char **names;      /* of a path; of a pipe: the variables it sets */
	size_t n_names;
	bool assign; /* of a pipe: = and not := */
	const struct function *function;
	const char *string; /* of NODE_TEXT, NODE_STRING */
	size_t string_len;
	int64_t integer; /* of NODE_INT, NODE_BOOL */
	double real;
};

struct template
{
	char *text;
	size_t len;
	struct node *root; /* statements; NULL: none */
	struct pool pool;
};

/* ---- Values */

enum value_kind {
	VALUE_NONE, /* what a missing key is */
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT, /* above INT64_MAX */
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_LIST, /* of JSON, or of strings that split made */
	VALUE_OBJECT,
};

struct value {
	enum value_kind kind;
	bool is_map;      /* of VALUE_OBJECT */
	bool is_root;     /* the data itself */
	yyjson_val *json; /* of VALUE_LIST and VALUE_OBJECT; NULL: empty, or items count */
	struct value *items;
	size_t n;           /* items, or bytes of string */
	const char *string; /* with a NUL behind it */
	union {
		bool boolean;
		int64_t integer;
		uint64_t natural;
		double real;
	};
};

struct run {
	const struct template *t;
	const struct template_types *types; /* NULL: none */
	struct strbuf *out;
	struct error *err;
	struct pool pool;
};

struct pair {
	const char *key;
	size_t key_len;
	yyjson_val *json;
};

struct value value_string(const char *s, size_t len);
struct value value_int(int64_t i);
struct value value_bool(bool b);
/* What stands in the document under the name member (NULL: in no object, or under a map's key). */
struct value value_json(const struct run *r, yyjson_val *json, const char *member);
bool value_true(const struct value *v);
size_t value_len(const struct value *v); /* of a list or object */
struct value value_at(const struct run *r, const struct value *list, size_t i);
/* An object's members, sorted where it is a map; *n of them, in r's pool. */
struct pair *value_pairs(struct run *r, const struct value *v, size_t *n);
/* The member's value, or one of VALUE_NONE. */
struct value value_member(const struct run *r, const struct value *v, const char *name);
/* Go's name of its type: "string", "int", "[]interface {}". */
const char *value_type(const struct value *v);

/* As fmt.Print shows it. nested: within a list or map, where nothing is "<nil>". */
void value_print(struct run *r, const struct value *v, bool nested, struct strbuf *out);
void value_json_text(struct run *r, const struct value *v, struct strbuf *out);
/* fmt.Sprint and fmt.Sprintf. */
void value_sprint(struct run *r, const struct value *args, size_t n, bool line, struct strbuf *out);
void value_printf(struct run *r, const struct value *args, size_t n, struct strbuf *out);
/* strconv.Quote. */
void quote_go(const char *s, size_t len, struct strbuf *out);
/* The shortest text that reads back as the same number; with an exponent unless it is in low..high-1. */
void print_float(double d, int low, int high, struct strbuf *out);
/* Bytes of the UTF-8 character at s, of which left remain; 0: there is none. */
size_t rune_length(const char *s, size_t left);

/* ---- Functions */

struct function {
	const char *name;
	/* A letter an argument: s string, i int, l list, v any; "*" behind the last: any number of it, none included. */
	const char *params;
	/* Returns 0, or -1 with r->err holding a plain message. NULL: and, or, which template_run.c evaluates itself. */
	int (*call)(struct run *r, const struct value *args, size_t n, struct value *out);
	bool plain_heading; /* see struct template_types */
};

/* NULL: none of that name. */
const struct function *function_find(const char *name, size_t len);

#endif
