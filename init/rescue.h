/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last resort: should PID 1 itself fault, the kernel would panic and nobody would know why.
 * Instead it says what happened, keeps a root shell on the console and goes on reaping, so that the
 * store can be synced, looked at and the machine taken down by hand (`poweroff -f`). Nothing of the
 * rest of init is used from there on. */
#ifndef KNARR_INIT_RESCUE_H
#define KNARR_INIT_RESCUE_H

/* Catches the signals of a program's own faults on a stack of their own. Only in PID 1: a child
 * that faults dies of it. */
void rescue_arm(void);

#endif
