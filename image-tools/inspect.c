/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/inspect.h"

#include <string.h>

#include "image-tools/reference.h"
#include "image-tools/tags.h"
#include "lib/cleanup.h"

void inspect_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *value)
{
	yyjson_mut_obj_add_strcpy(doc, obj, key, value ? value : "");
}

/* A list, map or set; where it is empty, null. */
static void put_list(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key,
		     const struct strv *v)
{
	if (v->len)
		json_put_strv(doc, obj, key, v);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

static void put_map(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v)
{
	if (v->len)
		json_put_map(doc, obj, key, v);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

static void put_set(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const struct strv *v)
{
	if (v->len)
		json_put_set(doc, obj, key, v);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

yyjson_mut_val *inspect_config(yyjson_mut_doc *doc, const struct inspect_config *c)
{
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	const struct image_config *config = c->config;

	inspect_put(doc, o, "Hostname", c->hostname);
	inspect_put(doc, o, "Domainname", c->domainname);
	inspect_put(doc, o, "User", config->user);
	yyjson_mut_obj_add_bool(doc, o, "AttachStdin", c->attach_stdin);
	yyjson_mut_obj_add_bool(doc, o, "AttachStdout", c->attach_stdout);
	yyjson_mut_obj_add_bool(doc, o, "AttachStderr", c->attach_stderr);
	json_put_set(doc, o, "ExposedPorts", &config->exposed_ports);
	yyjson_mut_obj_add_bool(doc, o, "Tty", c->tty);
	yyjson_mut_obj_add_bool(doc, o, "OpenStdin", c->open_stdin);
	yyjson_mut_obj_add_bool(doc, o, "StdinOnce", c->stdin_once);
	put_list(doc, o, "Env", &config->env);
	put_list(doc, o, "Cmd", &config->cmd);
	if (c->healthcheck)
		yyjson_mut_obj_add_val(doc, o, "Healthcheck",
				       yyjson_val_mut_copy(doc, c->healthcheck));
	else if (c->container)
		image_healthcheck_put(doc, o, &config->healthcheck);
	inspect_put(doc, o, "Image", c->image);
	put_set(doc, o, "Volumes", &config->volumes);
	inspect_put(doc, o, "WorkingDir", config->working_dir);
	put_list(doc, o, "Entrypoint", &config->entrypoint);
	put_list(doc, o, "OnBuild", &config->on_build);
	if (c->container && !config->labels.len)
		yyjson_mut_obj_add_obj(doc, o, "Labels");
	else
		put_map(doc, o, "Labels", &config->labels);
	if (config->stop_signal)
		inspect_put(doc, o, "StopSignal", config->stop_signal);
	if (c->stop_timeout)
		yyjson_mut_obj_add_int(doc, o, "StopTimeout", *c->stop_timeout);
	json_put_strv(doc, o, "Shell", &config->shell);
	return o;
}

/* Its names, as people know them. */
static int put_names(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		     const struct digest *id, struct error *err)
{
	yyjson_mut_val *names = yyjson_mut_obj_add_arr(doc, o, "RepoTags");
	struct tags tags autotags = TAGS_INIT;

	if (tags_read(st, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < tags.n; i++) {
		struct reference ref autoreference = REFERENCE_INIT;
		char *name autofree = NULL;

		if (!digest_equal(&tags.items[i].id, id))
			continue;
		if (reference_parse(tags.items[i].name, &ref, err) < 0)
			return error_prefix(err, "tags.json");
		name = reference_text(&ref, true);
		yyjson_mut_arr_add_strcpy(doc, names, name);
	}
	yyjson_mut_obj_add_arr(doc, o, "RepoDigests");
	return 0;
}

static void put_layers(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct image *img)
{
	yyjson_mut_val *rootfs = yyjson_mut_obj_add_obj(doc, o, "RootFS"), *layers;

	yyjson_mut_obj_add_str(doc, rootfs, "Type", "layers");
	if (!img->n_diffids)
		return;
	layers = yyjson_mut_obj_add_arr(doc, rootfs, "Layers");
	for (size_t i = 0; i < img->n_diffids; i++) {
		char text[DIGEST_TEXT_MAX];

		yyjson_mut_arr_add_strcpy(doc, layers, digest_text(&img->diffids[i], text));
	}
}

/* A member that struct image does not have; "" where it is absent or no string. */
static const char *raw_text(yyjson_val *raw, const char *key)
{
	const char *text = NULL;

	return json_get_str(raw, key, &text, NULL) == 0 && text ? text : "";
}

static int fill(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		const struct image *img, yyjson_val *raw, struct error *err)
{
	const struct image_history *last =
		img->n_history ? &img->history[img->n_history - 1] : NULL;
	struct inspect_config config = { .config = &img->config };
	yyjson_val *raw_config = NULL;
	yyjson_mut_val *part;
	char id[DIGEST_TEXT_MAX];
	const char *comment = raw_text(raw, "comment");

	inspect_put(doc, o, "Id", digest_text(&img->id, id));
	if (put_names(doc, o, st, &img->id, err) < 0)
		return -1;
	inspect_put(doc, o, "Parent", NULL);
	inspect_put(doc, o, "Comment", *comment ? comment : last ? last->comment : NULL);
	if (img->created)
		inspect_put(doc, o, "Created", img->created);
	inspect_put(doc, o, "DockerVersion", raw_text(raw, "docker_version"));
	inspect_put(doc, o, "Author", img->author);
	if (json_get_obj(raw, "config", &raw_config, err) < 0 ||
	    json_get_obj(raw_config, "Healthcheck", &config.healthcheck, err) < 0)
		return -1;
	yyjson_mut_obj_add_val(doc, o, "Config", inspect_config(doc, &config));
	inspect_put(doc, o, "Architecture", img->architecture);
	if (*raw_text(raw, "variant"))
		inspect_put(doc, o, "Variant", raw_text(raw, "variant"));
	inspect_put(doc, o, "Os", img->os);
	if (*raw_text(raw, "os.version"))
		inspect_put(doc, o, "OsVersion", raw_text(raw, "os.version"));
	yyjson_mut_obj_add_uint(doc, o, "Size", img->size);
	yyjson_mut_obj_add_uint(doc, o, "VirtualSize", img->size);
	part = yyjson_mut_obj_add_obj(doc, o, "GraphDriver");
	yyjson_mut_obj_add_null(doc, part, "Data");
	yyjson_mut_obj_add_str(doc, part, "Name", INSPECT_DRIVER);
	put_layers(doc, o, img);
	part = yyjson_mut_obj_add_obj(doc, o, "Metadata");
	yyjson_mut_obj_add_str(doc, part, "LastTagTime", INSPECT_NO_TIME);
	return 0;
}

yyjson_mut_val *inspect_image(yyjson_mut_doc *doc, const struct store *st, const struct digest *id,
			      struct error *err)
{
	struct image *img autoimage = image_open(st, id, err);
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	yyjson_doc *raw autojson = NULL;
	char *text autofree = NULL;
	size_t len;

	if (!img)
		return NULL;
	text = image_read(st, id, &len, err);
	if (!text)
		return NULL;
	raw = json_parse(text, len, "image configuration", err);
	if (!raw || fill(doc, o, st, img, yyjson_doc_get_root(raw), err) < 0)
		return NULL;
	return o;
}
