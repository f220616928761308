/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/template_private.h"

#define DEPTH_MAX     64  /* controls and parentheses within each other */
#define VARIABLES_MAX 100 /* in sight at once */

struct parser {
	struct template *t;
	struct scanner scanner;
	struct token token; /* the next one */
	struct error *err;
	const char *variables[VARIABLES_MAX];
	size_t n_variables, depth, loops;
};

/* ---- Messages */

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct parser *p, const char *fmt, ...)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	size_t line = 1;
	va_list ap;

	for (size_t i = 0; i < p->token.start && i < p->t->len; i++)
		line += p->t->text[i] == '\n';
	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	return error_set(p->err, EINVAL, "template: :%zu: %s", line, text.data);
}

static bool is_keyword(const struct parser *p, const char *word)
{
	const struct token *t = &p->token;

	return t->type == TOKEN_WORD && t->end - t->start == strlen(word) &&
	       memcmp(p->t->text + t->start, word, t->end - t->start) == 0;
}

static bool is_any_keyword(const struct parser *p)
{
	static const char *const words[] = { "block", "break",    "continue", "define",
					     "else",  "end",      "if",       "nil",
					     "range", "template", "with" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_keyword(p, words[i]))
			return true;
	return false;
}

/* The next token is none that may stand here. */
static int unexpected(struct parser *p, const char *where)
{
	const struct token *t = &p->token;
	struct strbuf text autostrbuf = STRBUF_INIT;
	size_t len = t->end - t->start;

	if (t->type == TOKEN_ERROR)
		return -1; /* the scanner has said it */
	if (t->type == TOKEN_EOF)
		return fail(p, "unexpected EOF");
	if (is_any_keyword(p))
		strbuf_printf(&text, "<%.*s>", (int)len, p->t->text + t->start);
	else
		quote_go(p->t->text + t->start, len > 10 ? 10 : len, &text);
	return fail(p, "unexpected %s%s in %s", text.data, len > 10 ? "..." : "", where);
}

static void advance(struct parser *p)
{
	if (p->token.type != TOKEN_ERROR && p->token.type != TOKEN_EOF)
		p->token = scan(&p->scanner);
}

static struct node *node_new(struct parser *p, enum node_type type)
{
	struct node *n = pool_alloc(&p->t->pool, sizeof(*n));

	n->type = type;
	n->start = n->pos = p->token.start;
	n->end = p->token.end;
	return n;
}

static int deeper(struct parser *p)
{
	return p->depth++ < DEPTH_MAX ? 0 : fail(p, "nested deeper than %d levels", DEPTH_MAX);
}

/* ---- Words */

static char *token_text(struct parser *p, size_t skip)
{
	return pool_copy(&p->t->pool, p->t->text + p->token.start + skip,
			 p->token.end - p->token.start - skip);
}

static void add_name(struct parser *p, struct node *n, const char *name)
{
	const char **names = pool_alloc(&p->t->pool, (n->n_names + 1) * sizeof(*names));

	if (n->n_names)
		memcpy(names, n->names, n->n_names * sizeof(*names));
	names[n->n_names] = name;
	n->names = names;
	n->n_names++;
}

static struct node *parse_number(struct parser *p)
{
	char *text autofree = xstrdup(token_text(p, 0));
	struct node *n = node_new(p, NODE_INT);
	bool hex = false, negative = *text == '-';
	const char *digits = text + (*text == '+' || *text == '-');
	int base = 10;
	char *end, *to = text;

	/* Go lets an underscore stand between digits. */
	for (char *from = text; *from; from++)
		if (*from != '_' || from == digits)
			*to++ = *from;
	*to = '\0';
	if (digits[0] == '0' && digits[1]) {
		char c = (char)tolower((unsigned char)digits[1]);

		hex = c == 'x';
		base = hex ? 16 : c == 'o' || isdigit((unsigned char)c) ? 8 : c == 'b' ? 2 : 10;
		if (c == 'o' || c == 'b' || hex)
			digits += 2;
	}
	errno = 0;
	if (isxdigit((unsigned char)*digits) &&
	    !(strpbrk(digits, ".") || (!hex && strpbrk(digits, "eE")))) {
		unsigned long long value = strtoull(digits, &end, base);

		if (!*end && !errno && value <= (unsigned long long)INT64_MAX + negative) {
			n->integer = negative ? (int64_t)(0 - value) : (int64_t)value;
			return n;
		}
		if (!*end) {
			fail(p, "integer overflow: \"%s\"", text);
			return NULL;
		}
	}
	if ((isdigit((unsigned char)*digits) || *digits == '.') && !hex) {
		n->real = strtod(text, &end);
		if (!*end && isfinite(n->real)) {
			n->type = NODE_FLOAT;
			return n;
		}
	}
	struct strbuf quoted autostrbuf = STRBUF_INIT;
	quote_go(text, strlen(text), &quoted);
	fail(p, "bad number syntax: %s", quoted.data);
	return NULL;
}

static int decode_rune(const char *s, size_t len, int64_t *out)
{
	static const unsigned char masks[] = { 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *u = (const unsigned char *)s;

	if (len < 1 || len > 4 || (len == 1 && u[0] >= 0x80))
		return -1;
	*out = u[0] & masks[len - 1];
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return -1;
		*out = *out << 6 | (u[i] & 0x3f);
	}
	return 0;
}

static struct node *parse_quoted(struct parser *p)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	const char *s = p->t->text + p->token.start + 1;
	size_t len = p->token.end - p->token.start - 2;
	bool rune = p->token.type == TOKEN_RUNE;
	struct node *n = node_new(p, rune ? NODE_INT : NODE_STRING);

	if (p->token.type == TOKEN_RAW_STRING) {
		for (size_t i = 0; i < len; i++)
			if (s[i] != '\r')
				strbuf_putc(&text, s[i]);
	} else if (scan_unquote(s, len, rune ? '\'' : '"', &text) < 0) {
		fail(p, "invalid syntax");
		return NULL;
	}
	if (rune && decode_rune(text.data, text.len, &n->integer) < 0) {
		fail(p, "malformed character constant: %.*s", (int)(len + 2), s - 1);
		return NULL;
	}
	n->string = pool_copy(&p->t->pool, text.data, text.len);
	n->string_len = text.len;
	return n;
}

static struct node *parse_word(struct parser *p)
{
	const char *word = p->t->text + p->token.start;
	size_t len = p->token.end - p->token.start;
	struct node *n = node_new(p, NODE_FUNCTION);
	struct strbuf quoted autostrbuf = STRBUF_INIT;

	if (is_keyword(p, "true") || is_keyword(p, "false")) {
		n->type = NODE_BOOL;
		n->integer = *word == 't';
		return n;
	}
	if (is_keyword(p, "nil")) {
		n->type = NODE_NIL;
		return n;
	}
	n->function = function_find(word, len);
	if (n->function)
		return n;
	quote_go(word, len, &quoted);
	fail(p, "function %s not defined", quoted.data);
	return NULL;
}

static struct node *parse_pipe(struct parser *p, const char *where);

static struct node *parse_parentheses(struct parser *p)
{
	struct node *n;
	size_t start = p->token.start;

	if (deeper(p) < 0)
		return NULL;
	advance(p);
	n = parse_pipe(p, "parenthesized pipeline");
	if (!n)
		return NULL;
	if (p->token.type != TOKEN_CLOSE) {
		unexpected(p, "parenthesized pipeline");
		return NULL;
	}
	p->depth--;
	n->start = start;
	n->end = p->token.end;
	return n;
}

static struct node *use_variable(struct parser *p)
{
	struct node *n = node_new(p, NODE_VARIABLE);
	const char *name = token_text(p, 0);

	for (size_t i = 0; i < p->n_variables; i++) {
		if (strcmp(p->variables[i], name) == 0) {
			add_name(p, n, name);
			return n;
		}
	}
	fail(p, "undefined variable \"%s\"", name);
	return NULL;
}

static struct node *parse_term(struct parser *p)
{
	struct node *n = NULL;

	switch (p->token.type) {
	case TOKEN_WORD:
		if (is_any_keyword(p) && !is_keyword(p, "nil"))
			break;
		return parse_word(p);
	case TOKEN_DOT:
		return node_new(p, NODE_DOT);
	case TOKEN_FIELD:
		n = node_new(p, NODE_FIELD);
		add_name(p, n, token_text(p, 1));
		return n;
	case TOKEN_VARIABLE:
		return use_variable(p);
	case TOKEN_NUMBER:
		return parse_number(p);
	case TOKEN_STRING:
	case TOKEN_RAW_STRING:
	case TOKEN_RUNE:
		return parse_quoted(p);
	case TOKEN_OPEN:
		return parse_parentheses(p);
	default:
		break;
	}
	unexpected(p, "operand");
	return NULL;
}

/* A term and the fields behind it. */
static struct node *parse_operand(struct parser *p)
{
	struct node *n = parse_term(p), *chain;

	if (!n)
		return NULL;
	advance(p);
	if (p->token.type != TOKEN_FIELD || p->token.spaced)
		return n;
	chain = n;
	if (n->type == NODE_PIPE || n->type == NODE_FUNCTION) {
		chain = node_new(p, NODE_CHAIN);
		chain->start = n->start;
		chain->child = n;
	} else if (n->type != NODE_FIELD && n->type != NODE_VARIABLE) {
		struct strbuf quoted autostrbuf = STRBUF_INIT;

		quote_go(p->t->text + n->start, n->end - n->start, &quoted);
		fail(p, "unexpected . after term %s", quoted.data);
		return NULL;
	}
	chain->pos = p->token.start;
	while (p->token.type == TOKEN_FIELD && !p->token.spaced) {
		add_name(p, chain, token_text(p, 1));
		chain->end = p->token.end;
		advance(p);
	}
	return chain;
}

static bool ends_command(const struct parser *p)
{
	return p->token.type == TOKEN_PIPE || p->token.type == TOKEN_RIGHT ||
	       p->token.type == TOKEN_CLOSE;
}

static struct node *parse_command(struct parser *p)
{
	struct node *command = node_new(p, NODE_COMMAND), **last = &command->child;

	for (;;) {
		struct node *n = parse_operand(p);

		if (!n)
			return NULL;
		*last = n;
		last = &n->next;
		command->end = n->end;
		if (ends_command(p))
			return command;
		if (!p->token.spaced || p->token.type == TOKEN_ERROR) {
			unexpected(p, "operand");
			return NULL;
		}
	}
}

/* ---- Pipes */

static int declare(struct parser *p, struct node *pipe, const char *name)
{
	if (p->n_variables == VARIABLES_MAX)
		return fail(p, "more than %d variables", VARIABLES_MAX);
	p->variables[p->n_variables++] = name;
	add_name(p, pipe, name);
	return 0;
}

/* "$x :=", "$x =", and in a range "$i, $x :=". A variable that none of this follows is an operand: the scanner goes back. */
static int parse_declarations(struct parser *p, struct node *pipe, bool range)
{
	while (p->token.type == TOKEN_VARIABLE) {
		struct scanner before = p->scanner;
		struct token variable = p->token;
		const char *name = token_text(p, 0);

		advance(p);
		if (p->token.type == TOKEN_DECLARE || p->token.type == TOKEN_ASSIGN) {
			pipe->assign = p->token.type == TOKEN_ASSIGN;
			if (pipe->assign) {
				bool known = false;

				for (size_t i = 0; i < p->n_variables; i++)
					known |= strcmp(p->variables[i], name) == 0;
				if (!known)
					return fail(p, "undefined variable \"%s\"", name);
			}
			advance(p);
			if (p->token.type == TOKEN_ERROR)
				return -1;
			return declare(p, pipe, name);
		}
		if (p->token.type != TOKEN_CHAR || p->t->text[p->token.start] != ',') {
			if (p->token.type == TOKEN_ERROR)
				return -1;
			p->scanner = before;
			p->token = variable;
			return 0;
		}
		if (!range || pipe->n_names)
			return fail(p, "too many declarations in %s", range ? "range" : "command");
		if (declare(p, pipe, name) < 0)
			return -1;
		advance(p);
		if (p->token.type != TOKEN_VARIABLE)
			return fail(p, "range can only initialize variables");
	}
	return 0;
}

static bool is_executable(const struct node *command)
{
	switch (command->child->type) {
	case NODE_BOOL:
	case NODE_DOT:
	case NODE_NIL:
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_STRING:
		return false;
	default:
		return true;
	}
}

static struct node *parse_pipe(struct parser *p, const char *where)
{
	struct node *pipe = node_new(p, NODE_PIPE), **last = &pipe->child;
	size_t stage = 0;

	if (p->token.type == TOKEN_ERROR ||
	    parse_declarations(p, pipe, strcmp(where, "range") == 0) < 0)
		return NULL;
	if (p->token.type == TOKEN_RIGHT || p->token.type == TOKEN_CLOSE) {
		fail(p, "missing value for %s", where);
		return NULL;
	}
	for (;;) {
		struct node *command;

		if (p->token.type == TOKEN_CHAR || p->token.type == TOKEN_DECLARE ||
		    p->token.type == TOKEN_ASSIGN || p->token.type == TOKEN_PIPE ||
		    (is_any_keyword(p) && !is_keyword(p, "nil"))) {
			unexpected(p, where);
			return NULL;
		}
		command = parse_command(p);
		if (!command)
			return NULL;
		*last = command;
		last = &command->next;
		pipe->end = command->end;
		if (++stage > 1 && !is_executable(command)) {
			fail(p, "non executable command in pipeline stage %zu", stage);
			return NULL;
		}
		if (p->token.type != TOKEN_PIPE)
			return pipe;
		advance(p);
		if (p->token.type == TOKEN_RIGHT || p->token.type == TOKEN_CLOSE)
			return pipe; /* Go passes over a pipe that leads nowhere */
	}
}

static int expect_right(struct parser *p, const char *where)
{
	if (p->token.type != TOKEN_RIGHT)
		return unexpected(p, where);
	advance(p);
	return 0;
}

/* ---- Statements */

enum ending { END_EOF, END_END, END_ELSE };

static int parse_list(struct parser *p, struct node **list, enum ending *ending);

/* {{else}}, {{else if ...}}, {{end}} behind a control's body; the token is the one behind {{else or {{end. */
static int parse_control(struct parser *p, struct node *n, const char *word);

static int parse_else(struct parser *p, struct node *n, const char *word)
{
	enum ending ending;
	bool chained = !strcmp(word, "range") ? false : is_keyword(p, word);

	if (chained) {
		/* "else if" is an if within the else, and shares its end. */
		n->alt = node_new(p, n->type);
		return parse_control(p, n->alt, word);
	}
	if (expect_right(p, "else") < 0 || parse_list(p, &n->alt, &ending) < 0)
		return -1;
	if (ending == END_ELSE)
		return fail(p, "expected end; found {{else}}");
	if (ending == END_EOF)
		return fail(p, "unexpected EOF");
	return expect_right(p, "end");
}

static int parse_control(struct parser *p, struct node *n, const char *word)
{
	size_t variables = p->n_variables;
	enum ending ending;
	int r;

	if (deeper(p) < 0)
		return -1;
	advance(p);
	n->child = parse_pipe(p, word);
	if (!n->child || expect_right(p, word) < 0)
		return -1;
	p->loops += n->type == NODE_RANGE;
	r = parse_list(p, &n->body, &ending);
	p->loops -= n->type == NODE_RANGE;
	if (r < 0)
		return -1;
	if (ending == END_EOF)
		return fail(p, "unexpected EOF");
	r = ending == END_END ? expect_right(p, "end") : parse_else(p, n, word);
	p->n_variables = variables;
	p->depth--;
	return r;
}

static int parse_leap(struct parser *p, struct node *n, const char *word)
{
	advance(p);
	if (p->token.type != TOKEN_RIGHT)
		return unexpected(p, word);
	if (!p->loops)
		return fail(p, "{{%s}} outside {{range}}", word);
	n->type = strcmp(word, "break") == 0 ? NODE_BREAK : NODE_CONTINUE;
	return expect_right(p, word);
}

/* What stands behind "{{". *ending is set and *out NULL where it ends a list. */
static int parse_action(struct parser *p, struct node **out, enum ending *ending)
{
	static const struct {
		const char *word;
		enum node_type type;
	} controls[] = { { "if", NODE_IF }, { "with", NODE_WITH }, { "range", NODE_RANGE } };
	struct node *n;

	*out = NULL;
	advance(p);
	if (is_keyword(p, "end") || is_keyword(p, "else")) {
		*ending = is_keyword(p, "end") ? END_END : END_ELSE;
		advance(p);
		return p->token.type == TOKEN_ERROR ? -1 : 0;
	}
	*out = n = node_new(p, NODE_ACTION);
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (is_keyword(p, controls[i].word)) {
			n->type = controls[i].type;
			return parse_control(p, n, controls[i].word);
		}
	}
	if (is_keyword(p, "break") || is_keyword(p, "continue"))
		return parse_leap(p, n, is_keyword(p, "break") ? "break" : "continue");
	if (is_keyword(p, "define") || is_keyword(p, "template") || is_keyword(p, "block"))
		return fail(p, "{{%.*s}} is not supported", (int)(p->token.end - p->token.start),
			    p->t->text + p->token.start);
	n->child = parse_pipe(p, "command");
	if (!n->child)
		return -1;
	return expect_right(p, "command");
}

/* Statements up to what ends them; of an end or else, the word is past and what follows it not. */
static int parse_list(struct parser *p, struct node **list, enum ending *ending)
{
	struct node **last = list;

	for (;;) {
		struct node *n;

		switch (p->token.type) {
		case TOKEN_EOF:
			*ending = END_EOF;
			return 0;
		case TOKEN_TEXT:
			n = node_new(p, NODE_TEXT);
			n->string = p->t->text + p->token.start;
			n->string_len = p->token.end - p->token.start;
			advance(p);
			break;
		case TOKEN_LEFT:
			if (parse_action(p, &n, ending) < 0)
				return -1;
			if (!n)
				return 0;
			break;
		default:
			return unexpected(p, "input");
		}
		*last = n;
		last = &n->next;
	}
}

static int parse(struct parser *p)
{
	enum ending ending = END_EOF;

	p->variables[p->n_variables++] = "$";
	p->token = scan(&p->scanner);
	if (parse_list(p, &p->t->root, &ending) < 0)
		return -1;
	if (ending != END_EOF)
		return fail(p, "unexpected {{%s}}", ending == END_END ? "end" : "else");
	return 0;
}

struct template *template_parse(const char *text, struct error *err)
{
	struct error why = ERROR_INIT;
	struct parser p = { .err = &why };

	if (strlen(text) > TEMPLATE_TEXT_MAX) {
		error_set(err, EINVAL, "template: longer than %u bytes", TEMPLATE_TEXT_MAX);
		return NULL;
	}
	p.t = xcalloc(1, sizeof(*p.t));
	p.t->text = xstrdup(text);
	p.t->len = strlen(text);
	p.scanner = (struct scanner){ .text = p.t->text, .len = p.t->len, .err = &why };
	if (parse(&p) == 0)
		return p.t;
	template_free(p.t);
	error_set(err, EINVAL, "%s", why.message);
	return NULL;
}
