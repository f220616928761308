/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/ps_filter.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "runtime/engine/ports.h"

const char *const ps_filter_keys[] = { "ancestor", "before", "exited", "expose",  "health",
				       "id",       "label",  "name",   "network", "publish",
				       "since",    "status", "volume", NULL };

/* Whether all values of key are words of the list. */
static int check_words(const struct filters *f, const char *key, const char *words,
		       const char *shown, struct error *err)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, key, &i));)
		if (!*value || strchr(value, ',') || !str_in_list(value, words))
			return error_set(err, EINVAL,
					 "invalid filter '%s=%.100s': must be one of %s", key,
					 value, shown);
	return 0;
}

static int check_ports(const struct filters *f, const char *key, struct error *err)
{
	const char *value;
	struct ports p;

	for (size_t i = 0; (value = filters_next(f, key, &i));)
		if (!ports_parse(value, &p))
			return error_set(err, EINVAL, "invalid filter '%s=%.100s'", key, value);
	return 0;
}

int ps_filters_check(const struct filters *f, struct error *err)
{
	const char *value;
	char *end;

	for (size_t i = 0; (value = filters_next(f, "exited", &i));) {
		strtol(value, &end, 10);
		if (!*value || *end)
			return error_set(err, EINVAL, "invalid filter 'exited=%.100s'", value);
	}
	if (check_words(f, "status", "created,running,paused,restarting,removing,exited,dead",
			"created, running, paused, restarting, removing, exited, dead", err) < 0 ||
	    check_words(f, "health", "starting,healthy,unhealthy,none",
			"starting, healthy, unhealthy, none", err) < 0 ||
	    check_ports(f, "publish", err) < 0)
		return -1;
	for (size_t i = 0; (value = filters_next(f, "name", &i));) {
		regex_t pattern;

		if (regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
			return error_set(err, EINVAL, "invalid filter 'name=%.100s'", value);
		regfree(&pattern);
	}
	return 0;
}

/* A name is a regular expression that may fit anywhere, with or without the slash before the name. */
static bool has_name(const struct filters *f, const char *name)
{
	char *slashed autofree = str_format("/%s", name);
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "name", &i));) {
		regex_t pattern;
		bool fits;

		if (regcomp(&pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
			continue;
		fits = regexec(&pattern, name, 0, NULL, 0) == 0 ||
		       regexec(&pattern, slashed, 0, NULL, 0) == 0;
		regfree(&pattern);
		if (fits)
			return true;
	}
	return !filters_has(f, "name");
}

static bool has_id(const struct filters *f, const char *id)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "id", &i));)
		if (str_starts(id, value))
			return true;
	return !filters_has(f, "id");
}

static bool has_ended_with(const struct filters *f, const struct container_state *s)
{
	char code[16];

	if (!filters_has(f, "exited"))
		return true;
	snprintf(code, sizeof(code), "%d", s->exit_code);
	return s->status == STATUS_EXITED && filters_allow(f, "exited", code);
}

static bool port_fits(const char *wanted, const char *port)
{
	struct ports w, p;

	return ports_parse(wanted, &w) && ports_parse(port, &p) && p.first >= w.first &&
	       p.first <= w.last && strcmp(p.protocol, w.protocol) == 0;
}

static bool exposes(const struct filters *f, const struct strv *ports)
{
	const char *value;

	for (size_t i = 0; (value = filters_next(f, "expose", &i));)
		for (size_t p = 0; p < ports->len; p++)
			if (port_fits(value, ports->items[p]))
				return true;
	return !filters_has(f, "expose");
}

/* An image that does not exist is nobody's ancestor. */
static bool descends(const struct store *st, const struct filters *f, const struct digest *image)
{
	const char *value;
	struct digest id;

	for (size_t i = 0; (value = filters_next(f, "ancestor", &i));)
		if (image_resolve(st, value, &id, NULL) == 0 && digest_equal(&id, image))
			return true;
	return !filters_has(f, "ancestor");
}

/* By a volume's name, a bind's source or where either is mounted. */
static bool has_volume(const struct filters *f, const struct host_config *h)
{
	for (size_t i = 0; i < h->n_mounts; i++) {
		const struct host_mount *m = &h->mounts[i];

		if ((m->source && filters_allow(f, "volume", m->source)) ||
		    filters_allow(f, "volume", m->target))
			return true;
	}
	return !filters_has(f, "volume");
}

bool ps_filters_fit(const struct filters *f, const struct store *st, const struct container *c)
{
	/* Ports are exposed here, and none published: a container's network is the machine's or none. */
	return !filters_has(f, "publish") && has_name(f, c->config.name) &&
	       has_id(f, c->config.id) && filters_match_labels(f, &c->config.run.labels) &&
	       has_ended_with(f, &c->state) && filters_allow(f, "status", state_name(&c->state)) &&
	       filters_allow(f, "health", health_name(c->state.health)) &&
	       filters_allow(f, "network", c->config.network) && has_volume(f, &c->config.host) &&
	       exposes(f, &c->config.run.exposed_ports) && descends(st, f, &c->config.image_id);
}

/* Where the container that a filter names stands in list. -1 with err set. */
static int position(const struct container *list, size_t n, const char *word, size_t *out,
		    struct error *err)
{
	const char *name = *word == '/' ? word + 1 : word;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].config.name, name) == 0 ||
		    (*word && str_starts(list[i].config.id, word))) {
			*out = i;
			return 0;
		}
	}
	return error_set(err, ENOENT, "No such container: %.100s", word);
}

int ps_filters_bounds(const struct filters *f, const struct container *list, size_t n, size_t *from,
		      size_t *to, struct error *err)
{
	const char *value;
	size_t at;

	*from = 0;
	*to = n;
	for (size_t i = 0; (value = filters_next(f, "before", &i));) {
		if (position(list, n, value, &at, err) < 0)
			return -1;
		*from = at + 1;
	}
	for (size_t i = 0; (value = filters_next(f, "since", &i));) {
		if (position(list, n, value, &at, err) < 0)
			return -1;
		*to = at;
	}
	return 0;
}
