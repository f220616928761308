/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/save.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "image-tools/save_documents.h"
#include "image-tools/worker.h"
#include "lib/cleanup.h"

/* A layer larger than this is hashed on a thread of its own. */
#define WORKER_FROM (1U << 20)

/* ---- Entries */

static int put_folder(struct tar_writer *w, const char *path, struct error *err)
{
	struct tar_entry e = { .type = TAR_DIRECTORY, .path = path, .mode = 0755 };

	return tar_writer_entry(w, &e, err);
}

static int begin_file(struct tar_writer *w, const char *path, uint64_t size, struct error *err)
{
	struct tar_entry e = { .type = TAR_FILE, .path = path, .mode = 0644, .size = size };

	return tar_writer_entry(w, &e, err);
}

static int put_documents(struct tar_writer *w, const struct save_documents *documents,
			 struct error *err)
{
	bool blobs = false;

	for (size_t i = 0; i < documents->n; i++) {
		const struct save_document *d = &documents->items[i];

		if (!blobs && str_starts(d->name, "blobs/")) {
			blobs = true;
			if (put_folder(w, "blobs", err) < 0 ||
			    put_folder(w, "blobs/sha256", err) < 0)
				return -1;
		}
		if (begin_file(w, d->name, d->len, err) < 0 ||
		    tar_writer_data(w, d->text, d->len, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Layers */

/* A running hash, on another core where there is one. */
struct hasher {
	struct sha256 hash;
	struct worker *worker; /* NULL: none */
};

static int consume(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	sha256_update(context, data, len);
	return 0;
}

static void hasher_begin(struct hasher *h, uint64_t size)
{
	sha256_init(&h->hash);
	h->worker = size > WORKER_FROM ? worker_start(consume, &h->hash) : NULL;
}

static void hasher_put(struct hasher *h, const void *data, size_t len)
{
	if (h->worker)
		(void)worker_put(h->worker, data, len, NULL); /* consume does not fail */
	else
		sha256_update(&h->hash, data, len);
}

/* Ends the thread; of several calls the first counts. */
static void hasher_settle(struct hasher *h)
{
	if (h->worker)
		(void)worker_finish(h->worker, NULL);
	h->worker = NULL;
}

static int check(struct hasher *h, const struct saved_layer *layer, struct error *err)
{
	char want[DIGEST_TEXT_MAX], got[DIGEST_TEXT_MAX];
	struct digest found;

	hasher_settle(h);
	sha256_final(&h->hash, &found);
	if (!digest_equal(&found, &layer->diffid))
		return error_set(err, EUCLEAN, "layer %s is damaged: its digest is %s",
				 digest_text(&layer->diffid, want), digest_text(&found, got));
	return 0;
}

static ssize_t read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, buf, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static int copy_layer(struct tar_writer *w, const struct saved_layer *layer, struct hasher *h,
		      struct progress *progress, struct error *err)
{
	char name[BLOB_NAME_MAX], text[DIGEST_TEXT_MAX];
	uint64_t done = 0;

	blob_name(&layer->diffid, name);
	if (begin_file(w, name, layer->size, err) < 0)
		return -1;
	/* What has no bytes has no last piece to hold back. */
	if (!layer->size && check(h, layer, err) < 0)
		return -1;
	(void)posix_fadvise(layer->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (done < layer->size) {
		size_t room;
		void *space = tar_writer_space(w, &room, err);
		ssize_t n = space ? read_at(layer->fd, space, room, done) : 0;

		if (!space)
			return -1;
		if (n < 0)
			return error_errno(err, "cannot read layer %s",
					   digest_text(&layer->diffid, text));
		if (n == 0)
			return error_set(err, EUCLEAN, "layer %s is damaged: it ends too early",
					 digest_text(&layer->diffid, text));
		hasher_put(h, space, (size_t)n);
		done += (uint64_t)n;
		/* What is not yet filled has not gone out. */
		if (done == layer->size && check(h, layer, err) < 0)
			return -1;
		tar_writer_filled(w, (size_t)n);
		progress_step(progress, name, done, layer->size);
	}
	progress_finish(progress, name, done);
	return 0;
}

static int put_layer(struct tar_writer *w, const struct saved_layer *layer,
		     struct progress *progress, struct error *err)
{
	struct hasher h;
	int r;

	hasher_begin(&h, layer->size);
	r = copy_layer(w, layer, &h, progress, err);
	hasher_settle(&h);
	return r;
}

int save_archive(const struct saved_images *images, enum save_format format, tar_write_fn write,
		 void *context, struct progress *progress, struct error *err)
{
	struct tar_writer *w autotarwriter = tar_writer_new(write, context);
	struct save_documents documents autodocuments = SAVE_DOCUMENTS_INIT;

	save_documents_make(images, format == SAVE_DOCKER_ARCHIVE, &documents);
	if (put_documents(w, &documents, err) < 0)
		return -1;
	for (size_t i = 0; i < images->n_layers; i++)
		if (put_layer(w, &images->layers[i], progress, err) < 0)
			return -1;
	return tar_writer_end(w, err);
}
