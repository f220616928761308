/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/import.h"

#include <errno.h>

#include "image-tools/addition.h"
#include "image-tools/change.h"
#include "image-tools/new_image.h"
#include "image-tools/stream.h"
#include "image-tools/tar.h"
#include "lib/cleanup.h"
#include "lib/human.h"

#define READ_SIZE ((size_t)256 << 10)

static int append_all(struct layer_writer *w, struct fd_source *file, struct source *src,
		      const char *name, struct progress *progress, struct error *err)
{
	uint64_t total = file->size < 0 ? 0 : (uint64_t)file->size;
	const uint8_t *data;
	size_t len;

	for (;;) {
		if (src->next(src, &data, &len, err) < 0)
			return -1;
		if (!len)
			break;
		if (layer_append(w, data, len, err) < 0)
			return -1;
		progress_step(progress, name, file->position, total);
	}
	progress_finish(progress, name, file->position);
	return 0;
}

static int stage(struct layer_writer *w, struct fd_source *file, const char *name,
		 struct progress *progress, struct error *err)
{
	struct stream *s autostream = stream_open(&file->src, NULL, err);
	const uint8_t *head;
	size_t len;

	if (!s || stream_head(s, &head, &len, err) < 0)
		return -1;
	if (len < TAR_BLOCK || !tar_sniff(head))
		return error_set(err, EINVAL, "it is no tar archive");
	if (append_all(w, file, stream_source(s), name, progress, err) < 0)
		return -1;
	return layer_seal(w, NULL, NULL, err);
}

int import_fd(const struct store *st, int fd, const char *source_name,
	      const struct import_options *options, struct digest *id, struct error *err)
{
	struct layer_writer *w autolayer = NULL;
	struct image_config config autoimageconfig = { 0 };
	struct new_image fresh = { .config = &config,
				   .created = time_now(),
				   .comment = options->message ? options->message
							       : "Imported from -" };
	struct addition_image addition = { .names = options->name,
					   .n_names = options->name != NULL };
	struct fd_source file;
	char *json autofree = NULL;
	int r;

	/* Mistakes in them are told before anything is read. */
	if (options->changes && changes_apply(&config, options->changes, err) < 0)
		return -1;
	w = layer_create(st, err);
	if (!w)
		return -1;
	fd_source_init(&file, fd, "the archive", READ_SIZE);
	r = stage(w, &file, source_name, options->progress, err);
	fd_source_free(&file);
	if (r < 0)
		return error_prefix(err, "%s", source_name);
	fresh.diffid = layer_diffid(w);
	json = new_image_write(&fresh, &addition.len, err);
	if (!json)
		return -1;
	addition.json = json;
	if (addition_publish(st, &w, 1, &addition, 1, err) < 0)
		return -1;
	*id = addition.id;
	return 0;
}
