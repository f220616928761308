/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From struct host_mount to the mounts of the specification, as Docker's daemon/oci_linux.go does it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/container/volume.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/spec/kernel.h"
#include "runtime/spec/mount_options.h"

/* ---- tmpfs */

/* What mounts of every kind know but a tmpfs of a container's has no use for, or that is not Docker's to say. */
static bool is_refused(const char *word)
{
	static const char *const refused[] = { "bind",       "rbind",   "idmap",    "ridmap",
					       "remount",    "private", "rprivate", "slave",
					       "rslave",     "shared",  "rshared",  "unbindable",
					       "runbindable" };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(word, refused[i]) == 0)
			return true;
	return false;
}

static bool is_common_option(const char *word)
{
	const char *name;

	for (size_t i = 0; (name = spec_mount_option_name(i)); i++)
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

/* "size=64m": an option of the filesystem. The kernel's check of its value is all there is. */
static bool is_filesystem_option(const char *word)
{
	static const char known[] = "size,mode,uid,gid,nr_inodes,nr_blocks,mpol";
	const char *equals = strchr(word, '=');
	char *key autofree = equals ? xstrndup(word, (size_t)(equals - word)) : NULL;

	return key && *key && equals[1] && str_in_list(key, known);
}

int host_mounts_tmpfs_options(const char *text, struct spec_mount *m, struct error *err)
{
	char *words autofree = xstrdup(text ? text : "");
	char *rest = words, *word;

	m->attr_set |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	while (*words && (word = strsep(&rest, ","))) {
		if (!*word)
			continue;
		if (is_refused(word) || !(is_common_option(word) || is_filesystem_option(word)))
			return error_set(err, EINVAL, "invalid tmpfs option [\"%s\"]", word);
		if (spec_mount_option(m, word, err) < 0)
			return -1;
	}
	return 0;
}

static int fill_tmpfs(const struct host_mount *from, struct spec_mount *m, struct error *err)
{
	m->type = xstrdup("tmpfs");
	m->source = xstrdup("tmpfs");
	if (host_mounts_tmpfs_options(from->options, m, err) < 0)
		return -1;
	if (from->readonly)
		m->attr_set |= MOUNT_ATTR_RDONLY;
	if (from->tmpfs_size)
		strv_addf(&m->options, "size=%lld", (long long)from->tmpfs_size);
	if (from->tmpfs_mode)
		strv_addf(&m->options, "mode=%o", (unsigned)from->tmpfs_mode);
	return 0;
}

/* ---- Binds and volumes */

static int check_source(const struct host_mount *from, struct error *err)
{
	struct stat st;

	if (stat(from->source, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return error_errno(err, "bind mount %s", from->source);
	if (!from->create_source)
		return error_set(
			err, ENOENT,
			"invalid mount config for type \"bind\": bind source path does not exist: %s",
			from->source);
	if (fs_mkdirs(AT_FDCWD, from->source, 0755, err) < 0)
		return error_prefix(err, "error while creating mount source path '%s'",
				    from->source);
	return 0;
}

static int fill_bind(const struct store *st, const struct host_mount *from, struct spec_mount *m,
		     struct error *err)
{
	struct stat folder;

	m->type = xstrdup("bind");
	m->recursive = !from->non_recursive;
	m->propagation = from->propagation;
	if (from->readonly) {
		m->attr_set = MOUNT_ATTR_RDONLY;
		if (!from->readonly_non_recursive)
			m->attr_set_recursive = MOUNT_ATTR_RDONLY;
	}
	if (from->type == HOST_MOUNT_BIND) {
		m->source = xstrdup(from->source);
		return check_source(from, err);
	}
	if (volume_check_name(from->source ? from->source : "", err) < 0)
		return -1;
	m->source = volume_path(st, from->source);
	if (stat(m->source, &folder) < 0)
		return errno == ENOENT
			       ? error_set(err, ENOENT, "get %s: no such volume", from->source)
			       : error_errno(err, "volume %s", from->source);
	return 0;
}

/* ---- All of them */

/* Whether a mount of the engine's own gives way: what one asks for oneself at the same place counts, and who brings a /dev
 * brings what is in it. */
static bool is_covered(const struct host_config *h, const struct spec_mount *m)
{
	return host_mounts_find(h, m->destination) ||
	       (str_starts(m->destination, "/dev/") && host_mounts_find(h, "/dev"));
}

/* Takes the engine's own mounts apart: filesystems of the kernel's come before what people ask for, single files of ours
 * (/etc/hosts, the init) after it, or a volume at /etc would hide them. The second are moved to files. */
static size_t take_apart(const struct host_config *h, struct spec *spec, struct spec_mount *files)
{
	size_t kept = 0, n_files = 0;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		if (is_covered(h, &spec->mounts[i]))
			spec_mount_free(&spec->mounts[i]);
		else if (strcmp(spec->mounts[i].type, "bind") == 0)
			files[n_files++] = spec->mounts[i];
		else
			spec->mounts[kept++] = spec->mounts[i];
	}
	spec->n_mounts = kept;
	return n_files;
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Parents first; else in the order in which they were asked for. */
static int compare_depth(const void *a, const void *b)
{
	const struct host_mount *x = *(const struct host_mount *const *)a;
	const struct host_mount *y = *(const struct host_mount *const *)b;
	size_t left = depth(x->target), right = depth(y->target);

	if (left != right)
		return left < right ? -1 : 1;
	return x < y ? -1 : x > y;
}

int host_mounts_to_spec(const struct store *st, const struct container_config *config,
			struct spec *spec, struct error *err)
{
	const struct host_config *h = &config->host;
	const struct host_mount **order autofree = xcalloc(h->n_mounts + 1, sizeof(*order));
	struct spec_mount *files autofree = xcalloc(spec->n_mounts + 1, sizeof(*files));
	size_t n_files;
	int r = 0;

	for (size_t i = 0; i < h->n_mounts; i++)
		order[i] = &h->mounts[i];
	if (h->n_mounts)
		qsort(order, h->n_mounts, sizeof(*order), compare_depth);
	n_files = take_apart(h, spec, files);
	for (size_t i = 0; r == 0 && i < h->n_mounts; i++) {
		struct spec_mount *m = spec_add_mount(spec);

		m->destination = xstrdup(order[i]->target);
		r = order[i]->type == HOST_MOUNT_TMPFS ? fill_tmpfs(order[i], m, err)
						       : fill_bind(st, order[i], m, err);
	}
	for (size_t i = 0; i < n_files; i++)
		*spec_add_mount(spec) = files[i];
	return r;
}
