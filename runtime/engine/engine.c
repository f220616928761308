/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an image says and what a person asked for, merged. */
#include "runtime/engine/engine_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "lib/signals.h"
#include "runtime/engine/host_mounts.h"

void engine_request_free(struct engine_request *r)
{
	struct strv *const lists[] = {
		&r->env,          &r->env_files,    &r->labels,     &r->label_files,
		&r->expose,       &r->annotations,  &r->attach,     &r->cap_add,
		&r->cap_drop,     &r->group_add,    &r->security,   &r->devices,
		&r->device_rules, &r->dns,          &r->dns_search, &r->dns_options,
		&r->extra_hosts,  &r->volumes,      &r->mounts,     &r->tmpfs,
		&r->volumes_from, &r->storage_opts, &r->ulimits,    &r->sysctls,
		&r->log_opts,     &r->publish,      &r->links,      &r->network_aliases,
		&r->link_local,
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		strv_free(lists[i]);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++)
		strv_free(&r->blocks[kind]);
}

int flag_error(struct error *err, const char *value, const char *flag, const char *fmt, ...)
{
	struct strbuf why autostrbuf = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&why, fmt, ap);
	va_end(ap);
	return error_set(err, EINVAL, "invalid argument \"%s\" for \"%s\" flag: %s", value, flag,
			 why.data);
}

/* A name of labels of letters, digits, underscores and inner hyphens, as long as the kernel takes: RFC 1123, and the
 * underscore that many give to containers. */
static bool hostname_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 64)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool first = i == 0 || name[i - 1] == '.';
		bool last = i + 1 == len || name[i + 1] == '.';
		char c = name[i];

		if (c == '.'   ? first || last
		    : c == '-' ? first || last
			       : !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				   (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

static void replace(char **where, const char *text)
{
	free(*where);
	*where = text ? xstrdup(text) : NULL;
}

static int merge_command(const struct engine_request *request, struct image_config *run,
			 struct error *err)
{
	if (request->entrypoint) {
		strv_free(&run->entrypoint);
		strv_free(&run->cmd);
		if (*request->entrypoint)
			strv_add(&run->entrypoint, request->entrypoint);
	}
	if (request->args && request->args[0]) {
		strv_free(&run->cmd);
		for (char **arg = request->args; *arg; arg++)
			strv_add(&run->cmd, *arg);
	}
	if (!run->entrypoint.len && !run->cmd.len)
		return error_set(
			err, EINVAL,
			"No command specified: image \"%s\" has none, so give one behind it",
			request->image);
	return 0;
}

static int check(const struct engine_request *r, struct error *err)
{
	static const char streams[] = "stdin,stdout,stderr";

	if (r->working_dir && r->working_dir[0] != '/')
		return error_set(
			err, EINVAL,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			r->working_dir);
	if (r->hostname && strlen(r->hostname) > 64)
		return error_set(err, EINVAL, "hostname \"%s\" is too long (maximum 64 bytes)",
				 r->hostname);
	if (r->hostname && !hostname_valid(r->hostname))
		return error_set(err, EINVAL, "invalid hostname \"%s\"", r->hostname);
	if (r->stop_signal && signal_parse(r->stop_signal) < 0)
		return error_set(err, EINVAL, "invalid signal: %s", r->stop_signal);
	for (size_t i = 0; i < r->attach.len; i++) {
		autofree char *stream = xstrdup(r->attach.items[i]);

		for (char *p = stream; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
		if (!str_in_list(stream, streams))
			return flag_error(err, r->attach.items[i], "-a, --attach",
					  "valid streams are STDIN, STDOUT and STDERR");
	}
	return 0;
}

static int merge_environment(const struct engine_request *r, struct image_config *run,
			     struct error *err)
{
	for (size_t i = 0; i < r->env_files.len; i++)
		if (engine_env_file(&run->env, r->env_files.items[i], err) < 0)
			return error_prefix(err, "--env-file");
	for (size_t i = 0; i < r->env.len; i++)
		if (engine_env(&run->env, r->env.items[i], err) < 0)
			return flag_error(err, r->env.items[i], "-e, --env", "%s", err->message);
	for (size_t i = 0; i < r->label_files.len; i++)
		if (engine_label_file(&run->labels, r->label_files.items[i], err) < 0)
			return error_prefix(err, "--label-file");
	for (size_t i = 0; i < r->labels.len; i++)
		if (engine_label(&run->labels, r->labels.items[i], err) < 0)
			return flag_error(err, r->labels.items[i], "-l, --label", "%s",
					  err->message);
	return 0;
}

/* "80", "80-82/udp" */
static int expose(const char *word, struct strv *ports, struct error *err)
{
	size_t len = strcspn(word, "/");
	const char *protocol = word[len] ? word + len + 1 : "tcp";
	autofree char *range = xstrndup(word, len);
	char *last = strchr(range, '-');
	unsigned long long from, to;

	if (last)
		*last++ = '\0';
	if (str_to_u64(range, 65535, &from) < 0 ||
	    str_to_u64(last ? last : range, 65535, &to) < 0 || from > to || !from ||
	    !str_in_list(protocol, "tcp,udp,sctp"))
		return error_set(err, EINVAL,
				 "invalid range format for --expose: invalid port range '%s'",
				 word);
	for (; from <= to; from++) {
		autofree char *port = str_format("%llu/%s", from, protocol);

		if (!strv_contains(ports, port))
			strv_add(ports, port);
	}
	return 0;
}

static int merge_mounts(const struct engine_request *r, struct container_config *config,
			struct error *err)
{
	struct host_config *h = &config->host;
	int64_t size = 0;

	for (size_t i = 0; i < r->volumes.len; i++)
		if (host_mounts_parse_volume(r->volumes.items[i], h, err) < 0)
			return -1;
	for (size_t i = 0; i < h->n_mounts; i++)
		if (h->mounts[i].anonymous &&
		    !strv_contains(&config->run.volumes, h->mounts[i].target))
			strv_add(&config->run.volumes, h->mounts[i].target);
	for (size_t i = 0; i < r->mounts.len; i++)
		if (host_mounts_parse_mount(r->mounts.items[i], h, err) < 0)
			return -1;
	for (size_t i = 0; i < r->tmpfs.len; i++)
		if (host_mounts_parse_tmpfs(r->tmpfs.items[i], h, err) < 0)
			return -1;
	if (r->shm_size && human_parse_size(r->shm_size, &size) < 0)
		return flag_error(err, r->shm_size, "--shm-size", "invalid size: '%s'",
				  r->shm_size);
	h->shm_size = size;
	return 0;
}

bool engine_attaches(const struct engine_request *r, const char *stream)
{
	for (size_t i = 0; i < r->attach.len; i++)
		if (strcasecmp(r->attach.items[i], stream) == 0)
			return true;
	return false;
}

/* -a names streams; without it they are stdout and stderr. -i is stdin. */
static void merge_streams(const struct engine_request *r, struct container_config *config)
{
	bool usual = !r->attach.len && !r->detach;

	config->tty = r->tty;
	config->open_stdin = r->interactive;
	config->stdin_once = r->interactive && !r->detach;
	config->attach_stdin = !r->detach && (r->interactive || engine_attaches(r, "stdin"));
	config->attach_stdout = usual || engine_attaches(r, "stdout");
	config->attach_stderr = usual || engine_attaches(r, "stderr");
}

int engine_configure(const struct image *image, const struct engine_request *request,
		     struct container_config *config, struct strv *warnings, struct error *err)
{
	struct image_config *run = &config->run;

	if (check(request, err) < 0)
		return -1;
	image_config_copy(run, &image->config);
	/* These two are for building on the image. */
	strv_free(&run->shell);
	strv_free(&run->on_build);
	if (merge_environment(request, run, err) < 0 || merge_command(request, run, err) < 0)
		return -1;
	for (size_t i = 0; i < request->expose.len; i++)
		if (expose(request->expose.items[i], &run->exposed_ports, err) < 0)
			return -1;
	if (request->user)
		replace(&run->user, request->user);
	if (request->working_dir)
		replace(&run->working_dir, request->working_dir);
	if (request->stop_signal)
		replace(&run->stop_signal, request->stop_signal);
	config->image = xstrdup(request->image);
	config->image_id = image->id;
	config->name = request->name ? xstrdup(request->name) : NULL;
	config->hostname = request->hostname ? xstrdup(request->hostname) : NULL;
	config->auto_remove = request->auto_remove;
	config->readonly_rootfs = request->readonly;
	merge_streams(request, config);
	/* Values first, then what does not go together. */
	if (engine_life(request, config, err) < 0 ||
	    engine_names(request, &config->host, err) < 0 ||
	    engine_limits(request, &config->host, warnings, err) < 0 ||
	    engine_modes(request, config, warnings, err) < 0 ||
	    engine_rights(request, config, err) < 0)
		return -1;
	return merge_mounts(request, config, err);
}
