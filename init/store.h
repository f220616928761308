/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: where images and containers are kept. Chooses a disk, formats it if it is blank,
 * checks it, mounts it at /var/lib/knarr, and lets a part of the memory serve where no disk can.
 *
 * What it promises: no disk is written to but one labelled KNARR (ext4) or one that is wholly blank
 * (disk.h). The check of a disk that was not unmounted is done before anybody sees it; a disk that
 * cannot be mended is not mounted at all, so that whoever repairs it finds it as it was. */
#ifndef KNARR_INIT_STORE_H
#define KNARR_INIT_STORE_H

#include <stdbool.h>

#define STORE_LABEL "KNARR"

/* What the child that prepares the store tells PID 1 and the consoles, in memory they share. */
struct store_report {
	char text[200]; /* "disk vda 8.0G (7.9G free)", "RAM 119M, lost at power-off (no disk)" */
	volatile bool ready; /* something is mounted and text is complete */
};

/* Does all of it; ram_only leaves the disks alone. Waits for disks and for the programs it runs
 * (mke2fs, e2fsck): runs in a child of PID 1. What a person must know is said on the console;
 * *report is filled whatever happens. */
void store_prepare(bool ram_only, struct store_report *report);

#endif
