/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/table.h"

/* ---- ps's options */

/* ps's own layouts, in the words that process_column knows. */
#define LAYOUT_PLAIN "pid,tty,time,CMD"
#define LAYOUT_FULL  "UID,pid,ppid,c,stime,tty,time,cmd"
#define LAYOUT_EXTRA "UID,pid,ppid,c,sz,rss,psr,stime,tty,time,cmd"
#define LAYOUT_BSD   "pid,tty,stat,bsdtime,args"
#define LAYOUT_USERS "user,pid,%cpu,%mem,vsz,rss,tty,stat,start,bsdtime,args"

static int add_column(struct process_table *t, const char *word, struct error *err)
{
	const char *equals = strchr(word, '=');
	autofree char *name = xstrndup(word, equals ? (size_t)(equals - word) : strlen(word));
	const struct process_column *column = process_column(name);

	if (!column)
		return error_set(err, EINVAL, "ps: unknown column \"%s\"", name);
	t->columns = xreallocarray(t->columns, t->n + 1, sizeof(*t->columns));
	t->headings = xreallocarray(t->headings, t->n + 1, sizeof(*t->headings));
	t->columns[t->n] = column;
	t->headings[t->n++] = xstrdup(equals ? equals + 1 : process_column_heading(column));
	return 0;
}

/* "pid,comm" or "pid comm"; the last may name its heading: "pid,comm=NAME,with,commas". */
static int add_columns(struct process_table *t, const char *list, struct error *err)
{
	autofree char *copy = xstrdup(list);
	char *rest = copy, *word;

	while (rest && *rest) {
		size_t plain = strcspn(rest, ", ="),
		       whole = rest[plain] == '=' ? strlen(rest) : plain;

		word = rest;
		rest = word[whole] ? word + whole + 1 : NULL;
		word[whole] = '\0';
		if (*word && add_column(t, word, err) < 0)
			return -1;
	}
	return 0;
}

/* The value of an option such as -o: what is left of its word, or the next word. */
static const char *value_of(const char *rest, int argc, char **argv, int *i)
{
	if (*rest)
		return rest;
	return *i + 1 < argc ? argv[++*i] : NULL;
}

static int needs_value(struct error *err)
{
	return error_set(err, EINVAL, "ps: format specification must follow -o");
}

static int unknown(const char *word, struct error *err)
{
	return error_set(
		err, EINVAL,
		"ps: option \"%s\" is not understood; these are: -e, -f, -F, -o COLUMNS, aux",
		word);
}

/* -ef, -eo pid,comm */
static int parse_dashed(struct process_table *t, const char **layout, int argc, char **argv, int *i,
			struct error *err)
{
	const char *word = argv[*i], *value;

	for (const char *c = word + 1; *c; c++) {
		if (*c == 'f') {
			*layout = LAYOUT_FULL;
		} else if (*c == 'F') {
			*layout = LAYOUT_EXTRA;
		} else if (*c == 'o') {
			value = value_of(c + 1, argc, argv, i);
			return value ? add_columns(t, value, err) : needs_value(err);
		} else if (!strchr("eAadwxH", *c)) {
			/* BSD's letters behind a dash, as many type them. */
			if (strchr("u", *c) && strcmp(word, "-aux") == 0) {
				*layout = LAYOUT_USERS;
				continue;
			}
			return unknown(word, err);
		}
	}
	return 0;
}

/* aux, axo pid,comm */
static int parse_bsd(struct process_table *t, const char **layout, int argc, char **argv, int *i,
		     struct error *err)
{
	const char *word = argv[*i], *value;

	for (const char *c = word; *c; c++) {
		if (*c == 'o') {
			value = value_of(c + 1, argc, argv, i);
			return value ? add_columns(t, value, err) : needs_value(err);
		}
		if (*c == 'u')
			*layout = LAYOUT_USERS;
		else if (!strchr("axwfe", *c))
			return unknown(word, err);
		else if (strcmp(*layout, LAYOUT_USERS) != 0)
			*layout = LAYOUT_BSD;
	}
	return 0;
}

int process_table_parse(struct process_table *t, int argc, char **argv, struct error *err)
{
	const char *layout = argc ? LAYOUT_PLAIN : LAYOUT_FULL;

	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		int status;

		if (strcmp(word, "--format") == 0 && i + 1 < argc)
			status = add_columns(t, argv[++i], err);
		else if (str_starts(word, "--format="))
			status = add_columns(t, word + 9, err);
		else if (word[0] == '-')
			status = word[1] && word[1] != '-'
					 ? parse_dashed(t, &layout, argc, argv, &i, err)
					 : unknown(word, err);
		else
			status = parse_bsd(t, &layout, argc, argv, &i, err);
		if (status < 0)
			return -1;
	}
	if (!t->n && add_columns(t, layout, err) < 0)
		return -1;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->headings[i], "PID") == 0)
			return 0;
	return error_set(err, EINVAL, "Couldn't find PID field in ps output");
}

void process_table_free(struct process_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->headings[i]);
	free(t->headings);
	free(t->columns);
}

/* ---- The table */

static void add_row(const struct process_table *t, const struct process_info *p,
		    const struct process_clock *clock, struct table *table)
{
	for (size_t i = 0; i < t->n; i++) {
		struct strbuf cell autostrbuf = STRBUF_INIT;

		process_column_text(t->columns[i], p, clock, &cell);
		table_cell(table, cell.data ? cell.data : "");
	}
}

static int compare_pids(const void *a, const void *b)
{
	return *(const pid_t *)a < *(const pid_t *)b ? -1 : 1;
}

void process_table_print(const struct process_table *t, pid_t *pids, size_t n, size_t width,
			 struct strbuf *out)
{
	struct table *table autotable = table_new(t->n);
	struct process_clock clock;

	table_min_width(table, width);
	for (size_t i = 0; i < t->n; i++)
		table_cell(table, t->headings[i]);
	process_clock_read(&clock);
	if (n)
		qsort(pids, n, sizeof(*pids), compare_pids);
	for (size_t i = 0; i < n; i++) {
		struct process_info p;

		/* 0: a process that joined from outside our namespace of pids. */
		if (pids[i] <= 0 || process_read(pids[i], &p) < 0)
			continue;
		add_row(t, &p, &clock, table);
		free(p.args);
	}
	table_print(table, out);
}
