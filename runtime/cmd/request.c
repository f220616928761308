/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/cmd/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "runtime/container/volume.h"

void request_free(struct request *r)
{
	engine_request_free(&r->engine);
}

/* The file that is to hold the ID, which must not be there yet: -1 with err set. No file asked for: err untouched. */
static int open_cid_file(const char *path, struct error *err)
{
	int fd;

	if (!path || !*path)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST,
				 "container ID file found, make sure the other container isn't "
				 "running or delete %s",
				 path);
	if (fd < 0)
		return error_errno(err, "failed to create the container ID file %s", path);
	return fd;
}

/* Docker has more than these two: what an image lacks comes from no registry yet. */
static int check_pull(const char *pull, struct error *err)
{
	if (!pull || !*pull || str_in_list(pull, "missing,never"))
		return 0;
	if (strcmp(pull, "always") == 0)
		return error_set(err, ENOTSUP,
				 "--pull always: images cannot be pulled yet; see 'load' and "
				 "'import'");
	return error_set(err, EINVAL,
			 "invalid pull option: '%s': must be one of \"always\", \"missing\" or "
			 "\"never\"",
			 pull);
}

static int make(const struct store *st, const struct engine_request *r, const struct image *image,
		struct container *c, struct error *err)
{
	struct volume_hold hold = VOLUME_HOLD_INIT;

	if (engine_resolve(st, r, &c->config, err) < 0 ||
	    volumes_prepare(st, &c->config, image, &hold, err) < 0)
		return -1;
	if (container_create(st, c, err) < 0) {
		volumes_abandon(st, &hold);
		return -1;
	}
	volumes_keep(&hold);
	return 0;
}

static int create(const struct store *st, const struct request *r, struct container *c,
		  struct image **image, struct error *err)
{
	autoimage struct image *img = NULL;
	struct strv autostrv warnings = STRV_INIT;
	struct digest id;
	/* Nothing removes the image between the look for it and the container that needs it (image-tools/users.h). */
	autoclose int lock = store_lock(st, LOCK_SH, err);

	if (lock < 0 || image_resolve(st, r->engine.image, &id, err) < 0)
		return -1;
	img = image_open(st, &id, err);
	if (!img || engine_configure(img, &r->engine, &c->config, &warnings, err) < 0)
		return -1;
	for (size_t i = 0; i < warnings.len; i++)
		fprintf(stderr, "%s\n", warnings.items[i]);
	if (make(st, &r->engine, img, c, err) < 0)
		return -1;
	*image = STEAL_PTR(img);
	return 0;
}

int request_create(const struct store *st, const struct request *r, struct container *c,
		   struct image **image, struct error *err)
{
	const char *path = r->engine.cid_file;
	autoclose int fd = -1;

	if (check_pull(r->pull, err) < 0)
		return -1;
	fd = open_cid_file(path, err);
	if (fd < 0 && err->code)
		return -1;
	if (create(st, r, c, image, err) < 0) {
		if (fd >= 0)
			unlink(path);
		return -1;
	}
	if (fd >= 0 && fs_write_all(fd, c->config.id, ID_LEN) < 0) {
		error_errno(err, "failed to write the container ID to %s", path);
		container_remove(st, c, NULL);
		unlink(path);
		return -1;
	}
	return 0;
}
