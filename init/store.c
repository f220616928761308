/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/store.h"

#include "init/disk.h"
#include "init/file.h"
#include "init/main.h"
#include "init/say.h"
#include "init/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/ext4.h of the kernel's uapi folder is younger than what some C libraries ship beside. */
#define EXT4_RESIZE_IOCTL _IOW('f', 16, uint64_t)

/* Below this a disk is somebody's seed or configuration disk rather than a place for images. */
#define STORE_BYTES_MIN (64ULL << 20)

/* Runs a program with its output caught in out (cut where it is full). Returns its exit code, 127
 * if it cannot be run. */
static int run_tool(const char *path, const char *const argv[], char *out, size_t size)
{
	size_t used = 0;
	int fds[2], status;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(fds, O_CLOEXEC) < 0)
		return 127;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		run_program(path, argv, NULL);
		_exit(127);
	}
	close(fds[1]);
	for (;;) {
		char spill[256];
		bool room = used < size - 1;
		ssize_t n = read(fds[0], room ? out + used : spill,
				 room ? size - 1 - used : sizeof spill);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (room)
			used += (size_t)n;
	}
	close(fds[0]);
	out[used] = '\0';
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_code(status);
}

static void show_output(const char *tool, char *output)
{
	char *save = NULL;

	for (char *line = strtok_r(output, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		complain("%s: %s", tool, line);
}

/* 0 if the file system is whole now, -1 if e2fsck could not make it so; force has it look at
 * everything, which takes long on a full disk. The preening mode mends what needs no decision: a
 * journal to replay, orphans, counters. */
static int check(const struct disk *d, bool force)
{
	char output[4096];
	const char *argv[] = { "e2fsck", "-p", (force ? "-f" : "-p"), d->path, NULL };
	int code = run_tool("/sbin/e2fsck", argv, output, sizeof output);

	if (code == 127) {
		complain("%s: /sbin/e2fsck cannot be run: the disk is not checked", d->name);
		return 0;
	}
	if (code == 0) {
		note("%s: %s", d->name, output);
		return 0;
	}
	show_output("e2fsck", output);
	/* 1: errors were mended; 2: and the machine should start anew, which only concerns a
	 * mounted root. */
	if (code < 4) {
		complain("%s: errors were mended", d->name);
		return 0;
	}
	return -1;
}

/* A disk that is being formatted says so in its first sector, which ext4 leaves to boot loaders.
 * Should the power go meanwhile, the disk is neither blank nor labelled, or labelled and not whole;
 * with these words on it, it is known to have held nothing yet, and is formatted again. */
static const char unfinished[512] = "KNARR: this disk is being formatted; nothing is on it yet\n";

static bool is_unfinished(int fd)
{
	char sector[sizeof unfinished];

	return pread(fd, sector, sizeof sector, 0) == sizeof sector &&
	       memcmp(sector, unfinished, sizeof sector) == 0;
}

static int write_first_sector(const struct disk *d, const char sector[static sizeof unfinished])
{
	int fd = open(d->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, sector, sizeof unfinished, 0) != sizeof unfinished ||
	    fsync(fd) < 0) {
		complain("%s cannot be written: %s", d->name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int format(const struct disk *d)
{
	static const char zeroes[sizeof unfinished];
	char output[4096], size[8];
	/* The disk reads as zeroes, so nothing has to be discarded, and what mke2fs would zero can
	 * be left to the kernel. Blocks of 4 KiB whatever the size: mke2fs would give a small disk
	 * 1 KiB, and layers are mounted from these. No orphan file: every mount reads all of it,
	 * block by block, which took longer than the rest of the boot. */
	const char *argv[] = {
		"mke2fs",
		"-q",
		"-F",
		"-t",
		"ext4",
		"-b",
		"4096",
		"-I",
		"256",
		"-m",
		"0",
		"-O",
		"^orphan_file",
		"-L",
		STORE_LABEL,
		"-E",
		"nodiscard,lazy_itable_init=1,lazy_journal_init=1",
		d->path,
		NULL,
	};
	unsigned char random;
	int code;

	/* On a machine without a hardware source the kernel has no random numbers yet, and gathers
	 * them only when somebody blocks for them. libuuid in mke2fs does not: it sleeps for
	 * seconds and then makes an identifier out of the time and the network card's address. */
	if (getrandom(&random, sizeof random, 0) < 0)
		note("random numbers: %s", strerror(errno));
	if (write_first_sector(d, unfinished) < 0)
		return -1;
	code = run_tool("/sbin/mke2fs", argv, output, sizeof output);
	if (code != 0) {
		show_output("mke2fs", output);
		complain("%s is blank, but /sbin/mke2fs could not format it (exit %d)", d->name,
			 code);
		return -1;
	}
	if (write_first_sector(d, zeroes) < 0)
		return -1;
	say("%s (%s) was blank and is the store now", d->name, human_size(d->bytes, size));
	return 0;
}

/* noatime: reading an image must not write. Neither nosuid nor nodev: volumes are folders of this
 * disk bound into containers, where set-user-ID programs and device nodes (debootstrap in a volume)
 * work as on any disk; what a container may open is its device filter's to say. Overlays have mount
 * flags of their own. errors=remount-ro: a disk that contradicts itself is not written to any
 * further. */
static int mount_disk(const struct disk *d)
{
	return mount(d->path, STORE_DIR, "ext4", MS_NOATIME, "errors=remount-ro");
}

/* The kernel grows a mounted ext4 itself; resize2fs would only ask for the same. It rounds down to
 * what it can use. */
static void grow(const struct disk *d, const struct ext4_summary *fs)
{
	uint64_t blocks = d->bytes / fs->block_size;
	char size[8];
	int fd;

	if (d->bytes <= fs->bytes || d->bytes - fs->bytes < (1 << 20))
		return;
	fd = open(STORE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (ioctl(fd, EXT4_RESIZE_IOCTL, &blocks) < 0)
		complain("%s has grown, but its file system could not be: %s", d->name,
			 strerror(errno));
	else
		note("%s: file system grown to the disk's %s", d->name, human_size(d->bytes, size));
	close(fd);
}

static int use_disk(const struct disk *d, bool fresh, struct store_report *report)
{
	struct ext4_summary fs;
	struct statvfs vfs;
	char total[8], left[8];
	bool readable = false;
	int fd = open(d->path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		readable = ext4_read(fd, &fs);
		close(fd);
	}
	if (!readable) {
		complain("%s cannot be read", d->name);
		return -1;
	}
	if (fs.bytes > d->bytes) {
		complain("%s is smaller than the file system on it: has the disk been cut?",
			 d->name);
		return -1;
	}
	if (!fresh && fs.needs_check && check(d, false) < 0)
		goto damaged;
	if (mount_disk(d) < 0) {
		complain("%s: mount: %s", d->name, strerror(errno));
		/* What looked clean and is not gets its second chance. */
		if (fresh || check(d, true) < 0 || mount_disk(d) < 0)
			goto damaged;
	}
	grow(d, &fs);
	if (statvfs(STORE_DIR, &vfs) == 0)
		snprintf(report->text, sizeof report->text, "disk %s %s (%s free)", d->name,
			 human_size(d->bytes, total),
			 human_size((uint64_t)vfs.f_bavail * vfs.f_frsize, left));
	else
		snprintf(report->text, sizeof report->text, "disk %s", d->name);
	return 0;
damaged:
	complain("%s is damaged and not mounted. Mend it with 'e2fsck -f %s', then 'reboot'",
		 d->name, d->path);
	return -1;
}

static void use_ram(const char *why, struct store_report *report)
{
	struct statvfs vfs;
	char size[8];

	if (mount("tmpfs", STORE_DIR, "tmpfs", MS_NOATIME, "mode=0755,size=50%") < 0) {
		complain("no memory for the store at " STORE_DIR ": %s", strerror(errno));
		snprintf(report->text, sizeof report->text, "none (%s)", why);
		return;
	}
	if (statvfs(STORE_DIR, &vfs) < 0)
		memset(&vfs, 0, sizeof vfs);
	snprintf(report->text, sizeof report->text, "RAM %s, lost at power-off (%s)",
		 human_size((uint64_t)vfs.f_blocks * vfs.f_frsize, size), why);
}

enum content { LABELLED, BLANK, FOREIGN };

static enum content look_into(const struct disk *d, bool ask_blank)
{
	enum content found = FOREIGN;
	struct ext4_summary fs;
	int fd = open(d->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return FOREIGN;
	if (is_unfinished(fd))
		found = ask_blank ? BLANK : FOREIGN;
	else if (!ask_blank)
		found = ext4_read(fd, &fs) && strcmp(fs.label, STORE_LABEL) == 0 ? LABELLED
										 : FOREIGN;
	else if (disk_blank(fd, d->bytes))
		found = BLANK;
	close(fd);
	return found;
}

static void choose(struct store_report *report)
{
	static struct disk disks[DISKS_MAX];
	unsigned n = disk_list(disks), foreign = 0;
	const struct disk *chosen = NULL;
	char why[160] = "no disk";

	for (unsigned i = 0; i < n; i++) {
		if (look_into(&disks[i], false) != LABELLED)
			continue;
		if (disks[i].read_only)
			complain("%s carries a store but is write-protected: not used",
				 disks[i].name);
		else if (chosen)
			complain("%s carries a store too; %s is taken", disks[i].name,
				 chosen->name);
		else
			chosen = &disks[i];
	}
	if (chosen) {
		if (use_disk(chosen, false, report) == 0)
			return;
		snprintf(why, sizeof why, "%s could not be used", chosen->name);
		/* Not the next blank disk: whoever mends this one would find two stores. */
		use_ram(why, report);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!disks[i].whole || disks[i].read_only || disks[i].bytes < STORE_BYTES_MIN)
			continue;
		if (look_into(&disks[i], true) != BLANK) {
			if (foreign++ == 0)
				snprintf(why, sizeof why,
					 "%.31s holds other data; 'mke2fs -L " STORE_LABEL
					 " %.39s' takes it over",
					 disks[i].name, disks[i].path);
			continue;
		}
		if (format(&disks[i]) == 0 && use_disk(&disks[i], true, report) == 0)
			return;
		snprintf(why, sizeof why, "%.31s could not be formatted", disks[i].name);
		break;
	}
	use_ram(why, report);
}

void store_prepare(bool ram_only, struct store_report *report)
{
	if (file_mkdirs(STORE_DIR) < 0) {
		complain("cannot make " STORE_DIR ": %s", strerror(errno));
		snprintf(report->text, sizeof report->text, "none");
		report->ready = true;
		return;
	}
	if (ram_only)
		use_ram("knarr.store=ram", report);
	else
		choose(report);
	note("store: %s", report->text);
	report->ready = true;
}
