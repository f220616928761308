/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/copy_rules.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/str.h"

void copy_split(const char *arg, char **container, const char **path)
{
	const char *colon = strchr(arg, ':');

	*container = NULL;
	*path = arg;
	if (*arg == '/' || *arg == '.' || !colon || colon == arg)
		return;
	*container = xstrndup(arg, (size_t)(colon - arg));
	*path = colon + 1;
}

/* Appends the parts of path to text, which has no final slash. */
static void append_parts(struct strbuf *text, const char *path)
{
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			while (text->len && text->data[--text->len] != '/')
				;
			if (text->data)
				text->data[text->len] = '\0';
		} else if (len && !(len == 1 && *path == '.')) {
			strbuf_putc(text, '/');
			strbuf_add(text, path, len);
		}
		path += len;
	}
}

void copy_path_parse(const char *base, const char *path, struct copy_path *out)
{
	struct strbuf text = STRBUF_INIT;
	size_t len;

	if (*path != '/')
		append_parts(&text, base);
	append_parts(&text, path);
	if (!text.len)
		strbuf_putc(&text, '/');
	out->text = strbuf_steal(&text);
	out->folder = str_ends(path, "/");
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	out->contents = !out->text[1] ||
			(len && path[len - 1] == '.' && (len == 1 || path[len - 2] == '/'));
	out->folder |= out->contents;
}

void copy_path_free(struct copy_path *p)
{
	free(p->text);
	p->text = NULL;
}

const char *copy_path_name(const char *text)
{
	return strrchr(text, '/') + 1;
}

char *copy_path_parent(const char *text)
{
	size_t len = (size_t)(strrchr(text, '/') - text);

	return xstrndup(text, len ? len : 1);
}

int copy_rules(const struct copy_path *src, enum copy_kind src_kind, const struct copy_path *dest,
	       enum copy_kind dest_kind, enum copy_shape *shape, struct error *err)
{
	if (src->folder && src_kind == COPY_FILE)
		return error_set(err, ENOTDIR, "%s: not a directory", src->text);
	if (dest->folder && dest_kind == COPY_FILE)
		return error_set(err, ENOTDIR, "%s: not a directory", dest->text);
	if (dest_kind == COPY_FOLDER) {
		*shape = src_kind == COPY_FOLDER && src->contents ? COPY_CONTENTS : COPY_INTO;
		return 0;
	}
	if (dest_kind == COPY_FILE && src_kind == COPY_FOLDER)
		return error_set(err, EISDIR, "cannot copy directory");
	if (dest_kind == COPY_MISSING && dest->folder && src_kind == COPY_FILE)
		return error_set(err, ENOENT, "no such directory");
	*shape = COPY_AS;
	return 0;
}
