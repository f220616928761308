/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What disks the machine has and what is on them, found out by reading only. The judgements work on
 * buffers and file descriptors of any kind, so that they can be tested on plain files.
 *
 * A disk counts as blank only if nothing but zeroes is found in all the places where file systems,
 * partition tables, volume managers, RAID and encryption leave their marks, and in samples over its
 * whole length. There is no list of signatures that could be incomplete: any byte that is not zero
 * speaks against it. */
#ifndef KNARR_INIT_DISK_H
#define KNARR_INIT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISKS_MAX         64
#define EXT4_SUPER_OFFSET 1024
#define EXT4_SUPER_SIZE   1024

struct disk {
	char name[32]; /* as in /sys/class/block: "vda", "vda1" */
	char path[40]; /* the device node, below /dev */
	uint64_t bytes;
	bool read_only; /* write-protected */
	bool whole;     /* no partition, and has none */
};

/* What an ext2/3/4 superblock says (Linux: Documentation/filesystems/ext4/super.rst). */
struct ext4_summary {
	char label[17];
	uint64_t bytes; /* of the file system */
	uint32_t block_size;
	bool needs_check; /* not unmounted cleanly, or an error was met while it was mounted */
};

/* Fills disks with the block devices that could hold a store, whole disks and partitions, in the
 * order of their names (vda, vdb, ... vdaa; shorter ones first). RAM disks, loop devices and those
 * of no size are left out. Returns how many. */
unsigned disk_list(struct disk disks[static DISKS_MAX]);

/* Reads a superblock out of sb. Returns false if it is none that can be mounted. */
bool ext4_parse(const unsigned char sb[static EXT4_SUPER_SIZE], struct ext4_summary *out);

/* Reads the superblock of the device (or image file) fd. Returns false if there is none, or on a
 * read error. */
bool ext4_read(int fd, struct ext4_summary *out);

/* True if all len bytes are zero. */
bool all_zero(const void *buf, size_t len);

/* Judges the device (or image file) fd of the given size; see above. A read error makes it not
 * blank. Reads 17 MiB at most, and stops at the first byte that is not zero: usually in the first
 * block. */
bool disk_blank(int fd, uint64_t bytes);

#endif
