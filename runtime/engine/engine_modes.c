/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which namespaces a container shares with the machine or with another container, by the words of Docker: read from the
 * flags of `run`, resolved to IDs, joined at each start. */
#include "runtime/engine/engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/engine/view.h"
#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/kernel.h"

static const char prefix[] = "container:";

bool engine_mode_is(const char *mode, const char *name)
{
	return mode && strcmp(mode, name) == 0;
}

const char *engine_joined(const char *mode)
{
	return mode && str_starts(mode, prefix) ? mode + strlen(prefix) : NULL;
}

/* ---- Flags */

static bool valid(const char *mode, const char *known)
{
	const char *other = engine_joined(mode);

	if (!mode || !*mode)
		return true;
	return other ? *other && str_in_list(prefix, known) : str_in_list(mode, known);
}

static int set_mode(const char *mode, const char *known, char **to, const char *message,
		    struct error *err)
{
	if (!valid(mode, known))
		return error_set(err, EINVAL, "%s%s", message, str_ends(message, ": ") ? mode : "");
	if (mode && *mode)
		*to = xstrdup(mode);
	return 0;
}

static int network_mode(const struct engine_request *r, struct container_config *config,
			struct strv *warnings, struct error *err)
{
	const char *mode = r->network && *r->network ? r->network : "host";
	const char *other = engine_joined(mode);
	bool ports = r->publish.len || r->publish_all;

	if (other ? !*other : strcmp(mode, "container") == 0)
		return error_set(
			err, EINVAL,
			"invalid network mode: invalid container format container:<name|id>");
	if (!other && !config_network_valid(mode))
		return error_set(err, EINVAL,
				 "network \"%s\" not found; there are \"host\", \"none\" and "
				 "\"container:<name|id>\"",
				 mode);
	if (r->links.len && other)
		return error_set(
			err, EINVAL,
			"conflicting options: container type network can't be used with links. "
			"This would result in undefined behavior");
	if (r->links.len)
		return error_set(
			err, EINVAL,
			"conflicting options: host type networking can't be used with links. This "
			"would result in undefined behavior");
	if (r->network_aliases.len)
		return error_set(
			err, EINVAL,
			"network-scoped aliases are only supported for user-defined networks");
	if (r->ip || r->ip6 || r->link_local.len)
		return error_set(err, EINVAL,
				 "user specified IP address is supported on user defined networks "
				 "only");
	if (r->mac)
		return error_set(err, EINVAL,
				 "conflicting options: mac-address and the network mode");
	if (other && r->hostname)
		return error_set(err, EINVAL, "conflicting options: hostname and the network mode");
	if (other && r->dns.len)
		return error_set(err, EINVAL, "conflicting options: dns and the network mode");
	if (other && r->extra_hosts.len)
		return error_set(
			err, EINVAL,
			"conflicting options: custom host-to-IP mapping and the network mode");
	if (other && ports)
		return error_set(
			err, EINVAL,
			"conflicting options: port publishing and the container type network mode");
	if (other && r->expose.len)
		return error_set(
			err, EINVAL,
			"conflicting options: port exposing and the container type network mode");
	if (ports && !(r->network && strcmp(mode, "host") == 0))
		return error_set(err, EINVAL,
				 "ports cannot be published: a container has no network of its own "
				 "yet; with --network host its ports are the machine's");
	if (r->publish.len)
		strv_add(warnings,
			 "WARNING: Published ports are discarded when using host network mode");
	config->network = xstrdup(mode);
	return 0;
}

/* In the machine's own namespaces they would be the machine's. */
static int check_sysctls(const struct engine_request *r, const struct container_config *config,
			 struct error *err)
{
	for (size_t i = 0; i < r->sysctls.len; i++) {
		const char *word = r->sysctls.items[i];
		int len = (int)strcspn(word, "=");
		bool net = str_starts(word, "net.");

		if (net && engine_mode_is(config->network, "host"))
			return error_set(err, EINVAL,
					 "sysctl \"%.*s\" not allowed in host network namespace%s",
					 len, word, r->network ? "" : "; see --network none");
		if (!net && engine_mode_is(config->host.ipc_mode, "host"))
			return error_set(
				err, EINVAL,
				"sysctl \"%.*s\" is not allowed in the hosts ipc namespace", len,
				word);
	}
	return 0;
}

int engine_modes(const struct engine_request *r, struct container_config *config,
		 struct strv *warnings, struct error *err)
{
	struct host_config *h = &config->host;

	if (set_mode(r->pid, "host,container:", &h->pid_mode, "--pid: invalid PID mode", err) < 0 ||
	    set_mode(r->uts, "host", &h->uts_mode, "--uts: invalid UTS mode", err) < 0 ||
	    set_mode(r->userns, "host,auto", &h->userns_mode, "--userns: invalid USER mode", err) <
		    0 ||
	    set_mode(r->cgroupns, "host,private", &h->cgroupns_mode,
		     "--cgroupns: invalid CGROUP mode", err) < 0 ||
	    set_mode(r->ipc, "host,none,private,shareable,container:", &h->ipc_mode,
		     "invalid IPC mode: ", err) < 0 ||
	    network_mode(r, config, warnings, err) < 0)
		return -1;
	if (check_sysctls(r, config, err) < 0)
		return -1;
	if (engine_mode_is(h->uts_mode, "host") && r->hostname)
		return error_set(err, EINVAL, "conflicting options: hostname and the UTS mode");
	if (engine_mode_is(h->userns_mode, "auto") && r->privileged)
		return error_set(
			err, EINVAL,
			"privileged mode is incompatible with user namespaces.  You must run the "
			"container in the host namespace when running privileged mode");
	if (engine_mode_is(h->userns_mode, "auto") && engine_mode_is(h->pid_mode, "host"))
		return error_set(
			err, EINVAL,
			"cannot share the host PID namespace when user namespaces are enabled");
	/* Its procfs may be mounted by the root of the user namespace that it belongs to alone. */
	if (engine_mode_is(h->userns_mode, "auto") && engine_joined(h->pid_mode))
		return error_set(
			err, EINVAL,
			"cannot join the PID namespace of another container with --userns auto");
	return 0;
}

/* ---- IDs in the place of names */

/* *hostname, unless NULL, becomes the other's. */
static int resolve(const struct store *st, char **mode, char **hostname, struct error *err)
{
	const char *word = engine_joined(*mode);
	struct container autocontainer c = CONTAINER_INIT;
	char buf[HOSTNAME_ROOM];

	if (!word)
		return 0;
	if (container_open(st, *word == '/' ? word + 1 : word, &c, err) < 0)
		return -1;
	free(*mode);
	*mode = str_format("%s%s", prefix, c.config.id);
	if (hostname)
		*hostname = xstrdup(engine_hostname(&c.config, buf));
	return 0;
}

int engine_resolve(const struct store *st, const struct engine_request *request,
		   struct container_config *config, struct error *err)
{
	struct host_config *h = &config->host;

	if (resolve(st, &h->pid_mode, NULL, err) < 0 || resolve(st, &h->ipc_mode, NULL, err) < 0 ||
	    resolve(st, &config->network, &config->hostname, err) < 0)
		return -1;
	for (size_t i = 0; i < request->volumes_from.len; i++)
		if (host_mounts_volumes_from(st, request->volumes_from.items[i], h, err) < 0)
			return -1;
	return 0;
}

/* ---- In a spec */

static struct spec_mount *add_bind(struct spec *spec, const char *destination, const char *source)
{
	struct spec_mount *m = spec_add_mount(spec);

	m->destination = xstrdup(destination);
	m->type = xstrdup("bind");
	m->source = source ? xstrdup(source) : NULL;
	return m;
}

void engine_namespaces(const struct container_config *config, struct spec *spec)
{
	const struct host_config *h = &config->host;
	const char *other = engine_joined(h->ipc_mode);

	if (h->pid_mode)
		spec->namespaces &= ~(uint64_t)CLONE_NEWPID;
	if (engine_mode_is(h->cgroupns_mode, "host"))
		spec->namespaces &= ~(uint64_t)CLONE_NEWCGROUP;
	if (engine_mode_is(h->uts_mode, "host")) {
		spec->namespaces &= ~(uint64_t)CLONE_NEWUTS;
		free(spec->hostname);
		free(spec->domainname);
		spec->hostname = spec->domainname = NULL;
	}
	if (other || engine_mode_is(h->ipc_mode, "host"))
		spec->namespaces &= ~(uint64_t)CLONE_NEWIPC;
	if (other || engine_mode_is(h->ipc_mode, "host") || engine_mode_is(h->ipc_mode, "none"))
		spec_remove_mount(spec, "/dev/shm");
	if (engine_mode_is(h->ipc_mode, "host"))
		add_bind(spec, "/dev/shm", "/dev/shm");
	/* Rights that are given within a network of one's own anyway, without the capabilities for them. */
	if (spec->namespaces & CLONE_NEWNET) {
		strv_add(&spec->sysctls, "net.ipv4.ip_unprivileged_port_start=0");
		if (!engine_mode_is(h->userns_mode, "auto"))
			strv_add(&spec->sysctls, "net.ipv4.ping_group_range=0 2147483647");
	}
	for (size_t i = 0; i < h->sysctls.len; i++)
		strv_env_set(&spec->sysctls, h->sysctls.items[i]);
}

/* A pidfd of the first process of another container, which must be running. */
static int open_other(const struct store *st, const char *id, bool shareable, struct error *err)
{
	struct container autocontainer c = CONTAINER_INIT;

	if (container_open(st, id, &c, err) < 0)
		return -1;
	if (c.state.status != STATUS_RUNNING)
		return error_set(err, ESRCH, "container %s is not running", id);
	if (c.state.restarting)
		return error_set(err, EBUSY,
				 "Container %s is restarting, wait until the container is running",
				 id);
	if (shareable && !engine_mode_is(c.config.host.ipc_mode, "shareable") &&
	    !engine_mode_is(c.config.host.ipc_mode, "host") &&
	    !engine_joined(c.config.host.ipc_mode))
		return error_set(err, EINVAL,
				 "container %s: non-shareable IPC (hint: use IpcMode:shareable for "
				 "the donor container)",
				 id);
	return container_open_first(st, &c, err);
}

/* What POSIX calls shared memory is files: the other's /dev/shm, unless a mount was asked for there. */
static int share_memory(int pidfd, struct spec *spec, struct error *err)
{
	struct spec_mount *m;

	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, "/dev/shm") == 0 &&
		    !spec->mounts[i].source_detached)
			return 0;

	autoclose int shm = view_clone_mount(pidfd, "/dev/shm", err);
	if (shm < 0)
		return error_prefix(err, "failed to join IPC namespace");
	spec_remove_mount(spec, "/dev/shm");
	m = add_bind(spec, "/dev/shm", NULL);
	m->source_fd = STEAL_FD(shm);
	m->source_detached = true;
	return 0;
}

static int join(const struct store *st, const char *mode, uint64_t type, const char *name,
		struct spec *spec, struct error *err)
{
	const char *id = engine_joined(mode);
	struct spec_join *j;
	int fd;

	if (!id)
		return 0;
	autoclose int pidfd = open_other(st, id, type == CLONE_NEWIPC, err);
	fd = pidfd < 0 ? -1 : sandbox_open_namespace(pidfd, type, err);
	if (fd < 0)
		return error_prefix(err, "failed to join %s namespace", name);
	j = spec_add_join(spec);
	j->type = type;
	j->fd = fd;
	return type == CLONE_NEWIPC ? share_memory(pidfd, spec, err) : 0;
}

void engine_release(struct spec *spec)
{
	spec_free_joins(spec);
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].source_detached) {
			spec_remove_mount(spec, "/dev/shm");
			break;
		}
}

int engine_join(const struct store *st, const struct container_config *config, struct spec *spec,
		struct error *err)
{
	const struct host_config *h = &config->host;

	spec_free_joins(spec);
	if (join(st, config->network, CLONE_NEWNET, "network", spec, err) < 0 ||
	    join(st, h->ipc_mode, CLONE_NEWIPC, "IPC", spec, err) < 0)
		return -1;
	return join(st, h->pid_mode, CLONE_NEWPID, "PID", spec, err);
}
