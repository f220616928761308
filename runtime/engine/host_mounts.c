/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/host_mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/container/container.h"
#include "runtime/engine/copy_rules.h"
#include "runtime/engine/host_mounts_private.h"
#include "runtime/spec/kernel.h"

void host_mount_clear(struct host_mount *m)
{
	free(m->source);
	free(m->target);
	free(m->options);
	strv_free(&m->labels);
	*m = (struct host_mount){ 0 };
}

/* ---- Targets */

char *host_mounts_target(const char *target, struct error *err)
{
	struct copy_path path autocopypath = { 0 };

	if (!*target) {
		error_set(err, EINVAL, "field Target must not be empty");
		return NULL;
	}
	if (*target == '/') {
		copy_path_parse("/", target, &path);
		if (strcmp(path.text, "/") != 0)
			return STEAL_PTR(path.text);
		error_set(err, EINVAL, "invalid specification: destination can't be '/'");
		return NULL;
	}
	error_set(err, EINVAL, "invalid mount path: '%s' mount path must be absolute", target);
	return NULL;
}

struct host_mount *host_mounts_find(const struct host_config *h, const char *target)
{
	for (size_t i = 0; i < h->n_mounts; i++)
		if (strcmp(h->mounts[i].target, target) == 0)
			return &h->mounts[i];
	return NULL;
}

/* What was asked for by name stands above what another container brings, and that above an anonymous volume. */
static int rank(const struct host_mount *m)
{
	return m->inherited ? 1 : m->anonymous && !m->by_mount ? 0 : 2;
}

static bool is_tmpfs_flag(const struct host_mount *m)
{
	return m->type == HOST_MOUNT_TMPFS && !m->by_mount;
}

int host_mounts_add(struct host_config *h, struct host_mount *m, struct error *err)
{
	struct host_mount *there = host_mounts_find(h, m->target);

	if (!there) {
		*host_config_add_mount(h) = *m;
	} else if (rank(m) < rank(there) || (rank(m) == 0 && rank(there) == 0)) {
		host_mount_clear(m);
	} else if (rank(m) > rank(there) || rank(m) == 1 ||
		   (is_tmpfs_flag(m) && is_tmpfs_flag(there))) {
		/* Of several --volumes-from, and of --tmpfs for one target, the last counts. */
		host_mount_clear(there);
		*there = *m;
	} else {
		error_set(err, EINVAL, "Duplicate mount point: %s", m->target);
		host_mount_clear(m);
		return -1;
	}
	*m = (struct host_mount){ 0 };
	return 0;
}

int host_mounts_add_anonymous(struct host_config *h, const char *path, bool from_image,
			      struct error *err)
{
	struct host_mount m = { .type = HOST_MOUNT_VOLUME,
				.anonymous = true,
				.from_image = from_image };

	m.target = host_mounts_target(path, err);
	if (!m.target)
		return error_prefix(
			err,
			"invalid volume specification: '%s': invalid mount config for type \"volume\"",
			path);
	return host_mounts_add(h, &m, err);
}

/* ---- Modes */

/* Docker's table of what says what: of each group there may be one word. */
static int mode_group(const char *word)
{
	static const char *const groups[] = { "ro,rw", "z,Z", "nocopy",
					      "consistent,cached,delegated" };

	for (int i = 0; i < (int)(sizeof(groups) / sizeof(groups[0])); i++)
		if (*word && str_in_list(word, groups[i]))
			return i;
	return host_config_propagation(word) ? 4 : -1;
}

bool host_mounts_mode(const char *mode, struct host_mount *m)
{
	char *words autofree = xstrdup(mode);
	char *rest = words, *word;
	bool said[5] = { false };

	while (*mode && (word = strsep(&rest, ","))) {
		int group = mode_group(word);

		if (group < 0 || said[group])
			return false;
		said[group] = true;
		if (strcmp(word, "ro") == 0)
			m->readonly = true;
		else if (strcmp(word, "nocopy") == 0)
			m->no_copy = true;
		else if (host_config_propagation(word))
			m->propagation = host_config_propagation(word);
	}
	return true;
}

/* ---- --volumes-from */

static void inherit(const struct host_mount *from, bool readonly, struct host_mount *m)
{
	*m = *from;
	m->source = from->source ? xstrdup(from->source) : NULL;
	m->target = xstrdup(from->target);
	m->options = from->options ? xstrdup(from->options) : NULL;
	m->labels = (struct strv)STRV_INIT;
	m->inherited = true;
	m->no_copy = true;
	m->from_image = false;
	m->readonly = from->readonly || readonly;
}

int host_mounts_volumes_from(const struct store *st, const char *word, struct host_config *h,
			     struct error *err)
{
	const char *colon = strchr(word, ':');
	const char *mode = colon ? colon + 1 : "rw";
	char *id autofree = xstrndup(word, colon ? (size_t)(colon - word) : strlen(word));
	struct container autocontainer c = CONTAINER_INIT;
	struct host_mount asked autohostmount = { 0 };

	if (!*word)
		return error_set(err, EINVAL,
				 "volumes-from specification cannot be an empty string");
	if (!host_mounts_mode(mode, &asked) || asked.propagation || asked.no_copy)
		return error_set(err, EINVAL, "invalid mode: %s", mode);
	if (container_open(st, id, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < c.config.host.n_mounts; i++) {
		const struct host_mount *from = &c.config.host.mounts[i];
		struct host_mount m;

		/* What --tmpfs gave is the other container's alone. */
		if (from->type == HOST_MOUNT_TMPFS && !from->by_mount)
			continue;
		inherit(from, asked.readonly, &m);
		if (host_mounts_add(h, &m, err) < 0)
			return -1;
	}
	strv_add(&h->volumes_from, word);
	return 0;
}
