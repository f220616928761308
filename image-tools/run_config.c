/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The "config" member of an image's configuration, read and written: also what a container keeps of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/json.h"

/* An empty string counts as absent. */
static int get_str(yyjson_val *obj, const char *key, char **out, struct error *err)
{
	const char *s = NULL;

	if (json_get_str(obj, key, &s, err) < 0)
		return -1;
	if (s && *s) {
		free(*out);
		*out = xstrdup(s);
	}
	return 0;
}

static int get_healthcheck(yyjson_val *obj, struct image_healthcheck *h, struct error *err)
{
	yyjson_val *val = NULL;

	if (json_get_obj(obj, "Healthcheck", &val, err) < 0)
		return -1;
	if (json_get_strv(val, "Test", &h->test, err) < 0 ||
	    json_get_i64(val, "Interval", &h->interval, err) < 0 ||
	    json_get_i64(val, "Timeout", &h->timeout, err) < 0 ||
	    json_get_i64(val, "StartPeriod", &h->start_period, err) < 0 ||
	    json_get_i64(val, "StartInterval", &h->start_interval, err) < 0 ||
	    json_get_i64(val, "Retries", &h->retries, err) < 0)
		return error_prefix(err, "\"Healthcheck\"");
	return 0;
}

/* "80" means "80/tcp" (OCI image-spec, config.md: the default protocol), and is that throughout from here on. */
static int get_ports(yyjson_val *obj, struct strv *out, struct error *err)
{
	struct strv ports autostrv = STRV_INIT;

	if (json_get_set(obj, "ExposedPorts", &ports, err) < 0)
		return -1;
	for (size_t i = 0; i < ports.len; i++) {
		char *port autofree = str_format("%s%s", ports.items[i],
						 strchr(ports.items[i], '/') ? "" : "/tcp");

		if (!strv_contains(out, port))
			strv_add(out, port);
	}
	return 0;
}

int image_config_get(yyjson_val *obj, struct image_config *out, struct error *err)
{
	if (json_get_strv(obj, "Env", &out->env, err) < 0 ||
	    json_get_strv(obj, "Entrypoint", &out->entrypoint, err) < 0 ||
	    json_get_strv(obj, "Cmd", &out->cmd, err) < 0 ||
	    json_get_strv(obj, "Shell", &out->shell, err) < 0 ||
	    json_get_set(obj, "Volumes", &out->volumes, err) < 0 ||
	    get_ports(obj, &out->exposed_ports, err) < 0 ||
	    json_get_map(obj, "Labels", &out->labels, err) < 0 ||
	    json_get_strv(obj, "OnBuild", &out->on_build, err) < 0 ||
	    get_str(obj, "User", &out->user, err) < 0 ||
	    get_str(obj, "WorkingDir", &out->working_dir, err) < 0 ||
	    get_str(obj, "StopSignal", &out->stop_signal, err) < 0 ||
	    get_healthcheck(obj, &out->healthcheck, err) < 0)
		return -1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void copy_list(struct strv *to, const struct strv *from)
{
	strv_free(to);
	strv_extend(to, from);
}

/* Go writes the keys of a map in the order of their bytes. */
static void
put_sorted(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v,
	   void (*put)(yyjson_mut_doc *, yyjson_mut_val *, const char *, const struct strv *))
{
	struct strv sorted autostrv = STRV_INIT;

	strv_extend(&sorted, v);
	if (sorted.len)
		qsort(sorted.items, sorted.len, sizeof(*sorted.items), compare);
	put(doc, obj, key, &sorted);
}

static void put_str(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *value)
{
	if (value && *value)
		yyjson_mut_obj_add_strcpy(doc, obj, key, value);
}

static void put_number(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, int64_t value)
{
	if (value)
		yyjson_mut_obj_add_sint(doc, obj, key, value);
}

void image_healthcheck_put(yyjson_mut_doc *doc, yyjson_mut_val *obj,
			   const struct image_healthcheck *h)
{
	yyjson_mut_val *val = yyjson_mut_obj(doc);

	json_put_strv(doc, val, "Test", &h->test);
	put_number(doc, val, "Interval", h->interval);
	put_number(doc, val, "Timeout", h->timeout);
	put_number(doc, val, "StartPeriod", h->start_period);
	put_number(doc, val, "StartInterval", h->start_interval);
	put_number(doc, val, "Retries", h->retries);
	if (yyjson_mut_obj_size(val))
		yyjson_mut_obj_add_val(doc, obj, "Healthcheck", val);
}

void image_config_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct image_config *c)
{
	put_str(doc, obj, "User", c->user);
	put_sorted(doc, obj, "ExposedPorts", &c->exposed_ports, json_put_set);
	json_put_strv(doc, obj, "Env", &c->env);
	json_put_strv(doc, obj, "Cmd", &c->cmd);
	image_healthcheck_put(doc, obj, &c->healthcheck);
	put_sorted(doc, obj, "Volumes", &c->volumes, json_put_set);
	put_str(doc, obj, "WorkingDir", c->working_dir);
	json_put_strv(doc, obj, "Entrypoint", &c->entrypoint);
	json_put_strv(doc, obj, "OnBuild", &c->on_build);
	put_sorted(doc, obj, "Labels", &c->labels, json_put_map);
	put_str(doc, obj, "StopSignal", c->stop_signal);
	json_put_strv(doc, obj, "Shell", &c->shell);
}

static void copy_str(char **to, const char *from)
{
	free(*to);
	*to = from ? xstrdup(from) : NULL;
}

void image_config_copy(struct image_config *to, const struct image_config *from)
{
	copy_list(&to->env, &from->env);
	copy_list(&to->entrypoint, &from->entrypoint);
	copy_list(&to->cmd, &from->cmd);
	copy_list(&to->shell, &from->shell);
	copy_list(&to->volumes, &from->volumes);
	copy_list(&to->exposed_ports, &from->exposed_ports);
	copy_list(&to->labels, &from->labels);
	copy_list(&to->on_build, &from->on_build);
	copy_str(&to->user, from->user);
	copy_str(&to->working_dir, from->working_dir);
	copy_str(&to->stop_signal, from->stop_signal);
	strv_free(&to->healthcheck.test);
	to->healthcheck = from->healthcheck;
	to->healthcheck.test = (struct strv)STRV_INIT;
	strv_extend(&to->healthcheck.test, &from->healthcheck.test);
}

void image_config_free(struct image_config *c)
{
	strv_free(&c->env);
	strv_free(&c->entrypoint);
	strv_free(&c->cmd);
	strv_free(&c->shell);
	strv_free(&c->volumes);
	strv_free(&c->exposed_ports);
	strv_free(&c->labels);
	strv_free(&c->on_build);
	free(c->user);
	free(c->working_dir);
	free(c->stop_signal);
	strv_free(&c->healthcheck.test);
	*c = (struct image_config)IMAGE_CONFIG_INIT;
}
