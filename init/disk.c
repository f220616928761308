/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/disk.h"

#include "init/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_CLASS "/sys/class/block"
#define KIB         1024ULL
#define MIB         (1024ULL * KIB)
#define GIB         (1024ULL * MIB)

/* Blank means: the first 8 MiB and a bit (LUKS2 keeps a header at up to 4 MiB, ext4 with blocks of
 * 1 KiB a copy of its superblock just past 8 MiB), the last 1 MiB (GPT's copy, mdraid, DDF, ZFS,
 * bcachefs, NILFS), the copies of the superblock that btrfs keeps at 64 MiB and 256 GiB and ext4 at
 * the start of block groups 1, 3, 5, 7 and 9, and samples. */
#define HEAD_BYTES   (8 * MIB + 64 * KIB)
#define TAIL_BYTES   (1 * MIB)
#define SAMPLE_BYTES (32 * KIB)
#define SAMPLES      240

static uint64_t le(const unsigned char *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

bool ext4_parse(const unsigned char sb[static EXT4_SUPER_SIZE], struct ext4_summary *out)
{
	enum {
		STATE_VALID = 1,
		STATE_ERROR = 2,
		INCOMPAT_RECOVER = 4,
		INCOMPAT_JOURNAL_DEV = 8,
		INCOMPAT_64BIT = 0x80
	};
	unsigned log_size = (unsigned)le(sb + 0x18, 4);
	uint64_t state = le(sb + 0x3a, 2), incompat = le(sb + 0x60, 4), blocks = le(sb + 0x04, 4);

	memset(out, 0, sizeof *out);
	if (le(sb + 0x38, 2) != 0xef53 || log_size > 6 || (incompat & INCOMPAT_JOURNAL_DEV))
		return false;
	if (incompat & INCOMPAT_64BIT)
		blocks |= le(sb + 0x150, 4) << 32;
	out->block_size = 1024U << log_size;
	if (blocks == 0 || __builtin_mul_overflow(blocks, out->block_size, &out->bytes))
		return false;
	memcpy(out->label, sb + 0x78, 16);
	out->needs_check = !(state & STATE_VALID) || (state & STATE_ERROR) ||
			   (incompat & INCOMPAT_RECOVER) || le(sb + 0x194, 4) != 0;
	return true;
}

static bool read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t used = 0;

	while (used < len) {
		ssize_t n = pread(fd, (char *)buf + used, len - used, (off_t)(offset + used));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		used += (size_t)n;
	}
	return true;
}

bool ext4_read(int fd, struct ext4_summary *out)
{
	unsigned char sb[EXT4_SUPER_SIZE];

	return read_at(fd, sb, sizeof sb, EXT4_SUPER_OFFSET) && ext4_parse(sb, out);
}

bool all_zero(const void *buf, size_t len)
{
	const unsigned char *bytes = buf;

	/* The first byte is zero and each equals the one after it: memcmp does this as wide as the
	 * machine can. */
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static bool zero_between(int fd, uint64_t from, uint64_t to, uint64_t bytes)
{
	static unsigned char buf[64 * KIB];

	if (to > bytes)
		to = bytes;
	while (from < to) {
		size_t len = to - from < sizeof buf ? (size_t)(to - from) : sizeof buf;

		if (!read_at(fd, buf, len, from) || !all_zero(buf, len))
			return false;
		from += len;
	}
	return true;
}

bool disk_blank(int fd, uint64_t bytes)
{
	static const uint64_t copies[] = {
		64 * MIB, 128 * MIB, 256 * GIB, 384 * MIB, 640 * MIB, 896 * MIB, 1152 * MIB,
		24 * MIB, 32 * MIB,  40 * MIB,  56 * MIB,  72 * MIB,  96 * MIB,  160 * MIB,
	};
	uint64_t tail = bytes > TAIL_BYTES ? bytes - TAIL_BYTES : 0;

	if (bytes == 0 || !zero_between(fd, 0, HEAD_BYTES, bytes) ||
	    !zero_between(fd, tail, bytes, bytes))
		return false;
	for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
		if (!zero_between(fd, copies[i], copies[i] + 2 * SAMPLE_BYTES, bytes))
			return false;
	for (uint64_t i = 1; i <= SAMPLES; i++) {
		uint64_t at = bytes / (SAMPLES + 1) * i & ~(SAMPLE_BYTES - 1);

		if (!zero_between(fd, at, at + SAMPLE_BYTES, bytes))
			return false;
	}
	return true;
}

static bool wanted(const char *name)
{
	static const char *const never[] = { "ram", "loop", "zram", "sr", "fd", "mtdblock" };

	if (name[0] == '.')
		return false;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (strncmp(name, never[i], strlen(never[i])) == 0)
			return false;
	return true;
}

static bool look_at(const char *name, struct disk *d)
{
	char path[128], text[8];

	memset(d, 0, sizeof *d);
	if (strlen(name) >= sizeof d->name)
		return false;
	memcpy(d->name, name, strlen(name));
	snprintf(path, sizeof path, BLOCK_CLASS "/%.31s/size", name);
	/* The kernel counts in units of 512 bytes, whatever the disk's sectors are. */
	if (__builtin_mul_overflow(file_number(path, 0), 512, &d->bytes) || d->bytes == 0)
		return false;
	snprintf(path, sizeof path, BLOCK_CLASS "/%.31s/ro", name);
	d->read_only = file_number(path, 1) != 0;
	snprintf(path, sizeof path, BLOCK_CLASS "/%.31s/partition", name);
	d->whole = file_read(path, text, sizeof text) < 0;
	/* A slash in a device's name is an exclamation mark in sysfs. */
	snprintf(d->path, sizeof d->path, "/dev/%.31s", name);
	for (char *c = d->path; *c; c++)
		if (*c == '!')
			*c = '/';
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct disk *x = a, *y = b;
	size_t xl = strlen(x->name), yl = strlen(y->name);

	return xl != yl ? (xl < yl ? -1 : 1) : strcmp(x->name, y->name);
}

/* A partition's name is its disk's and a number, after a "p" where the disk's ends in a figure:
 * "vda1", "nvme0n1p1". */
static bool is_part_of(const char *part, const char *disk)
{
	size_t len = strlen(disk);

	if (strncmp(part, disk, len) != 0 || part[len] == '\0')
		return false;
	part += len + (part[len] == 'p');
	return *part >= '0' && *part <= '9';
}

unsigned disk_list(struct disk disks[static DISKS_MAX])
{
	DIR *dir = opendir(BLOCK_CLASS);
	struct dirent *entry;
	unsigned n = 0;

	while (dir && n < DISKS_MAX && (entry = readdir(dir)))
		if (wanted(entry->d_name) && look_at(entry->d_name, &disks[n]))
			n++;
	if (dir)
		closedir(dir);
	qsort(disks, n, sizeof *disks, by_name);
	/* A disk that has partitions is not ours to format. */
	for (unsigned part = 0; part < n; part++)
		for (unsigned i = 0; !disks[part].whole && i < n; i++)
			if (is_part_of(disks[part].name, disks[i].name))
				disks[i].whole = false;
	return n;
}
