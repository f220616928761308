/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments and labels, and the files they are read from. */
#include "runtime/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

#define ENV_FILE_MAX (1U << 20) /* bytes */

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
		return error_set(err, EINVAL, "invalid environment variable: %s", value);
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

/* A file of any kind: a shell's <(command) is a pipe, and who has nothing to say gives /dev/null. */
static char *read_file(const char *path, size_t *size, struct error *err)
{
	struct stat st;
	autoclose int fd = -1;
	autofree char *text = NULL;
	ssize_t n;

	if (stat(path, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return fs_read_file(AT_FDCWD, path, ENV_FILE_MAX, size, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		error_errno(err, "cannot open '%s'", path);
		return NULL;
	}
	text = xmalloc(ENV_FILE_MAX + 2);
	n = fs_read_full(fd, text, ENV_FILE_MAX + 1);
	if (n < 0) {
		error_errno(err, "cannot read '%s'", path);
		return NULL;
	}
	if (n > (ssize_t)ENV_FILE_MAX) {
		error_set(err, EFBIG, "'%s' is larger than %u bytes", path, ENV_FILE_MAX);
		return NULL;
	}
	text[n] = '\0';
	*size = (size_t)n;
	return STEAL_PTR(text);
}

/* Calls add for each line of a file but blank ones and those that begin with #. */
static int each_line(struct strv *to, const char *path,
		     int (*add)(struct strv *to, const char *line, struct error *err),
		     struct error *err)
{
	size_t size;
	autofree char *text = read_file(path, &size, err);
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
		if (add(to, line, err) < 0)
			return error_prefix(err, "%s, line %u", path, number);
	}
	return 0;
}

int engine_env_file(struct strv *env, const char *path, struct error *err)
{
	return each_line(env, path, engine_env, err);
}

/* ---- Labels */

int engine_label(struct strv *labels, const char *value, struct error *err)
{
	size_t space = strspn(value, " \t"), key = strcspn(value, "=");

	if (space >= key)
		return error_set(err, EINVAL, "invalid label '%s': empty name", value);
	if (space + strcspn(value + space, " \t") < key)
		return error_set(err, EINVAL, "label '%s' contains whitespaces", value);
	if (value[key]) {
		strv_env_set(labels, value);
		return 0;
	}
	autofree char *whole = str_format("%s=", value);
	strv_env_set(labels, whole);
	return 0;
}

int engine_label_file(struct strv *labels, const char *path, struct error *err)
{
	return each_line(labels, path, engine_label, err);
}
