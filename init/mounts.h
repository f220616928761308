/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount tree of the machine: a root that containers can leave, the kernel's own filesystems,
 * the control groups, the host's shared folder; and, at the end, taking all of it down again. */
#ifndef KNARR_INIT_MOUNTS_H
#define KNARR_INIT_MOUNTS_H

/* Makes "/" a mount that pivot_root(2) works from, private to its namespace; see mounts.c for the
 * trap. Must be called before anything is mounted. Returns 0, or -1 with a complaint made. */
int mounts_root(void);

/* Mounts proc, sys, dev, dev/pts, dev/shm, run, and the links and folders that go with them. What
 * cannot be mounted is complained of, the rest is mounted all the same. To be followed by
 * say_open(). */
void mounts_kernel(void);

/* Mounts cgroup2 (nsdelegate) and hands every controller that the kernel has to the groups below
 * the root. */
void mounts_cgroup(void);

/* Mounts the 9p device with the tag "share", if the machine has one, at /mnt/share. Asks the host,
 * and so may wait. */
void mounts_share(void);

/* Unmounts everything, last mounted first, but proc, dev and the root. What is busy is made
 * read-only, so that what is on a disk is whole and marked clean. Waits for disks: runs in a child
 * of PID 1. Returns 0, or -1 if a filesystem on a disk could be neither unmounted nor made
 * read-only, with a complaint made. */
int mounts_release(void);

#endif
