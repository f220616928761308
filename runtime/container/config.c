/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/human.h"
#include "lib/json.h"

bool config_network_valid(const char *network)
{
	static const char joined[] = "container:";

	return strcmp(network, "host") == 0 || strcmp(network, "none") == 0 ||
	       (str_starts(network, joined) && id_valid(network + strlen(joined)));
}

static void put_str(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *value)
{
	if (value && *value)
		yyjson_mut_obj_add_strcpy(doc, obj, key, value);
}

static void put_flag(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, bool value)
{
	if (value)
		yyjson_mut_obj_add_bool(doc, obj, key, true);
}

char *config_write(const struct container_config *c, size_t *len)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *run = yyjson_mut_obj(doc);
	yyjson_mut_val *host = yyjson_mut_obj(doc);
	char time[TIME_TEXT_MAX], id[DIGEST_TEXT_MAX];

	yyjson_mut_doc_set_root(doc, root);
	put_str(doc, root, "id", c->id);
	put_str(doc, root, "name", c->name);
	put_str(doc, root, "created", time_text(c->created, time));
	put_str(doc, root, "image", c->image);
	put_str(doc, root, "imageId", digest_text(&c->image_id, id));

	yyjson_mut_obj_add_val(doc, root, "config", run);
	image_config_put(doc, run, &c->run);

	put_str(doc, root, "hostname", c->hostname);
	put_str(doc, root, "network", c->network);
	put_flag(doc, root, "tty", c->tty);
	put_flag(doc, root, "openStdin", c->open_stdin);
	put_flag(doc, root, "stdinOnce", c->stdin_once);
	put_flag(doc, root, "attachStdin", c->attach_stdin);
	put_flag(doc, root, "attachStdout", c->attach_stdout);
	put_flag(doc, root, "attachStderr", c->attach_stderr);
	put_flag(doc, root, "autoRemove", c->auto_remove);
	put_flag(doc, root, "readonlyRootfs", c->readonly_rootfs);
	put_flag(doc, root, "noNewPrivileges", c->no_new_privileges);
	put_flag(doc, root, "seccompUnconfined", c->seccomp_unconfined);
	host_config_put(doc, host, &c->host);
	if (yyjson_mut_obj_size(host))
		yyjson_mut_obj_add_val(doc, root, "hostConfig", host);
	return json_write(doc, false, len);
}

static int get_copy(yyjson_val *obj, const char *key, char **out, struct error *err)
{
	const char *text = NULL;

	if (json_get_str(obj, key, &text, err) < 0)
		return -1;
	if (text)
		*out = xstrdup(text);
	return 0;
}

static int parse_flags(yyjson_val *root, struct container_config *out, struct error *err)
{
	const struct {
		const char *key;
		bool *value;
	} flags[] = {
		{ "tty", &out->tty },
		{ "openStdin", &out->open_stdin },
		{ "stdinOnce", &out->stdin_once },
		{ "attachStdin", &out->attach_stdin },
		{ "attachStdout", &out->attach_stdout },
		{ "attachStderr", &out->attach_stderr },
		{ "autoRemove", &out->auto_remove },
		{ "readonlyRootfs", &out->readonly_rootfs },
		{ "noNewPrivileges", &out->no_new_privileges },
		{ "seccompUnconfined", &out->seccomp_unconfined },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (json_get_bool(root, flags[i].key, flags[i].value, err) < 0)
			return -1;
	return 0;
}

static int parse(const char *text, size_t len, const char *id, struct container_config *out,
		 struct error *err)
{
	autojson yyjson_doc *doc = json_parse(text, len, "container.json", err);
	yyjson_val *root, *run = NULL, *host = NULL;
	const char *own_id = NULL, *created = NULL, *image_id = NULL;

	if (!doc)
		return -1;
	root = yyjson_doc_get_root(doc);
	if (json_get_str(root, "id", &own_id, err) < 0 ||
	    get_copy(root, "name", &out->name, err) < 0 ||
	    json_get_str(root, "created", &created, err) < 0 ||
	    get_copy(root, "image", &out->image, err) < 0 ||
	    json_get_str(root, "imageId", &image_id, err) < 0 ||
	    json_get_obj(root, "config", &run, err) < 0 ||
	    get_copy(root, "hostname", &out->hostname, err) < 0 ||
	    get_copy(root, "network", &out->network, err) < 0 || parse_flags(root, out, err) < 0 ||
	    image_config_get(run, &out->run, err) < 0 ||
	    json_get_obj(root, "hostConfig", &host, err) < 0 ||
	    host_config_get(host, &out->host, err) < 0)
		return -1;
	if (!own_id || strcmp(own_id, id) != 0)
		return error_set(err, EINVAL, "it tells of another container");
	if (!out->name || !name_valid(out->name) || !out->image || !image_id ||
	    digest_from_text(image_id, &out->image_id, NULL) < 0 || !created ||
	    time_parse(created, &out->created) < 0)
		return error_set(err, EINVAL, "name, image or time of creation is missing");
	if (!out->network)
		out->network = xstrdup("host");
	if (!config_network_valid(out->network))
		return error_set(err, EINVAL, "network mode \"%s\" is unknown", out->network);
	memcpy(out->id, id, sizeof(out->id));
	return 0;
}

int config_parse(const char *text, size_t len, const char *id, struct container_config *out,
		 struct error *err)
{
	*out = (struct container_config)CONTAINER_CONFIG_INIT;
	if (parse(text, len, id, out, err) == 0)
		return 0;
	config_free(out);
	return error_prefix(err, "container %.12s: container.json is damaged", id);
}

void config_command(const struct container_config *c, struct strv *out)
{
	strv_extend(out, &c->run.entrypoint);
	strv_extend(out, &c->run.cmd);
}

void config_free(struct container_config *c)
{
	free(c->name);
	free(c->image);
	free(c->hostname);
	free(c->network);
	image_config_free(&c->run);
	host_config_free(&c->host);
	*c = (struct container_config)CONTAINER_CONFIG_INIT;
}
