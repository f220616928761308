/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/folder_tar.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "tests/unit/maketar.h"

static const struct folder_tar_options plain = { 0 };
static const struct folder_tar_options layer = { .whiteouts = true };

static int collect(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

/* The tar of what is in the folder. Returns what folder_tar_contents did. */
static int pack(int dirfd, const struct folder_tar_options *o, struct strbuf *out,
		struct error *err)
{
	struct tar_writer *w autotarwriter = tar_writer_new(collect, out);
	struct folder_tar *f autofoldertar = folder_tar_new(w, o);

	strbuf_reset(out);
	if (folder_tar_contents(f, dirfd, "", err) < 0)
		return -1;
	return tar_writer_end(w, err);
}

/* A line an entry: type, path, "> link", "= data" of short files, attributes' names. */
static void list(const struct strbuf *tar, struct strbuf *out)
{
	static const char letters[] = "fhlcbdp?";
	struct memory_source src;
	const struct tar_entry *e;
	struct error err = ERROR_INIT;
	struct tar *t autotar = NULL;
	int r;

	strbuf_reset(out);
	memory_source_init(&src, tar->data, tar->len);
	t = tar_open(&src.src);
	while ((r = tar_next(t, &e, &err)) > 0) {
		strbuf_printf(out, "%c %s", letters[e->type], e->path);
		if (*e->link)
			strbuf_printf(out, " > %s", e->link);
		for (size_t i = 0; i < e->n_xattrs; i++)
			strbuf_printf(out, " %s", e->xattrs[i].name);
		if (e->type == TAR_FILE && e->size && e->size < 100) {
			const uint8_t *data;
			size_t len;

			assert_int_equal(tar_data(t)->next(tar_data(t), &data, &len, &err), 0);
			strbuf_puts(out, " = ");
			strbuf_add(out, data, len);
		}
		strbuf_putc(out, '\n');
	}
	if (r < 0)
		fail_msg("%s", err.message);
}

static void expect(int dirfd, const struct folder_tar_options *o, const char *lines)
{
	struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (pack(dirfd, o, &tar, &err) < 0)
		fail_msg("%s", err.message);
	list(&tar, &got);
	assert_string_equal(got.data ? got.data : "", lines);
}

static void folder(int dirfd, const char *name)
{
	assert_int_equal(mkdirat(dirfd, name, 0755), 0);
}

static void attribute(int dirfd, const char *name, const char *key, const char *value)
{
	int fd autoclose = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	assert_int_equal(fsetxattr(fd, key, value, strlen(value), 0), 0);
}

static void names_come_in_the_order_of_their_bytes(void **state)
{
	int fd = scratch(state);

	put_file(fd, "b", "2");
	folder(fd, "a");
	put_file(fd, "a/z", "");
	put_file(fd, "a.b", "1");
	put_file(fd, "\377", "4");
	put_file(fd, "gr\303\274n", "3");
	put_file(fd, "B", "0");
	expect(fd, &plain,
	       "f B = 0\nd a/\nf a/z\nf a.b = 1\nf b = 2\nf gr\303\274n = 3\nf \377 = 4\n");
}

static void an_empty_folder_is_an_empty_tar(void **state)
{
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(pack(scratch(state), &layer, &tar, &err), 0);
	assert_int_equal(tar.len, 1024);
}

static void everything_but_sockets(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = scratch(state), s autoclose = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	put_file(fd, "file", "x");
	assert_int_equal(symlinkat("/nowhere", fd, "link"), 0);
	assert_int_equal(symlinkat("..", fd, "up"), 0);
	assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
	assert_int_equal(mknodat(fd, "char", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(mknodat(fd, "block", S_IFBLK | 0660, makedev(259, 70000)), 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", scratch_path);
	assert_int_equal(bind(s, (struct sockaddr *)&name, sizeof(name)), 0);
	expect(fd, &plain, "b block\nc char\nf file = x\nl link > /nowhere\np pipe\nl up > ..\n");
}

static void hard_links_are_one_file(void **state)
{
	int fd = scratch(state);

	folder(fd, "d");
	put_file(fd, "d/first", "x");
	assert_int_equal(linkat(fd, "d/first", fd, "second", 0), 0);
	assert_int_equal(linkat(fd, "d/first", fd, "d/third", 0), 0);
	assert_int_equal(symlinkat("t", fd, "s1"), 0);
	assert_int_equal(linkat(fd, "s1", fd, "s2", 0), 0);
	for (int i = 0; i < 600; i++) {
		char a[32], b[32];

		snprintf(a, sizeof(a), "x%04d", i);
		snprintf(b, sizeof(b), "z%04d", i);
		put_file(fd, a, "");
		assert_int_equal(linkat(fd, a, fd, b, 0), 0);
	}

	struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	assert_int_equal(pack(fd, &plain, &tar, &err), 0);
	list(&tar, &got);
	assert_non_null(strstr(got.data, "d d/\nf d/first = x\nh d/third > d/first\n"
					 "l s1 > t\nh s2 > s1\nh second > d/first\nf x0000\n"));
	assert_non_null(strstr(got.data, "h z0300 > x0300\nh z0301 > x0301\n"));
}

static void attributes_are_sorted(void **state)
{
	int fd = scratch(state);

	put_file(fd, "f", "");
	attribute(fd, "f", "user.z", "1");
	attribute(fd, "f", "user.a", "2");
	attribute(fd, "f", "trusted.m", "");
	attribute(fd, "f", "user.b", "3");
	folder(fd, "d");
	attribute(fd, "d", "user.d", "4");
	expect(fd, &plain, "d d/ user.d\nf f trusted.m user.a user.b user.z\n");
}

static void owners_modes_and_times(void **state)
{
	struct timespec times[2] = { { 1, 1 }, { 1700000000, 123456789 } };
	int fd = scratch(state);
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct memory_source src;
	const struct tar_entry *e;
	struct stat st;

	put_file(fd, "f", "data");
	assert_int_equal(fchownat(fd, "f", 3000000000U, 100, 0), 0);
	assert_int_equal(fchmodat(fd, "f", 06711, 0), 0);
	assert_int_equal(utimensat(fd, "f", times, 0), 0);
	assert_int_equal(pack(fd, &plain, &tar, &err), 0);
	memory_source_init(&src, tar.data, tar.len);
	struct tar *t autotar = tar_open(&src.src);
	assert_int_equal(tar_next(t, &e, &err), 1);
	assert_int_equal(e->mode, 06711);
	assert_int_equal(e->uid, 3000000000U);
	assert_int_equal(e->gid, 100);
	assert_int_equal(e->mtime, 1700000000);
	assert_int_equal(e->mtime_nsec, 123456789);
	/* Reading leaves no trace. */
	assert_int_equal(fstatat(fd, "f", &st, 0), 0);
	assert_int_equal(st.st_atim.tv_sec, 1);
}

static void a_terabyte_of_hole_is_no_terabyte(void **state)
{
	int fd = scratch(state),
	    f autoclose = openat(fd, "holes", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct memory_source src;
	const struct tar_entry *e;

	assert_int_equal(pwrite(f, "here", 4, 1 << 20), 4);
	assert_int_equal(pwrite(f, "there", 5, (off_t)1 << 39), 5);
	assert_int_equal(ftruncate(f, (off_t)1 << 40), 0);
	assert_int_equal(pack(fd, &plain, &tar, &err), 0);
	assert_true(tar.len < 64 << 10);
	memory_source_init(&src, tar.data, tar.len);
	struct tar *t autotar = tar_open(&src.src);
	assert_int_equal(tar_next(t, &e, &err), 1);
	assert_string_equal(e->path, "holes");
	assert_int_equal(e->size, UINT64_C(1) << 40);
	assert_int_equal(e->n_pieces, 2);
	assert_int_equal(e->pieces[0].offset, 1 << 20);
	assert_int_equal(e->pieces[1].offset, UINT64_C(1) << 39);
	assert_memory_equal(tar.data + e->offset, "here", 4);
	assert_memory_equal(tar.data + e->offset + e->pieces[0].length, "there", 5);
}

static void small_holes_are_zeros(void **state)
{
	int fd = scratch(state),
	    f autoclose = openat(fd, "holes", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(pwrite(f, "x", 1, 900000), 1);
	assert_int_equal(pack(fd, &plain, &tar, &err), 0);
	assert_true(tar.len > 900000);
}

/* ---- Layers */

static void what_overlayfs_hides_becomes_whiteouts(void **state)
{
	int fd = scratch(state);

	folder(fd, "d");
	assert_int_equal(mknodat(fd, "d/gone", S_IFCHR, 0), 0);
	/* As the kernel makes them since 5.8. */
	assert_int_equal(linkat(fd, "d/gone", fd, "gone", 0), 0);
	folder(fd, "opaque");
	attribute(fd, "opaque", "trusted.overlay.opaque", "y");
	put_file(fd, "opaque/new", "n");
	put_file(fd, "opaque/!", "before .wh. by its bytes");
	put_file(fd, "copied", "c");
	attribute(fd, "copied", "trusted.overlay.origin", "12345");
	attribute(fd, "copied", "user.mine", "1");
	attribute(fd, "copied", "trusted.overlay.overlay.opaque", "y");
	expect(fd, &layer,
	       "f copied trusted.overlay.overlay.opaque user.mine = c\n"
	       "d d/\nf d/.wh.gone\nf .wh.gone\n"
	       "d opaque/\nf opaque/.wh..wh..opq\nf opaque/! = before .wh. by its bytes\nf opaque/new = n\n");
	/* Without the option they are what they are. */
	struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	assert_int_equal(pack(fd, &plain, &tar, &err), 0);
	list(&tar, &got);
	assert_non_null(strstr(got.data, "c d/gone\nh gone > d/gone\n"));
}

static void whiteouts_that_are_attributes(void **state)
{
	int fd = scratch(state);

	folder(fd, "x");
	attribute(fd, "x", "trusted.overlay.opaque", "x");
	put_file(fd, "x/gone", "");
	attribute(fd, "x/gone", "trusted.overlay.whiteout", "");
	put_file(fd, "x/stays", "s");
	attribute(fd, "x/stays", "trusted.overlay.whiteout", "");
	folder(fd, "x/y");
	put_file(fd, "x/y/none", "");
	attribute(fd, "x/y/none", "trusted.overlay.whiteout", "");
	expect(fd, &layer, "d x/\nf x/.wh.gone\nf x/stays = s\nd x/y/\nf x/y/none\n");
}

static void what_is_not_whole_is_refused(void **state)
{
	static const char *const marks[] = { "trusted.overlay.metacopy",
					     "trusted.overlay.redirect" };
	int fd = scratch(state);

	for (size_t i = 0; i < 2; i++) {
		struct strbuf tar autostrbuf = STRBUF_INIT;
		struct error err = ERROR_INIT;

		put_file(fd, "f", "");
		attribute(fd, "f", marks[i], "x");
		assert_int_equal(pack(fd, &layer, &tar, &err), -1);
		assert_int_equal(err.code, EUCLEAN);
		assert_non_null(strstr(err.message, "/f"));
		assert_int_equal(pack(fd, &plain, &tar, &err), 0);
		unlinkat(fd, "f", 0);
	}
}

static void names_that_no_layer_can_say(void **state)
{
	int fd = scratch(state);
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	const char *first;

	put_file(fd, ".wh.a", "1");
	folder(fd, ".wh.b");
	put_file(fd, ".wh.b/c", "2");
	put_file(fd, "x.wh.", "3");
	struct tar_writer *w autotarwriter = tar_writer_new(collect, &tar);
	struct folder_tar *f autofoldertar = folder_tar_new(w, &layer);
	assert_int_equal(folder_tar_contents(f, fd, "", &err), 0);
	assert_int_equal(folder_tar_unnameable(f, &first), 2);
	assert_string_equal(first, ".wh.a");
	expect(fd, &layer, "f x.wh. = 3\n");
	expect(fd, &plain, "f .wh.a = 1\nd .wh.b/\nf .wh.b/c = 2\nf x.wh. = 3\n");
}

/* ---- While others write */

static int changing_fd;
static off_t changed_size;

static int change(void *context, const void *data, size_t len, struct error *err)
{
	assert_int_equal(ftruncate(changing_fd, changed_size), 0);
	return collect(context, data, len, err);
}

static void a_file_that_changes_keeps_its_announced_size(void **state)
{
	static char data[1 << 20];
	int fd = scratch(state);

	memset(data, 'x', sizeof(data));
	for (int grow = 0; grow < 2; grow++) {
		struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
		struct error err = ERROR_INIT;
		struct tar_writer *w autotarwriter = tar_writer_new(change, &tar);
		struct folder_tar *f autofoldertar = folder_tar_new(w, &plain);

		changing_fd = openat(fd, "a", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		changed_size = grow ? 3 << 20 : 300000;
		assert_int_equal(write(changing_fd, data, sizeof(data)), sizeof(data));
		put_file(fd, "b", "next");
		assert_int_equal(folder_tar_contents(f, fd, "", &err), 0);
		assert_int_equal(tar_writer_end(w, &err), 0);
		close(changing_fd);
		assert_int_equal(tar.len, 512 + sizeof(data) + 1024 + 1024 + 2 * 1024);
		list(&tar, &got);
		assert_string_equal(got.data, "f a\nf b = next\n");
		assert_int_equal(memchr(tar.data + 1536, '\0', sizeof(data)) == NULL, grow);
	}
}

static bool vanish(void *context, const char *name)
{
	if (strcmp(name, "a") == 0) {
		unlinkat(*(int *)context, "b", 0);
		unlinkat(*(int *)context, "d/x", 0);
		unlinkat(*(int *)context, "d", AT_REMOVEDIR);
	}
	return strcmp(name, "no") == 0 || strcmp(name, "yes/no") == 0;
}

static void what_vanishes_or_is_skipped_is_left_out(void **state)
{
	int fd = scratch(state);
	const struct folder_tar_options o = { .skip = vanish, .context = &fd };

	put_file(fd, "a", "");
	put_file(fd, "b", "");
	folder(fd, "d");
	put_file(fd, "d/x", "");
	folder(fd, "no");
	put_file(fd, "no/x", "");
	folder(fd, "yes");
	put_file(fd, "yes/no", "");
	put_file(fd, "yes/yes", "");
	expect(fd, &o, "f a\nd yes/\nf yes/yes\n");
}

/* ---- Depth, mounts, names */

static void deep_folders_need_few_descriptors(void **state)
{
	struct rlimit before, few;
	struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	int fd = scratch(state), at = dup(fd), lines = 0;

	for (int i = 0; i < 1500; i++) {
		int next;

		folder(at, "d");
		put_file(at, "e", "");
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){ 128, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	if (pack(fd, &plain, &tar, &err) < 0)
		fail_msg("%s", err.message);
	setrlimit(RLIMIT_NOFILE, &before);
	list(&tar, &got);
	for (const char *p = got.data; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 3000);
	assert_non_null(strstr(got.data, "\nf d/e\nf e\n"));
}

static void a_path_too_long_is_said(void **state)
{
	struct strbuf tar autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	char name[250];
	int at = dup(scratch(state));

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 20; i++) {
		int next;

		folder(at, name);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(pack(scratch(state), &plain, &tar, &err), -1);
	assert_int_equal(err.code, ENAMETOOLONG);
}

static void one_thing_under_another_name(void **state)
{
	struct strbuf tar autostrbuf = STRBUF_INIT, got autostrbuf = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct tar_writer *w autotarwriter = tar_writer_new(collect, &tar);
	struct folder_tar *f autofoldertar = folder_tar_new(w, &plain);
	int fd = scratch(state);

	folder(fd, "d");
	put_file(fd, "d/f", "1");
	assert_int_equal(linkat(fd, "d/f", fd, "g", 0), 0);
	assert_int_equal(symlinkat("d", fd, "l"), 0);
	assert_int_equal(folder_tar_add(f, fd, "d", "new", &err), 0);
	assert_int_equal(folder_tar_add(f, fd, "g", "h", &err), 0);
	assert_int_equal(folder_tar_add(f, fd, "l", "m", &err), 0);
	assert_int_equal(folder_tar_add(f, fd, ".", "top", &err), 0);
	assert_int_equal(folder_tar_add(f, fd, "nowhere", "x", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(tar_writer_end(w, &err), 0);
	list(&tar, &got);
	assert_string_equal(got.data,
			    "d new/\nf new/f = 1\nh h > new/f\nl m > d\n"
			    "d top/\nd top/d/\nh top/d/f > new/f\nh top/g > new/f\nl top/l > d\n");
}

static void mounts_are_not_entered(void **state)
{
	const struct folder_tar_options o = { .one_mount = true };
	char path[96], file[96];
	int fd autoclose = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		skip();
	(void)state;
	fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* in the new namespace */
	folder(fd, "m");
	put_file(fd, "f", "12345");
	put_file(fd, "g", "123");
	snprintf(path, sizeof(path), "%s/m", scratch_path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
	put_file(fd, "m/inside", "");
	expect(fd, &plain, "f f = 12345\nf g = 123\nd m/\nf m/inside\n");
	snprintf(path, sizeof(path), "%s/f", scratch_path);
	snprintf(file, sizeof(file), "%s/m/inside", scratch_path);
	assert_int_equal(mount(file, path, NULL, MS_BIND, NULL), 0);
	expect(fd, &o, "f f\nf g = 123\nd m/\n");
	umount2(path, MNT_DETACH);
	snprintf(path, sizeof(path), "%s/m", scratch_path);
	umount2(path, MNT_DETACH);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(names_come_in_the_order_of_their_bytes),
		test(an_empty_folder_is_an_empty_tar),
		test(everything_but_sockets),
		test(hard_links_are_one_file),
		test(attributes_are_sorted),
		test(owners_modes_and_times),
		test(a_terabyte_of_hole_is_no_terabyte),
		test(small_holes_are_zeros),
		test(what_overlayfs_hides_becomes_whiteouts),
		test(whiteouts_that_are_attributes),
		test(what_is_not_whole_is_refused),
		test(names_that_no_layer_can_say),
		test(a_file_that_changes_keeps_its_announced_size),
		test(what_vanishes_or_is_skipped_is_left_out),
		test(deep_folders_need_few_descriptors),
		test(a_path_too_long_is_said),
		test(one_thing_under_another_name),
		test(mounts_are_not_entered),
	};

	if (geteuid() != 0) {
		printf("needs root for devices and trusted attributes: passed over\n");
		return 0;
	}
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
