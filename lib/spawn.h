/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes of our own (not containers): a function run in a forked child, so that a library which exits, leaks or
 * parses untrusted bytes does so away from us. */
#ifndef KNARR_LIB_SPAWN_H
#define KNARR_LIB_SPAWN_H

#include "lib/error.h"
#include "lib/str.h"

/* Runs fn(arg) in a forked child whose stdin is /dev/null, whose stdout and stderr end in *output (at most 64 KiB, cut),
 * and which dies with its parent. Returns the child's exit status (128 + signal when killed), or -1 with err set when it
 * could not be started. output may be NULL. */
int spawn_function(int (*fn)(void *), void *arg, struct strbuf *output, struct error *err);

#endif
