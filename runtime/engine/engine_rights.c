/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flags of `run` that give a container rights or take them: capabilities, groups, security options, devices. */
#include "runtime/engine/engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/seccomp_profile.h"

#define PROFILE_MAX (1U << 20) /* bytes of a seccomp profile; Docker's own has 16 KiB */

/* ---- Devices */

/* Some of r, w and m, each at most once. */
static bool permissions_valid(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!strchr("rwm", *p) || strchr(p + 1, *p))
			return false;
	return *text;
}

/* /dev/x, /dev/x:rw, /dev/x:/dev/y, /dev/x:/dev/y:rw */
static int parse_device(const char *word, struct host_config *h, struct error *err)
{
	autofree char *copy = xstrdup(word);
	char *rest = copy, *parts[4] = { NULL };
	const char *target, *permissions = "rwm";
	struct host_device *d;
	size_t n = 0;

	while (n < 4 && rest)
		parts[n++] = strsep(&rest, ":");
	if (rest || n > 3 || !parts[0] || !*parts[0])
		return error_set(err, EINVAL, "bad format for path: %s", word);
	target = parts[0];
	if (n == 2 && permissions_valid(parts[1]))
		permissions = parts[1];
	else if (n >= 2)
		target = parts[1];
	if (n == 3 && !permissions_valid(parts[2]))
		return error_set(err, EINVAL, "bad mode specified: %s", parts[2]);
	if (n == 3)
		permissions = parts[2];
	if (*target != '/')
		return error_set(err, EINVAL, "%s is not an absolute path", target);
	if (*parts[0] != '/')
		return error_set(err, EINVAL, "%s is not an absolute path", parts[0]);
	d = host_config_add_device(h);
	d->source = xstrdup(parts[0]);
	d->target = xstrdup(target);
	d->permissions = xstrdup(permissions);
	return 0;
}

/* A number or "*" in *out, up to the character stop, which is stepped over. */
static int rule_number(const char **text, char stop, int64_t *out)
{
	size_t len = strspn(*text, "0123456789");
	autofree char *digits = xstrndup(*text, len);
	unsigned long long number;

	if (!len && **text == '*') {
		*out = -1;
		len = 1;
	} else if (str_to_u64(digits, UINT32_MAX, &number) == 0) {
		*out = (int64_t)number;
	} else {
		return -1;
	}
	if ((*text)[len] != stop)
		return -1;
	*text += len + 1;
	return 0;
}

int engine_device_rule(const char *text, struct resource_device *rule, struct error *err)
{
	const char *p = text;
	size_t len;

	*rule = (struct resource_device){ .allow = true };
	if (strchr("acb", *p) && *p && p[1] == ' ') {
		rule->type = *p;
		p += 2;
		if (rule_number(&p, ':', &rule->major) == 0 &&
		    rule_number(&p, ' ', &rule->minor) == 0) {
			len = strspn(p, "rwm");
			rule->read = strchr(p, 'r');
			rule->write = strchr(p, 'w');
			rule->mknod = strchr(p, 'm');
			if (len >= 1 && len <= 3 && !p[len])
				return 0;
		}
	}
	return flag_error(err, text, "--device-cgroup-rule", "invalid device cgroup format '%s'",
			  text);
}

static int devices(const struct engine_request *r, struct host_config *h, struct error *err)
{
	struct resource_device rule;

	for (size_t i = 0; i < r->device_rules.len; i++)
		if (engine_device_rule(r->device_rules.items[i], &rule, err) < 0)
			return -1;
	strv_extend(&h->device_rules, &r->device_rules);
	for (size_t i = 0; i < r->devices.len; i++)
		if (parse_device(r->devices.items[i], h, err) < 0)
			return -1;
	return 0;
}

/* ---- Security options */

/* A profile's text in one line, or a name of ours. */
static int seccomp_option(const char *value, struct host_config *h, struct error *err)
{
	struct error why = ERROR_INIT;
	autofree char *text = NULL, *compact = NULL;
	autojson yyjson_doc *doc = NULL;
	size_t len;

	if (strcmp(value, "unconfined") == 0 || strcmp(value, "builtin") == 0) {
		strv_addf(&h->security_opt, "seccomp=%s", value);
		return 0;
	}
	text = fs_read_file(AT_FDCWD, value, PROFILE_MAX, &len, &why);
	if (!text)
		return error_set(err, why.code, "opening seccomp profile (%s) failed: %s", value,
				 why.message);
	doc = json_parse(text, len, value, &why);
	if (!doc)
		return error_set(err, EINVAL, "compacting json for seccomp profile (%s) failed: %s",
				 value, why.message);
	compact = yyjson_write(doc, YYJSON_WRITE_NOFLAG, &len);
	strv_addf(&h->security_opt, "seccomp=%s", compact ? compact : text);
	return 0;
}

static int boolean(const char *text, bool *out)
{
	if (*text && str_in_list(text, "1,t,T,true,TRUE,True"))
		*out = true;
	else if (*text && str_in_list(text, "0,f,F,false,FALSE,False"))
		*out = false;
	else
		return -1;
	return 0;
}

static int security_option(const char *word, struct container_config *config, struct error *err)
{
	const char *separator = strchr(word, '=') ? strchr(word, '=') : strchr(word, ':');
	autofree char *key = xstrndup(word, separator ? (size_t)(separator - word) : strlen(word));
	const char *value = separator ? separator + 1 : "";
	struct host_config *h = &config->host;

	if (strcmp(key, "no-new-privileges") == 0) {
		config->no_new_privileges = true;
		if (separator && boolean(value, &config->no_new_privileges) < 0)
			return error_set(err, EINVAL, "invalid --security-opt 2: \"%s\"", word);
		strv_add(&h->security_opt, word);
		return 0;
	}
	if (!*value)
		return error_set(err, EINVAL, "invalid --security-opt: \"%s\"", word);
	if (strcmp(key, "seccomp") == 0)
		return seccomp_option(value, h, err);
	if (strcmp(word, "systempaths=unconfined") == 0) {
		h->unmasked = true;
		return 0;
	}
	/* For modules that this kernel does not have, as Docker on such a kernel: kept to be shown. */
	if (strcmp(key, "apparmor") != 0 && strcmp(key, "label") != 0)
		return error_set(err, EINVAL, "invalid --security-opt 2: \"%s\"", word);
	strv_add(&h->security_opt, word);
	return 0;
}

static bool has_label(const struct strv *options)
{
	for (size_t i = 0; i < options->len; i++)
		if (str_starts(options->items[i], "label"))
			return true;
	return false;
}

/* By their whole names: "net_admin" is CAP_NET_ADMIN. */
static void add_capabilities(const struct strv *typed, struct strv *to)
{
	for (size_t i = 0; i < typed->len; i++) {
		const char *name = capability_name(capability_from_name(typed->items[i]));

		strv_add(to, name ? name : "ALL");
	}
}

int engine_rights(const struct engine_request *r, struct container_config *config,
		  struct error *err)
{
	struct host_config *h = &config->host;
	uint64_t capabilities;
	const char *profile;

	h->privileged = r->privileged;
	strv_extend(&h->group_add, &r->group_add);
	if (capability_apply_flags(CAPABILITY_DOCKER_DEFAULT, &r->cap_add, &r->cap_drop,
				   &capabilities, err) < 0)
		return -1;
	add_capabilities(&r->cap_add, &h->cap_add);
	add_capabilities(&r->cap_drop, &h->cap_drop);
	for (size_t i = 0; i < r->security.len; i++)
		if (security_option(r->security.items[i], config, err) < 0)
			return -1;
	if ((r->privileged || engine_mode_is(r->ipc, "host") || engine_mode_is(r->pid, "host")) &&
	    !has_label(&h->security_opt))
		strv_add(&h->security_opt, "label=disable");
	profile = host_config_seccomp(h);
	config->seccomp_unconfined = profile && strcmp(profile, "unconfined") == 0;
	/* A profile that makes no sense is told of now, not at the first start. */
	if (profile && !config->seccomp_unconfined && strcmp(profile, "builtin") != 0 &&
	    seccomp_profile_check(profile, strlen(profile), capabilities, err) < 0)
		return error_prefix(err, "--security-opt seccomp");
	return devices(r, h, err);
}
