/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cgroup/cgroup_path.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"

/* Adds the parts of path to out, a slash before each but the first. */
static int add_parts(const char *path, struct strbuf *out, struct error *err)
{
	autofree char *copy = xstrdup(path);
	char *rest = copy, *part;

	while ((part = strsep(&rest, "/")) != NULL) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0)
			return error_set(err, EINVAL, "cgroup path \"%s\": \"..\" is not allowed",
					 path);
		strbuf_printf(out, "%s%s", out->len ? "/" : "", part);
	}
	return 0;
}

/* A slice lies in those that its name begins with: "a-b.slice" is "a.slice/a-b.slice" (systemd.slice(5)). */
static int add_slice(const char *slice, struct strbuf *out, struct error *err)
{
	size_t len = strlen(slice) - strlen(".slice");

	if (strcmp(slice, "-.slice") == 0) /* the root */
		return 0;
	if (len == 0 || strchr(slice, '/') || slice[0] == '-' || slice[len - 1] == '-' ||
	    strstr(slice, "--"))
		return error_set(err, EINVAL, "invalid slice name: %s", slice);
	for (size_t i = 1; i < len; i++)
		if (slice[i] == '-')
			strbuf_printf(out, "%s%.*s.slice", out->len ? "/" : "", (int)i, slice);
	strbuf_printf(out, "%s%s", out->len ? "/" : "", slice);
	return 0;
}

static int add_parent(const char *parent, struct strbuf *out, struct error *err)
{
	if (str_ends(parent, ".slice") && !strchr(parent, '/'))
		return add_slice(parent, out, err);
	return add_parts(parent, out, err);
}

/* slice:prefix:name */
static int add_systemd(const char *text, struct strbuf *out, struct error *err)
{
	autofree char *copy = xstrdup(text);
	char *rest = copy, *slice = strsep(&rest, ":"), *prefix = strsep(&rest, ":"), *name = rest;

	if (!*name || strchr(prefix, '/') || strchr(name, '/'))
		return error_set(
			err, EINVAL,
			"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, "
			"got \"%s\" instead",
			text);
	if (add_parent(*slice ? slice : "system.slice", out, err) < 0)
		return -1;
	if (str_ends(name, ".slice"))
		strbuf_printf(out, "%s%s", out->len ? "/" : "", name);
	else
		strbuf_printf(out, "%s%s%s%s.scope", out->len ? "/" : "", prefix,
			      *prefix ? "-" : "", name);
	return 0;
}

static bool is_systemd(const char *path)
{
	const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	return second && !strchr(second + 1, ':') && path[0] != '/';
}

char *cgroup_path(const char *cgroups_path, const char *id, struct error *err)
{
	struct strbuf out autostrbuf = STRBUF_INIT;
	int status;

	if (!cgroups_path || !*cgroups_path)
		return str_format("knarr/%s", id);
	status = is_systemd(cgroups_path) ? add_systemd(cgroups_path, &out, err)
					  : add_parts(cgroups_path, &out, err);
	if (status < 0)
		return NULL;
	if (!out.len) {
		error_set(err, EINVAL, "cgroup path \"%s\" is the whole machine's", cgroups_path);
		return NULL;
	}
	return strbuf_steal(&out);
}

char *cgroup_path_below(const char *parent, const char *id, struct error *err)
{
	struct strbuf out autostrbuf = STRBUF_INIT;

	if (!parent || !*parent)
		return str_format("knarr/%s", id);
	if (add_parent(parent, &out, err) < 0)
		return NULL;
	strbuf_printf(&out, "%s%s", out.len ? "/" : "", id);
	return strbuf_steal(&out);
}
