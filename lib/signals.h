/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals by name, as `kill -s`, `--stop-signal` and an image's STOPSIGNAL give them. */
#ifndef KNARR_LIB_SIGNALS_H
#define KNARR_LIB_SIGNALS_H

/* The number of TERM, SIGTERM, sigterm, RTMIN+3 or 15. Returns -1 for what is no signal of Linux (signal(7)). The numbers of
 * the real-time signals are the kernel's (34 is RTMIN, as every libc presents it). */
int signal_parse(const char *text);

/* "TERM", or NULL for a number without a name. */
const char *signal_name(int signo);

#endif
