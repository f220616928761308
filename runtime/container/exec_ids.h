/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes `exec` has under way in a container, for `inspect` ("ExecIDs"): <run>/<id>/exec-<exec ID>, a line with the
 * process and the time it began, by which one that has ended is known from another of its number. No command is needed to
 * take a file away: whoever lists them does it. */
#ifndef KNARR_RUNTIME_EXEC_IDS_H
#define KNARR_RUNTIME_EXEC_IDS_H

#include <sys/types.h>

#include "lib/str.h"

/* Best effort: nothing but `inspect` reads it. */
void exec_ids_add(int run_dirfd, const char *id, pid_t pid);
void exec_ids_remove(int run_dirfd, const char *id);

/* Appends the IDs of those that run, sorted. */
void exec_ids_list(int run_dirfd, struct strv *out);

#endif
