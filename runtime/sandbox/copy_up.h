/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a folder holds, copied into a new filesystem before that covers it ("tmpcopyup"). */
#ifndef KNARR_RUNTIME_COPY_UP_H
#define KNARR_RUNTIME_COPY_UP_H

/* Copies all below from, with owners, modes, times and extended attributes, into the empty folder to, whose own
 * are left alone; both may be O_PATH. No link is followed, nothing that is mounted below from is entered.
 * Async-signal-safe. -1 with errno (ENAMETOOLONG: deeper than 128 folders). */
int copy_up(int from, int to);

#endif
