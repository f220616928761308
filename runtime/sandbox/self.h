/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knarr's own program file, kept from containers.
 *
 * A process that is about to become a container's program is, until its execve, an image of the
 * file of `knarr`. Whoever gets hold of that file through /proc/<pid>/exe can write to it: a
 * container's root owns it, as far as the filesystem is concerned, and an image whose program is a
 * link to /proc/self/exe, or a script whose interpreter is, makes the kernel execute it inside,
 * where it can be looked at in peace (CVE-2019-5736). Other runtimes copy themselves into sealed
 * memory at every start.
 *
 * Here the program runs from a read-only mount: through such a mount nobody writes, whatever his
 * rights, and the way from /proc leads through the very mount the program was started from. The
 * appliance mounts /bin/knarr so once, at boot, and starting a container costs nothing more.
 * Elsewhere the program executes itself once more, from a read-only copy of its mount that is
 * attached nowhere. */
#ifndef KNARR_RUNTIME_SELF_H
#define KNARR_RUNTIME_SELF_H

/* First thing in main: returns at once where the program file cannot be written through the mount
 * it was started from, else starts the program again and does not return. Without the rights for
 * that it returns too: then there are none to start a container with either. */
void self_protect(char **argv);

/* What `ps` shows for this process from now on, within the room that its command line takes. Async-signal-safe. */
void self_rename(const char *name);

#endif
