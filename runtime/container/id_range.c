/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/id_range.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define TRIES \
	64 /* how far from its first choice a container looks: with half of all taken, one in 2^64 finds none */

/* Where a container begins to look: its ID is as good as chance. */
static uint32_t first_choice(const char *id)
{
	uint32_t n = 0;

	for (int i = 0; i < 8 && id[i]; i++)
		n = n << 4 | (uint32_t)(id[i] >= 'a' ? id[i] - 'a' + 10 : id[i] - '0');
	return n % ID_RANGE_COUNT;
}

static uint32_t number_of(const char *id, uint32_t try, char name[12])
{
	uint32_t number = (first_choice(id) + try) % ID_RANGE_COUNT;

	snprintf(name, 12, "%u", number);
	return number;
}

static bool is_held_by(int ids, const char *name, const char *id)
{
	char holder[80];
	ssize_t n = readlinkat(ids, name, holder, sizeof(holder) - 1);

	if (n <= 0)
		return false;
	holder[n] = '\0';
	return strcmp(holder, id) == 0;
}

static int open_ids(const struct store *st)
{
	return openat(st->run_fd, "ids", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int id_range_take(const struct store *st, const char *id, uint32_t *first, struct error *err)
{
	char name[12];

	if (mkdirat(st->run_fd, "ids", 0700) < 0 && errno != EEXIST)
		return error_errno(err, "%s/ids", st->run);
	autoclose int ids = open_ids(st);
	if (ids < 0)
		return error_errno(err, "%s/ids", st->run);
	for (uint32_t try = 0; try < TRIES; try++) {
		uint32_t number = number_of(id, try, name);

		if (symlinkat(id, ids, name) == 0 ||
		    (errno == EEXIST && is_held_by(ids, name, id))) {
			*first = ID_RANGE_FIRST + number * ID_RANGE_SIZE;
			return 0;
		}
		if (errno != EEXIST)
			return error_errno(err, "%s/ids/%s", st->run, name);
	}
	return error_set(err, EUSERS, "no free range of IDs for a user namespace");
}

void id_range_release(const struct store *st, const char *id)
{
	autoclose int ids = open_ids(st);
	char name[12];

	for (uint32_t try = 0; ids >= 0 && try < TRIES; try++) {
		number_of(id, try, name);
		if (is_held_by(ids, name, id)) {
			unlinkat(ids, name, 0);
			return;
		}
	}
}

int id_range_apply(const struct store *st, const char *id, struct spec *spec, struct error *err)
{
	struct spec_mapping range = { .count = ID_RANGE_SIZE };

	if (id_range_take(st, id, &range.outside, err) < 0)
		return -1;
	/* Of a container that starts again. */
	spec->n_uid_mappings = spec->n_gid_mappings = 0;
	spec->namespaces |= CLONE_NEWUSER;
	spec_add_mapping(&spec->uid_mappings, &spec->n_uid_mappings, range);
	spec_add_mapping(&spec->gid_mappings, &spec->n_gid_mappings, range);
	spec->root.idmap = spec;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];

		if (m->type && strcmp(m->type, "bind") == 0) {
			m->idmap = true;
			m->idmap_recursive = m->recursive;
		}
	}
	return 0;
}
