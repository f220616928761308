/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/file_attributes.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/fs.h"
#include "lib/str.h"

#define OVERLAY "trusted.overlay."
/* Of an overlay inside of the container, whose upper directory lies in ours: the container's own business. */
#define OVERLAY_NESTED "trusted.overlay.overlay."

/* Asked first: the kernel takes memory for as much as it is offered. */
#define FIRST_TRY 1024U

void file_attributes_free(struct file_attributes *a)
{
	free(a->items);
	free(a->list);
	free(a->value);
	strbuf_free(&a->values);
	*a = (struct file_attributes){ 0 };
}

static int compare(const void *a, const void *b)
{
	const struct tar_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static ssize_t read_list(struct file_attributes *a, const char *path)
{
	ssize_t n;

	if (!a->list) {
		a->list = xmalloc(XATTR_LIST_MAX);
		a->value = xmalloc(XATTR_SIZE_MAX);
	}
	n = listxattr(path, a->list, FIRST_TRY);
	return n < 0 && errno == ERANGE ? listxattr(path, a->list, XATTR_LIST_MAX) : n;
}

static ssize_t read_value(struct file_attributes *a, const char *path, const char *name)
{
	ssize_t n = getxattr(path, name, a->value, FIRST_TRY);

	return n < 0 && errno == ERANGE ? getxattr(path, name, a->value, XATTR_SIZE_MAX) : n;
}

/* What overlayfs says of the file. */
static int obey_overlay(struct file_attributes *a, const char *path, const char *name,
			struct error *err)
{
	const char *what = name + strlen(OVERLAY);

	if (strcmp(what, "opaque") == 0) {
		ssize_t n = read_value(a, path, name);

		if (n == 1 && (a->value[0] == 'y' || a->value[0] == 'x'))
			a->folder = a->value[0] == 'y' ? OVERLAY_OPAQUE : OVERLAY_XWHITEOUTS;
	} else if (strcmp(what, "whiteout") == 0) {
		a->whiteout = true;
	} else if (strcmp(what, "metacopy") == 0 || strcmp(what, "redirect") == 0) {
		return error_set(
			err, EUCLEAN,
			"the writable layer was mounted with metacopy or redirect_dir, which Knarr "
			"never does: what it holds is not whole");
	}
	return 0;
}

static int add(struct file_attributes *a, const char *path, const char *name, struct error *err)
{
	ssize_t n = read_value(a, path, name);

	if (n < 0) /* gone meanwhile */
		return errno == ENODATA ? 0 : error_errno(err, "%.100s", name);
	if (a->n == a->room) {
		a->room = a->room ? 2 * a->room : 8;
		a->items = xreallocarray(a->items, a->room, sizeof(*a->items));
	}
	/* The values move while more are added: an offset for now. */
	a->items[a->n++] = (struct tar_xattr){ name, (const uint8_t *)a->values.len, (size_t)n };
	strbuf_add(&a->values, a->value, (size_t)n);
	return 0;
}

int file_attributes_read(struct file_attributes *a, int at, bool overlay, struct error *err)
{
	char path[32];
	ssize_t len;

	fs_fd_path(at, path);
	a->n = 0;
	a->folder = OVERLAY_MERGED;
	a->whiteout = false;
	strbuf_reset(&a->values);
	len = read_list(a, path);
	if (len < 0)
		return errno == EOPNOTSUPP || errno == ENOENT
			       ? 0
			       : error_errno(err, "cannot list the extended attributes");
	for (const char *name = a->list; name < a->list + len; name += strlen(name) + 1) {
		if (strcmp(name, "security.selinux") == 0)
			continue;
		if (overlay && str_starts(name, OVERLAY) && !str_starts(name, OVERLAY_NESTED)) {
			if (obey_overlay(a, path, name, err) < 0)
				return -1;
		} else if (add(a, path, name, err) < 0) {
			return -1;
		}
	}
	for (size_t i = 0; i < a->n; i++)
		a->items[i].value = (const uint8_t *)a->values.data + (uintptr_t)a->items[i].value;
	if (a->n)
		qsort(a->items, a->n, sizeof(*a->items), compare);
	return 0;
}
