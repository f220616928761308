/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/change.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "image-tools/expand.h"
#include "lib/cleanup.h"
#include "lib/signals.h"

#define PORT_MAX 65535U

static int at_least_one(const struct instruction *i, struct error *err)
{
	return i->args.len ? 0
			   : error_set(err, EINVAL, "%s requires at least one argument", i->name);
}

static int exactly_one(const struct instruction *i, struct error *err)
{
	return i->args.len == 1
		       ? 0
		       : error_set(err, EINVAL, "%s requires exactly one argument", i->name);
}

static int no_flags(const struct instruction *i, struct error *err)
{
	static const char *const none[] = { NULL };

	return instruction_check_flags(i, none, err);
}

/* The word with its variables replaced; the caller frees. NULL with err set. */
static char *expanded(const struct change *c, const char *word, struct error *err)
{
	struct strbuf out autostrbuf = STRBUF_INIT;

	return expand_word(word, &c->config->env, &out, err) < 0 ? NULL : strbuf_steal(&out);
}

static void replace(char **where, char *text)
{
	free(*where);
	*where = text;
}

/* ---- What is executed */

/* The line as a shell gets it, or the array as it is. */
static void command_line(const struct change *c, const struct strv *args, bool json,
			 struct strv *out)
{
	if (!json && c->config->shell.len) {
		strv_extend(out, &c->config->shell);
	} else if (!json) {
		strv_add(out, "/bin/sh");
		strv_add(out, "-c");
	}
	strv_extend(out, args);
}

static int do_cmd(struct change *c, const struct instruction *i, struct error *err)
{
	(void)err;
	strv_free(&c->config->cmd);
	command_line(c, &i->args, i->json, &c->config->cmd);
	c->cmd_set = i->args.len > 0;
	return 0;
}

static int do_entrypoint(struct change *c, const struct instruction *i, struct error *err)
{
	(void)err;
	strv_free(&c->config->entrypoint);
	if (i->args.len)
		command_line(c, &i->args, i->json, &c->config->entrypoint);
	if (!c->cmd_set)
		strv_free(&c->config->cmd);
	return 0;
}

/* A duration as Go writes them: "1m30s", "500ms", "1.5h". Returns 0 or -1. */
static int parse_duration(const char *s, int64_t *out)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 },  { "us", 1e3 }, { "\302\265s", 1e3 }, { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	double sum = 0;

	if (!*s)
		return -1;
	*out = 0;
	if (strcmp(s, "0") == 0)
		return 0;
	while (*s) {
		size_t len = strspn(s, "0123456789."), u, unit_len;
		char number[32], *end;

		if (!len || len >= sizeof(number))
			return -1;
		memcpy(number, s, len);
		number[len] = '\0';
		s += len;
		unit_len = strcspn(s, "0123456789.");
		for (u = 0; u < sizeof(units) / sizeof(units[0]); u++)
			if (strlen(units[u].unit) == unit_len &&
			    strncmp(s, units[u].unit, unit_len) == 0)
				break;
		if (u == sizeof(units) / sizeof(units[0]))
			return -1;
		sum += strtod(number, &end) * units[u].ns;
		if (*end || sum > 9e18)
			return -1;
		s += unit_len;
	}
	*out = (int64_t)sum;
	return 0;
}

static int duration_flag(const struct instruction *i, const char *name, int64_t *out,
			 struct error *err)
{
	const char *value = instruction_flag(i, name);

	if (!value || !*value)
		return 0;
	if (parse_duration(value, out) < 0)
		return error_set(err, EINVAL, "time: invalid duration \"%.100s\"", value);
	if (*out && *out < 1000000)
		return error_set(err, EINVAL, "Interval \"%s\" cannot be less than 1ms", name);
	return 0;
}

static int health_flags(const struct instruction *i, struct image_healthcheck *h, struct error *err)
{
	const char *retries = instruction_flag(i, "retries");
	unsigned long long n;

	if (duration_flag(i, "interval", &h->interval, err) < 0 ||
	    duration_flag(i, "timeout", &h->timeout, err) < 0 ||
	    duration_flag(i, "start-period", &h->start_period, err) < 0 ||
	    duration_flag(i, "start-interval", &h->start_interval, err) < 0)
		return -1;
	if (!retries || !*retries)
		return 0;
	if (str_to_u64(retries, INT32_MAX, &n) < 0)
		return error_set(err, EINVAL, "--retries must be a number (not \"%.100s\")",
				 retries);
	if (n < 1)
		return error_set(err, EINVAL, "--retries must be at least 1 (not %llu)", n);
	h->retries = (int64_t)n;
	return 0;
}

static int do_healthcheck(struct change *c, const struct instruction *i, struct error *err)
{
	static const char *const flags[] = { "interval",       "timeout", "start-period",
					     "start-interval", "retries", NULL };
	struct image_healthcheck h = { 0 }, *have = &c->config->healthcheck;
	bool none = i->args.len && strcasecmp(i->args.items[0], "NONE") == 0;

	if (at_least_one(i, err) < 0 ||
	    (none ? no_flags(i, err) : instruction_check_flags(i, flags, err)) < 0)
		return -1;
	if (none && i->args.len > 1)
		return error_set(err, EINVAL, "HEALTHCHECK NONE takes no arguments");
	if (!none && strcasecmp(i->args.items[0], "CMD") != 0)
		return error_set(err, EINVAL, "Unknown type \"%.100s\" in HEALTHCHECK (try CMD)",
				 i->args.items[0]);
	if (!none && i->args.len == 1)
		return error_set(err, EINVAL, "Missing command after HEALTHCHECK CMD");
	if (health_flags(i, &h, err) < 0)
		return -1;
	strv_add(&h.test, none ? "NONE" : i->json ? "CMD" : "CMD-SHELL");
	for (size_t n = 1; n < i->args.len; n++)
		strv_add(&h.test, i->args.items[n]);
	strv_free(&have->test);
	*have = h;
	return 0;
}

/* ---- Lists */

/* KEY=VALUE pairs into a list of them; all are expanded by the environment before any is set. */
static int set_pairs(struct change *c, const struct instruction *i, struct strv *list,
		     struct error *err)
{
	struct strv pairs autostrv = STRV_INIT;

	if (at_least_one(i, err) < 0)
		return -1;
	for (size_t n = 0; n + 1 < i->args.len; n += 2) {
		char *key autofree = expanded(c, i->args.items[n], err);
		char *value autofree = key ? expanded(c, i->args.items[n + 1], err) : NULL;

		if (!value)
			return -1;
		if (!*key)
			return error_set(err, EINVAL, "%s names can not be blank", i->name);
		strv_addf(&pairs, "%s=%s", key, value);
	}
	for (size_t n = 0; n < pairs.len; n++)
		strv_env_set(list, pairs.items[n]);
	return 0;
}

static int do_env(struct change *c, const struct instruction *i, struct error *err)
{
	return set_pairs(c, i, &c->config->env, err);
}

static int do_label(struct change *c, const struct instruction *i, struct error *err)
{
	return set_pairs(c, i, &c->config->labels, err);
}

static void add_once(struct strv *list, const char *item)
{
	if (!strv_contains(list, item))
		strv_add(list, item);
}

/* "80", "80/udp", "8000-8010"; what stands before a colon is for publishing a port and means nothing here. */
static int expose(struct change *c, const char *spec, struct error *err)
{
	const char *colon = strrchr(spec, ':'), *port = colon ? colon + 1 : spec;
	const char *slash = strchr(port, '/'), *proto = slash ? slash + 1 : "tcp";
	char *range autofree = xstrndup(port, slash ? (size_t)(slash - port) : strlen(port));
	char *dash = strchr(range, '-'), lower[8] = "";
	unsigned long long first, last;

	if (!*range)
		return error_set(err, EINVAL, "no port specified: %.100s<empty>", spec);
	if (dash)
		*dash = '\0';
	if (str_to_u64(range, PORT_MAX, &first) < 0 ||
	    str_to_u64(dash ? dash + 1 : range, PORT_MAX, &last) < 0 || last < first)
		return error_set(err, EINVAL, "invalid containerPort: %.*s",
				 (int)strcspn(port, "/"), port);
	for (size_t n = 0; n < sizeof(lower) - 1 && proto[n]; n++)
		lower[n] = (char)tolower((unsigned char)proto[n]);
	if (strcmp(lower, "tcp") != 0 && strcmp(lower, "udp") != 0 && strcmp(lower, "sctp") != 0)
		return error_set(err, EINVAL, "invalid proto: %.100s", proto);
	for (; first <= last; first++) {
		char text[24];

		snprintf(text, sizeof(text), "%llu/%s", first, lower);
		add_once(&c->config->exposed_ports, text);
	}
	return 0;
}

static int do_expose(struct change *c, const struct instruction *i, struct error *err)
{
	struct strv ports autostrv = STRV_INIT;

	if (at_least_one(i, err) < 0)
		return -1;
	for (size_t n = 0; n < i->args.len; n++)
		if (expand_words(i->args.items[n], &c->config->env, &ports, err) < 0)
			return -1;
	for (size_t n = 0; n < ports.len; n++)
		if (expose(c, ports.items[n], err) < 0)
			return -1;
	return 0;
}

static int do_volume(struct change *c, const struct instruction *i, struct error *err)
{
	if (at_least_one(i, err) < 0)
		return -1;
	for (size_t n = 0; n < i->args.len; n++) {
		char *path autofree = expanded(c, i->args.items[n], err);

		if (!path)
			return -1;
		if (!path[strspn(path, " \t")])
			return error_set(err, EINVAL,
					 "VOLUME specified can not be an empty string");
		add_once(&c->config->volumes, path);
	}
	return 0;
}

static int do_onbuild(struct change *c, const struct instruction *i, struct error *err)
{
	struct instruction trigger autoinstruction = INSTRUCTION_INIT;

	if (at_least_one(i, err) < 0 || instruction_parse(i->rest, &trigger, err) < 0)
		return -1;
	if (strcmp(trigger.name, "ONBUILD") == 0)
		return error_set(err, EINVAL,
				 "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
	if (str_in_list(trigger.name, "MAINTAINER,FROM"))
		return error_set(err, EINVAL, "%s isn't allowed as an ONBUILD trigger",
				 trigger.name);
	strv_add(&c->config->on_build, i->rest);
	return 0;
}

/* ---- Words */

static int do_stopsignal(struct change *c, const struct instruction *i, struct error *err)
{
	char *name = exactly_one(i, err) < 0 ? NULL : expanded(c, i->args.items[0], err);

	if (!name)
		return -1;
	if (signal_parse(name) < 0) {
		error_set(err, EINVAL, "invalid signal: %.100s", name);
		free(name);
		return -1;
	}
	replace(&c->config->stop_signal, name);
	return 0;
}

static int do_user(struct change *c, const struct instruction *i, struct error *err)
{
	char *user = exactly_one(i, err) < 0 ? NULL : expanded(c, i->args.items[0], err);

	if (user)
		replace(&c->config->user, user);
	return user ? 0 : -1;
}

/* Takes ".", ".." and doubled slashes out of an absolute path, in place: a name to be looked up later, not a lookup. */
static void clean_path(char *path)
{
	char *to = path;

	for (const char *p = path; *p;) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (len && !(len == 1 && p[0] == '.')) {
			*to++ = '/';
			memmove(to, p, len);
			to += len;
		}
		p += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

static int do_workdir(struct change *c, const struct instruction *i, struct error *err)
{
	char *path autofree = exactly_one(i, err) < 0 ? NULL : expanded(c, i->args.items[0], err);
	const char *now = c->config->working_dir;

	if (!path)
		return -1;
	if (!*path)
		return error_set(err, EINVAL, "cannot normalize nothing");
	if (*path != '/') {
		char *joined = str_format("/%s/%s", now ? now : "", path);

		clean_path(joined);
		replace(&c->config->working_dir, joined);
	} else {
		replace(&c->config->working_dir, STEAL_PTR(path));
	}
	return 0;
}

/* ---- The table */

static const struct {
	const char *name;
	int (*apply)(struct change *c, const struct instruction *i, struct error *err);
	bool flags; /* it looks at its flags itself */
} kinds[] = {
	{ "CMD", do_cmd, false },
	{ "ENTRYPOINT", do_entrypoint, false },
	{ "ENV", do_env, false },
	{ "EXPOSE", do_expose, false },
	{ "HEALTHCHECK", do_healthcheck, true },
	{ "LABEL", do_label, false },
	{ "ONBUILD", do_onbuild, false },
	{ "STOPSIGNAL", do_stopsignal, false },
	{ "USER", do_user, false },
	{ "VOLUME", do_volume, false },
	{ "WORKDIR", do_workdir, false },
};

int change_instruction(struct change *change, const struct instruction *instruction,
		       struct error *err)
{
	for (size_t n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++) {
		if (strcmp(instruction->name, kinds[n].name) != 0)
			continue;
		if (!kinds[n].flags && no_flags(instruction, err) < 0)
			return -1;
		return kinds[n].apply(change, instruction, err);
	}
	return error_set(err, EINVAL, "%.100s is not a valid change command", instruction->typed);
}

/* The name is looked at before the arguments are, whose errors would hide that nobody knows it. */
static bool is_known(const char *line)
{
	size_t len = strcspn(line, " \t\r\n\v\f");

	for (size_t n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
		if (strlen(kinds[n].name) == len && strncasecmp(line, kinds[n].name, len) == 0)
			return true;
	return false;
}

static int apply_line(struct change *change, const char *line, struct error *err)
{
	struct instruction i autoinstruction = INSTRUCTION_INIT;

	line += strspn(line, " \t\r\n\v\f");
	if (!*line || *line == '#')
		return 0;
	if (!is_known(line))
		return error_set(err, EINVAL, "%.*s is not a valid change command",
				 (int)strcspn(line, " \t\r\n\v\f"), line);
	return instruction_parse(line, &i, err) < 0 ? -1 : change_instruction(change, &i, err);
}

/* As a Dockerfile's: lines that end in a backslash go on in the next one. */
static int apply_text(struct change *change, char *text, struct error *err)
{
	char *line = text;

	while (line) {
		char *end = strchr(line, '\n');
		struct strbuf whole autostrbuf = STRBUF_INIT;
		size_t len;

		for (;;) {
			if (end)
				*end = '\0';
			strbuf_puts(&whole, line);
			for (len = whole.len; len && strchr(" \t\r", whole.data[len - 1]);)
				len--;
			line = end ? end + 1 : NULL;
			if (!line || !len || whole.data[len - 1] != '\\')
				break;
			whole.len = len - 1;
			end = strchr(line, '\n');
		}
		if (whole.data && apply_line(change, whole.data, err) < 0)
			return -1;
	}
	return 0;
}

int changes_apply(struct image_config *config, const struct strv *lines, struct error *err)
{
	struct change change = { .config = config };
	char *text autofree = strv_join(lines, "\n");

	return text ? apply_text(&change, text, err) : 0;
}
