/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which disk PID 1 takes for blank, and what it reads in a superblock. */
#include "init/disk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024ULL * 1024)

/* A sparse file that stands for a disk. */
static int image(uint64_t bytes)
{
	char path[] = "/tmp/knarr-test-disk.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_return_code(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static bool blank_with_byte_at(uint64_t bytes, uint64_t at)
{
	int fd = image(bytes);
	bool blank;

	assert_int_equal(pwrite(fd, "\1", 1, (off_t)at), 1);
	blank = disk_blank(fd, bytes);
	close(fd);
	return blank;
}

static void zeroes(void **state)
{
	char buf[100] = { 0 };

	(void)state;
	assert_true(all_zero(buf, 0));
	assert_true(all_zero(buf, 1));
	assert_true(all_zero(buf, sizeof buf));
	buf[99] = 1;
	assert_false(all_zero(buf, sizeof buf));
	assert_true(all_zero(buf, 99));
	buf[0] = 1;
	assert_false(all_zero(buf, 1));
}

static void empty_disks_of_all_sizes_are_blank(void **state)
{
	static const uint64_t sizes[] = { 512,        64 * MIB,          64 * MIB + 512,
					  1000 * MIB, 8192 * MIB + 4096, 400 * 1024 * MIB };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int fd = image(sizes[i]);

		assert_true(disk_blank(fd, sizes[i]));
		close(fd);
	}
}

static void disk_of_no_size_is_not_blank(void **state)
{
	int fd = image(0);

	(void)state;
	assert_false(disk_blank(fd, 0));
	close(fd);
}

static void disk_that_cannot_be_read_is_not_blank(void **state)
{
	int fd = image(MIB);

	(void)state;
	assert_false(disk_blank(-1, MIB));
	/* shorter than it says */
	assert_false(disk_blank(fd, 2 * MIB));
	close(fd);
}

/* Where each kind of content leaves the mark that `blkid` would find it by. */
static void any_mark_counts(void **state)
{
	const uint64_t size = 2048 * MIB;
	const struct {
		const char *what;
		uint64_t at;
	} marks[] = {
		{ "MBR, LUKS, XFS, boot sector", 0 },
		{ "MBR signature", 510 },
		{ "GPT, LVM label", 512 },
		{ "ext superblock", 1024 + 0x38 },
		{ "md 1.2, bcachefs", 4096 },
		{ "swap", 4096 - 10 },
		{ "ISO 9660, UDF, JFS", 32768 },
		{ "btrfs, reiserfs", 65536 + 0x40 },
		{ "swap of 64 KiB pages", 65526 },
		{ "LUKS2's second header", 4 * MIB },
		{ "ext with 1 KiB blocks, its copy", 8 * MIB + 1024 + 0x38 },
		{ "btrfs, its copy", 64 * MIB + 0x40 },
		{ "ext4, its first copy", 128 * MIB + 0x38 },
		{ "ext4, its copy in group 3", 384 * MIB + 0x38 },
		{ "md 1.0", size - 8192 },
		{ "md 0.90", size - 65536 },
		{ "ZFS labels at the end", size - 512 * 1024 + 16384 },
		{ "GPT's copy", size - 512 },
		{ "last byte", size - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (blank_with_byte_at(size, marks[i].at))
			fail_msg("%s was overlooked", marks[i].what);
}

static void data_without_any_mark_counts(void **state)
{
	const uint64_t size = 512 * MIB;
	int fd = image(size);
	static char noise[16 * MIB];

	(void)state;
	memset(noise, 0x5a, sizeof noise);
	assert_int_equal(pwrite(fd, noise, sizeof noise, (off_t)(200 * MIB)), sizeof noise);
	assert_false(disk_blank(fd, size));
	close(fd);
}

static void put(unsigned char *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

static void superblock(unsigned char sb[EXT4_SUPER_SIZE])
{
	memset(sb, 0, EXT4_SUPER_SIZE);
	put(sb + 0x04, 262144, 4);
	put(sb + 0x18, 2, 4);
	put(sb + 0x38, 0xef53, 2);
	put(sb + 0x3a, 1, 2);
	memcpy(sb + 0x78, "KNARR", 5);
}

static void superblock_is_read(void **state)
{
	unsigned char sb[EXT4_SUPER_SIZE];
	struct ext4_summary fs;

	(void)state;
	superblock(sb);
	assert_true(ext4_parse(sb, &fs));
	assert_string_equal(fs.label, "KNARR");
	assert_int_equal(fs.block_size, 4096);
	assert_int_equal(fs.bytes, 1024 * MIB);
	assert_false(fs.needs_check);
	put(sb + 0x150, 1, 4);
	assert_true(ext4_parse(sb, &fs));
	assert_int_equal(fs.bytes,
			 1024 * MIB); /* the upper half counts with the 64bit feature only */
	put(sb + 0x60, 0x80, 4);
	assert_true(ext4_parse(sb, &fs));
	assert_true(fs.bytes == (1ULL << 44) + 1024 * MIB);
}

static void label_of_full_length(void **state)
{
	unsigned char sb[EXT4_SUPER_SIZE];
	struct ext4_summary fs;

	(void)state;
	superblock(sb);
	memset(sb + 0x78, 'K', 24);
	assert_true(ext4_parse(sb, &fs));
	assert_string_equal(fs.label, "KKKKKKKKKKKKKKKK");
}

static void what_needs_a_check(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned bytes;
	} signs[] = { { 0x3a, 0, 2 }, { 0x3a, 3, 2 }, { 0x60, 4, 4 }, { 0x194, 7, 4 } };
	unsigned char sb[EXT4_SUPER_SIZE];
	struct ext4_summary fs;

	(void)state;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		superblock(sb);
		put(sb + signs[i].at, signs[i].value, signs[i].bytes);
		assert_true(ext4_parse(sb, &fs));
		assert_true(fs.needs_check);
	}
}

static void what_is_no_superblock(void **state)
{
	unsigned char sb[EXT4_SUPER_SIZE];
	struct ext4_summary fs;

	(void)state;
	memset(sb, 0, sizeof sb);
	assert_false(ext4_parse(sb, &fs));
	memset(sb, 0xff, sizeof sb);
	assert_false(ext4_parse(sb, &fs));
	superblock(sb);
	put(sb + 0x18, 7, 4); /* blocks of 128 KiB */
	assert_false(ext4_parse(sb, &fs));
	superblock(sb);
	put(sb + 0x04, 0, 4);
	assert_false(ext4_parse(sb, &fs));
	superblock(sb);
	put(sb + 0x60, 8, 4); /* an external journal */
	assert_false(ext4_parse(sb, &fs));
	superblock(sb);
	put(sb + 0x60, 0x80, 4);
	put(sb + 0x150, 0xffffffff, 4); /* a size beyond 64 bits */
	assert_false(ext4_parse(sb, &fs));
}

static void superblock_of_a_device(void **state)
{
	unsigned char sb[EXT4_SUPER_SIZE];
	struct ext4_summary fs;
	int fd = image(MIB);

	(void)state;
	assert_false(ext4_read(fd, &fs));
	superblock(sb);
	assert_int_equal(pwrite(fd, sb, sizeof sb, EXT4_SUPER_OFFSET), sizeof sb);
	assert_true(ext4_read(fd, &fs));
	assert_string_equal(fs.label, "KNARR");
	assert_return_code(ftruncate(fd, 1500), 0);
	assert_false(ext4_read(fd, &fs));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroes),
		cmocka_unit_test(empty_disks_of_all_sizes_are_blank),
		cmocka_unit_test(disk_of_no_size_is_not_blank),
		cmocka_unit_test(disk_that_cannot_be_read_is_not_blank),
		cmocka_unit_test(any_mark_counts),
		cmocka_unit_test(data_without_any_mark_counts),
		cmocka_unit_test(superblock_is_read),
		cmocka_unit_test(label_of_full_length),
		cmocka_unit_test(what_needs_a_check),
		cmocka_unit_test(what_is_no_superblock),
		cmocka_unit_test(superblock_of_a_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
