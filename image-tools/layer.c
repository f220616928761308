/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "image-tools/index.h"
#include "image-tools/layer_private.h"
#include "image-tools/worker.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/json.h"

#define INFO_MAX (1U << 20) /* bytes of a .json */

/* How much is handed to the disk at a time, so that the final sync finds little left to do. */
#define WRITE_BEHIND (8U << 20)

/* What an import leaves free for everybody else: a 64th of the filesystem, at least 4 MiB and at most 256 MiB. */
#define RESERVE_MIN (4U << 20)
#define RESERVE_MAX (256U << 20)

/* A layer larger than this is hashed and written on a thread of its own. */
#define WORKER_FROM (1U << 20)

const char *layer_file(const struct digest *diffid, const char *suffix, char buf[LAYER_FILE_MAX])
{
	digest_hex(diffid, buf);
	return strcat(buf, suffix);
}

int layer_unnamed_file(const struct store *st, struct error *err)
{
	int fd = openat(st->tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? error_errno(err, "cannot make a file in %s/tmp", st->root) : fd;
}

/* ---- Writing */

struct layer_writer *layer_create(const struct store *st, struct error *err)
{
	struct layer_writer *w = xcalloc(1, sizeof(*w));

	w->st = st;
	w->index_fd = w->info_fd = -1;
	w->tar_fd = layer_unnamed_file(st, err);
	if (w->tar_fd < 0) {
		free(w);
		return NULL;
	}
	sha256_init(&w->hash);
	return w;
}

/* A full store stops more than imports: containers write there too. So an import stops before the disk is full. */
static int check_room(struct layer_writer *w, struct error *err)
{
	struct statvfs v;
	uint64_t reserve, total, room;

	if (fstatvfs(w->tar_fd, &v) < 0)
		return error_errno(err, "cannot ask %s for its free space", w->st->root);
	if (__builtin_mul_overflow((uint64_t)v.f_blocks, (uint64_t)v.f_frsize, &total) ||
	    __builtin_mul_overflow((uint64_t)v.f_bavail, (uint64_t)v.f_frsize, &room))
		return 0;
	reserve = total / 64 < RESERVE_MIN   ? RESERVE_MIN
		  : total / 64 > RESERVE_MAX ? RESERVE_MAX
					     : total / 64;
	if (room < reserve)
		return error_set(err, ENOSPC,
				 "not enough space in %s for the layer: stopped after %llu bytes",
				 w->st->root, (unsigned long long)w->length);
	/* Look again before what was left could be gone, and not too often. */
	w->watch = w->length +
		   ((room - reserve) / 2 > WRITE_BEHIND ? WRITE_BEHIND : (room - reserve) / 2 + 1);
	return 0;
}

static int consume(void *context, const void *data, size_t len, struct error *err)
{
	struct layer_writer *w = context;

	if (w->length >= w->watch && check_room(w, err) < 0)
		return -1;
	if (fs_write_all(w->tar_fd, data, len) < 0)
		return errno == ENOSPC
			       ? error_set(err, ENOSPC, "not enough space in %s for the layer",
					   w->st->root)
			       : error_errno(err, "cannot write a layer to %s", w->st->root);
	sha256_update(&w->hash, data, len);
	w->length += len;
	if (w->length - w->behind >= WRITE_BEHIND) {
		/* Only a hint: where it fails, the final sync does it all. */
		(void)sync_file_range(w->tar_fd, (off_t)w->behind, (off_t)(w->length - w->behind),
				      SYNC_FILE_RANGE_WRITE);
		w->behind = w->length;
	}
	return 0;
}

int layer_append(struct layer_writer *w, const void *data, size_t len, struct error *err)
{
	w->taken += len;
	if (!w->worker && !w->alone && w->taken > WORKER_FROM) {
		w->worker = worker_start(consume, w);
		w->alone = !w->worker;
	}
	return w->worker ? worker_put(w->worker, data, len, err) : consume(w, data, len, err);
}

/* Has all that was appended written. */
static int settle(struct layer_writer *w, struct error *err)
{
	struct worker *worker = w->worker;

	w->worker = NULL;
	return worker ? worker_finish(worker, err) : 0;
}

char *layer_record(const struct layer_info *info, size_t *len)
{
	yyjson_mut_doc *doc automutjson = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_uint(doc, root, "tarSize", info->tar_size);
	yyjson_mut_obj_add_uint(doc, root, "size", info->size);
	yyjson_mut_obj_add_uint(doc, root, "entries", info->entries);
	yyjson_mut_obj_add_bool(doc, root, "indexed", info->indexed);
	yyjson_mut_obj_add_bool(doc, root, "needsLower", info->needs_lower);
	yyjson_mut_obj_add_bool(doc, root, "linksLower", info->links_lower);
	yyjson_mut_obj_add_arr(doc, root, "blobs");
	return json_write(doc, false, len);
}

/* Writes the .json and has the disk begin: with blocks allotted now, many layers' syncs end in few journal commits. */
static int write_info(struct layer_writer *w, struct error *err)
{
	size_t len;
	char *json autofree = layer_record(&w->info, &len);

	w->info_fd = layer_unnamed_file(w->st, err);
	if (w->info_fd < 0)
		return -1;
	if (fs_write_all(w->info_fd, json, len) < 0)
		return error_errno(err, "cannot write a layer to %s", w->st->root);
	(void)sync_file_range(w->tar_fd, (off_t)w->behind, 0, SYNC_FILE_RANGE_WRITE);
	(void)sync_file_range(w->index_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	(void)sync_file_range(w->info_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int layer_seal(struct layer_writer *w, const struct digest *expected, struct layer_info *info,
	       struct error *err)
{
	struct index_totals totals;
	char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];

	if (settle(w, err) < 0)
		return -1;
	sha256_final(&w->hash, &w->info.diffid);
	if (expected && !digest_equal(expected, &w->info.diffid))
		return error_set(err, EBADMSG, "layer has digest %s, not %s as it should",
				 digest_text(&w->info.diffid, got), digest_text(expected, want));
	w->index_fd = layer_unnamed_file(w->st, err);
	if (w->index_fd < 0)
		return -1;
	/* The filesystem's UUID comes from the DiffID: the same tar has the same index, byte for byte. */
	if (index_make(w->tar_fd, w->info.diffid.bytes, NULL, w->index_fd, &totals, err) < 0)
		return -1;
	w->info.tar_size = w->length;
	w->info.size = totals.size;
	w->info.entries = totals.entries;
	w->info.indexed = totals.copied == 0;
	w->info.links_lower = totals.outside_links > 0;
	w->info.needs_lower = totals.outside_links > 0 || totals.implied_folders > 0;
	if (write_info(w, err) < 0)
		return -1;
	w->sealed = true;
	if (info)
		*info = w->info;
	return 0;
}

const struct digest *layer_diffid(const struct layer_writer *w)
{
	return &w->info.diffid;
}

int layer_sync(struct layer_writer *w, struct error *err)
{
	if (!w->sealed)
		return error_set(err, EINVAL, "layer is not sealed");
	if (w->synced)
		return 0;
	if (fdatasync(w->tar_fd) < 0 || fdatasync(w->index_fd) < 0 || fdatasync(w->info_fd) < 0)
		return error_errno(err, "cannot write a layer to %s", w->st->root);
	for (size_t i = 0; i < w->n_chains; i++)
		if (fdatasync(w->chains[i].fd) < 0)
			return error_errno(err, "cannot write a layer to %s", w->st->root);
	w->synced = true;
	return 0;
}

bool layer_files_match(const struct store *st, const struct layer_info *info)
{
	char name[LAYER_FILE_MAX];
	struct stat tar, index;
	int fd autoclose = openat(st->layers_fd, layer_file(&info->diffid, ".erofs", name),
				  O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fstat(fd, &index) == 0 &&
	       fstatat(st->layers_fd, layer_file(&info->diffid, ".tar", name), &tar,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(tar.st_mode) && (uint64_t)tar.st_size == info->tar_size &&
	       erofs_matches(fd, (uint64_t)index.st_size, info->tar_size, info->diffid.bytes);
}

/* Whether the layer is in the store already, and as it should be. */
static bool is_whole(const struct store *st, const struct layer_info *want)
{
	struct layer_info have;

	return layer_stat(st, &want->diffid, &have, NULL) == 0 && have.tar_size == want->tar_size &&
	       have.needs_lower == want->needs_lower && have.links_lower == want->links_lower &&
	       layer_files_match(st, want);
}

bool layer_is_published(const struct layer_writer *w)
{
	return is_whole(w->st, &w->info);
}

int layer_remove_locked(const struct store *st, const struct digest *diffid, struct error *err)
{
	/* The .json goes first: without it the rest is litter that store_clean takes away. */
	static const char *const suffixes[] = { ".json", ".erofs", ".tar" };
	char name[LAYER_FILE_MAX];

	for (size_t i = 0; i < 3; i++)
		if (unlinkat(st->layers_fd, layer_file(diffid, suffixes[i], name), 0) < 0 &&
		    errno != ENOENT)
			return error_errno(err, "cannot remove %s/layers/sha256/%s", st->root,
					   name);
	/* Without its .json nobody mounts it anew. */
	layer_unmount_idle(st, diffid);
	return layer_chains_remove(st, diffid, err);
}

int layer_publish_locked(struct layer_writer *w, bool *added, struct error *err)
{
	const struct {
		int fd;
		const char *suffix;
	} files[] = { { w->tar_fd, ".tar" }, { w->index_fd, ".erofs" }, { w->info_fd, ".json" } };
	char name[LAYER_FILE_MAX], path[32];

	*added = false;
	if (!w->synced)
		return error_set(err, EINVAL, "layer is not synced");
	if (is_whole(w->st, &w->info))
		return layer_chains_publish(w, err);
	/* What a cut-off publication or damage has left. */
	if (layer_remove_locked(w->st, &w->info.diffid, err) < 0)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		layer_file(&w->info.diffid, files[i].suffix, name);
		if (linkat(AT_FDCWD, fs_fd_path(files[i].fd, path), w->st->layers_fd, name,
			   AT_SYMLINK_FOLLOW) < 0) {
			error_errno(err, "cannot name a layer in %s/layers", w->st->root);
			(void)layer_remove_locked(w->st, &w->info.diffid, NULL);
			return -1;
		}
	}
	*added = true;
	return layer_chains_publish(w, err);
}

void layer_abandon(struct layer_writer *w)
{
	if (!w)
		return;
	(void)settle(w, NULL);
	cleanup_close(&w->tar_fd);
	cleanup_close(&w->index_fd);
	cleanup_close(&w->info_fd);
	for (size_t i = 0; i < w->n_chains; i++)
		cleanup_close(&w->chains[i].fd);
	free(w->chains);
	free(w);
}

int layer_finish(struct layer_writer *w, const struct digest *expected, struct layer_info *info,
		 struct error *err)
{
	struct layer_writer *mine autolayer = w;
	int lock autoclose = -1;
	bool added;

	if (layer_seal(w, expected, info, err) < 0 ||
	    layer_complete(w->st, &w, 1, &w->info.diffid, 1, err) < 0 || layer_sync(w, err) < 0)
		return -1;
	lock = store_lock(w->st, LOCK_EX, err);
	if (lock < 0 || layer_publish_locked(w, &added, err) < 0)
		return -1;
	(void)mine;
	return added ? fs_sync_dir(w->st->layers_fd, err) : 0;
}

/* ---- Reading */

static int info_parse(const char *text, size_t len, struct layer_info *info, struct error *err)
{
	yyjson_doc *doc autojson = json_parse(text, len, "layer's record", err);
	yyjson_val *root = yyjson_doc_get_root(doc);

	info->indexed = true;
	if (!doc || json_get_u64(root, "tarSize", &info->tar_size, err) < 0 ||
	    json_get_u64(root, "size", &info->size, err) < 0 ||
	    json_get_u64(root, "entries", &info->entries, err) < 0 ||
	    json_get_bool(root, "indexed", &info->indexed, err) < 0 ||
	    json_get_bool(root, "needsLower", &info->needs_lower, err) < 0 ||
	    json_get_bool(root, "linksLower", &info->links_lower, err) < 0)
		return -1;
	return 0;
}

int layer_stat(const struct store *st, const struct digest *diffid, struct layer_info *info,
	       struct error *err)
{
	struct error why = ERROR_INIT;
	char name[LAYER_FILE_MAX], text[DIGEST_TEXT_MAX];
	size_t len;
	char *json autofree = fs_read_file(st->layers_fd, layer_file(diffid, ".json", name),
					   INFO_MAX, &len, &why);

	*info = (struct layer_info){ .diffid = *diffid };
	if (!json && why.code == ENOENT)
		return error_set(err, ENOENT, "layer %s is not in the store",
				 digest_text(diffid, text));
	if (!json)
		return error_set(err, why.code, "%s", why.message);
	if (info_parse(json, len, info, &why) < 0)
		return error_set(err, EUCLEAN, "layer %s is damaged: %s", digest_text(diffid, text),
				 why.message);
	return 0;
}

int layer_list(const struct store *st, struct digest **diffids, size_t *n, struct error *err)
{
	if (store_objects(st->layers_fd, ".json", diffids, n) < 0)
		return error_errno(err, "cannot read %s/layers/sha256", st->root);
	return 0;
}

int layer_open(const struct store *st, const struct digest *diffid, struct layer_info *info,
	       struct error *err)
{
	char name[LAYER_FILE_MAX], text[DIGEST_TEXT_MAX];
	int fd autoclose = -1;
	struct stat tar;

	if (layer_stat(st, diffid, info, err) < 0)
		return -1;
	fd = openat(st->layers_fd, layer_file(diffid, ".tar", name),
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	digest_text(diffid, text);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, EUCLEAN, "layer %s is damaged: its tar is missing", text);
	if (fd < 0 || fstat(fd, &tar) < 0)
		return error_errno(err, "cannot open layer %s", text);
	if (!S_ISREG(tar.st_mode) || (uint64_t)tar.st_size != info->tar_size)
		return error_set(err, EUCLEAN,
				 "layer %s is damaged: its tar has %lld bytes, not %llu", text,
				 (long long)tar.st_size, (unsigned long long)info->tar_size);
	return STEAL_FD(fd);
}
