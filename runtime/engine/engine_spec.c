/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a container was asked to be to the spec that the sandbox makes real. */
#include "runtime/engine/engine_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/sandbox/user.h"
#include "runtime/spec/capability.h"
#include "runtime/spec/kernel.h"
#include "runtime/spec/seccomp.h"
#include "runtime/spec/seccomp_profile.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *engine_hostname(const struct container_config *config, char buf[HOSTNAME_ROOM])
{
	if (config->hostname)
		return config->hostname;
	if (engine_mode_is(config->host.uts_mode, "host") && gethostname(buf, HOSTNAME_ROOM) == 0) {
		buf[HOSTNAME_ROOM - 1] = '\0';
		return buf;
	}
	memcpy(buf, config->id, 12);
	buf[12] = '\0';
	return buf;
}

/* ---- Processes */

static int custom_filter(const char *profile, uint64_t capabilities, struct spec_process *process,
			 struct error *err)
{
	if (seccomp_profile_compile(profile, strlen(profile), capabilities,
				    &process->custom_seccomp, err) < 0)
		return -1;
	/* Docker has nobody to give it to either: that is for those who call knarr-oci. */
	if (process->custom_seccomp && process->custom_seccomp->listener_path)
		return error_set(err, EINVAL,
				 "seccomp profile: a listenerPath is for knarr-oci, not for run");
	return 0;
}

/* The filter goes by the container's capabilities, whatever an exec --privileged has. */
static int confine(const struct container_config *config, uint64_t capabilities,
		   struct spec_process *process, struct error *err)
{
	const struct host_config *h = &config->host;
	const char *profile = host_config_seccomp(h);
	bool ours = !profile || strcmp(profile, "builtin") == 0;

	process->seccomp = NULL;
	if (config->seccomp_unconfined)
		return 0;
	if (ours)
		process->seccomp = h->privileged ? NULL : seccomp_default_for(capabilities);
	else
		return custom_filter(profile, capabilities, process, err);
	return 0;
}

static int rights(const struct container_config *config, bool privileged,
		  struct spec_process *process, struct error *err)
{
	const struct host_config *h = &config->host;
	uint64_t set = capability_all();

	spec_process_docker_defaults(process);
	if (!h->privileged && capability_apply_flags(CAPABILITY_DOCKER_DEFAULT, &h->cap_add,
						     &h->cap_drop, &set, err) < 0)
		return -1;
	if (confine(config, set, process, err) < 0)
		return -1;
	if (privileged)
		set = capability_all();
	process->capabilities =
		(struct spec_capabilities){ .bounding = set, .effective = set, .permitted = set };
	return 0;
}

int engine_process(const struct container_config *config, bool tty, bool privileged,
		   struct spec_process *process, struct error *err)
{
	const struct image_config *run = &config->run;
	const struct host_config *h = &config->host;
	char buf[HOSTNAME_ROOM];

	if (rights(config, privileged, process, err) < 0)
		return -1;
	strv_add(&process->env, DEFAULT_PATH);
	strv_addf(&process->env, "HOSTNAME=%s", engine_hostname(config, buf));
	if (tty)
		strv_add(&process->env, "TERM=xterm");
	for (size_t i = 0; i < run->env.len; i++)
		if (strchr(run->env.items[i], '='))
			strv_env_set(&process->env, run->env.items[i]);
	process->terminal = tty;
	process->no_new_privileges = config->no_new_privileges;
	process->has_oom_score_adj = h->has_oom_score_adj;
	process->oom_score_adj = h->oom_score_adj;
	if (h->n_ulimits) {
		process->rlimits = xcalloc(h->n_ulimits, sizeof(*process->rlimits));
		memcpy(process->rlimits, h->ulimits, h->n_ulimits * sizeof(*process->rlimits));
		process->n_rlimits = h->n_ulimits;
	}
	return 0;
}

/* An image may give a relative one: it is meant from the root. */
static char *absolute(const char *dir)
{
	return !dir || !*dir ? xstrdup("/") : str_format("%s%s", *dir == '/' ? "" : "/", dir);
}

int engine_exec_process(const struct container *c, const struct engine_exec *request,
			struct spec_process *process, struct error *err)
{
	if (engine_process(&c->config, request->tty, request->privileged, process, err) < 0)
		return -1;
	for (size_t i = 0; i < request->env.len; i++)
		if (engine_env(&process->env, request->env.items[i], err) < 0)
			return -1;
	for (char **arg = request->args; *arg; arg++)
		strv_add(&process->args, *arg);
	if (request->working_dir && request->working_dir[0] != '/')
		return error_set(err, EINVAL, "Cwd must be an absolute path");
	process->cwd =
		absolute(request->working_dir ? request->working_dir : c->config.run.working_dir);
	return 0;
}

/* ---- Limits */

static int add_blocks(const struct host_blocks *from, struct resource_blocks *to, struct error *err)
{
	for (size_t i = 0; i < from->n; i++) {
		struct stat st;

		if (stat(from->items[i].path, &st) < 0)
			return error_errno(err, "%s", from->items[i].path);
		if (!S_ISBLK(st.st_mode))
			return error_set(err, ENOTBLK, "%s: not a block device",
					 from->items[i].path);
		resources_add_block(to, major(st.st_rdev), minor(st.st_rdev), from->items[i].value);
	}
	return 0;
}

static int fill_resources(const struct host_config *h, struct resources *r, struct error *err)
{
	struct resource_blocks *const lists[HOST_BLOCK_KINDS] = {
		[HOST_BLOCK_WEIGHT] = &r->weight_devices, [HOST_BLOCK_READ_BPS] = &r->read_bps,
		[HOST_BLOCK_WRITE_BPS] = &r->write_bps,   [HOST_BLOCK_READ_IOPS] = &r->read_iops,
		[HOST_BLOCK_WRITE_IOPS] = &r->write_iops,
	};

	resources_merge(r, &h->resources);
	for (int kind = 0; kind < HOST_BLOCK_KINDS; kind++)
		if (add_blocks(&h->blocks[kind], lists[kind], err) < 0)
			return -1;
	return 0;
}

/* ---- Mounts that depend on flags */

static struct spec_mount *find_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, destination) == 0)
			return &spec->mounts[i];
	return NULL;
}

static void adjust_mounts(const struct container_config *config, struct spec *spec)
{
	static const char *const kernels[] = { "/sys", "/sys/fs/cgroup" };
	const struct host_config *h = &config->host;
	struct spec_mount *shm = find_mount(spec, "/dev/shm");

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct spec_mount *m = find_mount(spec, kernels[i]);

		if (m && h->privileged)
			m->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	}
	if (h->privileged || h->unmasked) {
		strv_free(&spec->masked_paths);
		strv_free(&spec->readonly_paths);
	}
	if (shm && h->shm_size) {
		strv_free(&shm->options);
		strv_add(&shm->options, "mode=1777");
		strv_addf(&shm->options, "size=%lld", (long long)h->shm_size);
	}
}

int engine_spec(const struct store *st, const struct container *c, struct spec *spec,
		struct error *err)
{
	const struct container_config *config = &c->config;
	const struct host_config *h = &config->host;
	char buf[HOSTNAME_ROOM];

	if (engine_writable_layer(st, c, &spec->root, err) < 0)
		return -1;
	spec_docker_defaults(spec, engine_mode_is(config->network, "none"));
	if (engine_process(config, config->tty, h->privileged, &spec->process, err) < 0 ||
	    fill_resources(h, &spec->resources, err) < 0 || engine_devices(h, spec, err) < 0)
		return -1;
	config_command(config, &spec->process.args);
	spec->process.cwd = absolute(config->run.working_dir);
	spec->hostname = xstrdup(engine_hostname(config, buf));
	spec->domainname = h->domainname ? xstrdup(h->domainname) : NULL;
	spec->cgroup = container_cgroup(config, err);
	if (!spec->cgroup)
		return -1;
	spec->root.readonly = config->readonly_rootfs;
	spec->init = h->init && !h->pid_mode;
	strv_extend(&spec->annotations, &h->annotations);
	adjust_mounts(config, spec);
	engine_namespaces(config, spec);
	if (engine_files(st, c, spec, err) < 0)
		return -1;
	return host_mounts_to_spec(st, config, spec, err);
}

/* Who the process is can be told only now that the image's /etc/passwd is at hand. */
static int complete_user(const struct container_config *config, int root_fd,
			 struct spec_process *process, struct error *err)
{
	autofree char *home = NULL;

	if (user_resolve(root_fd, config->run.user, process, &home, err) < 0 ||
	    user_add_groups(root_fd, &config->host.group_add, process, err) < 0)
		return -1;
	if (home && !strv_env_get(&process->env, "HOME"))
		strv_addf(&process->env, "HOME=%s", home);
	return 0;
}

int engine_complete(const struct store *st, const struct container *c, int root_fd,
		    struct spec *spec, struct error *err)
{
	if (complete_user(&c->config, root_fd, &spec->process, err) < 0)
		return -1;
	return engine_join(st, &c->config, spec, err);
}
