/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What init says: one line at a time, each in one write, to the kernel's preferred console
 * (/dev/console) or to the kernel's log. None of the calls waits: a terminal that is stopped or
 * gone loses the line, never the machine. They may be used in PID 1 and in its children. */
#ifndef KNARR_INIT_SAY_H
#define KNARR_INIT_SAY_H

#include <stdbool.h>

/* Opens /dev/console and /dev/kmsg, both close-on-exec; to be called again once devtmpfs is
 * mounted, when what the initramfs carried may have been less. Until then nothing is heard. */
void say_open(void);

/* With mute set, say() goes to the kernel's log instead: the console belongs to a command
 * (knarr.exec=) whose output must stay its own. complain() is heard all the same. */
void say_mute(bool mute);
bool say_muted(void);

/* Something a person should know: "init: ..." on the console. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Something that went wrong: "init: ..." on the console, and in the kernel's log for whoever comes
 * later. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Something for `dmesg` alone. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
