/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The size of a terminal at the other end of a serial line. The line has no way to tell it, but
 * nearly every terminal answers a question: "put the cursor at the far corner; where is it now?"
 * (DSR 6, answered by CPR, ECMA-48 8.3.14). What a person typed ahead while we waited is theirs and
 * is put back. */
#ifndef KNARR_INIT_WINSIZE_H
#define KNARR_INIT_WINSIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the first complete answer "ESC [ rows ; cols R" with usable numbers (1 to 4095) out of the
 * *len bytes of buf and closes the gap. Returns false, and changes nothing, if there is none. */
bool winsize_take_answer(char *buf, size_t *len, unsigned short *rows, unsigned short *cols);

/* Asks the terminal on fd, the caller's controlling one, and sets the size of its line
 * (TIOCSWINSZ). Gives up at the time `until` of clock_ms(), or later if gate_fd (-1 for none) has
 * not become readable by then: who has to wait anyway may as well listen. The terminal's modes are
 * as before afterwards. Returns false if there was no answer. */
bool winsize_ask(int fd, int64_t until, int gate_fd);

#endif
