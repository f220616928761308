/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/mounts.h"

#include "init/file.h"
#include "init/say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define TMPFS_MAGIC_NUMBER 0x01021994
#define RAMFS_MAGIC_NUMBER 0x858458f6
#define SHARE_DIR          "/mnt/share"
#define SHARE_DEVICES      "/sys/bus/virtio/drivers/9pnet_virtio"

/* The trap: the initramfs is unpacked into "rootfs", the first mount of all, which has no mount
 * above it. pivot_root(2) exchanges two mounts under the parent of the present root, so it answers
 * EINVAL to any process whose root is rootfs, and a container would have to fall back on chroot(2),
 * which a privileged process walks out of. A second tmpfs with a copy of everything would do; a
 * bind mount of the root, moved on top of it, does the same in three calls and copies nothing: our
 * "/" is then a mount like any other, with rootfs as its parent. rootfs stays below, out of reach:
 * a container with a user namespace gets its root mount locked by the kernel (MNT_LOCKED goes over
 * from old root to new in pivot_root), and one without that may unmount its root is privileged over
 * the machine anyway. */
int mounts_root(void)
{
	struct statfs fs;

	if (statfs("/", &fs) == 0 && fs.f_type != TMPFS_MAGIC_NUMBER &&
	    fs.f_type != RAMFS_MAGIC_NUMBER)
		return 0; /* a root= of the user's own: mounted over rootfs already */
	if (mkdir("/run", 0755) < 0 && errno != EEXIST)
		goto failed;
	if (mount("/", "/run", NULL, MS_BIND, NULL) < 0 || chdir("/run") < 0)
		goto failed;
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		goto failed;
	/* Private is what the kernel starts with; containers depend on it, so it is said. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		goto failed;
	return 0;
failed:
	complain("the root cannot be made ready for containers: %s", strerror(errno));
	return -1;
}

struct mount_entry {
	const char *type, *dir, *options;
	unsigned long flags;
	mode_t mode; /* of the folder, where it has to be made */
};

static int mount_entry(const struct mount_entry *e)
{
	if (mkdir(e->dir, e->mode) < 0 && errno != EEXIST)
		goto failed;
	if (mount(e->type, e->dir, e->type, e->flags, e->options) < 0 && errno != EBUSY)
		goto failed;
	return 0;
failed:
	complain("cannot mount %s at %s: %s", e->type, e->dir, strerror(errno));
	return -1;
}

void mounts_kernel(void)
{
	static const struct mount_entry entries[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
		{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID, 0755 },
		{ "devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
		  MS_NOSUID | MS_NOEXEC, 0755 },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV, 0755 },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
		mount_entry(&entries[i]);
		/* Complaints about the rest should be heard. */
		if (strcmp(entries[i].type, "devtmpfs") == 0)
			say_open();
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			complain("cannot make %s: %s", links[i][1], strerror(errno));
	if (mkdir("/tmp", 01777) < 0 && errno != EEXIST)
		complain("cannot make /tmp: %s", strerror(errno));
	chmod("/tmp", 01777);
}

void mounts_cgroup(void)
{
	static const char control[] = "/sys/fs/cgroup/cgroup.subtree_control";
	char have[256], all[512] = "", one[64];
	size_t used = 0;
	char *save = NULL;

	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "nsdelegate") < 0 &&
	    errno != EBUSY) {
		complain("cannot mount cgroup2: %s: containers cannot be started", strerror(errno));
		return;
	}
	if (file_read("/sys/fs/cgroup/cgroup.controllers", have, sizeof have) <= 0)
		return;
	for (const char *c = have; *c && used < sizeof all - 2; c++) {
		if (c == have || c[-1] == ' ')
			all[used++] = '+';
		all[used++] = *c;
	}
	all[used] = '\0';
	/* One write costs the kernel one walk over its groups; only if it is refused does each
	 * controller get its own, so that one that cannot be had does not keep the others away. */
	if (file_write(control, all) == 0)
		return;
	for (char *name = strtok_r(all, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		snprintf(one, sizeof one, "%s", name);
		if (file_write(control, one) < 0)
			note("cgroup controller %s: %s", one + 1, strerror(errno));
	}
}

static bool share_present(void)
{
	DIR *dir = opendir(SHARE_DEVICES);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[sizeof SHARE_DEVICES + sizeof entry->d_name + 16], tag[64];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, SHARE_DEVICES "/%s/mount_tag", entry->d_name);
		found = file_read(path, tag, sizeof tag) > 0 && strcmp(tag, "share") == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

void mounts_share(void)
{
	if (!share_present())
		return;
	/* The virtio transport moves 125 pages in one message, and takes more for that. */
	if (file_mkdirs(SHARE_DIR) < 0 || mount("share", SHARE_DIR, "9p", MS_NOSUID | MS_NODEV,
						"trans=virtio,version=9p2000.L,msize=524288") < 0)
		complain("the shared folder cannot be mounted at " SHARE_DIR ": %s",
			 strerror(errno));
}

/* --- taking it down --- */

/* mountinfo writes space, tab, newline and backslash as \ooo (proc_pid_mountinfo(5)). */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

static bool stays(const char *dir)
{
	return strcmp(dir, "/") == 0 || strcmp(dir, "/proc") == 0 || strcmp(dir, "/dev") == 0;
}

/* Makes the filesystem itself read-only, not this mount of it: what it holds is then written out
 * and it is marked clean, even if a mount namespace that is still being torn down keeps it alive
 * past our own umount. */
static int make_read_only(const char *dir)
{
	return mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static bool release_one(char *line, bool last_try)
{
	char *field = line, *dir, *type, *source, *rest;

	/* 36 35 98:0 /root DIR options [optional...] - TYPE SOURCE super-options */
	for (int i = 0; i < 4 && field; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field || !(rest = strstr(field, " - ")))
		return true;
	dir = field;
	type = rest + 3;
	dir[strcspn(dir, " ")] = '\0';
	source = strchr(type, ' ');
	if (source) {
		*source++ = '\0';
		source[strcspn(source, " ")] = '\0';
	}
	unescape(dir);
	if (stays(dir))
		return true;
	bool on_disk = source && strcmp(type, "ext4") == 0;
	bool safe = !on_disk || make_read_only(dir) == 0;
	if (!safe && !last_try)
		return false;
	if (umount2(dir, UMOUNT_NOFOLLOW) < 0 && !last_try)
		return false;
	if (on_disk && !safe)
		complain("%s (%s) is busy and could not be made read-only", dir, source);
	return safe;
}

int mounts_release(void)
{
	/* Never touched until now, and so without cost until now. A longer table is taken in
	 * pieces. */
	static char table[256 * 1024];
	const struct timespec pause = { .tv_nsec = 20000000L };
	int result = 0;
	ssize_t length;

	for (int attempt = 1; attempt <= 10; attempt++) {
		bool done;

		length = file_read("/proc/self/mountinfo", table, sizeof table);
		if (length < 0)
			return -1;
		done = (size_t)length < sizeof table - 2;
		for (char *end = table + length; end > table;) {
			char *line;

			*end = '\0';
			line = memrchr(table, '\n', (size_t)(end - table));
			end = line ? line : table;
			done &= release_one(line ? line + 1 : table, attempt == 10);
		}
		result = done ? 0 : -1;
		if (done)
			break;
		/* The last references of processes just killed are dropped by the kernel's workers.
		 */
		nanosleep(&pause, NULL);
	}
	return result;
}
