/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One instruction of a Dockerfile, taken apart by the rules of its kind (Dockerfile reference): its name, its
 * flags, its arguments. Lines that continue with a backslash are one by now. Variables are not replaced here, and
 * quotes stay where they are: image-tools/expand.h takes both away. */
#ifndef KNARR_IMAGE_TOOLS_INSTRUCTION_H
#define KNARR_IMAGE_TOOLS_INSTRUCTION_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/str.h"

struct instruction {
	char *typed;       /* its name as it was written */
	char *name;        /* in capitals */
	char *rest;        /* all behind the name, without spaces around */
	struct strv flags; /* "--interval=5s" */
	/* CMD, ENTRYPOINT, SHELL, RUN: the elements of a JSON array, or one line for a shell. HEALTHCHECK: its type
	 * as written, and then the same. VOLUME, COPY, ADD: the elements of a JSON array, or words. EXPOSE, FROM:
	 * words. ARG: words, which may be quoted. ENV, LABEL: key, value, key, value, ... USER, WORKDIR,
	 * STOPSIGNAL, ONBUILD, MAINTAINER and what nobody knows: rest. */
	struct strv args;
	bool json; /* the arguments were a JSON array */
};

#define INSTRUCTION_INIT \
	{ \
		0 \
	}

/* Takes line apart. Returns 0, or -1 with err set, EINVAL, in Docker's words. A name nobody knows is no error. *out
 * is to be freed after a success. */
int instruction_parse(const char *line, struct instruction *out, struct error *err);

/* The value of the flag --name; NULL where it was not given. */
const char *instruction_flag(const struct instruction *i, const char *name);

/* Whether all flags are among allowed (names, ended by NULL), and have a value, each once. Returns 0, or -1 with
 * err set. */
int instruction_check_flags(const struct instruction *i, const char *const *allowed,
			    struct error *err);

void instruction_free(struct instruction *i);
#define autoinstruction __attribute__((cleanup(instruction_free)))

#endif
