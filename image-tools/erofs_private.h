/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the EROFS writer share, and nobody else includes: erofs_layout.c gives every inode and every
 * block its place, erofs.c writes them in the same order. Numbers are little-endian on disk and, as everywhere in Knarr,
 * in memory. */
#ifndef KNARR_IMAGE_TOOLS_EROFS_PRIVATE_H
#define KNARR_IMAGE_TOOLS_EROFS_PRIVATE_H

#include <sys/stat.h>

#include "image-tools/erofs.h"

#define MAGIC                 0xE0F5E1E2U
#define COMPAT_MTIME          0x2U
#define INCOMPAT_CHUNKED_FILE 0x4U
#define INCOMPAT_DEVICE_TABLE 0x8U
#define LAYOUT_PLAIN          0
#define LAYOUT_INLINE         2
#define LAYOUT_CHUNKS         4
#define CHUNK_INDEXES         0x20U
#define CHUNK_BITS_MAX        31U
#define NULL_BLOCK            0xffffffffU
#define BLOCK_BITS            9U
#define SLOT                  32U /* inodes are numbered by the 32-byte slot they start in */
#define SUPER_AT              1024U
#define DEVICE_SLOT           128U
#define INODES_AT             (SUPER_AT + 128U + DEVICE_SLOT)
#define XATTRS_MAX            ((UINT16_MAX - 1U) * 4U)
#define DEVICE_TAR            1

struct superblock {
	uint32_t magic, checksum, feature_compat;
	uint8_t block_bits, extra_slots;
	uint16_t root_nid;
	uint64_t inodes, build_time;
	uint32_t build_time_nsec, blocks, meta_block, xattr_block;
	uint8_t uuid[16], volume_name[16];
	uint32_t feature_incompat;
	uint16_t algorithms, extra_devices, device_slot;
	uint8_t dir_block_bits, xattr_prefixes;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t reserved[24];
} __attribute__((packed));
_Static_assert(sizeof(struct superblock) == 128, "on-disk format");

struct device_slot {
	uint8_t tag[64];
	uint32_t blocks, mapped_block;
	uint8_t reserved[56];
} __attribute__((packed));
_Static_assert(sizeof(struct device_slot) == DEVICE_SLOT, "on-disk format");

/* As they stand one behind the other. */
struct erofs_head {
	struct superblock super;
	struct device_slot slot;
} __attribute__((packed));

struct disk_inode { /* the "extended" form */
	uint16_t format, xattr_count, mode, reserved;
	uint64_t size;
	uint32_t u, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_nsec, nlink;
	uint8_t reserved2[16];
} __attribute__((packed));
_Static_assert(sizeof(struct disk_inode) == 64, "on-disk format");

struct disk_dirent {
	uint64_t nid;
	uint16_t name_at;
	uint8_t file_type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct disk_dirent) == 12, "on-disk format");

struct disk_xattr {
	uint8_t name_len, prefix;
	uint16_t value_len;
} __attribute__((packed));

struct disk_chunk {
	uint16_t advise, device;
	uint32_t block;
} __attribute__((packed));

#define XATTR_HEADER 12U

struct writer {
	struct tree *t;
	struct erofs_totals *totals;
	const struct erofs_input *in;
	/* All inodes in the order they are written: folders by depth. */
	struct tree_inode *first, *last;
	int fd;
	uint64_t position; /* of the next byte emit puts out */
	uint64_t block_at; /* where the blocks of long folders and link targets begin */
	uint64_t copy_at;  /* where the next copied chunk goes */
	size_t filled;
	uint8_t buf[64 << 10];
};

static inline uint64_t erofs_round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Places all inodes, chooses their layouts and chunks, sorts folders. Returns 0 or -1 (E2BIG, EFBIG). */
int erofs_lay_out(struct writer *w, struct error *err);

/* Entries of a folder, "." and ".." among them. */
static inline size_t erofs_dir_entries(const struct tree_inode *dir)
{
	return (size_t)dir->folder->n_children + 2;
}

/* How many of the entries from sorted[i] on, of n, fit into one block; *bytes becomes what they fill of it. */
size_t erofs_fit_block(const struct tree_inode *dir, size_t i, size_t n, size_t *bytes);

uint64_t erofs_chunk_count(const struct tree_inode *inode);

/* The runs of a file's data; one is the buffer for a file in one run. */
const struct tree_extent *erofs_extents(const struct tree_inode *inode, struct tree_extent *one,
					uint32_t *n);

/* Whether a folder or link has blocks of its own. */
static inline bool erofs_has_blocks(const struct tree_inode *inode)
{
	return (S_ISDIR(inode->mode) || S_ISLNK(inode->mode)) && inode->layout == LAYOUT_PLAIN;
}

#endif
