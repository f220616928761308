/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib/template_private.h"

#define VARIABLES_MAX 128     /* in sight at once */
#define STEPS_MAX     1000000 /* commands evaluated in one run: nested ranges grow without bounds */
#define ARGS_MAX      64      /* words of one command */

struct variable {
	const char *name;
	struct value value;
};

enum leap { LEAP_NONE, LEAP_BREAK, LEAP_CONTINUE };

struct walk {
	struct run r;
	struct variable variables[VARIABLES_MAX];
	size_t n_variables, steps;
	enum leap leap;
};

/* ---- Messages */

static int fail(struct walk *w, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct walk *w, const struct node *n, const char *fmt, ...)
{
	const char *text = w->r.t->text;
	struct strbuf message autostrbuf = STRBUF_INIT;
	size_t line = 1, start = 0;
	va_list ap;

	for (size_t i = 0; i < n->pos; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	va_start(ap, fmt);
	strbuf_vprintf(&message, fmt, ap);
	va_end(ap);
	return error_set(w->r.err, EINVAL, "template: :%zu:%zu: executing \"\" at <%.*s>: %s", line,
			 n->pos - start, (int)(n->end - n->start), text + n->start, message.data);
}

/* ---- Paths */

static const char *const no_names[] = { NULL };

static bool listed(const char *const *names, const char *name)
{
	for (names = names ? names : no_names; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static int missing(struct walk *w, const struct node *n, const struct value *v, const char *name,
		   struct value *out)
{
	*out = (struct value){ .kind = VALUE_NONE };
	if (v->is_map || !w->r.types)
		return 0;
	if (listed(w->r.types->optional_texts, name))
		*out = value_string("", 0);
	else if (listed(w->r.types->maps, name) || listed(w->r.types->lists, name) ||
		 listed(w->r.types->optional, name))
		*out = value_json(&w->r, NULL, name);
	if (out->kind != VALUE_NONE)
		return 0;
	if (w->r.types->row)
		return fail(w, n, "can't evaluate field %s", name);
	return fail(w, n, "map has no entry for key \"%s\"", name);
}

/* One step of a path: receiver.name. */
static int field(struct walk *w, const struct node *n, const struct value *receiver,
		 const char *name, struct value *out)
{
	switch (receiver->kind) {
	case VALUE_NONE:
		*out = *receiver;
		return 0;
	case VALUE_NIL:
		if (!w->r.types) {
			*out = (struct value){ .kind = VALUE_NONE };
			return 0;
		}
		return fail(w, n, "nil pointer evaluating %s", name);
	case VALUE_OBJECT:
		*out = value_member(&w->r, receiver, name);
		/* Go calls it ID where JSON says Id. */
		if (out->kind == VALUE_NONE && !receiver->is_map && strcmp(name, "ID") == 0)
			*out = value_member(&w->r, receiver, "Id");
		return out->kind == VALUE_NONE ? missing(w, n, receiver, name, out) : 0;
	default:
		return fail(w, n, "can't evaluate field %s in type %s", name, value_type(receiver));
	}
}

/* {{.Label "x"}} */
static int method(struct walk *w, const struct node *n, const struct value *receiver,
		  const char *name, const struct value *args, size_t n_args, struct value *out)
{
	struct value table;

	if (n_args != 1)
		return fail(w, n, "wrong number of args for %s: want 1 got %zu", name, n_args);
	if (args->kind != VALUE_STRING)
		return fail(w, n, "wrong type for value; expected string; got %s",
			    value_type(args));
	if (w->r.types->heading) {
		/* The last part of the argument, readable: "org.label-schema.build_date" is "build date". */
		const char *dot = strrchr(args->string, '.');
		size_t skip = dot ? (size_t)(dot + 1 - args->string) : 0;
		char *text = pool_copy(&w->r.pool, args->string + skip, args->n - skip);

		for (char *c = text; *c; c++)
			if (*c == '-' || *c == '_')
				*c = ' ';
		*out = value_string(text, args->n - skip);
		return 0;
	}
	*out = value_string("", 0);
	table = value_member(&w->r, receiver, name);
	if (table.kind != VALUE_OBJECT)
		return 0;
	table = value_member(&w->r, &table, args->string);
	if (table.kind == VALUE_STRING)
		*out = table;
	return 0;
}

/* The path names[0..] from receiver on; arguments, where there are any, are for its last step. */
static int path(struct walk *w, const struct node *n, const struct value *receiver,
		const char *const *names, size_t n_names, const struct value *args, size_t n_args,
		struct value *out)
{
	struct value v = *receiver;

	for (size_t i = 0; i < n_names; i++) {
		struct value next = { .kind = VALUE_NONE };
		bool last = i + 1 == n_names;

		if (v.is_root && w->r.types && listed(w->r.types->methods, names[i])) {
			if (method(w, n, &v, names[i], args, last ? n_args : 0, &next) < 0)
				return -1;
			n_args = last ? 0 : n_args;
		} else if (field(w, n, &v, names[i], &next) < 0) {
			return -1;
		}
		v = next;
	}
	*out = v;
	if (!n_args)
		return 0;
	return fail(w, n, "%s is not a method but has arguments", names[n_names - 1]);
}

/* ---- Pipes */

static int eval_pipe(struct walk *w, const struct node *pipe, const struct value *dot,
		     struct value *out);

static struct variable *find_variable(struct walk *w, const char *name)
{
	for (size_t i = w->n_variables; i > 0; i--)
		if (strcmp(w->variables[i - 1].name, name) == 0)
			return &w->variables[i - 1];
	return NULL;
}

static int call(struct walk *w, const struct node *command, const struct node *n,
		const struct node **words, const struct value *args, size_t n_args,
		struct value *out);

/* A word that stands alone or begins a command; args are its own. */
static int eval_word(struct walk *w, const struct node *n, const struct value *dot,
		     const struct value *args, size_t n_args, struct value *out)
{
	const struct variable *variable;
	struct value base;

	switch (n->type) {
	case NODE_FIELD:
		return path(w, n, dot, n->names, n->n_names, args, n_args, out);
	case NODE_VARIABLE:
		variable = find_variable(w, n->names[0]);
		if (!variable)
			return fail(w, n, "undefined variable: %s", n->names[0]);
		if (n->n_names > 1)
			return path(w, n, &variable->value, n->names + 1, n->n_names - 1, args,
				    n_args, out);
		*out = variable->value;
		break;
	case NODE_CHAIN:
		if (eval_word(w, n->child, dot, NULL, 0, &base) < 0)
			return -1;
		return path(w, n, &base, n->names, n->n_names, args, n_args, out);
	case NODE_FUNCTION:
		return call(w, n, n, NULL, NULL, 0, out);
	case NODE_PIPE:
		if (n_args)
			break;
		return eval_pipe(w, n, dot, out);
	case NODE_DOT:
		*out = *dot;
		break;
	case NODE_NIL:
		*out = (struct value){ .kind = VALUE_NIL };
		break;
	case NODE_BOOL:
		*out = value_bool(n->integer);
		break;
	case NODE_INT:
		*out = value_int(n->integer);
		break;
	case NODE_FLOAT:
		*out = (struct value){ .kind = VALUE_FLOAT, .real = n->real };
		break;
	default:
		*out = value_string(n->string, n->string_len);
		break;
	}
	if (n_args)
		return fail(w, n, "can't give argument to non-function %.*s",
			    (int)(n->end - n->start), w->r.t->text + n->start);
	return 0;
}

static const char *wanted_type(char letter)
{
	return letter == 's' ? "string" : letter == 'i' ? "int" : "[]string";
}

static bool fits(const struct value *v, char letter)
{
	switch (letter) {
	case 's':
		return v->kind == VALUE_STRING;
	case 'i':
		return v->kind == VALUE_INT;
	case 'l':
		return v->kind == VALUE_LIST || v->kind == VALUE_OBJECT || v->kind == VALUE_NIL ||
		       v->kind == VALUE_NONE;
	default:
		return true;
	}
}

static int check_args(struct walk *w, const struct node *command, const struct node *name_node,
		      const struct node **words, const struct value *args, size_t n_args)
{
	const struct function *f = name_node->function;
	size_t n = strlen(f->params);
	bool any = n && f->params[n - 1] == '*';

	n -= any;
	if (any ? n_args < n : n_args != n)
		return fail(w, name_node, "wrong number of args for %s: want %s%zu got %zu",
			    f->name, any ? "at least " : "", n, n_args);
	for (size_t i = 0; i < n; i++) {
		const struct node *at = words && words[i] ? words[i] : command;
		const char *wanted = wanted_type(f->params[i]);

		if (fits(&args[i], f->params[i]))
			continue;
		if (at->type == NODE_NIL)
			return fail(w, at, "cannot assign nil to %s", wanted);
		if (args[i].kind == VALUE_NONE || args[i].kind == VALUE_NIL)
			return fail(w, at, "invalid value; expected %s", wanted);
		if (at->type == NODE_INT || at->type == NODE_FLOAT || at->type == NODE_BOOL ||
		    at->type == NODE_STRING)
			return fail(w, at, "expected %s; found %.*s",
				    f->params[i] == 'i' ? "integer" : wanted,
				    (int)(at->end - at->start), w->r.t->text + at->start);
		return fail(w, at, "wrong type for value; expected %s; got %s", wanted,
			    value_type(&args[i]));
	}
	return 0;
}

static int call(struct walk *w, const struct node *command, const struct node *n,
		const struct node **words, const struct value *args, size_t n_args,
		struct value *out)
{
	const struct function *f = n->function;
	struct error why = ERROR_INIT, *err = w->r.err;
	int r;

	if (w->r.types && w->r.types->heading && f->plain_heading && n_args) {
		*out = args[0];
		return 0;
	}
	if (check_args(w, command, n, words, args, n_args) < 0)
		return -1;
	w->r.err = &why;
	r = f->call(&w->r, args, n_args, out);
	w->r.err = err;
	return r < 0 ? fail(w, command, "error calling %s: %s", f->name, why.message) : 0;
}

/* and, or: what comes behind the word that decides is not evaluated. */
static int shortcut(struct walk *w, const struct node *command, const struct node *first,
		    const struct value *dot, const struct value *final, struct value *out)
{
	bool stop_at = strcmp(first->function->name, "or") == 0;

	if (!first->next && !final)
		return fail(w, command, "wrong number of args for %s: want at least 1 got 0",
			    first->function->name);
	for (const struct node *n = first->next; n; n = n->next) {
		if (eval_word(w, n, dot, NULL, 0, out) < 0)
			return -1;
		if (value_true(out) == stop_at)
			return 0;
	}
	if (final)
		*out = *final;
	return 0;
}

static int eval_command(struct walk *w, const struct node *command, const struct value *dot,
			const struct value *final, struct value *out)
{
	const struct node *first = command->child;
	const struct node *words[ARGS_MAX];
	struct value args[ARGS_MAX];
	size_t n_args = 0;

	if (++w->steps > STEPS_MAX)
		return fail(w, command, "gave up after %d steps", STEPS_MAX);
	if (w->r.out->len > TEMPLATE_OUTPUT_MAX || w->r.pool.total > TEMPLATE_OUTPUT_MAX)
		return fail(w, command, "gave up after %u MiB", TEMPLATE_OUTPUT_MAX >> 20);
	if (first->type == NODE_FUNCTION && !first->function->call)
		return shortcut(w, command, first, dot, final, out);
	if (first->type == NODE_NIL)
		return fail(w, first, "nil is not a command");
	for (const struct node *n = first->next; n; n = n->next) {
		if (n_args == ARGS_MAX - 1)
			return fail(w, command, "more than %d arguments", ARGS_MAX - 1);
		words[n_args] = n;
		if (eval_word(w, n, dot, NULL, 0, &args[n_args++]) < 0)
			return -1;
	}
	if (final) {
		words[n_args] = NULL;
		args[n_args++] = *final;
	}
	if (first->type == NODE_FUNCTION)
		return call(w, command, first, words, args, n_args, out);
	return eval_word(w, first, dot, args, n_args, out);
}

static int push(struct walk *w, const struct node *n, const char *name, const struct value *v)
{
	if (w->n_variables == VARIABLES_MAX)
		return fail(w, n, "more than %d variables", VARIABLES_MAX);
	w->variables[w->n_variables++] = (struct variable){ name, *v };
	return 0;
}

static int assign(struct walk *w, const struct node *pipe, const struct value *v)
{
	for (size_t i = 0; i < pipe->n_names; i++) {
		struct variable *known = pipe->assign ? find_variable(w, pipe->names[i]) : NULL;

		if (known)
			known->value = *v;
		else if (push(w, pipe, pipe->names[i], v) < 0)
			return -1;
	}
	return 0;
}

/* The value of a pipe, without its declarations. */
static int eval_commands(struct walk *w, const struct node *pipe, const struct value *dot,
			 struct value *out)
{
	struct value v, before;
	bool first = true;

	for (const struct node *n = pipe->child; n; n = n->next) {
		if (eval_command(w, n, dot, first ? NULL : &before, &v) < 0)
			return -1;
		before = v;
		first = false;
	}
	*out = v;
	return 0;
}

static int eval_pipe(struct walk *w, const struct node *pipe, const struct value *dot,
		     struct value *out)
{
	if (eval_commands(w, pipe, dot, out) < 0)
		return -1;
	return assign(w, pipe, out);
}

/* ---- Statements */

static int walk_list(struct walk *w, const struct node *list, const struct value *dot);

static int walk_if(struct walk *w, const struct node *n, const struct value *dot)
{
	struct value v;

	if (eval_pipe(w, n->child, dot, &v) < 0)
		return -1;
	if (!value_true(&v))
		return walk_list(w, n->alt, dot);
	return walk_list(w, n->body, n->type == NODE_WITH ? &v : dot);
}

/* One round of a range; false in *more after {{break}}. */
static int round_of(struct walk *w, const struct node *n, const struct value *key,
		    const struct value *element, bool *more)
{
	const struct node *pipe = n->child;
	size_t variables = w->n_variables;
	const struct value *values[] = { pipe->n_names > 1 ? key : element, element };
	int r;

	*more = true;
	for (size_t i = 0; i < pipe->n_names && i < 2; i++) {
		struct variable *known = pipe->assign ? find_variable(w, pipe->names[i]) : NULL;

		if (known)
			known->value = *values[i];
		else if (push(w, pipe, pipe->names[i], values[i]) < 0)
			return -1;
	}
	r = walk_list(w, n->body, element);
	*more = w->leap != LEAP_BREAK;
	w->leap = LEAP_NONE;
	w->n_variables = variables;
	return r;
}

static int range_list(struct walk *w, const struct node *n, const struct value *list)
{
	bool more = true;

	for (size_t i = 0; more && i < value_len(list); i++) {
		struct value key = value_int((int64_t)i), element = value_at(&w->r, list, i);

		if (round_of(w, n, &key, &element, &more) < 0)
			return -1;
	}
	return 0;
}

static int range_map(struct walk *w, const struct node *n, const struct value *map)
{
	size_t count;
	struct pair *pairs = value_pairs(&w->r, map, &count);
	bool more = true;

	for (size_t i = 0; more && i < count; i++) {
		struct value key = value_string(pairs[i].key, pairs[i].key_len);
		struct value element = value_json(&w->r, pairs[i].json, NULL);

		if (round_of(w, n, &key, &element, &more) < 0)
			return -1;
	}
	return 0;
}

/* Since Go 1.22 a range over n counts from 0. */
static int range_count(struct walk *w, const struct node *n, int64_t count)
{
	bool more = true;

	for (int64_t i = 0; more && i < count; i++) {
		struct value key = value_int(i);

		if (round_of(w, n, &key, &key, &more) < 0)
			return -1;
		if (++w->steps > STEPS_MAX)
			return fail(w, n->child, "gave up after %d steps", STEPS_MAX);
	}
	return 0;
}

static int walk_range(struct walk *w, const struct node *n, const struct value *dot)
{
	struct strbuf shown autostrbuf = STRBUF_INIT;
	struct value v;

	if (eval_commands(w, n->child, dot, &v) < 0)
		return -1;
	switch (v.kind) {
	case VALUE_LIST:
		return value_len(&v) ? range_list(w, n, &v) : walk_list(w, n->alt, dot);
	case VALUE_OBJECT:
		return value_len(&v) ? range_map(w, n, &v) : walk_list(w, n->alt, dot);
	case VALUE_INT:
		return v.integer > 0 ? range_count(w, n, v.integer) : walk_list(w, n->alt, dot);
	case VALUE_NONE:
	case VALUE_NIL:
		return walk_list(w, n->alt, dot);
	default:
		break;
	}
	value_print(&w->r, &v, false, &shown);
	return fail(w, n->child, "range can't iterate over %.100s", shown.data ? shown.data : "");
}

static int walk_node(struct walk *w, const struct node *n, const struct value *dot)
{
	size_t variables = w->n_variables;
	struct value v;
	int r = 0;

	switch (n->type) {
	case NODE_TEXT:
		strbuf_add(w->r.out, n->string, n->string_len);
		return 0;
	case NODE_BREAK:
	case NODE_CONTINUE:
		w->leap = n->type == NODE_BREAK ? LEAP_BREAK : LEAP_CONTINUE;
		return 0;
	case NODE_ACTION: /* its variables stay until the control it is in ends */
		if (eval_pipe(w, n->child, dot, &v) < 0)
			return -1;
		if (!n->child->n_names)
			value_print(&w->r, &v, false, w->r.out);
		return 0;
	case NODE_RANGE:
		r = walk_range(w, n, dot);
		break;
	default:
		r = walk_if(w, n, dot);
		break;
	}
	w->n_variables = variables;
	return r;
}

static int walk_list(struct walk *w, const struct node *list, const struct value *dot)
{
	for (const struct node *n = list; n && w->leap == LEAP_NONE; n = n->next)
		if (walk_node(w, n, dot) < 0)
			return -1;
	return 0;
}

int template_run_typed(const struct template *t, yyjson_val *data,
		       const struct template_types *types, struct strbuf *out, struct error *err)
{
	struct walk w; /* 10 kB, of which little is used: not cleared */
	struct value root;
	int r;

	w.r = (struct run){ .t = t, .types = types, .out = out, .err = err };
	w.steps = 0;
	w.leap = LEAP_NONE;
	root = value_json(&w.r, data, NULL);
	root.is_root = true;
	w.variables[0] = (struct variable){ "$", root };
	w.n_variables = 1;
	r = walk_list(&w, t->root, &root);
	pool_free(&w.r.pool);
	return r;
}

int template_run(const struct template *t, yyjson_val *data, struct strbuf *out, struct error *err)
{
	return template_run_typed(t, data, NULL, out, err);
}
