/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image archives: read into a store in memory and made sense of, up to the step that would put them. What is accepted
 * keeps its promises; what is refused leaves no file. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image-tools/archived_image.h"
#include "image-tools/image.h"
#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"
#include "tests/fuzz/tarfix.h"

static struct store *store;
static char root[] = "/dev/shm/knarr-fuzz-XXXXXX";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void remove_store(void)
{
	char *run = xstrdup(store->run);

	store_close(store);
	fs_remove_tree(AT_FDCWD, run, NULL);
	fs_remove_tree(AT_FDCWD, root, NULL);
	free(run);
}

static void make_store(void)
{
	struct error err = ERROR_INIT;

	require(mkdtemp(root) != NULL);
	store = store_open(root, &err);
	require(store != NULL);
	atexit(remove_store);
}

static void check(const struct archived_image *img)
{
	struct error err = ERROR_INIT;
	autoimage struct image *config = image_parse(img->config->text, img->config->size, &err);

	require(config && config->n_diffids == img->n_layers);
	for (size_t i = 0; i < img->n_layers; i++)
		require(img->layers[i]->layer &&
			digest_equal(&config->diffids[i], layer_diffid(img->layers[i]->layer)));
	for (size_t i = 0; i < img->n_names; i++)
		require(img->names[i].repository && img->names[i].tag && !img->names[i].has_digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree uint8_t *copy = xmalloc(size + 1);
	autoclose int fd = memfd_create("archive", MFD_CLOEXEC);
	autoarchive struct archive archive = ARCHIVE_INIT;
	autoarchived struct archived_images images = ARCHIVED_IMAGES_INIT;
	struct error err = ERROR_INIT;

	if (!store)
		make_store();
	memcpy(copy, data, size);
	tar_fix_checksums(copy, size);
	require(fd >= 0 && write(fd, copy, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	if (archive_read(store, fd, "input", NULL, &archive, &err) < 0 ||
	    archived_images_find(&archive, &images, &err) < 0) {
		require(err.code && err.message[0]);
		return 0;
	}
	require(images.n > 0);
	for (size_t i = 0; i < images.n; i++)
		check(&images.items[i]);
	return 0;
}
