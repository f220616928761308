/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/container/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/human.h"
#include "lib/json.h"
#include "lib/log.h"
#include "runtime/container/container.h"
#include "runtime/container/events.h"
#include "runtime/container/names.h"
#include "runtime/container/volume_private.h"
#include "runtime/spec/kernel.h"

#define VOLUMES     "volumes"
#define VOLUME_JSON "volume.json"
#define JSON_MAX    (1U << 20) /* bytes of volume.json */

void volume_free(struct volume *v)
{
	free(v->name);
	strv_free(&v->labels);
	*v = (struct volume)VOLUME_INIT;
}

void volume_list_free(struct volume *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		volume_free(&list[i]);
	free(list);
}

/* ---- Names */

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int volume_check_name(const char *name, struct error *err)
{
	bool valid = is_alphanumeric(*name);

	if (strlen(name) == 1)
		return error_set(err, EINVAL,
				 "create %s: volume name is too short, names should be at least "
				 "two alphanumeric characters",
				 name);
	for (const char *c = name; *c; c++)
		valid &= is_alphanumeric(*c) || *c == '_' || *c == '.' || *c == '-';
	if (!valid)
		return error_set(
			err, EINVAL,
			"create %s: \"%s\" includes invalid characters for a local volume name, "
			"only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a "
			"host directory, use absolute path",
			name, name);
	if (strlen(name) > NAME_MAX)
		return error_set(err, EINVAL, "create %.40s...: the volume's name is too long",
				 name);
	return 0;
}

static int no_such_volume(const char *name, struct error *err)
{
	return error_set(err, ENOENT, "get %s: no such volume", name);
}

char *volume_path(const struct store *st, const char *name)
{
	return str_format("%s/" VOLUMES "/%s/" VOLUME_DATA, st->root, name);
}

/* ---- Folders and the lock */

int volume_folder(const struct store *st, struct error *err)
{
	int fd = openat(st->fd, VOLUMES, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT && (mkdirat(st->fd, VOLUMES, 0700) == 0 || errno == EEXIST) &&
	    fs_sync_dir(st->fd, err) == 0)
		fd = openat(st->fd, VOLUMES, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 ? fd : error_errno(err, "cannot open %s/" VOLUMES, st->root);
}

int volume_lock(const struct store *st, int operation, struct error *err)
{
	autoclose int folder = volume_folder(st, err);
	autoclose int fd = -1;

	if (folder < 0)
		return -1;
	fd = openat(folder, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fs_lock(fd, operation) < 0)
		return error_errno(err, "cannot lock the volumes of %s", st->root);
	return STEAL_FD(fd);
}

/* The folder of one volume. */
static int open_volume(const struct store *st, const char *name, struct error *err)
{
	autoclose int folder = volume_folder(st, err);
	int fd;

	if (folder < 0)
		return -1;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? no_such_volume(name, err)
			       : error_errno(err, "cannot open volume %s", name);
	return fd;
}

/* ---- volume.json */

static char *write_json(const struct volume *v, size_t *len)
{
	automutjson yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	char created[TIME_TEXT_MAX];

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_strcpy(doc, root, "name", v->name);
	yyjson_mut_obj_add_str(doc, root, "driver", "local");
	yyjson_mut_obj_add_strcpy(doc, root, "created", time_text(v->created, created));
	json_put_map(doc, root, "labels", &v->labels);
	if (v->temporary)
		yyjson_mut_obj_add_bool(doc, root, "temporary", true);
	return json_write(doc, false, len);
}

static int read_json(int dirfd, struct volume *v, struct error *err)
{
	size_t len;
	autofree char *text = fs_read_file(dirfd, VOLUME_JSON, JSON_MAX, &len, err);
	autojson yyjson_doc *doc = text ? json_parse(text, len, VOLUME_JSON, err) : NULL;
	yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
	const char *created = NULL;

	if (!doc)
		return -1;
	if (json_get_str(root, "created", &created, err) < 0 ||
	    json_get_map(root, "labels", &v->labels, err) < 0 ||
	    json_get_bool(root, "temporary", &v->temporary, err) < 0)
		return -1;
	if (!created || time_parse(created, &v->created) < 0)
		return error_set(err, EINVAL, VOLUME_JSON ": \"created\" is no time");
	return 0;
}

static int read_volume(const struct store *st, const char *name, struct volume *out,
		       struct error *err)
{
	autoclose int fd = open_volume(st, name, err);

	if (fd < 0)
		return -1;
	out->name = xstrdup(name);
	if (read_json(fd, out, err) < 0) {
		if (err)
			err->code = EINVAL;
		return error_prefix(err, "volume %s is damaged", name);
	}
	return 0;
}

int volume_open(const struct store *st, const char *name, struct volume *out, struct error *err)
{
	*out = (struct volume)VOLUME_INIT;
	if (volume_check_name(name, NULL) < 0)
		return no_such_volume(name, err);
	if (read_volume(st, name, out, err) == 0)
		return 0;
	volume_free(out);
	return -1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

int volume_list(const struct store *st, struct volume **list, size_t *n, struct error *err)
{
	int fd = volume_folder(st, err);
	autodir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	*list = NULL;
	*n = 0;
	if (!dir)
		return fd < 0 ? -1 : error_errno(err, "cannot read %s/" VOLUMES, st->root);
	for (size_t room = 0; (entry = readdir(dir));) {
		struct error why = ERROR_INIT;
		struct volume *v;

		if (volume_check_name(entry->d_name, NULL) < 0)
			continue;
		if (*n == room) {
			room = room ? 2 * room : 16;
			*list = xreallocarray(*list, room, sizeof(**list));
		}
		v = *list + *n;
		*v = (struct volume)VOLUME_INIT;
		if (read_volume(st, entry->d_name, v, &why) < 0) {
			if (why.code == ENOENT) /* removed meanwhile */
				continue;
			log_warn_once("%s", why.message);
		}
		(*n)++;
	}
	if (*n)
		qsort(*list, *n, sizeof(**list), compare_names);
	return 0;
}

int volume_size(const struct store *st, const char *name, uint64_t *bytes, struct error *err)
{
	autoclose int fd = open_volume(st, name, err);

	*bytes = 0;
	return fd < 0 ? -1 : fs_tree_size(fd, VOLUME_DATA, bytes, err);
}

/* ---- Making */

static void tell(const struct store *st, const char *action, const char *name)
{
	static char driver[] = "driver=local";
	const struct strv attributes = { .items = (char *[]){ driver, NULL }, .len = 1 };

	events_emit(st, "volume", action, name, &attributes);
}

int volume_draft_begin(const struct store *st, struct volume_draft *d, struct error *err)
{
	char id[ID_LEN + 1];

	*d = (struct volume_draft)VOLUME_DRAFT_INIT;
	d->st = st;
	if (id_random(id, err) < 0)
		return -1;
	snprintf(d->name, sizeof(d->name), "volume-%.16s", id);
	if (mkdirat(st->tmp_fd, d->name, 0700) == 0)
		d->dirfd = openat(st->tmp_fd, d->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dirfd < 0 || fs_lock(d->dirfd, LOCK_EX) < 0)
		return error_errno(err, "cannot make a volume in %s/tmp", st->root);
	return 0;
}

void volume_draft_end(struct volume_draft *d)
{
	if (d->dirfd < 0)
		return;
	fs_remove_tree(d->st->tmp_fd, d->name, NULL);
	cleanup_close(&d->dirfd);
	d->dirfd = -1;
}

static int make_data(int dirfd, bool filled, struct error *err)
{
	autoclose int data = -1;

	if (!filled &&
	    (mkdirat(dirfd, VOLUME_DATA, 0755) < 0 || fchmodat(dirfd, VOLUME_DATA, 0755, 0) < 0))
		return error_errno(err, "cannot make a volume");
	data = openat(dirfd, VOLUME_DATA, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (data < 0 || (filled ? syncfs(data) : fsync(data)) < 0)
		return error_errno(err, "cannot make a volume");
	return 0;
}

int volume_draft_finish(struct volume_draft *d, const struct volume *v, bool filled,
			struct error *err)
{
	size_t len;
	autofree char *json = write_json(v, &len);
	autoclose int folder = volume_folder(d->st, err);

	if (folder < 0 || make_data(d->dirfd, filled, err) < 0 ||
	    fs_write_file(d->dirfd, VOLUME_JSON, json, len, 0600, FS_DURABLE, err) < 0)
		return -1;
	if (renameat2(d->st->tmp_fd, d->name, folder, v->name, RENAME_NOREPLACE) < 0)
		return error_errno(err, "cannot make volume %s", v->name);
	cleanup_close(&d->dirfd);
	d->dirfd = -1;
	tell(d->st, "create", v->name);
	return fs_sync_dir(folder, err);
}

int volume_draft_exchange(struct volume_draft *d, const char *name, struct error *err)
{
	autoclose int volume = open_volume(d->st, name, err);

	if (volume < 0 || make_data(d->dirfd, true, err) < 0)
		return -1;
	if (renameat2(d->dirfd, VOLUME_DATA, volume, VOLUME_DATA, RENAME_EXCHANGE) < 0)
		return error_errno(err, "cannot fill volume %s", name);
	return fs_sync_dir(volume, err);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int volume_describe(const char *name, const struct strv *labels, bool temporary, struct volume *v,
		    struct error *err)
{
	char id[ID_LEN + 1];

	*v = (struct volume)VOLUME_INIT;
	if (name ? volume_check_name(name, err) < 0 : id_random(id, err) < 0)
		return -1;
	v->name = xstrdup(name ? name : id);
	v->created = time_now();
	v->temporary = temporary;
	for (size_t i = 0; labels && i < labels->len; i++)
		strv_env_set(&v->labels, labels->items[i]);
	if (!name)
		strv_env_set(&v->labels, VOLUME_ANONYMOUS_LABEL "=");
	if (v->labels.len)
		qsort(v->labels.items, v->labels.len, sizeof(*v->labels.items), compare_texts);
	return 0;
}

int volume_describe_anew(const struct store *st, const char *name, struct error *err)
{
	struct volume v autovolume = VOLUME_INIT;
	autoclose int fd = open_volume(st, name, err);
	char *json autofree = NULL;
	size_t len;

	if (fd < 0 || volume_describe(name, NULL, false, &v, err) < 0)
		return -1;
	json = write_json(&v, &len);
	return fs_write_file(fd, VOLUME_JSON, json, len, 0600, FS_DURABLE, err);
}

int volume_create(const struct store *st, const char *name, const struct strv *labels,
		  struct volume *out, struct error *err)
{
	struct volume v autovolume = VOLUME_INIT;
	struct volume_draft draft autodraft = VOLUME_DRAFT_INIT;
	struct error why = ERROR_INIT;

	if (volume_describe(name, labels, false, &v, err) < 0 ||
	    volume_draft_begin(st, &draft, err) < 0)
		return -1;
	if (volume_draft_finish(&draft, &v, false, &why) < 0) {
		if (why.code != EEXIST)
			return error_set(err, why.code, "%s", why.message);
		/* There is one of that name: that is all that was asked for. */
		volume_free(&v);
		if (volume_open(st, name, &v, err) < 0)
			return -1;
	}
	if (out) {
		*out = v;
		v = (struct volume)VOLUME_INIT;
	}
	return 0;
}

/* ---- Who uses what */

int volume_uses_read(const struct store *st, struct volume_uses *out, struct error *err)
{
	struct container *list;
	size_t n;

	if (container_list_as_is(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].config.host.n_mounts; k++)
			if (list[i].config.host.mounts[k].type == HOST_MOUNT_VOLUME &&
			    list[i].config.host.mounts[k].source)
				strv_addf(&out->pairs, "%s %s",
					  list[i].config.host.mounts[k].source, list[i].config.id);
	container_list_free(list, n);
	if (out->pairs.len)
		qsort(out->pairs.items, out->pairs.len, sizeof(*out->pairs.items), compare_texts);
	return 0;
}

void volume_uses_free(struct volume_uses *u)
{
	strv_free(&u->pairs);
}

/* The first pair of name's, NULL without one; *n: how many there are. A container that has it twice counts once. */
static size_t find_uses(const struct volume_uses *u, const char *name, struct strbuf *ids)
{
	size_t len = strlen(name), n = 0;

	for (size_t i = 0; i < u->pairs.len; i++) {
		const char *pair = u->pairs.items[i];

		if (strncmp(pair, name, len) != 0 || pair[len] != ' ' ||
		    (i > 0 && strcmp(pair, u->pairs.items[i - 1]) == 0))
			continue;
		if (ids)
			strbuf_printf(ids, "%s%s", n ? ", " : "", pair + len + 1);
		n++;
	}
	return n;
}

size_t volume_uses_count(const struct volume_uses *u, const char *name)
{
	return find_uses(u, name, NULL);
}

/* ---- Removing */

int volume_remove_locked(const struct store *st, const char *name, struct error *err)
{
	autoclose int folder = volume_folder(st, err);
	char id[ID_LEN + 1], gone[32];

	if (folder < 0 || id_random(id, err) < 0 || volume_check_name(name, err) < 0)
		return -1;
	snprintf(gone, sizeof(gone), "volume-%.16s", id);
	if (renameat(folder, name, st->tmp_fd, gone) < 0)
		return errno == ENOENT ? no_such_volume(name, err)
				       : error_errno(err, "cannot remove volume %s", name);
	tell(st, "destroy", name);
	if (fs_sync_dir(folder, err) < 0 || fs_remove_tree(st->tmp_fd, gone, err) < 0)
		return error_prefix(err, "volume %s", name);
	return 0;
}

int volume_remove(const struct store *st, const char *name, struct error *err)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	struct strbuf ids autostrbuf = STRBUF_INIT;
	autoclose int lock = -1, fd = -1;

	if (volume_check_name(name, NULL) < 0)
		return no_such_volume(name, err);
	lock = volume_lock(st, LOCK_EX, err);
	fd = lock >= 0 ? open_volume(st, name, err) : -1;
	if (fd < 0 || volume_uses_read(st, &uses, err) < 0)
		return -1;
	if (find_uses(&uses, name, &ids))
		return error_set(err, EBUSY, "remove %s: volume is in use - [%s]", name, ids.data);
	return volume_remove_locked(st, name, err);
}

/* Whether nobody gave it a name. One that cannot be read is kept. */
static bool is_anonymous(const struct volume *v)
{
	return strv_env_get(&v->labels, VOLUME_ANONYMOUS_LABEL) != NULL;
}

int volume_prune(const struct store *st, const struct prune_filter *filter, bool all,
		 struct strv *gone, uint64_t *reclaimed, struct error *err)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	autoclose int lock = volume_lock(st, LOCK_EX, err);
	struct volume *list = NULL;
	size_t n = 0;
	int r;

	if (lock < 0 || volume_uses_read(st, &uses, err) < 0 || volume_list(st, &list, &n, err) < 0)
		return -1;
	r = 0;
	for (size_t i = 0; i < n; i++) {
		const struct volume *v = &list[i];
		uint64_t bytes = 0;

		if (!(all || is_anonymous(v)) || volume_uses_count(&uses, v->name) ||
		    !prune_filter_matches(filter, &v->created, &v->labels))
			continue;
		/* Its size is told, no more. */
		(void)volume_size(st, v->name, &bytes, NULL);
		if (volume_remove_locked(st, v->name, r ? NULL : err) < 0) {
			r = -1;
			continue;
		}
		strv_add(gone, v->name);
		*reclaimed += bytes;
	}
	volume_list_free(list, n);
	return r;
}

int volume_recover_all(const struct store *st, struct error *err)
{
	struct volume_uses uses autovolumeuses = VOLUME_USES_INIT;
	autoclose int lock = volume_lock(st, LOCK_EX, err);
	struct volume *list = NULL;
	size_t n = 0;

	if (lock < 0 || volume_uses_read(st, &uses, err) < 0 || volume_list(st, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (list[i].temporary && !volume_uses_count(&uses, list[i].name))
			(void)volume_remove_locked(st, list[i].name, NULL);
	volume_list_free(list, n);
	return 0;
}
