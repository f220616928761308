/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the child (runtime/sandbox/sandbox_child.c), each -1 after sandbox_fault and made of plain system calls. */
#ifndef KNARR_RUNTIME_SANDBOX_PROCESS_H
#define KNARR_RUNTIME_SANDBOX_PROCESS_H

#include "runtime/sandbox/rootfs.h"
#include "runtime/sandbox/sandbox_child.h"

/* sandbox_stdio.c: opens a new terminal of the container's devpts; its master is returned, its slave in *slave. */
int sandbox_open_terminal(struct sandbox_plan *plan, const struct rootfs_fds *fds, int *slave);

/* What of stdio is to be /dev/null becomes a null device of the container's own. */
int sandbox_open_null(struct sandbox_plan *plan, const struct rootfs_fds *fds);

/* Puts stdio into place, then preserved descriptors, then our own few; closes all the rest. */
int sandbox_arrange_descriptors(struct sandbox_plan *plan, const int stdio[3]);
void sandbox_own_stdio(const struct sandbox_plan *plan);

/* sandbox_process.c: who the process is. Both in the container already. */
int sandbox_become_root(struct sandbox_plan *plan);
int sandbox_set_user(struct sandbox_plan *plan);
int sandbox_new_keyring(struct sandbox_plan *plan);
int sandbox_open_label(struct sandbox_plan *plan);

/* The program to execute, or NULL. */
const char *sandbox_find_program(struct sandbox_plan *plan);

/* What takes rights away, last of all: no_new_privs, label, capabilities, filter. */
int sandbox_set_privileges(struct sandbox_plan *plan);

/* sandbox_init.c: stays behind as the container's init and lets a child execute. Returns in the child. */
int sandbox_become_init(struct sandbox_plan *plan);

#endif
