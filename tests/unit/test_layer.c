/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/unit/maketar.h"

static struct layer_writer *write_layer(const struct strbuf *tar)
{
	struct error err = ERROR_INIT;
	struct layer_writer *w = layer_create(scratch_store, &err);

	if (!w)
		fail_msg("%s", err.message);
	/* in two pieces: the tar is a stream */
	assert_int_equal(layer_append(w, tar->data, tar->len / 3, &err), 0);
	assert_int_equal(layer_append(w, tar->data + tar->len / 3, tar->len - tar->len / 3, &err),
			 0);
	return w;
}

/* A layer with one file. */
static void nothing_left(void)
{
	assert_int_equal(count_names(scratch_store->layers_fd), 0);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static void a_layer_is_its_tar(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct layer_info info, again;
	struct digest want;
	struct error err = ERROR_INIT;
	char name[DIGEST_HEX_MAX + 8];
	size_t len;

	(void)state;
	tar_file(&b, "a", "12345");
	tar_link(&b, '1', "b", "a");
	tar_end(&b);
	digest_of(b.data, b.len, &want);
	assert_int_equal(layer_finish(write_layer(&b), &want, &info, &err), 0);
	assert_true(digest_equal(&info.diffid, &want));
	assert_int_equal(info.tar_size, b.len);
	assert_int_equal(info.size, 5);
	assert_true(info.indexed);
	assert_int_equal(layer_stat(scratch_store, &want, &again, &err), 0);
	assert_memory_equal(&info, &again, sizeof(info));
	strcat((char *)digest_hex(&want, name), ".tar");
	autofree char *tar = fs_read_file(scratch_store->layers_fd, name, 1 << 20, &len, &err);
	assert_int_equal(len, b.len);
	assert_memory_equal(tar, b.data, len);
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
	assert_int_equal(count_names(scratch_store->tmp_fd), 0);
}

static void twice_is_once(void **state)
{
	struct digest one = layer_of("f", "x"), two = layer_of("f", "x");

	(void)state;
	assert_true(digest_equal(&one, &two));
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
}

static void a_damaged_layer_is_healed_by_putting_it_again(void **state)
{
	struct digest id = layer_of("f", "x");
	char name[DIGEST_HEX_MAX + 8];
	struct stat s;

	(void)state;
	strcat((char *)digest_hex(&id, name), ".tar");
	put_file(scratch_store->layers_fd, name, "cut");
	layer_of("f", "x");
	assert_int_equal(fstatat(scratch_store->layers_fd, name, &s, 0), 0);
	assert_int_equal(s.st_size, 2048);
	/* and leftovers of a publication that was cut off are no hindrance */
	strcpy(name + DIGEST_HEX_MAX - 1, ".json");
	unlinkat(scratch_store->layers_fd, name, 0);
	layer_of("f", "x");
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
}

static void what_is_wrong_leaves_nothing(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct digest other = { { 0 } };
	struct error err = ERROR_INIT;

	(void)state;
	tar_file(&b, "f", "x");
	tar_end(&b);
	assert_int_equal(layer_finish(write_layer(&b), &other, NULL, &err), -1);
	assert_int_equal(err.code, EBADMSG);
	nothing_left();
	strbuf_reset(&b);
	tar_file(&b, "../f", "x");
	assert_int_equal(layer_finish(write_layer(&b), NULL, NULL, &err), -1);
	assert_int_equal(err.code, EINVAL);
	nothing_left();
	layer_abandon(write_layer(&b));
	nothing_left();
	assert_int_equal(layer_stat(scratch_store, &other, &(struct layer_info){ 0 }, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void a_sealed_layer_is_not_in_the_store_yet(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct layer_info info;
	struct error err = ERROR_INIT;
	bool added;

	(void)state;
	tar_end(&b); /* an empty layer is one, too */
	autolayer struct layer_writer *w = write_layer(&b);
	assert_int_equal(layer_publish_locked(w, &added, &err), -1);
	assert_int_equal(layer_seal(w, NULL, &info, &err), 0);
	assert_int_equal(info.entries, 1);
	assert_int_equal(layer_sync(w, &err), 0);
	nothing_left();
	autoclose int lock = store_lock(scratch_store, LOCK_EX, &err);
	assert_int_equal(layer_publish_locked(w, &added, &err), 0);
	assert_true(added);
	assert_int_equal(layer_publish_locked(w, &added, &err), 0);
	assert_false(added);
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
	assert_int_equal(layer_remove_locked(scratch_store, layer_diffid(w), &err), 0);
	nothing_left();
}

static void a_full_disk_stops_the_import_early(void **state)
{
	static char block[64 << 10];
	struct error err = ERROR_INIT;
	char root[96];
	int r = 0;

	(void)state;
	snprintf(root, sizeof(root), "%s/small", scratch_path);
	mkdir(root, 0700);
	if (mount("tmpfs", root, "tmpfs", 0, "size=8m") < 0) {
		print_message("skipped: no tmpfs without root\n");
		skip();
	}
	struct store *st = store_open(root, &err);
	struct layer_writer *w = layer_create(st, &err);
	for (int i = 0; i < 1000 && r == 0; i++)
		r = layer_append(w, block, sizeof(block), &err);
	assert_int_equal(r, -1);
	assert_int_equal(err.code, ENOSPC);
	assert_int_equal(store_space(st, 1 << 20, &err), 0); /* others still have room */
	layer_abandon(w);
	assert_int_equal(store_space(st, 7 << 20, &err), 0);
	assert_int_equal(store_space(st, 9 << 20, &err), -1);
	char *run = xstrdup(st->run);
	store_close(st);
	fs_remove_tree(AT_FDCWD, run, &err);
	free(run);
	assert_int_equal(umount(root), 0);
}

static void cleaning_takes_what_is_no_layer(void **state)
{
	struct digest id = layer_of("f", "x");
	struct error err = ERROR_INIT;
	char name[DIGEST_HEX_MAX + 8];
	autoclose int held = -1;

	(void)state;
	id.bytes[0] ^= 1; /* a layer that was never finished */
	strcat((char *)digest_hex(&id, name), ".tar");
	put_file(scratch_store->layers_fd, name, "x");
	put_file(scratch_store->layers_fd, "strange", "x");
	put_file(scratch_store->images_fd, ".tmp-1", "x");
	put_file(scratch_store->fd, ".tmp-2", "x");
	put_file(scratch_store->fd, "networks.json", "{}");
	put_file(scratch_store->tmp_fd, "old", "x");
	mkdirat(scratch_store->tmp_fd, "work", 0700);
	put_file(scratch_store->tmp_fd, "work/file", "x");
	put_file(scratch_store->tmp_fd, "held", "x");
	held = openat(scratch_store->tmp_fd, "held", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(held, LOCK_SH), 0);
	assert_int_equal(store_clean(scratch_store, &err), 0);
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
	assert_int_equal(count_names(scratch_store->images_fd), 0);
	assert_int_equal(count_names(scratch_store->tmp_fd), 1);
	assert_true(exists(scratch_store->tmp_fd, "held"));
	assert_true(exists(scratch_store->fd, "networks.json"));
	assert_false(exists(scratch_store->fd, ".tmp-2"));
}

/* ---- Mounting */

static void hold_or_skip(const struct digest *ids, size_t n, struct layer_hold *hold)
{
	struct error err = ERROR_INIT;

	if (geteuid() != 0) {
		print_message("skipped: mounting needs root\n");
		skip();
	}
	if (layer_hold(scratch_store, ids, n, hold, &err) == 0)
		return;
	if (err.code == ENODEV || err.code == EPERM) {
		print_message("skipped: %s\n", err.message);
		skip();
	}
	fail_msg("%s", err.message);
}

static bool readable(const char *folder, const char *name, const char *text)
{
	autoclose int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofree char *is = dir < 0 ? NULL : fs_read_file(dir, name, 4096, NULL, NULL);

	return is && strcmp(is, text) == 0;
}

static void held_layers_are_mounted_once(void **state)
{
	struct digest ids[2] = { layer_of("one", "1"), layer_of("two", "2") };
	struct layer_hold a, b;
	struct error err = ERROR_INIT;
	autofree char *path = NULL;

	(void)state;
	hold_or_skip(ids, 2, &a);
	hold_or_skip(ids, 1, &b);
	assert_int_equal(a.n, 2);
	assert_string_equal(a.paths[0], b.paths[0]);
	assert_true(readable(a.paths[0], "one", "1"));
	assert_true(readable(a.paths[1], "two", "2"));
	assert_int_equal(open(a.paths[0], O_RDWR | O_TMPFILE, 0600), -1);
	path = xstrdup(a.paths[0]);
	layer_release(&a);
	assert_int_equal(layer_sweep(scratch_store, &err), 0);
	assert_true(readable(path, "one", "1"));
	layer_release(&b);
	assert_true(readable(path, "one", "1"));
	layer_unmount_idle(scratch_store, &ids[0]);
	assert_false(readable(path, "one", "1"));
	assert_int_equal(access(path, F_OK), -1);
}

static void a_missing_layer_holds_nothing(void **state)
{
	struct digest ids[2] = { layer_of("one", "1") };
	struct layer_hold hold;
	struct error err = ERROR_INIT;

	(void)state;
	hold_or_skip(ids, 1, &hold);
	layer_release(&hold);
	assert_int_equal(layer_hold(scratch_store, ids, 2, &hold, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(hold.n, 0);
	hold_or_skip(ids, 0, &hold);
	layer_release(&hold);
}

/* A child takes the hold over, the parent forgets it; then the child dies without a word. */
static void a_hold_lives_and_dies_with_its_process(void **state)
{
	struct digest id = layer_of("one", "1");
	struct layer_hold hold, other;
	struct error err = ERROR_INIT;
	autofree char *path = NULL;
	int status;

	(void)state;
	hold_or_skip(&id, 1, &hold);
	path = xstrdup(hold.paths[0]);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	layer_release(&hold);
	hold_or_skip(&id, 1, &other);
	layer_release(&other);
	assert_int_equal(layer_sweep(scratch_store, &err), 0);
	assert_true(readable(path, "one", "1"));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(readable(path, "one", "1"));
	assert_int_equal(layer_sweep(scratch_store, &err), 0);
	assert_false(readable(path, "one", "1"));
}

/* Many at once, mounting and unmounting the same layer: whoever holds it can read it. */
static void holders_do_not_race(void **state)
{
	struct digest id = layer_of("one", "1");
	struct layer_hold hold;
	int bad = 0;

	(void)state;
	hold_or_skip(&id, 1, &hold);
	layer_release(&hold);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int k = 0; k < 100; k++) {
				if (i == 3) {
					layer_sweep(scratch_store, NULL);
					continue;
				}
				if (layer_hold(scratch_store, &id, 1, &hold, NULL) < 0 ||
				    !readable(hold.paths[0], "one", "1"))
					_exit(1);
				layer_release(&hold);
			}
			_exit(0);
		}
	for (int i = 0, status; i < 4; i++) {
		wait(&status);
		bad += status != 0;
	}
	assert_int_equal(bad, 0);
}

/* ---- Layers that depend on those below */

/* Seals a layer from a tar that is not ended yet. */
static struct layer_writer *seal(struct strbuf *b)
{
	struct error err = ERROR_INIT;
	struct layer_writer *w;

	tar_end(b);
	w = write_layer(b);
	if (layer_seal(w, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
	return w;
}

static int compare_writers(const void *a, const void *b)
{
	struct layer_writer *const *x = a, *const *y = b;

	return memcmp(layer_diffid(*x), layer_diffid(*y), sizeof(struct digest));
}

/* Publishes the layers as an image's and gives their ids. */
static int publish(struct layer_writer **w, size_t n, struct digest *ids, struct error *err)
{
	struct layer_writer *sorted[8];
	bool added;

	for (size_t i = 0; i < n; i++)
		ids[i] = *layer_diffid(w[i]);
	assert_true(n <= 8);
	memcpy(sorted, w, n * sizeof(w[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare_writers);
	if (layer_complete(scratch_store, sorted, n, ids, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (layer_sync(w[i], err) < 0 || layer_publish_locked(w[i], &added, err) < 0)
			return -1;
	return 0;
}

/* What overlayfs shows of held layers. Unmounted by end_overlay. */
static const char *overlay(const struct layer_hold *hold)
{
	static char path[96];
	autostrbuf struct strbuf options = STRBUF_INIT;

	snprintf(path, sizeof(path), "%s/merged", scratch_path);
	mkdir(path, 0700);
	strbuf_puts(&options, "lowerdir=");
	for (size_t i = hold->n; i-- > 0;)
		strbuf_printf(&options, "%s%s", hold->paths[i], i ? ":" : "");
	if (mount("overlay", path, "overlay", MS_RDONLY, options.data) < 0)
		fail_msg("overlay: %s", strerror(errno));
	return path;
}

static struct stat stat_in(const char *folder, const char *name)
{
	char path[512];
	struct stat s;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (lstat(path, &s) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return s;
}

static bool there(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A base whose folders are unlike what an unknown folder would get, and links in it. */
static struct layer_writer *base(void)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct tar_block h = tar_header('5', "private/", 0);

	memcpy(h.mode, "0001700", 8);
	memcpy(h.uid, "0000765", 8);
	tar_pax(&b, "mtime", "1234567890.123456789", "SCHILY.xattr.user.mark", "base", NULL);
	tar_put_block(&b, h);
	tar_dir(&b, "private/deep");
	tar_file(&b, "private/deep/old", "old");
	tar_pax(&b, "SCHILY.xattr.user.mark", "file", NULL);
	h = tar_header('0', "file", 4);
	memcpy(h.mode, "0004755", 8);
	tar_put_block(&b, h);
	strbuf_puts(&b, "data");
	tar_pad(&b);
	tar_link(&b, '2', "lib", "usr/lib");
	tar_dir(&b, "usr");
	h.type = '5';
	h = tar_header('5', "usr/lib", 0);
	memcpy(h.mode, "0000711", 8);
	tar_put_block(&b, h);
	tar_dir(&b, "gone");
	tar_file(&b, "gone/file", "gone");
	return seal(&b);
}

static void parents_without_entries_are_the_lower_layers(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct layer_hold hold;
	struct digest ids[2];
	const char *root;
	char buf[64];
	struct stat s;

	(void)state;
	tar_file(&b, "private/new", "new");
	tar_file(&b, "private/deep/new", "new");
	tar_file(&b, "lib/so", "through a link of the lower layer");
	tar_file(&b, ".wh.gone", "");
	tar_file(&b, "gone/again", "new");
	tar_file(&b, "file/now-a-folder", "new");
	struct layer_writer *w[2] = { base(), seal(&b) };
	if (publish(w, 2, ids, &err) < 0 && (err.code == EPERM || err.code == ENODEV))
		skip();
	hold_or_skip(ids, 2, &hold);
	root = overlay(&hold);
	s = stat_in(root, "private");
	assert_int_equal(s.st_mode, S_IFDIR | 01700);
	assert_int_equal(s.st_uid, 0765);
	assert_int_equal(s.st_mtim.tv_sec, 1234567890);
	assert_int_equal(s.st_mtim.tv_nsec, 123456789);
	snprintf(buf, sizeof(buf), "%s/private", root);
	assert_int_equal(getxattr(buf, "user.mark", buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "base", 4);
	assert_true(there(root, "private/new"));
	assert_true(there(root, "private/deep/old"));
	assert_true(there(root, "private/deep/new"));
	/* extraction onto the base would have gone through its link */
	assert_int_equal(stat_in(root, "lib").st_mode & S_IFMT, S_IFLNK);
	assert_true(there(root, "usr/lib/so"));
	assert_int_equal(stat_in(root, "usr/lib").st_mode, S_IFDIR | 0711);
	/* what the layer took away tells nothing of what it puts there */
	assert_int_equal(stat_in(root, "gone").st_mode, S_IFDIR | 0755);
	assert_false(there(root, "gone/file"));
	assert_true(there(root, "gone/again"));
	assert_true(there(root, "file/now-a-folder"));
	assert_int_equal(umount(root), 0);
	layer_release(&hold);
	layer_abandon(w[0]);
	layer_abandon(w[1]);
}

static void hard_links_to_lower_files(void **state)
{
	autostrbuf struct strbuf b = STRBUF_INIT, c = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct layer_hold hold;
	struct digest ids[3];
	const char *root;
	char buf[128];
	struct stat s;

	(void)state;
	tar_file(&b, "private/between", "1");
	tar_link(&c, '1', "dir/link", "./file");
	tar_link(&c, '1', "dir/again", "dir/link");
	tar_link(&c, '1', "so", "usr/lib/../../private/deep/old");
	tar_link(&c, '1', "symlink", "lib");
	tar_file(&c, ".wh.file", "");
	struct layer_writer *w[3] = { base(), seal(&b), seal(&c) };
	if (publish(w, 3, ids, &err) < 0) {
		if (err.code == EPERM || err.code == ENODEV)
			skip();
		fail_msg("%s", err.message);
	}
	hold_or_skip(ids, 3, &hold);
	root = overlay(&hold);
	s = stat_in(root, "dir/link");
	assert_int_equal(s.st_mode, S_IFREG | 04755);
	assert_int_equal(s.st_ino, stat_in(root, "dir/again").st_ino);
	snprintf(buf, sizeof(buf), "%s/dir/link", root);
	assert_int_equal(getxattr(buf, "user.mark", buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "file", 4);
	snprintf(buf, sizeof(buf), "%s/dir", root);
	assert_true(readable(buf, "again", "data"));
	assert_true(readable(root, "so", "old"));
	assert_int_equal(stat_in(root, "symlink").st_mode & S_IFMT, S_IFLNK);
	assert_false(there(root, "file")); /* the name is gone, the file is not */
	assert_int_equal(umount(root), 0);
	layer_release(&hold);
	for (size_t i = 0; i < 3; i++)
		layer_abandon(w[i]);
}

static void hard_links_to_nowhere_are_refused(void **state)
{
	static const char *const targets[] = { "nowhere", "file/x", "gone/file", "lib/none" };

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		struct error err = ERROR_INIT;
		struct digest ids[2];

		tar_file(&b, ".wh.gone", "");
		tar_link(&b, '1', "name", targets[i]);
		struct layer_writer *w[2] = { base(), seal(&b) };
		if (publish(w, 2, ids, &err) == 0)
			fail_msg("%s was taken", targets[i]);
		if (err.code == EPERM || err.code == ENODEV)
			skip();
		assert_int_equal(err.code, EINVAL);
		assert_non_null(
			strstr(err.message, "archive entry \"name\": it is a hard link to"));
		assert_non_null(strstr(err.message, "below it"));
		/* and not when there is nothing below */
		ids[0] = *layer_diffid(w[1]);
		assert_int_equal(layer_complete(scratch_store, &w[1], 1, ids, 1, &err), -1);
		assert_int_equal(err.code, EINVAL);
		layer_abandon(w[0]);
		layer_abandon(w[1]);
		nothing_left();
	}
}

/* One file of a layer's folder of indexes; "" where there is none. */
static char *chain_file(const struct digest *diffid)
{
	char name[DIGEST_HEX_MAX + 8];
	struct dirent *e;

	strcat((char *)digest_hex(diffid, name), ".chains");
	autodir DIR *dir = fdopendir(
		openat(scratch_store->layers_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			return str_format("%s/%s", name, e->d_name);
	return xstrdup("");
}

static void an_index_that_is_lost_or_damaged_is_made_again(void **state)
{
	struct error err = ERROR_INIT;
	struct digest ids[2];
	struct layer_hold hold;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (int i = 0; i < 4; i++) {
		autostrbuf struct strbuf b = STRBUF_INIT;
		char *folder autofree = NULL;

		tar_link(&b, '1', "name", "file");
		struct layer_writer *w[2] = { base(), seal(&b) };
		if (publish(w, 2, ids, &err) < 0)
			skip();
		layer_abandon(w[0]);
		layer_abandon(w[1]);
		autofree char *file = chain_file(&ids[1]);
		assert_int_not_equal(file[0], 0);
		folder = xstrndup(file, strcspn(file, "/"));
		if (i == 0)
			assert_int_equal(unlinkat(scratch_store->layers_fd, file, 0), 0);
		if (i == 1)
			assert_int_equal(fs_remove_tree(scratch_store->layers_fd, folder, &err), 0);
		if (i == 2)
			put_file(scratch_store->layers_fd, file, "damaged");
		hold_or_skip(ids, 2, &hold);
		assert_true(readable(hold.paths[1], "name", "data"));
		layer_release(&hold);
		autofree char *again = chain_file(&ids[1]);
		assert_string_equal(again, file);
		assert_int_equal(layer_sweep(scratch_store, &err), 0);
	}
	assert_int_equal(layer_remove_locked(scratch_store, &ids[1], &err), 0);
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
}

/* ---- Damage, and the life of mounts */

static void a_layer_whose_files_disagree_is_not_mounted(void **state)
{
	static const char *const suffixes[] = { ".tar", ".erofs", ".json" };
	struct error err = ERROR_INIT;
	struct layer_hold hold;
	char longer[1000];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < 6; i++) {
		struct digest id = layer_of("f", "x"), other = layer_of("other", longer);
		char name[DIGEST_HEX_MAX + 8], from[DIGEST_HEX_MAX + 8];

		strcat((char *)digest_hex(&id, name), suffixes[i % 3]);
		strcat((char *)digest_hex(&other, from), suffixes[i % 3]);
		assert_int_equal(unlinkat(scratch_store->layers_fd, name, 0), 0);
		/* cut short, or another layer's */
		if (i < 3)
			put_file(scratch_store->layers_fd, name, "{}");
		else
			assert_int_equal(linkat(scratch_store->layers_fd, from,
						scratch_store->layers_fd, name, 0),
					 0);
		assert_int_equal(layer_hold(scratch_store, &id, 1, &hold, &err), -1);
		assert_int_equal(err.code, EUCLEAN);
		name[DIGEST_HEX_MAX - 1] = '\0';
		assert_non_null(strstr(err.message, name));
		assert_int_equal(layer_remove_locked(scratch_store, &id, &err), 0);
		assert_int_equal(layer_remove_locked(scratch_store, &other, &err), 0);
	}
}

/* Sets the time a layer was last held back. */
static void age(const struct digest *id, long seconds)
{
	struct timespec t[2] = { { .tv_sec = time(NULL) - seconds },
				 { .tv_sec = time(NULL) - seconds } };
	char hex[DIGEST_HEX_MAX];
	autofree char *lock = str_format("layers/%s.lock", digest_hex(id, hex));

	assert_int_equal(utimensat(scratch_store->run_fd, lock, t, 0), 0);
}

static void idle_mounts_go_after_a_while(void **state)
{
	struct digest id = layer_of("one", "1");
	struct layer_hold hold, other;
	autofree char *path = NULL;

	(void)state;
	hold_or_skip(&id, 1, &hold);
	path = xstrdup(hold.paths[0]);
	age(&id, 1000);
	layer_sweep_idle(scratch_store);
	assert_true(readable(path, "one", "1")); /* held */
	layer_release(&hold);
	layer_sweep_idle(scratch_store);
	assert_true(readable(path, "one", "1")); /* just released */
	age(&id, LAYER_IDLE_SECONDS - 10);
	layer_sweep_idle(scratch_store);
	assert_true(readable(path, "one", "1"));
	age(&id, LAYER_IDLE_SECONDS + 10);
	layer_sweep_idle(scratch_store);
	assert_false(readable(path, "one", "1"));
	/* nothing of it stays, not even its lock */
	autoclose int mounts = openat(scratch_store->run_fd, "layers", O_RDONLY | O_DIRECTORY);
	assert_int_equal(count_names(mounts), 1); /* the lock of all */
	hold_or_skip(&id, 1, &other);
	assert_true(readable(path, "one", "1"));
	layer_release(&other);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_layer_is_its_tar),
		WITH_STORE(twice_is_once),
		WITH_STORE(a_damaged_layer_is_healed_by_putting_it_again),
		WITH_STORE(what_is_wrong_leaves_nothing),
		WITH_STORE(a_sealed_layer_is_not_in_the_store_yet),
		WITH_STORE(a_full_disk_stops_the_import_early),
		WITH_STORE(cleaning_takes_what_is_no_layer),
		WITH_STORE(held_layers_are_mounted_once),
		WITH_STORE(a_missing_layer_holds_nothing),
		WITH_STORE(a_hold_lives_and_dies_with_its_process),
		WITH_STORE(holders_do_not_race),
		WITH_STORE(parents_without_entries_are_the_lower_layers),
		WITH_STORE(hard_links_to_lower_files),
		WITH_STORE(hard_links_to_nowhere_are_refused),
		WITH_STORE(an_index_that_is_lost_or_damaged_is_made_again),
		WITH_STORE(a_layer_whose_files_disagree_is_not_mounted),
		WITH_STORE(idle_mounts_go_after_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
