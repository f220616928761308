/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/spec/mount_options.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "runtime/spec/kernel.h"

enum kind {
	SET, /* an attribute of the mount */
	CLEAR,
	ACCESS_TIME, /* one of several: the others go (mount_setattr(2), MOUNT_ATTR__ATIME) */
	FLAG,        /* of the filesystem: its name goes to the options */
	NO_FLAG,     /* takes the flag of that name out again */
	PROPAGATION,
	BIND,
	REMOUNT,
	COPY_UP,
	IDMAP,
	NOTHING
};

#define RECURSIVE 1u

/* clang-format off */
static const struct word {
	const char *name;
	enum kind kind;
	unsigned int recursive;
	uint64_t value;   /* attribute, or MS_... */
	const char *flag; /* FLAG, NO_FLAG */
} words[] = {
	{ "async",          NO_FLAG,     0,         0, "sync" },
	{ "atime",          ACCESS_TIME, 0,         MOUNT_ATTR_RELATIME, NULL },
	{ "bind",           BIND,        0,         0, NULL },
	{ "defaults",       NOTHING,     0,         0, NULL },
	{ "dev",            CLEAR,       0,         MOUNT_ATTR_NODEV, NULL },
	{ "diratime",       CLEAR,       0,         MOUNT_ATTR_NODIRATIME, NULL },
	{ "dirsync",        FLAG,        0,         0, "dirsync" },
	{ "exec",           CLEAR,       0,         MOUNT_ATTR_NOEXEC, NULL },
	{ "idmap",          IDMAP,       0,         0, NULL },
	{ "iversion",       NOTHING,     0,         0, NULL },
	{ "lazytime",       FLAG,        0,         0, "lazytime" },
	{ "loud",           NOTHING,     0,         0, NULL },
	{ "mand",           FLAG,        0,         0, "mand" },
	{ "noatime",        ACCESS_TIME, 0,         MOUNT_ATTR_NOATIME, NULL },
	{ "nodev",          SET,         0,         MOUNT_ATTR_NODEV, NULL },
	{ "nodiratime",     SET,         0,         MOUNT_ATTR_NODIRATIME, NULL },
	{ "noexec",         SET,         0,         MOUNT_ATTR_NOEXEC, NULL },
	{ "noiversion",     NOTHING,     0,         0, NULL },
	{ "nolazytime",     NO_FLAG,     0,         0, "lazytime" },
	{ "nomand",         NO_FLAG,     0,         0, "mand" },
	{ "norelatime",     ACCESS_TIME, 0,         MOUNT_ATTR_RELATIME, NULL },
	{ "nostrictatime",  ACCESS_TIME, 0,         MOUNT_ATTR_RELATIME, NULL },
	{ "nosuid",         SET,         0,         MOUNT_ATTR_NOSUID, NULL },
	{ "nosymfollow",    SET,         0,         MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "private",        PROPAGATION, 0,         MS_PRIVATE, NULL },
	{ "ratime",         ACCESS_TIME, RECURSIVE, MOUNT_ATTR_RELATIME, NULL },
	{ "rbind",          BIND,        RECURSIVE, 0, NULL },
	{ "rdev",           CLEAR,       RECURSIVE, MOUNT_ATTR_NODEV, NULL },
	{ "rdiratime",      CLEAR,       RECURSIVE, MOUNT_ATTR_NODIRATIME, NULL },
	{ "relatime",       ACCESS_TIME, 0,         MOUNT_ATTR_RELATIME, NULL },
	{ "remount",        REMOUNT,     0,         0, NULL },
	{ "rexec",          CLEAR,       RECURSIVE, MOUNT_ATTR_NOEXEC, NULL },
	{ "ridmap",         IDMAP,       RECURSIVE, 0, NULL },
	{ "rnoatime",       ACCESS_TIME, RECURSIVE, MOUNT_ATTR_NOATIME, NULL },
	{ "rnodev",         SET,         RECURSIVE, MOUNT_ATTR_NODEV, NULL },
	{ "rnodiratime",    SET,         RECURSIVE, MOUNT_ATTR_NODIRATIME, NULL },
	{ "rnoexec",        SET,         RECURSIVE, MOUNT_ATTR_NOEXEC, NULL },
	{ "rnorelatime",    ACCESS_TIME, RECURSIVE, MOUNT_ATTR_RELATIME, NULL },
	{ "rnostrictatime", ACCESS_TIME, RECURSIVE, MOUNT_ATTR_RELATIME, NULL },
	{ "rnosuid",        SET,         RECURSIVE, MOUNT_ATTR_NOSUID, NULL },
	{ "rnosymfollow",   SET,         RECURSIVE, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "ro",             SET,         0,         MOUNT_ATTR_RDONLY, NULL },
	{ "rprivate",       PROPAGATION, RECURSIVE, MS_PRIVATE, NULL },
	{ "rrelatime",      ACCESS_TIME, RECURSIVE, MOUNT_ATTR_RELATIME, NULL },
	{ "rro",            SET,         RECURSIVE, MOUNT_ATTR_RDONLY, NULL },
	{ "rrw",            CLEAR,       RECURSIVE, MOUNT_ATTR_RDONLY, NULL },
	{ "rshared",        PROPAGATION, RECURSIVE, MS_SHARED, NULL },
	{ "rslave",         PROPAGATION, RECURSIVE, MS_SLAVE, NULL },
	{ "rstrictatime",   ACCESS_TIME, RECURSIVE, MOUNT_ATTR_STRICTATIME, NULL },
	{ "rsuid",          CLEAR,       RECURSIVE, MOUNT_ATTR_NOSUID, NULL },
	{ "rsymfollow",     CLEAR,       RECURSIVE, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "runbindable",    PROPAGATION, RECURSIVE, MS_UNBINDABLE, NULL },
	{ "rw",             CLEAR,       0,         MOUNT_ATTR_RDONLY, NULL },
	{ "shared",         PROPAGATION, 0,         MS_SHARED, NULL },
	{ "silent",         NOTHING,     0,         0, NULL },
	{ "slave",          PROPAGATION, 0,         MS_SLAVE, NULL },
	{ "strictatime",    ACCESS_TIME, 0,         MOUNT_ATTR_STRICTATIME, NULL },
	{ "suid",           CLEAR,       0,         MOUNT_ATTR_NOSUID, NULL },
	{ "symfollow",      CLEAR,       0,         MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "sync",           FLAG,        0,         0, "sync" },
	{ "tmpcopyup",      COPY_UP,     0,         0, NULL },
	{ "unbindable",     PROPAGATION, 0,         MS_UNBINDABLE, NULL },
};
/* clang-format on */

#define N_WORDS (sizeof(words) / sizeof(words[0]))

const char *spec_mount_option_name(size_t i)
{
	return i < N_WORDS ? words[i].name : NULL;
}

static const struct word *find_word(const char *name)
{
	size_t low = 0, high = N_WORDS;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, words[middle].name);

		if (order == 0)
			return &words[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void remove_option(struct strv *v, const char *option)
{
	for (size_t i = 0; i < v->len;) {
		if (strcmp(v->items[i], option) != 0) {
			i++;
			continue;
		}
		free(v->items[i]);
		/* With the NULL behind the last. */
		memmove(&v->items[i], &v->items[i + 1], (v->len - i) * sizeof(*v->items));
		v->len--;
	}
}

/* bits of mask become value, at the mount itself or at all below as well. */
static void change_attributes(struct spec_mount *m, unsigned int recursive, uint64_t mask,
			      uint64_t value)
{
	uint64_t *set = recursive ? &m->attr_set_recursive : &m->attr_set;
	uint64_t *clear = recursive ? &m->attr_clear_recursive : &m->attr_clear;

	*set = (*set & ~mask) | value;
	/* Access times are no bits but a number: mount_setattr wants the whole field cleared before it is set. */
	if (mask == MOUNT_ATTR__ATIME)
		*clear |= mask;
	else
		*clear = (*clear & ~mask) | (mask & ~value);
}

/* A slave may be shared, too, with those behind it: "slave" first and "shared" then. All other combinations are the last one. */
static void change_propagation(struct spec_mount *m, const struct word *w)
{
	unsigned long kept = w->value == MS_SHARED ? m->propagation & MS_SLAVE : 0;

	m->propagation = kept | (unsigned long)w->value | (w->recursive ? MS_REC : 0);
}

int spec_mount_option(struct spec_mount *m, const char *option, struct error *err)
{
	const struct word *w = find_word(option);

	if (!*option)
		return error_set(err, EINVAL, "mount %s: an option is empty",
				 m->destination ? m->destination : "");
	for (const char *c = option; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_set(err, EINVAL,
					 "mount %s: option \"%s\" has a control character",
					 m->destination ? m->destination : "", option);
	if (!w) {
		strv_add(&m->options, option);
		return 0;
	}
	switch (w->kind) {
	case SET:
		change_attributes(m, w->recursive, w->value, w->value);
		break;
	case CLEAR:
		change_attributes(m, w->recursive, w->value, 0);
		break;
	case ACCESS_TIME:
		change_attributes(m, w->recursive, MOUNT_ATTR__ATIME, w->value);
		break;
	case FLAG:
		if (!strv_contains(&m->options, w->flag))
			strv_add(&m->options, w->flag);
		break;
	case NO_FLAG:
		remove_option(&m->options, w->flag);
		break;
	case PROPAGATION:
		change_propagation(m, w);
		break;
	case BIND:
		free(m->type);
		m->type = xstrdup("bind");
		m->recursive = m->recursive || w->recursive;
		break;
	case REMOUNT:
		m->remount = true;
		break;
	case COPY_UP:
		m->copy_up = true;
		break;
	case IDMAP:
		m->idmap = true;
		m->idmap_recursive = w->recursive;
		break;
	case NOTHING:
		break;
	}
	return 0;
}

int spec_mount_options(struct spec_mount *m, const char *list, struct error *err)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		autofree char *option = xstrndup(list, len);

		if (len && spec_mount_option(m, option, err) < 0)
			return -1;
		list += len + (list[len] == ',');
	}
	return 0;
}
