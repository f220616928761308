/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images out of the store into one archive: what `load` here and elsewhere takes in.
 *
 *     SAVE_DOCKER_ARCHIVE   oci-layout index.json manifest.json repositories blobs/sha256/...
 *     SAVE_OCI_ARCHIVE      the same without the two documents of Docker's own
 *
 * A docker-archive is an OCI layout too, as Docker's own has been since version 25: Docker 20.10, podman and skopeo find
 * blobs by what manifest.json says, containerd and umoci by index.json, so one file serves all of them, and every blob's
 * name is its digest. The older form (<id>.json, <digits>/layer.tar) is read by no program that does not read this one.
 *
 * Layers go out as the tars they came as, bit for bit, each once. The bytes are a function of the images and names alone:
 * times are 0, owners root. Documents come first, so that who reads from a pipe knows what follows.
 *
 * Every layer is hashed while it is copied, and its last bytes are held back until the hash was right: what is damaged in
 * the store never leaves it as a whole entry, wherever the archive goes. */
#ifndef KNARR_IMAGE_TOOLS_SAVE_H
#define KNARR_IMAGE_TOOLS_SAVE_H

#include "image-tools/progress.h"
#include "image-tools/saved_image.h"
#include "image-tools/tar_writer.h"
#include "lib/error.h"

enum save_format { SAVE_DOCKER_ARCHIVE, SAVE_OCI_ARCHIVE };

/* Hands the archive's bytes to write, in order; progress may be NULL. Returns 0, or -1 with err set: EUCLEAN (a layer is
 * damaged), EIO, or what write said. What was written by then is no whole archive. */
int save_archive(const struct saved_images *images, enum save_format format, tar_write_fn write,
		 void *context, struct progress *progress, struct error *err);

#endif
