/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/log.h"

#define HELP_COLUMNS 80 /* a serial console's width, and what Docker takes without a terminal */
#define HELP_TEXT_MIN \
	24 /* narrower than this, wrapping makes help harder to read than long lines do */
#define NEAREST_WORD_MAX 63

/* One run of cli_parse. */
struct parse {
	const struct cli_command *cmd;
	int argc;
	char **argv;
	int at; /* the word being read */
	struct error *err;
};

/* The command's own words at the beginning of its usage: "run" of "run [OPTIONS] IMAGE", "system df" of "system df
 * [OPTIONS]". Returns their length, without a space behind. */
static int path_length(const struct cli_command *cmd)
{
	size_t end = 0;

	for (const char *word = cmd->usage;;) {
		size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");
		if (!n || (word[n] && word[n] != ' '))
			break;
		end = (size_t)(word - cmd->usage) + n;
		if (!word[n])
			break;
		word += n + 1;
	}
	return (int)end;
}

static enum cli_result usage_error(const struct cli_command *cmd, struct error *err,
				   const char *what)
{
	int n = path_length(cmd);

	error_set(err, EINVAL, "%s See '%s%s%.*s --help'", what, log_program(), n ? " " : "", n,
		  cmd->usage);
	error_status(err, 125);
	return CLI_ERROR;
}

/* Fills p->err with the formatted text and where to find help. */
static enum cli_result __attribute__((format(printf, 2, 3)))
reject(const struct parse *p, const char *fmt, ...)
{
	autostrbuf struct strbuf what = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&what, fmt, ap);
	va_end(ap);
	return usage_error(p->cmd, p->err, what.data);
}

static const struct cli_option *by_name(const struct cli_command *cmd, const char *name, size_t len)
{
	for (const struct cli_option *o = cmd->options; o && o->name; o++)
		if (strncmp(o->name, name, len) == 0 && !o->name[len])
			return o;
	return NULL;
}

static const struct cli_option *by_letter(const struct cli_command *cmd, char letter)
{
	for (const struct cli_option *o = cmd->options; o && o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

/* The words Go's strconv.ParseBool takes, and so Docker. */
static int parse_bool(const char *s, bool *out)
{
	static const char yes[] = "1,t,T,true,TRUE,True", no[] = "0,f,F,false,FALSE,False";

	if (*s && str_in_list(s, yes))
		*out = true;
	else if (*s && str_in_list(s, no))
		*out = false;
	else
		return -1;
	return 0;
}

static enum cli_result bad_value(const struct parse *p, const struct cli_option *o,
				 const char *value, const char *must)
{
	if (o->letter)
		return reject(p, "invalid argument \"%s\" for \"-%c, --%s\" flag: %s.", value,
			      o->letter, o->name, must);
	return reject(p, "invalid argument \"%s\" for \"--%s\" flag: %s.", value, o->name, must);
}

static enum cli_result set_option(const struct parse *p, const struct cli_option *o,
				  const char *value)
{
	char *end;
	long number;

	switch (o->type) {
	case CLI_BOOL:
		if (parse_bool(value, o->target))
			return bad_value(p, o, value, "must be true or false");
		break;
	case CLI_STRING:
		*(const char **)o->target = value;
		break;
	case CLI_LIST:
		strv_add(o->target, value);
		break;
	case CLI_INT:
		errno = 0;
		number = strtol(value, &end, 10);
		/* strtol skips spaces before the number; a person who types them means something else. */
		if (end == value || *end || strchr(" \t\n\v\f\r", *value))
			return bad_value(p, o, value, "must be a whole number");
		if (errno)
			return bad_value(p, o, value, "out of range");
		*(long *)o->target = number;
		break;
	}
	return CLI_OK;
}

static enum cli_result unknown_name(const struct parse *p, const char *name, size_t len)
{
	autofree char *word = xstrndup(name, len);
	size_t n = 0;

	for (const struct cli_option *o = p->cmd->options; o && o->name; o++)
		n++;
	autofree const char **known = xcalloc(n + 2, sizeof(*known));
	n = 0;
	for (const struct cli_option *o = p->cmd->options; o && o->name; o++)
		if (o->help)
			known[n++] = o->name;
	known[n] = "help";
	const char *nearest = cli_nearest(word, known);
	if (nearest)
		return reject(p, "unknown flag: --%s; did you mean --%s?", word, nearest);
	return reject(p, "unknown flag: --%s.", word);
}

/* A word that begins with "--". */
static enum cli_result long_option(struct parse *p)
{
	const char *word = p->argv[p->at];
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct cli_option *o = by_name(p->cmd, name, len);

	if (!o && strcmp(name, "help") == 0)
		return CLI_HELP;
	if (!len)
		return reject(p, "bad flag syntax: %s.", word);
	if (!o)
		return unknown_name(p, name, len);
	if (name[len] == '=')
		return set_option(p, o, name + len + 1);
	if (o->type == CLI_BOOL)
		return set_option(p, o, "true");
	if (p->at + 1 == p->argc)
		return reject(p, "flag needs an argument: %s.", word);
	return set_option(p, o, p->argv[++p->at]);
}

/* A word that begins with one dash: flags in a row, of which the last may have its value behind it (-eA=1, -e=A=1) or
 * in the next word. */
static enum cli_result letters(struct parse *p)
{
	const char *word = p->argv[p->at];

	for (const char *c = word + 1; *c; c++) {
		const struct cli_option *o = by_letter(p->cmd, *c);
		enum cli_result r;

		if (!o && *c == 'h')
			return CLI_HELP;
		if (!o)
			return reject(p, "unknown shorthand flag: '%c' in %s.", *c, word);
		if (c[1] == '=' && c[2])
			return set_option(p, o, c + 2);
		if (o->type == CLI_BOOL) {
			r = set_option(p, o, "true");
			if (r != CLI_OK)
				return r;
			continue;
		}
		if (c[1])
			return set_option(p, o, c + 1);
		if (p->at + 1 == p->argc)
			return reject(p, "flag needs an argument: '%c' in %s.", *c, word);
		return set_option(p, o, p->argv[++p->at]);
	}
	return CLI_OK;
}

static const char *plural(int n)
{
	return n == 1 ? "argument" : "arguments";
}

static enum cli_result check_count(const struct parse *p, int count)
{
	const struct cli_command *cmd = p->cmd;
	int min = cmd->min_args, max = cmd->max_args, n = path_length(cmd);
	autofree char *name =
		str_format("\"%s%s%.*s\"", log_program(), n ? " " : "", n, cmd->usage);

	if (count >= min && (max < 0 || count <= max))
		return CLI_OK;
	if (max == 0)
		return reject(p, "%s accepts no arguments.", name);
	if (min == max)
		return reject(p, "%s requires exactly %d %s.", name, min, plural(min));
	if (max < 0)
		return reject(p, "%s requires at least %d %s.", name, min, plural(min));
	if (min == 0)
		return reject(p, "%s requires at most %d %s.", name, max, plural(max));
	return reject(p, "%s requires at least %d and at most %d arguments.", name, min, max);
}

enum cli_result cli_parse(const struct cli_command *cmd, int argc, char **argv, int *first,
			  struct error *err)
{
	struct parse p = { .cmd = cmd, .argc = argc, .argv = argv, .at = 1, .err = err };
	autofree char **arguments = xcalloc((size_t)argc + 1, sizeof(*arguments));
	int count = 0, options = 1; /* arguments found; where the next word of an option goes */

	for (; p.at < argc; p.at++) {
		char *word = argv[p.at];
		enum cli_result r;

		if (word[0] != '-' || !word[1]) { /* "-" alone is a name: standard input */
			if (!cmd->options_anywhere)
				break;
			arguments[count++] = word;
			continue;
		}
		int from = p.at;
		if (strcmp(word, "--") == 0) {
			argv[options++] = word;
			p.at++;
			break;
		}
		r = word[1] == '-' ? long_option(&p) : letters(&p);
		if (r != CLI_OK)
			return r;
		while (from <= p.at)
			argv[options++] = argv[from++];
	}
	for (; p.at < argc; p.at++)
		arguments[count++] = argv[p.at];
	memcpy(argv + options, arguments, (size_t)count * sizeof(*arguments));
	*first = options;
	return check_count(&p, count);
}

static int compare_options(const void *pa, const void *pb)
{
	const struct cli_option *const *a = pa, *const *b = pb;

	return strcmp((*a)->name, (*b)->name);
}

static void put_spaces(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_putc(out, ' ');
}

/* Text wrapped between words; the first line begins where out is, at column indent already. */
static void put_wrapped(struct strbuf *out, const char *text, size_t indent)
{
	size_t room = HELP_COLUMNS - 1 > indent ? HELP_COLUMNS - 1 - indent : 0;

	while (room >= HELP_TEXT_MIN && strlen(text) > room) {
		size_t n = room;
		while (n && text[n] != ' ')
			n--;
		if (!n)
			break;
		strbuf_add(out, text, n);
		strbuf_putc(out, '\n');
		put_spaces(out, indent);
		text += n + 1;
	}
	strbuf_puts(out, text);
	strbuf_putc(out, '\n');
}

/* "  -d, --detach", "      --name string" */
static void put_option(struct strbuf *out, const struct cli_option *o)
{
	if (o->letter)
		strbuf_printf(out, "  -%c, --%s", o->letter, o->name);
	else
		strbuf_printf(out, "      --%s", o->name);
	if (o->value)
		strbuf_printf(out, " %s", o->value);
}

static void put_options(const struct cli_command *cmd, struct strbuf *out)
{
	size_t all = 0, shown = 0, widest = 0;

	for (const struct cli_option *o = cmd->options; o && o->name; o++)
		all++;
	autofree const struct cli_option **sorted = xcalloc(all, sizeof(*sorted));
	for (const struct cli_option *o = cmd->options; o && o->name; o++) {
		autostrbuf struct strbuf left = STRBUF_INIT;
		if (!o->help)
			continue;
		sorted[shown++] = o;
		put_option(&left, o);
		if (left.len > widest)
			widest = left.len;
	}
	if (!shown)
		return;
	qsort(sorted, shown, sizeof(*sorted), compare_options);
	strbuf_puts(out, "\nOptions:\n");
	for (size_t i = 0; i < shown; i++) {
		size_t start = out->len;
		put_option(out, sorted[i]);
		put_spaces(out, widest + 3 - (out->len - start));
		put_wrapped(out, sorted[i]->help, widest + 3);
	}
}

void cli_help(const struct cli_command *cmd, const char *prog, struct strbuf *out)
{
	strbuf_printf(out, "Usage:  %s%s%s\n\n%s\n", prog, *cmd->usage ? " " : "", cmd->usage,
		      cmd->summary);
	put_options(cmd, out);
	if (cmd->more)
		strbuf_printf(out, "\n%s\n", cmd->more);
}

/* Edits that make a of b: a letter put in, left out, exchanged, or two neighbours swapped (the commonest slip). */
static size_t distance(const char *a, size_t len_a, const char *b, size_t len_b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1]; /* the last two rows and the one being filled */

	for (size_t j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[len_a % 3][len_b];
}

const char *cli_nearest(const char *word, const char *const *words)
{
	size_t len = strlen(word);
	size_t limit = len < 5 ? 1 : 2; /* edits that still leave the word recognisable */
	size_t best = limit + 1;
	const char *found = NULL;

	if (!len || len > NEAREST_WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t n = strlen(*words);
		if (n > NEAREST_WORD_MAX)
			continue;
		size_t edits = distance(word, len, *words, n);
		/* Half a word typed. */
		if (edits > 1 && len >= 3 && str_starts(*words, word))
			edits = 1;
		if (edits < best && edits < n && edits < len) {
			best = edits;
			found = *words;
		}
	}
	return found;
}
