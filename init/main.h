/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PID 1 of Knarr: what it asks of the kernel, and the few words all its modules share.
 *
 * The machine is a set of static structures: nothing is allocated once the boot is over, no call in
 * PID 1 waits for a disk, a terminal or the network. What may wait (looking for the store, checking
 * it, opening a console, asking for an address, unmounting) runs in a child, and the event loop in
 * main.c hears of its end like of any other.
 *
 * Kernel configuration that this program relies on (nothing here is a module):
 *   BLK_DEV_INITRD, DEVTMPFS, PROC_FS, SYSFS, TMPFS (with XATTR and POSIX_ACL, for a store in RAM),
 * UNIX98_PTYS, SIGNALFD, CGROUPS and its v2 controllers, EXT4_FS, VIRTIO_BLK, SERIAL_8250_CONSOLE,
 * VIRTIO_CONSOLE, NET, INET, IPV6, PACKET (udhcpc), NET_9P_VIRTIO and 9P_FS (the shared folder),
 * RTC_CLASS, RTC_DRV_CMOS and RTC_HCTOSYS (the clock), ACPI, ACPI_BUTTON and the INPUT it selects
 * on (the power button; heard over generic netlink, so that INPUT_EVDEV is not needed). Without any
 * of them the boot goes on and says what is missing. */
#ifndef KNARR_INIT_MAIN_H
#define KNARR_INIT_MAIN_H

#ifndef KNARR_VERSION
#define KNARR_VERSION "0.1"
#endif

#define TTY_NAME_MAX  32 /* "ttyS0" and the like, with its final zero */
#define CONSOLES_MAX  8
#define STORE_DIR     "/var/lib/knarr"
#define KNARR_PROGRAM "/bin/knarr"
#define SEARCH_PATH   "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
