/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `inspect` shows of an image, as a JSON object with the members of Docker's API (moby, api/types: ImageInspect),
 * their names and their order. What is not known here has the value that says so in Docker: "", null, the year 1. Values
 * belong to the document they are made in. */
#ifndef KNARR_IMAGE_TOOLS_INSPECT_H
#define KNARR_IMAGE_TOOLS_INSPECT_H

#include "image-tools/image.h"
#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/json.h"

#define INSPECT_NO_TIME "0001-01-01T00:00:00Z"
#define INSPECT_DRIVER  "overlayfs"

/* The image's object, made in doc. NULL with err set (ENOENT, EUCLEAN). */
yyjson_mut_val *inspect_image(yyjson_mut_doc *doc, const struct store *st, const struct digest *id,
			      struct error *err);

/* Members in the form of Docker's container.Config ("Hostname" ... "Labels"), of an image and of a container alike. */
struct inspect_config {
	const struct image_config *config;
	const char *hostname, *domainname, *image; /* NULL: "" */
	bool attach_stdin, attach_stdout, attach_stderr, tty, open_stdin, stdin_once;
	bool container; /* whose labels are {} where an image's are null, and whose health check is config's */
	const int *stop_timeout; /* seconds; NULL: not said */
	yyjson_val *healthcheck; /* of an image: copied; NULL: none */
};

yyjson_mut_val *inspect_config(yyjson_mut_doc *doc, const struct inspect_config *c);

/* Adds a string under key: copied, NULL as "". key must live as long as doc. */
void inspect_put(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, const char *value);

#endif
