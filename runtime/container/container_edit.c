/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of container.json after the container was made. The container's own lock is its monitor's while it runs: here it
 * is flock(2) on its folder, held for moments. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/container/container.h"
#include "runtime/container/events.h"

int container_config_lock(const struct container *c)
{
	/* A description of our own: c->dirfd may be a parent's, too. */
	autoclose int fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fs_lock(fd, LOCK_EX) < 0 ? -1 : STEAL_FD(fd);
}

int container_reload(struct container *c, struct error *err)
{
	struct container_config config;
	size_t len;
	autofree char *text =
		fs_read_file(container_home(c), "container.json", CONTAINER_CONFIG_MAX, &len, err);

	if (!text || config_parse(text, len, c->config.id, &config, err) < 0)
		return -1;
	config_free(&c->config);
	c->config = config;
	return 0;
}

int container_edit(const struct store *st, struct container *c,
		   int (*change)(struct container_config *config, void *arg, struct error *err),
		   void *arg, struct error *err)
{
	struct error local = ERROR_INIT;
	autoclose int lock = container_config_lock(c);

	if (lock < 0)
		return error_errno(err, "cannot lock container %s", c->config.name);
	if (container_reload(c, &local) < 0) {
		if (local.code == ENOENT)
			return error_set(err, ENOENT, "No such container: %s", c->config.name);
		return error_set(err, local.code, "%s", local.message);
	}
	if (change(&c->config, arg, err) < 0)
		return -1;
	return container_write_config(st, c, err);
}

struct new_name {
	const struct store *st;
	const char *name;
	char *old;
};

static int take_name(struct container_config *config, void *arg, struct error *err)
{
	struct new_name *n = arg;

	if (strcmp(config->name, n->name) == 0)
		return error_set(err, EINVAL,
				 "Renaming a container with the same name as its current name");
	if (name_claim(n->st, n->name, config->id, err) < 0)
		return error_prefix(err, "Error when allocating new name");
	n->old = config->name;
	config->name = xstrdup(n->name);
	return 0;
}

int container_rename(const struct store *st, struct container *c, const char *name,
		     struct error *err)
{
	struct new_name n = { .st = st, .name = *name == '/' ? name + 1 : name };
	char *event autofree = NULL;

	if (!*name)
		return error_set(err, EINVAL, "Neither old nor new names may be empty");
	if (!name_valid(n.name)) {
		name_invalid(n.name, err);
		return error_prefix(err, "Error when allocating new name");
	}
	if (container_edit(st, c, take_name, &n, err) < 0) {
		if (n.old) /* taken, and not written */
			name_release(st, n.name, c->config.id);
		free(n.old);
		return -1;
	}
	name_release(st, n.old, c->config.id);
	event = str_format("oldName=/%s", n.old);
	events_container(st, &c->config, "rename", (const char *[]){ event, NULL });
	free(n.old);
	return 0;
}
