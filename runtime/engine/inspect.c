/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/inspect_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/human.h"
#include "runtime/container/exec_ids.h"
#include "runtime/container/health_log.h"

/* RFC 3339 without the zeros at its end, as Docker's daemon writes times; none is the year 1. */
static void put_time(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, struct timespec t)
{
	char text[TIME_TEXT_MAX], *end;

	if (!t.tv_sec && !t.tv_nsec) {
		inspect_put(doc, o, key, INSPECT_NO_TIME);
		return;
	}
	time_text(t, text);
	end = text + strlen(text) - 1; /* the Z */
	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	memcpy(end, "Z", 2);
	inspect_put(doc, o, key, text);
}

/* A path below a folder, as this machine sees it. */
static void put_path(yyjson_mut_doc *doc, yyjson_mut_val *o, const char *key, const char *folder,
		     const char *between, const struct container *c, const char *name)
{
	char *path autofree = str_format("%s%s/%s/%s", folder, between, c->config.id, name);

	inspect_put(doc, o, key, path);
}

static void put_command(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	struct strv words autostrv = STRV_INIT;
	yyjson_mut_val *args;

	config_command(&c->config, &words);
	inspect_put(doc, o, "Path", words.len ? words.items[0] : NULL);
	args = yyjson_mut_obj_add_arr(doc, o, "Args");
	for (size_t i = 1; i < words.len; i++)
		yyjson_mut_arr_add_strcpy(doc, args, words.items[i]);
}

static void put_state(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	const struct container_state *s = &c->state;
	yyjson_mut_val *state = yyjson_mut_obj_add_obj(doc, o, "State");
	bool running = s->status == STATUS_RUNNING;

	inspect_put(doc, state, "Status", state_name(s));
	yyjson_mut_obj_add_bool(doc, state, "Running", running);
	yyjson_mut_obj_add_bool(doc, state, "Paused", running && s->paused);
	yyjson_mut_obj_add_bool(doc, state, "Restarting", running && s->restarting);
	yyjson_mut_obj_add_bool(doc, state, "OOMKilled", s->oom_killed);
	yyjson_mut_obj_add_bool(doc, state, "Dead", false);
	yyjson_mut_obj_add_int(doc, state, "Pid", running ? s->pid : 0);
	yyjson_mut_obj_add_int(doc, state, "ExitCode", s->exit_code);
	inspect_put(doc, state, "Error", s->error);
	put_time(doc, state, "StartedAt", s->started);
	put_time(doc, state, "FinishedAt", s->finished);
	health_log_put(doc, state, container_home(c), s);
}

/* ---- The rest */

static void put_network(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct container *c)
{
	static const struct inspect_member settings[] = {
		{ "Bridge", EMPTY },
		{ "SandboxID", EMPTY },
		{ "SandboxKey", EMPTY },
		{ "Ports", MAP },
		{ "HairpinMode", NO },
		{ "LinkLocalIPv6Address", EMPTY },
		{ "LinkLocalIPv6PrefixLen", ZERO },
		{ "SecondaryIPAddresses", NUL },
		{ "SecondaryIPv6Addresses", NUL },
		{ "EndpointID", EMPTY },
		{ "Gateway", EMPTY },
		{ "GlobalIPv6Address", EMPTY },
		{ "GlobalIPv6PrefixLen", ZERO },
		{ "IPAddress", EMPTY },
		{ "IPPrefixLen", ZERO },
		{ "IPv6Gateway", EMPTY },
		{ "MacAddress", EMPTY },
		{ 0 },
	};
	static const struct inspect_member endpoint[] = {
		{ "IPAMConfig", NUL },
		{ "Links", NUL },
		{ "Aliases", NUL },
		{ "MacAddress", EMPTY },
		{ "DriverOpts", NUL },
		{ "GwPriority", ZERO },
		{ "NetworkID", EMPTY },
		{ "EndpointID", EMPTY },
		{ "Gateway", EMPTY },
		{ "IPAddress", EMPTY },
		{ "IPPrefixLen", ZERO },
		{ "IPv6Gateway", EMPTY },
		{ "GlobalIPv6Address", EMPTY },
		{ "GlobalIPv6PrefixLen", ZERO },
		{ "DNSNames", NUL },
		{ 0 },
	};
	yyjson_mut_val *n = yyjson_mut_obj_add_obj(doc, o, "NetworkSettings"), *networks, *one;

	inspect_constants(doc, n, settings);
	networks = yyjson_mut_obj_add_obj(doc, n, "Networks");
	one = yyjson_mut_obj(doc);
	inspect_constants(doc, one, endpoint);
	yyjson_mut_obj_add(networks, yyjson_mut_strcpy(doc, c->config.network), one);
}

static void put_driver(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		       const struct container *c)
{
	yyjson_mut_val *driver = yyjson_mut_obj_add_obj(doc, o, "GraphDriver");
	yyjson_mut_val *data = yyjson_mut_obj_add_obj(doc, driver, "Data");

	put_path(doc, data, "UpperDir", st->root, "/containers", c, "upper");
	put_path(doc, data, "WorkDir", st->root, "/containers", c, "work");
	yyjson_mut_obj_add_str(doc, driver, "Name", INSPECT_DRIVER);
}

int container_sizes(const struct store *st, const struct container *c, uint64_t *own, uint64_t *all,
		    struct error *err)
{
	struct image *img autoimage = NULL;

	if (container_size(st, c->config.id, own, err) < 0)
		return -1;
	*all = *own;
	/* An image that was removed leaves its containers without that sum. */
	img = image_open(st, &c->config.image_id, NULL);
	if (img)
		*all += img->size;
	return 0;
}

static int put_sizes(yyjson_mut_doc *doc, yyjson_mut_val *o, const struct store *st,
		     const struct container *c, struct error *err)
{
	uint64_t own, all;

	if (container_sizes(st, c, &own, &all, err) < 0)
		return -1;
	yyjson_mut_obj_add_uint(doc, o, "SizeRw", own);
	yyjson_mut_obj_add_uint(doc, o, "SizeRootFs", all);
	return 0;
}

/* As typed, else the beginning of the ID. */
static const char *hostname_of(const struct container_config *c, char buf[13])
{
	if (c->hostname)
		return c->hostname;
	memcpy(buf, c->id, 12);
	buf[12] = '\0';
	return buf;
}

/* In the container's own terms: less than none is without end. */
static const int *stop_timeout(const struct host_config *h)
{
	static const int endless = -1;

	if (h->stop_timeout < 0)
		return NULL;
	return h->stop_timeout == INT_MAX ? &endless : &h->stop_timeout;
}

yyjson_mut_val *inspect_container(yyjson_mut_doc *doc, const struct store *st,
				  const struct container *c, bool size, struct error *err)
{
	static const struct inspect_member labels[] = {
		{ "MountLabel", EMPTY },
		{ "ProcessLabel", EMPTY },
		{ "AppArmorProfile", EMPTY },
		{ 0 },
	};
	yyjson_mut_val *o = yyjson_mut_obj(doc);
	char image[DIGEST_TEXT_MAX];
	char *name autofree = str_format("/%s", c->config.name);
	char hostname[13];
	struct strv execs autostrv = STRV_INIT;
	struct inspect_config config = { .config = &c->config.run,
					 .hostname = hostname_of(&c->config, hostname),
					 .image = c->config.image,
					 .domainname = c->config.host.domainname,
					 .attach_stdin = c->config.attach_stdin,
					 .attach_stdout = c->config.attach_stdout,
					 .attach_stderr = c->config.attach_stderr,
					 .container = true,
					 .stop_timeout = stop_timeout(&c->config.host),
					 .tty = c->config.tty,
					 .open_stdin = c->config.open_stdin,
					 .stdin_once = c->config.stdin_once };

	inspect_put(doc, o, "Id", c->config.id);
	put_time(doc, o, "Created", c->config.created);
	put_command(doc, o, c);
	put_state(doc, o, c);
	inspect_put(doc, o, "Image", digest_text(&c->config.image_id, image));
	put_path(doc, o, "ResolvConfPath", st->run, "", c, "resolv.conf");
	put_path(doc, o, "HostnamePath", st->run, "", c, "hostname");
	put_path(doc, o, "HostsPath", st->run, "", c, "hosts");
	put_path(doc, o, "LogPath", st->root, "/containers", c, "log");
	inspect_put(doc, o, "Name", name);
	yyjson_mut_obj_add_uint(doc, o, "RestartCount", c->state.restart_count);
	yyjson_mut_obj_add_str(doc, o, "Driver", INSPECT_DRIVER);
	yyjson_mut_obj_add_str(doc, o, "Platform", "linux");
	inspect_constants(doc, o, labels);
	exec_ids_list(c->run_dirfd, &execs);
	inspect_list(doc, o, "ExecIDs", &execs);
	inspect_host_config(doc, o, c);
	put_driver(doc, o, st, c);
	if (size && put_sizes(doc, o, st, c, err) < 0)
		return NULL;
	inspect_mounts(doc, o, st, &c->config.host);
	yyjson_mut_obj_add_val(doc, o, "Config", inspect_config(doc, &config));
	put_network(doc, o, c);
	return o;
}
