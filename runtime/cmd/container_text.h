/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lists say of a container, cell by cell, in Docker's words: `ps`, `system df -v`. Each appends to out. */
#ifndef KNARR_RUNTIME_CMD_CONTAINER_TEXT_H
#define KNARR_RUNTIME_CMD_CONTAINER_TEXT_H

#include "image-tools/tags.h"
#include "lib/str.h"
#include "runtime/container/container.h"

/* "\"sh -c 'sleep 1000; …\"": at most 20 characters, or the whole. */
void container_text_command(const struct container_config *c, bool whole, struct strbuf *out);

/* "3 hours ago" */
void container_text_ago(struct timespec then, struct strbuf *out);

/* "Created", "Up 3 hours (healthy)", "Up 3 hours (Paused)", "Restarting (1) 3 seconds ago", "Exited (137) 5 weeks ago" */
void container_text_status(const struct container_state *s, struct strbuf *out);

/* The image as it was named, unless that name means another image by now: then its ID. */
void container_text_image(const struct container_config *c, const struct tags *tags,
			  struct strbuf *out);

/* "data,/srv/www": volumes by name, binds by source; each at most 15 characters, or whole. Returns how many are volumes. */
size_t container_text_mounts(const struct host_config *h, bool whole, struct strbuf *out);

/* "80/tcp, 8000-8010/tcp": neighbours as one. */
void container_text_ports(const struct strv *exposed, struct strbuf *out);

#endif
