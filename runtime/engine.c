/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/signals.h"
#include "runtime/host_mounts.h"
#include "runtime/sandbox.h"

#define DEFAULT_PATH  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENV_FILE_MAX  (1U << 20) /* bytes */
#define HOST_FILE_MAX (256U << 10)

void engine_request_free(struct engine_request *r)
{
	strv_free(&r->env);
	strv_free(&r->env_files);
	strv_free(&r->security);
}

/* ---- Environments */

static void env_unset(struct strv *env, const char *key)
{
	size_t len = strlen(key), kept = 0;

	for (size_t i = 0; i < env->len; i++) {
		char *item = env->items[i];
		if (strncmp(item, key, len) == 0 && (item[len] == '=' || item[len] == '\0'))
			free(item);
		else
			env->items[kept++] = item;
	}
	env->len = kept;
	if (env->items)
		env->items[kept] = NULL;
}

int engine_env(struct strv *env, const char *value, struct error *err)
{
	const char *equals = strchr(value, '='), *own;

	if (!*value || equals == value)
		return error_set(err, EINVAL,
				 "invalid environment variable: \"%s\" (use KEY=VALUE or KEY)",
				 value);
	if (equals) {
		strv_env_set(env, value);
		return 0;
	}
	env_unset(env, value);
	own = getenv(value);
	if (own)
		strv_addf(env, "%s=%s", value, own);
	return 0;
}

int engine_env_file(struct strv *env, const char *path, struct error *err)
{
	size_t size;
	autofree char *text = fs_read_file(AT_FDCWD, path, ENV_FILE_MAX, &size, err);
	char *rest = text, *line;
	unsigned number = 0;

	if (!text)
		return -1;
	if (strlen(text) != size)
		return error_set(err, EINVAL, "%s: not a text file", path);
	if (str_starts(rest, "\xef\xbb\xbf"))
		rest += 3; /* the byte order mark of an editor */
	while ((line = strsep(&rest, "\n"))) {
		size_t len = strlen(line), key;

		number++;
		if (len && line[len - 1] == '\r')
			line[--len] = '\0';
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		key = strcspn(line, "=");
		if (strcspn(line, " \t") < key)
			return error_set(
				err, EINVAL,
				"%s, line %u: a variable's name cannot contain white space", path,
				number);
		if (engine_env(env, line, err) < 0)
			return error_prefix(err, "%s, line %u", path, number);
	}
	return 0;
}

/* ---- Merging */

/* A name of labels of letters, digits and inner hyphens (RFC 1123), as long as the kernel takes. */
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
				   (c >= '0' && c <= '9')))
			return false;
	}
	return true;
}

static int security_options(const struct strv *options, struct container_config *config,
			    struct error *err)
{
	for (size_t i = 0; i < options->len; i++) {
		const char *o = options->items[i];

		if (strcmp(o, "no-new-privileges") == 0 ||
		    strcmp(o, "no-new-privileges=true") == 0 ||
		    strcmp(o, "no-new-privileges:true") == 0)
			config->no_new_privileges = true;
		else if (strcmp(o, "no-new-privileges=false") == 0 ||
			 strcmp(o, "no-new-privileges:false") == 0)
			config->no_new_privileges = false;
		else if (strcmp(o, "seccomp=unconfined") == 0 ||
			 strcmp(o, "seccomp:unconfined") == 0)
			config->seccomp_unconfined = true;
		else
			return error_set(
				err, EINVAL,
				"invalid --security-opt \"%s\"; known are no-new-privileges and seccomp=unconfined",
				o);
	}
	return 0;
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
	if (r->working_dir && r->working_dir[0] != '/')
		return error_set(
			err, EINVAL,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			r->working_dir);
	if (r->hostname && !hostname_valid(r->hostname))
		return error_set(err, EINVAL, "invalid hostname \"%s\"", r->hostname);
	if (r->network && !config_network_valid(r->network))
		return error_set(err, EINVAL,
				 "network \"%s\" not found; there are \"host\" and \"none\"",
				 r->network);
	if (r->stop_signal && signal_parse(r->stop_signal) < 0)
		return error_set(err, EINVAL, "invalid signal: %s", r->stop_signal);
	return 0;
}

int engine_configure(const struct image *image, const struct engine_request *request,
		     struct container_config *config, struct error *err)
{
	struct image_config *run = &config->run;

	if (check(request, err) < 0 || security_options(&request->security, config, err) < 0)
		return -1;
	image_config_copy(run, &image->config);
	/* These two are for building on the image. */
	strv_free(&run->shell);
	strv_free(&run->on_build);
	if (merge_command(request, run, err) < 0)
		return -1;
	for (size_t i = 0; i < request->env_files.len; i++)
		if (engine_env_file(&run->env, request->env_files.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < request->env.len; i++)
		if (engine_env(&run->env, request->env.items[i], err) < 0)
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
	config->network = xstrdup(request->network ? request->network : "host");
	config->tty = request->tty;
	config->open_stdin = request->interactive;
	config->stdin_once = request->interactive && !request->detach;
	config->auto_remove = request->auto_remove;
	config->readonly_rootfs = request->readonly;
	return 0;
}

/* ---- The spec */

static void make_skeleton(int run_fd)
{
	static const char *const folders[] = { "skeleton", "skeleton/dev", "skeleton/etc",
					       "skeleton/proc", "skeleton/sys" };
	static const char *const files[] = { "skeleton/etc/hostname", "skeleton/etc/hosts",
					     "skeleton/etc/resolv.conf" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(run_fd, folders[i], 0755) == 0)
			fchmodat(run_fd, folders[i], 0755, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		autoclose int fd = openat(run_fd, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd >= 0)
			fchmod(fd, 0644);
	}
}

void engine_skeleton(const struct store *st, struct strv *lowers)
{
	static const char last[] = "skeleton/etc/resolv.conf";

	if (faccessat(st->run_fd, last, F_OK, 0) < 0)
		make_skeleton(st->run_fd);
	if (faccessat(st->run_fd, last, F_OK, 0) == 0)
		strv_addf(lowers, "%s/skeleton", st->run);
}

int engine_writable_layer(const struct store *st, const struct container *c, struct spec_root *root,
			  struct error *err)
{
	if ((mkdirat(c->dirfd, "upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(c->dirfd, "work", 0700) < 0 && errno != EEXIST))
		return error_errno(err, "cannot make the container's writable layer");
	root->upper = str_format("%s/containers/%s/upper", st->root, c->config.id);
	root->work = str_format("%s/containers/%s/work", st->root, c->config.id);
	return 0;
}

int engine_mount_root(const struct store *st, const struct image *image, struct spec_root *root,
		      struct layer_hold *hold, struct error *err)
{
	if (layer_hold(st, image->diffids, image->n_diffids, hold, err) < 0)
		return -1;
	for (size_t i = hold->n; i-- > 0;)
		strv_add(&root->lowers, hold->paths[i]);
	engine_skeleton(st, &root->lowers);
	return sandbox_mount_root(root, err);
}

/* As typed, else the first twelve digits of the ID. */
static const char *hostname_of(const struct container_config *config, char buf[13])
{
	if (config->hostname)
		return config->hostname;
	memcpy(buf, config->id, 12);
	buf[12] = '\0';
	return buf;
}

/* Files that a container sees as its own, written anew at each start as Docker does. They need not be whole at every
 * moment, so they are written in place. */
static int write_own(const struct container *c, const char *name, const struct strbuf *text,
		     struct error *err)
{
	autoclose int fd = openat(c->run_dirfd, name,
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	/* Whatever our umask: the container's users read them. */
	if (fd < 0 || fchmod(fd, 0644) < 0 ||
	    (text->len && fs_write_all(fd, text->data, text->len) < 0))
		return error_errno(err, "cannot write the container's %s", name);
	return 0;
}

/* A file of the machine's into text; none, or one out of all proportion, is as good as empty. */
static void add_host_file(const char *path, struct strbuf *text)
{
	size_t len;
	autofree char *content = fs_read_file(AT_FDCWD, path, HOST_FILE_MAX, &len, NULL);

	if (!content)
		return;
	strbuf_add(text, content, len);
	if (len && content[len - 1] != '\n')
		strbuf_putc(text, '\n');
}

static int write_files(const struct container *c, const char *hostname, struct error *err)
{
	bool host = strcmp(c->config.network, "host") == 0;
	struct strbuf name autostrbuf = STRBUF_INIT, hosts autostrbuf = STRBUF_INIT,
			   resolv autostrbuf = STRBUF_INIT;

	strbuf_printf(&name, "%s\n", hostname);
	/* On the machine's own network the machine's names hold, and the container's beside them. */
	if (host)
		add_host_file("/etc/hosts", &hosts);
	if (!hosts.len)
		strbuf_puts(&hosts,
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\n"
			    "ff02::2\tip6-allrouters\n");
	strbuf_printf(&hosts, "127.0.1.1\t%s\n", hostname);
	if (host)
		add_host_file("/etc/resolv.conf", &resolv);
	if (write_own(c, "hostname", &name, err) < 0 || write_own(c, "hosts", &hosts, err) < 0)
		return -1;
	return write_own(c, "resolv.conf", &resolv, err);
}

static void bind_own(const struct store *st, const struct container *c, const char *name,
		     struct spec *spec)
{
	struct spec_mount *m = spec_add_mount(spec);

	m->destination = str_format("/etc/%s", name);
	m->type = xstrdup("bind");
	m->source = str_format("%s/%s/%s", st->run, c->config.id, name);
}

/* Environment, working directory and confinement: the same for the first process and for those that exec adds. */
static void fill_process(const struct container *c, bool tty, struct spec_process *process)
{
	const struct image_config *run = &c->config.run;
	char buf[13];

	strv_add(&process->env, DEFAULT_PATH);
	strv_addf(&process->env, "HOSTNAME=%s", hostname_of(&c->config, buf));
	if (tty)
		strv_add(&process->env, "TERM=xterm");
	for (size_t i = 0; i < run->env.len; i++)
		if (strchr(run->env.items[i], '='))
			strv_env_set(&process->env, run->env.items[i]);
	process->terminal = tty;
	process->no_new_privileges = c->config.no_new_privileges;
	if (c->config.seccomp_unconfined)
		process->seccomp = NULL;
}

/* An image may give a relative one: it is meant from the root. */
static char *absolute(const char *dir)
{
	return !dir || !*dir ? xstrdup("/") : str_format("%s%s", *dir == '/' ? "" : "/", dir);
}

int engine_spec(const struct store *st, const struct container *c, struct spec *spec,
		struct error *err)
{
	static const char *const own[] = { "resolv.conf", "hostname", "hosts" };
	char buf[13];
	const char *hostname = hostname_of(&c->config, buf);

	if (engine_writable_layer(st, c, &spec->root, err) < 0 || write_files(c, hostname, err) < 0)
		return -1;
	spec_docker_defaults(spec, strcmp(c->config.network, "none") == 0);
	fill_process(c, c->config.tty, &spec->process);
	config_command(&c->config, &spec->process.args);
	spec->process.cwd = absolute(c->config.run.working_dir);
	spec->hostname = xstrdup(hostname);
	spec->cgroup = container_cgroup(&c->config, err);
	if (!spec->cgroup)
		return -1;
	spec->root.readonly = c->config.readonly_rootfs;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		bind_own(st, c, own[i], spec);
	return host_mounts_to_spec(st, &c->config, spec, err);
}

int engine_exec_process(const struct container *c, const struct engine_exec *request,
			struct spec_process *process, struct error *err)
{
	spec_process_docker_defaults(process);
	fill_process(c, request->tty, process);
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
