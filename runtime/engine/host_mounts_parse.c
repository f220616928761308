/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of -v, --mount and --tmpfs. Rules and messages are those of Docker's client (cli/opts/mount.go,
 * cli/compose/loader/volume.go) and engine (moby, volume/mounts/linux_parser.go). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/volume.h"
#include "runtime/engine/copy_rules.h"
#include "runtime/engine/host_mounts_private.h"
#include "runtime/spec/kernel.h"

static bool is_relative(const char *source)
{
	return strcmp(source, ".") == 0 || strcmp(source, "..") == 0 || str_starts(source, "./") ||
	       str_starts(source, "../");
}

/* A host path as typed: "./x" and "." are of the working directory, as with Docker. NULL: it is neither absolute nor such. */
static char *host_path(const char *source)
{
	struct copy_path path = { 0 };
	char *here autofree = NULL;

	if (is_relative(source))
		here = getcwd(NULL, 0);
	if (*source != '/' && !here)
		return NULL;
	copy_path_parse(here, source, &path);
	return path.text;
}

/* ---- -v */

/* Cuts word at its colons, of which three are too many. */
static int split_volume(char *word, const char *shown, char *parts[3], size_t *n, struct error *err)
{
	char *rest = word;

	for (*n = 0; rest; (*n)++) {
		char *part = strsep(&rest, ":");

		if (!*part)
			return error_set(err, EINVAL,
					 "invalid spec: %s: empty section between colons", shown);
		if (*n == 3)
			return error_set(err, EINVAL, "invalid spec: %s: too many colons", shown);
		parts[*n] = part;
	}
	return 0;
}

static const char *type_name(enum host_mount_type type)
{
	return type == HOST_MOUNT_BIND ? "bind" : type == HOST_MOUNT_TMPFS ? "tmpfs" : "volume";
}

static int in_spec(const char *shown, const struct host_mount *m, struct error *err)
{
	return error_prefix(
		err, "invalid volume specification: '%s': invalid mount config for type \"%s\"",
		shown, type_name(m->type));
}

int host_mounts_parse_volume(const char *word, struct host_config *h, struct error *err)
{
	char *copy autofree = xstrdup(word);
	struct host_mount m autohostmount = { .type = HOST_MOUNT_VOLUME };
	struct host_mount no_mode autohostmount = { 0 };
	char *parts[3] = { NULL };
	size_t n;

	if (!*word)
		return error_set(err, EINVAL, "invalid empty volume spec");
	if (split_volume(copy, word, parts, &n, err) < 0)
		return -1;
	if (n == 1)
		return host_mounts_add_anonymous(h, word, false, err);
	if (n == 2 && host_mounts_mode(parts[1], &no_mode))
		return error_set(err, EINVAL, "invalid volume specification: '%s'", word);
	if (n == 3 && !host_mounts_mode(parts[2], &m))
		return error_set(err, EINVAL, "invalid mode: %s", parts[2]);
	m.source = host_path(parts[0]);
	if (m.source) {
		m.type = HOST_MOUNT_BIND;
		m.create_source = true;
	} else if (volume_check_name(parts[0], err) < 0) {
		return -1;
	} else {
		m.source = xstrdup(parts[0]);
	}
	m.target = host_mounts_target(parts[1], err);
	if (!m.target)
		return in_spec(word, &m, err);
	if (m.type == HOST_MOUNT_VOLUME && m.propagation) {
		error_set(err, EINVAL, "field BindOptions must not be specified");
		return in_spec(word, &m, err);
	}
	if (m.type == HOST_MOUNT_BIND && m.no_copy) {
		error_set(err, EINVAL, "field VolumeOptions must not be specified");
		return in_spec(word, &m, err);
	}
	m.options = n == 3 ? xstrdup(parts[2]) : NULL;
	return host_mounts_add(h, &m, err);
}

/* ---- --tmpfs */

int host_mounts_parse_tmpfs(const char *word, struct host_config *h, struct error *err)
{
	const char *colon = strchr(word, ':');
	char *target autofree = xstrndup(word, colon ? (size_t)(colon - word) : strlen(word));
	struct host_mount m autohostmount = { .type = HOST_MOUNT_TMPFS };
	struct spec_mount checked = { 0 };
	int r;

	if (!*target)
		return error_set(err, EINVAL, "invalid mount path: '' mount path must be absolute");
	m.target = host_mounts_target(target, err);
	if (!m.target)
		return -1;
	m.options = colon && colon[1] ? xstrdup(colon + 1) : NULL;
	r = host_mounts_tmpfs_options(m.options, &checked, err);
	m.readonly = checked.attr_set & MOUNT_ATTR_RDONLY;
	strv_free(&checked.options);
	return r < 0 ? -1 : host_mounts_add(h, &m, err);
}

/* ---- --mount */

/* One line of comma-separated values (RFC 4180) into fields; messages as Go's encoding/csv has them. */
static int parse_csv(const char *text, struct strv *fields, struct error *err)
{
	const char *at = text;

	if (!*text)
		return error_set(err, EINVAL, "EOF");
	for (;; at++) {
		struct strbuf field autostrbuf = STRBUF_INIT;
		bool quoted = *at == '"';

		for (at += quoted; *at && (quoted || *at != ','); at++) {
			if (*at != '"') {
				strbuf_putc(&field, *at);
			} else if (!quoted) {
				return error_set(err, EINVAL,
						 "parse error on line 1, column %zu: bare \" in "
						 "non-quoted-field",
						 (size_t)(at - text) + 1);
			} else if (at[1] == '"') {
				strbuf_putc(&field, *at++);
			} else {
				break;
			}
		}
		if (quoted && (*at != '"' || (at[1] && at[1] != ',')))
			return error_set(err, EINVAL,
					 "parse error on line 1, column %zu: extraneous or missing "
					 "\" in quoted-field",
					 (size_t)(at - text) + 1);
		at += quoted;
		strv_take(fields, strbuf_steal(&field));
		if (!*at)
			return 0;
	}
}

/* What --mount says, before it is put together. */
struct mount_words {
	struct host_mount m;
	const char *type;
	bool bind_options, volume_options, tmpfs_options;
	bool propagation_given;
};

static int parse_bool(const char *key, const char *value, bool *out, struct error *err)
{
	static const char yes[] = "1,t,T,TRUE,true,True", no[] = "0,f,F,FALSE,false,False";

	if (*value && !strchr(value, ',') && (str_in_list(value, yes) || str_in_list(value, no))) {
		*out = str_in_list(value, yes);
		return 0;
	}
	return error_set(err, EINVAL, "invalid value for %s: %s", key, value);
}

/* -1: err is set; 0: the key is not known; 1: it was taken. value NULL: there is no "=". */
static int bind_key(struct mount_words *w, const char *key, const char *value, struct error *err)
{
	struct host_mount *m = &w->m;

	if (strcmp(key, "bind-propagation") == 0) {
		m->propagation = host_config_propagation(value);
		if (!m->propagation && *value)
			return error_set(err, EINVAL, "invalid propagation mode: %s", value);
		w->propagation_given = *value;
	} else if (strcmp(key, "bind-nonrecursive") == 0) {
		if (parse_bool(key, value, &m->non_recursive, err) < 0)
			return -1;
	} else if (strcmp(key, "bind-recursive") == 0) {
		if (strcmp(value, "disabled") == 0)
			m->non_recursive = true;
		else if (strcmp(value, "writable") == 0)
			m->readonly_non_recursive = true;
		else if (strcmp(value, "readonly") == 0)
			m->readonly_force_recursive = true;
		else if (strcmp(value, "enabled") != 0)
			return error_set(
				err, EINVAL,
				"invalid value for %s: %s (must be \"enabled\", \"disabled\", "
				"\"writable\", or \"readonly\")",
				key, value);
	} else {
		return 0;
	}
	w->bind_options = true;
	return 1;
}

static int volume_key(struct mount_words *w, const char *key, const char *value, struct error *err)
{
	struct host_mount *m = &w->m;

	if (strcmp(key, "volume-nocopy") == 0) {
		if (parse_bool(key, value, &m->no_copy, err) < 0)
			return -1;
	} else if (strcmp(key, "volume-label") == 0) {
		if (*value)
			strv_take(&m->labels,
				  strchr(value, '=') ? xstrdup(value) : str_format("%s=", value));
	} else if (strcmp(key, "volume-subpath") == 0) {
		return error_set(err, EINVAL,
				 "volume-subpath is not supported: mount the whole volume");
	} else if (strcmp(key, "volume-driver") == 0) {
		if (*value && strcmp(value, "local") != 0)
			return error_set(
				err, EINVAL,
				"error looking up volume plugin %s: plugin \"%s\" not found", value,
				value);
	} else if (strcmp(key, "volume-opt") == 0) {
		return error_set(
			err, EINVAL,
			"volume-opt is not supported: the local driver has no options here");
	} else {
		return 0;
	}
	w->volume_options = true;
	return 1;
}

static int tmpfs_key(struct mount_words *w, const char *key, const char *value, struct error *err)
{
	char *end;

	if (strcmp(key, "tmpfs-size") == 0) {
		if (human_parse_size(value, &w->m.tmpfs_size) < 0)
			return error_set(err, EINVAL, "invalid value for %s: %s", key, value);
	} else if (strcmp(key, "tmpfs-mode") == 0) {
		unsigned long mode = strtoul(value, &end, 8);

		if (!*value || *value == '-' || *value == '+' || *end || mode > 07777)
			return error_set(err, EINVAL, "invalid value for %s: %s", key, value);
		w->m.tmpfs_mode = (uint32_t)mode;
	} else {
		return 0;
	}
	w->tmpfs_options = true;
	return 1;
}

static int common_key(struct mount_words *w, const char *key, const char *value, struct error *err)
{
	if (strcmp(key, "type") == 0) {
		w->type = value;
	} else if (strcmp(key, "source") == 0 || strcmp(key, "src") == 0) {
		free(w->m.source);
		w->m.source = xstrdup(value);
	} else if (strcmp(key, "target") == 0 || strcmp(key, "dst") == 0 ||
		   strcmp(key, "destination") == 0) {
		free(w->m.target);
		w->m.target = xstrdup(value);
	} else if (strcmp(key, "readonly") == 0 || strcmp(key, "ro") == 0) {
		if (parse_bool(key, value, &w->m.readonly, err) < 0)
			return -1;
	} else if (strcmp(key, "consistency") != 0) {
		return 0;
	}
	return 1;
}

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static int mount_field(struct mount_words *w, char *field, struct error *err)
{
	static const char alone[] = "readonly,ro,volume-nocopy,bind-nonrecursive";
	char *shown autofree = xstrdup(field);
	char *equals = strchr(field, '=');
	const char *value = equals ? equals + 1 : "true";
	int r;

	if (equals)
		*equals = '\0';
	lower(field);
	if (equals && (strcmp(field, "type") == 0 || strcmp(field, "bind-propagation") == 0))
		lower(equals + 1);
	if (!equals) {
		if (!*field || strchr(field, ',') || !str_in_list(field, alone))
			return error_set(err, EINVAL, "invalid field '%s' must be a key=value pair",
					 shown);
	}
	r = common_key(w, field, value, err);
	if (r == 0)
		r = bind_key(w, field, value, err);
	if (r == 0)
		r = volume_key(w, field, value, err);
	if (r == 0)
		r = tmpfs_key(w, field, value, err);
	if (r == 0)
		return error_set(err, EINVAL, "unexpected key '%s' in '%s'", field, shown);
	return r < 0 ? -1 : 0;
}

/* What the client checks. */
static int check_words(const struct mount_words *w, struct error *err)
{
	const struct host_mount *m = &w->m;
	const char *type = w->type ? w->type : "volume";

	if (!*type)
		return error_set(err, EINVAL, "type is required");
	if (w->volume_options && strcmp(type, "volume") != 0)
		return error_set(err, EINVAL, "cannot mix 'volume-*' options with mount type '%s'",
				 type);
	if (w->bind_options && strcmp(type, "bind") != 0)
		return error_set(err, EINVAL, "cannot mix 'bind-*' options with mount type '%s'",
				 type);
	if (w->tmpfs_options && strcmp(type, "tmpfs") != 0)
		return error_set(err, EINVAL, "cannot mix 'tmpfs-*' options with mount type '%s'",
				 type);
	if (m->readonly_non_recursive && !m->readonly)
		return error_set(err, EINVAL,
				 "option 'bind-recursive=writable' requires 'readonly' to be "
				 "specified in conjunction");
	if (m->readonly_force_recursive && !m->readonly)
		return error_set(err, EINVAL,
				 "option 'bind-recursive=readonly' requires 'readonly' to be "
				 "specified in conjunction");
	if (m->readonly_force_recursive && m->propagation != (MS_PRIVATE | MS_REC))
		return error_set(err, EINVAL,
				 "option 'bind-recursive=readonly' requires "
				 "'bind-propagation=rprivate' to be specified in conjunction");
	return 0;
}

static int finish_bind(struct host_mount *m, struct error *err)
{
	char *path = m->source ? host_path(m->source) : NULL;
	struct stat st;

	if (!m->source || !*m->source)
		return error_set(err, EINVAL, "field Source must not be empty");
	if (!path)
		return error_set(err, EINVAL,
				 "invalid mount path: '%s' mount path must be absolute", m->source);
	free(m->source);
	m->source = path;
	if (stat(path, &st) < 0)
		return error_set(err, EINVAL, "bind source path does not exist: %s", path);
	return 0;
}

static int finish_volume(struct host_mount *m, struct error *err)
{
	if (m->source && *m->source)
		return volume_check_name(m->source, err);
	m->anonymous = true;
	free(m->source);
	m->source = NULL;
	if (m->readonly)
		return error_set(err, EINVAL,
				 "must not set ReadOnly mode when using anonymous volumes");
	return 0;
}

/* What the engine checks. */
static int finish_mount(struct mount_words *w, struct error *err)
{
	struct host_mount *m = &w->m;
	char *target = host_mounts_target(m->target ? m->target : "", err);

	free(m->target);
	m->target = target;
	if (!target)
		return -1;
	if (!w->type || strcmp(w->type, "volume") == 0) {
		m->type = HOST_MOUNT_VOLUME;
		return finish_volume(m, err);
	}
	if (strcmp(w->type, "bind") == 0) {
		m->type = HOST_MOUNT_BIND;
		return finish_bind(m, err);
	}
	if (strcmp(w->type, "tmpfs") == 0) {
		m->type = HOST_MOUNT_TMPFS;
		if (m->source && *m->source)
			return error_set(err, EINVAL, "field Source must not be specified");
		return 0;
	}
	return error_set(err, EINVAL, "mount type unknown");
}

int host_mounts_parse_mount(const char *word, struct host_config *h, struct error *err)
{
	struct strv fields autostrv = STRV_INIT;
	struct mount_words w = { .m = { .by_mount = true } };
	int r = parse_csv(word, &fields, err);

	for (size_t i = 0; r == 0 && i < fields.len; i++)
		r = mount_field(&w, fields.items[i], err);
	if (r == 0)
		r = check_words(&w, err);
	if (r < 0) {
		host_mount_clear(&w.m);
		return error_prefix(err, "invalid argument \"%s\" for \"--mount\" flag", word);
	}
	if (finish_mount(&w, err) < 0) {
		host_mount_clear(&w.m);
		return error_prefix(err, "invalid mount config for type \"%s\"",
				    w.type ? w.type : "volume");
	}
	return host_mounts_add(h, &w.m, err);
}
