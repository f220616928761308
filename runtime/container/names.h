/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of containers: the grammar, the names Knarr gives of its own, and the folder that keeps a name to one container.
 *
 * containers/by-name/<name> is a symbolic link whose text is the container's ID. symlinkat(2) either makes it or says EEXIST, so
 * that two `run --name web` at once need no lock and no look at every other container. The container's folder is made
 * before its name and removed after it: a name whose folder is missing is what a crash left, and is taken over. */
#ifndef KNARR_RUNTIME_NAMES_H
#define KNARR_RUNTIME_NAMES_H

#include <stdbool.h>

#include "image-tools/store.h"
#include "lib/error.h"
#include "lib/str.h"

#define NAME_MAX_LEN 128
#define ID_LEN       64 /* hexadecimal digits; also the length of a container's ID in text */

/* Whether name is [a-zA-Z0-9][a-zA-Z0-9_.-]+, Docker's grammar, and at most NAME_MAX_LEN long. A leading slash (`docker
 * inspect` prints one) is the caller's to skip. */
bool name_valid(const char *name);

/* Sets err to Docker's words about a name that is none; returns -1. */
int name_invalid(const char *name, struct error *err);

/* A random name such as "brisk_longship" in buf; retry > 0 (it was taken) puts a digit behind it, as Docker does. */
void name_random(char buf[NAME_MAX_LEN + 1], int retry);

/* A new random ID. Its first twelve digits, which serve as hostname, are never all decimal. -1 with err set. */
int id_random(char id[ID_LEN + 1], struct error *err);

/* Whether s is 64 lower-case hexadecimal digits. */
bool id_valid(const char *s);

/* Gives name to the container id, whose folder exists. -1 with err set: EEXIST in Docker's words when another has it. */
int name_claim(const struct store *st, const char *name, const char *id, struct error *err);

/* Takes the name from the container again, if it is its own. */
void name_release(const struct store *st, const char *name, const char *id);

/* The ID behind name in id. Returns 0 or -1 (no such name). */
int name_lookup(const struct store *st, const char *name, char id[ID_LEN + 1]);

/* Appends to out all names, in no order. */
void names_list(const struct store *st, struct strv *out);

/* Appends to out the names that crashes left. */
void names_stale(const struct store *st, struct strv *out);

/* Removes them. */
void names_clean(const struct store *st);

#endif
