/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/oci/config.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "runtime/oci/config_private.h"
#include "runtime/spec/kernel.h"
#include "runtime/spec/mount_options.h"

/* The kernel's __NEW_UTS_LEN. */
#define UTS_NAME_MAX 64
/* The kernel has as many in a mount namespace (fs.mount-max), and each costs a walk of its path. */
#define MOUNTS_MAX 100000
/* Seconds. */
#define TIMEOUT_MAX INT32_MAX

int oci_word_value(const struct json_at *at, const struct oci_word *words, const char *what,
		   const char *word, uint64_t *out, struct error *err)
{
	for (size_t i = 0; words[i].word; i++)
		if (strcmp(words[i].word, word) == 0) {
			*out = words[i].value;
			return 0;
		}
	return json_at_error(at, err, "\"%s\" is not %s", word, what);
}

int oci_get_text(const struct json_at *object, const char *key, char **out, struct error *err)
{
	const char *s = "";

	if (json_at_get_str(object, key, &s, err))
		return -1;
	if (*s)
		*out = xstrdup(s);
	return 0;
}

int oci_get_paths(const struct json_at *object, const char *key, struct strv *out,
		  struct error *err)
{
	struct json_at list;
	const char *path;

	if (json_at_get_array(object, key, &list, err))
		return -1;
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e)) {
		if (json_at_str(&e, &path, err))
			return -1;
		if (path[0] != '/')
			return json_at_error(&e, err, "\"%s\" is not an absolute path", path);
		strv_add(out, path);
	}
	return 0;
}

/* ---- Version, root, names */

/* MAJOR.MINOR.PATCH, none with a zero before it, and behind it what SemVer 2.0.0 allows for "-rc1" and "+build". */
static bool is_semver(const char *s)
{
	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(s, "0123456789");

		if (!digits || (digits > 1 && *s == '0') || (i < 2 && s[digits] != '.'))
			return false;
		s += digits + (i < 2);
	}
	for (const char *sign = "-+"; *sign; sign++) {
		static const char allowed[] =
			"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.";
		size_t len;

		if (*s != *sign)
			continue;
		len = strspn(++s, allowed);
		if (!len || s[0] == '.' || s[len - 1] == '.')
			return false;
		s += len;
	}
	return *s == '\0';
}

static int check_version(const struct json_at *root, struct error *err)
{
	struct json_at at = json_at_member(root, "ociVersion");
	const char *version;

	if (json_at_need_str(root, "ociVersion", &version, err))
		return -1;
	if (!is_semver(version))
		return json_at_error(&at, err, "\"%s\" is not a version such as 1.2.0", version);
	if (!str_starts(version, "1."))
		return json_at_error_code(
			&at, ENOTSUP, err,
			"version %s of the runtime-spec is not supported, only 1.x is", version);
	return 0;
}

static int read_root(const struct json_at *root, struct spec *out, struct error *err)
{
	struct json_at object;
	const char *path;

	if (json_at_need_object(root, "root", &object, err) ||
	    json_at_need_str(&object, "path", &path, err) ||
	    json_at_get_bool(&object, "readonly", &out->root.readonly, err))
		return -1;

	struct json_at path_at = json_at_member(&object, "path");
	if (!*path)
		return json_at_error(&path_at, err, "empty");
	out->root.path = xstrdup(path);
	return 0;
}

static int read_uts_name(const struct json_at *root, const char *key, char **out, struct error *err)
{
	struct json_at at = json_at_member(root, key);

	if (oci_get_text(root, key, out, err))
		return -1;
	if (*out && strlen(*out) > UTS_NAME_MAX)
		return json_at_error(&at, err, "longer than %d bytes", UTS_NAME_MAX);
	return 0;
}

/* A name is set in a namespace of the container's own, never in the machine's. */
static int check_uts(const struct json_at *root, const struct spec *spec, struct error *err)
{
	struct json_at at = json_at_member(root, spec->hostname ? "hostname" : "domainname");
	bool own = spec->namespaces & CLONE_NEWUTS;

	for (size_t i = 0; i < spec->n_joins; i++)
		own |= spec->joins[i].type == CLONE_NEWUTS;
	if ((spec->hostname || spec->domainname) && !own)
		return json_at_error(&at, err, "there is no uts namespace to set it in");
	return 0;
}

/* ---- Mounts */

static int read_mount(const struct json_at *at, struct spec *out, struct error *err)
{
	struct json_at options, destination_at = json_at_member(at, "destination");
	struct json_at source_at = json_at_member(at, "source"),
		       gids_at = json_at_member(at, "gidMappings");
	const char *destination, *type = "", *source = "", *option;
	struct error why = ERROR_INIT;

	if (json_at_check_object(at, err) ||
	    json_at_need_str(at, "destination", &destination, err) ||
	    json_at_get_str(at, "type", &type, err) ||
	    json_at_get_str(at, "source", &source, err) ||
	    json_at_get_array(at, "options", &options, err))
		return -1;
	if (!*destination)
		return json_at_error(&destination_at, err, "empty");

	struct spec_mount *m = spec_add_mount(out);
	m->destination = str_format("%s%s", destination[0] == '/' ? "" : "/", destination);
	m->type = xstrdup(*type ? type : "none");
	m->source = xstrdup(source);
	for (struct json_at e = json_at_first(&options); e.value; e = json_at_next(&options, &e)) {
		if (json_at_str(&e, &option, err))
			return -1;
		if (spec_mount_option(m, option, &why))
			return json_at_error(&e, err, "%s", why.message);
	}
	if (oci_get_mappings(at, "uidMappings", &m->uid_mappings, &m->n_uid_mappings, err) ||
	    oci_get_mappings(at, "gidMappings", &m->gid_mappings, &m->n_gid_mappings, err))
		return -1;
	if (!m->n_uid_mappings != !m->n_gid_mappings)
		return json_at_error(&gids_at, err, "uidMappings and gidMappings go together");
	/* The mapping is meant also where the option that says so is missing. */
	m->idmap |= m->n_uid_mappings > 0;
	if (strcmp(m->type, "bind") == 0 && !*source)
		return json_at_error(&source_at, err, "a bind mount needs one");
	if (strcmp(m->type, "none") == 0 && !m->remount && !m->propagation)
		return json_at_error(at, err, "neither a type nor the option bind");
	return 0;
}

int oci_read_mounts(const struct json_at *root, struct spec *out, struct error *err)
{
	struct json_at list;

	if (json_at_get_array(root, "mounts", &list, err))
		return -1;
	if (list.value && yyjson_arr_size(list.value) > MOUNTS_MAX)
		return json_at_error(&list, err, "more than %d", MOUNTS_MAX);
	for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e))
		if (read_mount(&e, out, err))
			return -1;
	return 0;
}

/* ---- Hooks */

static int read_hook(const struct json_at *at, struct spec_hook *hook, struct error *err)
{
	struct json_at path_at = json_at_member(at, "path");
	const char *path;
	int64_t timeout = 0;

	if (json_at_check_object(at, err) || json_at_need_str(at, "path", &path, err) ||
	    json_at_get_strv(at, "args", &hook->args, err) ||
	    json_at_get_strv(at, "env", &hook->env, err) ||
	    json_at_get_int(at, "timeout", 1, TIMEOUT_MAX, &timeout, err))
		return -1;
	if (path[0] != '/')
		return json_at_error(&path_at, err, "\"%s\" is not an absolute path", path);
	hook->path = xstrdup(path);
	hook->timeout = (int)timeout;
	return 0;
}

const char *oci_hook_name(enum spec_stage stage)
{
	static const char *const names[HOOK_STAGES] = {
		[HOOK_PRESTART] = "prestart",
		[HOOK_CREATE_RUNTIME] = "createRuntime",
		[HOOK_CREATE_CONTAINER] = "createContainer",
		[HOOK_START_CONTAINER] = "startContainer",
		[HOOK_POSTSTART] = "poststart",
		[HOOK_POSTSTOP] = "poststop",
	};

	return names[stage];
}

static int read_hooks(const struct json_at *root, struct spec *out, struct error *err)
{
	struct json_at hooks, list;

	if (json_at_get_object(root, "hooks", &hooks, err))
		return -1;
	for (int stage = 0; stage < HOOK_STAGES; stage++) {
		if (json_at_get_array(&hooks, oci_hook_name((enum spec_stage)stage), &list, err))
			return -1;
		for (struct json_at e = json_at_first(&list); e.value; e = json_at_next(&list, &e))
			if (read_hook(&e, spec_add_hook(out, (enum spec_stage)stage), err))
				return -1;
	}
	return 0;
}

/* ---- All of it */

/* The document, which is an object, as a place that messages name root (""). */
static yyjson_doc *parse(const char *json, size_t len, const char *what, const char *root,
			 struct json_at *out, struct error *err)
{
	yyjson_doc *doc = json_parse(json, len, what, err);

	if (!doc)
		return NULL;
	*out = (struct json_at){ .value = yyjson_doc_get_root(doc), .key = root };
	if (!yyjson_is_obj(out->value)) {
		error_set(err, EINVAL, "%s: not an object", what);
		yyjson_doc_free(doc);
		return NULL;
	}
	return doc;
}

static int read_config(const struct json_at *root, struct spec *out, struct error *err)
{
	struct json_at process, linux_object;

	if (check_version(root, err) || json_at_need_object(root, "process", &process, err) ||
	    oci_read_process(&process, &out->process, err) || read_root(root, out, err) ||
	    read_uts_name(root, "hostname", &out->hostname, err) ||
	    read_uts_name(root, "domainname", &out->domainname, err) ||
	    oci_read_mounts(root, out, err) || read_hooks(root, out, err) ||
	    json_at_get_map(root, "annotations", &out->annotations, err) ||
	    json_at_get_object(root, "linux", &linux_object, err) ||
	    oci_read_linux(&linux_object, out, err) || check_uts(root, out, err))
		return -1;
	return 0;
}

int oci_config_parse(const char *json, size_t len, struct spec *out, struct error *err)
{
	struct json_at root;
	autojson yyjson_doc *doc = parse(json, len, "config.json", "", &root, err);

	if (!doc)
		return -1;
	if (read_config(&root, out, err)) {
		spec_free(out);
		return -1;
	}
	return 0;
}

int oci_process_parse(const char *json, size_t len, struct spec_process *out, struct error *err)
{
	struct json_at root;
	autojson yyjson_doc *doc = parse(json, len, "process", "process", &root, err);

	if (!doc)
		return -1;
	if (oci_read_process(&root, out, err)) {
		spec_process_free(out);
		return -1;
	}
	return 0;
}

int oci_resources_parse(const char *json, size_t len, struct resources *out, struct error *err)
{
	struct json_at root;
	autojson yyjson_doc *doc = parse(json, len, "resources", "resources", &root, err);

	if (!doc)
		return -1;
	if (oci_read_resources(&root, out, err)) {
		resources_free(out);
		return -1;
	}
	return 0;
}
