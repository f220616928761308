/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/layer.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>

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
static struct digest put_layer(const char *name, const char *text)
{
	autostrbuf struct strbuf b = STRBUF_INIT;
	struct layer_info info;
	struct error err = ERROR_INIT;

	tar_file(&b, name, text);
	tar_end(&b);
	if (layer_finish(write_layer(&b), NULL, &info, &err) < 0)
		fail_msg("%s", err.message);
	return info.diffid;
}

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
	struct digest one = put_layer("f", "x"), two = put_layer("f", "x");

	(void)state;
	assert_true(digest_equal(&one, &two));
	assert_int_equal(count_names(scratch_store->layers_fd), 3);
}

static void a_damaged_layer_is_healed_by_putting_it_again(void **state)
{
	struct digest id = put_layer("f", "x");
	char name[DIGEST_HEX_MAX + 8];
	struct stat s;

	(void)state;
	strcat((char *)digest_hex(&id, name), ".tar");
	put_file(scratch_store->layers_fd, name, "cut");
	put_layer("f", "x");
	assert_int_equal(fstatat(scratch_store->layers_fd, name, &s, 0), 0);
	assert_int_equal(s.st_size, 2048);
	/* and leftovers of a publication that was cut off are no hindrance */
	strcpy(name + DIGEST_HEX_MAX - 1, ".json");
	unlinkat(scratch_store->layers_fd, name, 0);
	put_layer("f", "x");
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
	struct digest id = put_layer("f", "x");
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
	struct digest ids[2] = { put_layer("one", "1"), put_layer("two", "2") };
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
	struct digest ids[2] = { put_layer("one", "1") };
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
	struct digest id = put_layer("one", "1");
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
	struct digest id = put_layer("one", "1");
	struct layer_hold hold;
	int bad = 0;

	(void)state;
	hold_or_skip(&id, 1, &hold);
	layer_release(&hold);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int k = 0; k < 100; k++) {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
