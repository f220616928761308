/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks: programs that a config.json names, run at the stages of a container's life (runtime-spec, config.md, "POSIX-platform
 * Hooks") with the container's state, as JSON, on standard input. Who runs which:
 *
 *     prestart, createRuntime   sandbox_create, in the runtime's namespaces, when the container's exist
 *     createContainer           the child, in the container's namespaces, before its root is changed
 *     startContainer            the child, inside, after sandbox_start's word and before the program
 *     poststart, poststop       the caller of the sandbox, by hooks_run
 *
 * A hook has the environment that it was given, an empty one if none; no descriptor but its stdio; a process group of its
 * own, all of which is killed when its time is up. */
#ifndef KNARR_RUNTIME_HOOKS_H
#define KNARR_RUNTIME_HOOKS_H

#include <stddef.h>

#include "lib/error.h"
#include "runtime/spec/spec.h"

/* Runs all hooks of a stage in order, up to the first that fails: -1 with err set (ECANCELED), with what the hook said on
 * stderr. Signals and children of the caller are left alone. */
int hooks_run(const struct spec_hooks *hooks, const char *state_json, struct error *err);

/* A file in memory for hook_run, and what fills it, once; -1 with errno. A child that is cloned in between sees what is
 * written. */
int hooks_state_file(void);
int hooks_state_write(int fd, const char *state_json);

/* Between clone and exec, too: runs one hook with the file state_fd, from its beginning, as stdin. Returns 0, or -1 with a
 * sentence of what went wrong in text. */
int hook_run(const struct spec_hook *hook, int state_fd, char *text, size_t size);

#endif
