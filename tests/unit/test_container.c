/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers as folders: made whole or not at all, found by what people type, locked, lost and found again. */
#include "tests/unit/store.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "lib/human.h"
#include "lib/log.h"
#include "runtime/container/container.h"
#include "runtime/container/users.h"

static void describe(struct container *c, const char *name)
{
	*c = (struct container)CONTAINER_INIT;
	c->config.name = name ? xstrdup(name) : NULL;
	c->config.image = xstrdup("busybox");
	c->config.network = xstrdup("host");
	strv_add(&c->config.run.cmd, "sh");
}

/* Made and let go of: it does not run. */
static void make(const char *name, bool auto_remove, char id[ID_LEN + 1])
{
	struct container c;
	struct error err = ERROR_INIT;

	describe(&c, name);
	c.config.auto_remove = auto_remove;
	if (container_create(&st, &c, &err) < 0)
		fail_msg("%s", err.message);
	memcpy(id, c.config.id, ID_LEN + 1);
	container_close(&c);
}

static size_t entries(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	while ((e = readdir(dir)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		     strcmp(e->d_name, "by-name") != 0 && strcmp(e->d_name, "events") != 0;
	closedir(dir);
	return n;
}

static void assert_empty(void)
{
	assert_int_equal(entries(st.containers_fd, "."), 0);
	assert_int_equal(entries(st.containers_fd, "by-name"), 0);
	assert_int_equal(entries(st.run_fd, "."), 0);
}

static void config_round_trip(void **state)
{
	struct container_config in = CONTAINER_CONFIG_INIT, out;
	struct error err = ERROR_INIT;
	size_t len;

	(void)state;
	memset(in.id, 'a', ID_LEN);
	in.name = xstrdup("web");
	in.image = xstrdup("nginx:1");
	in.network = xstrdup("none");
	in.hostname = xstrdup("h");
	in.created = time_now();
	in.image_id.bytes[3] = 7;
	strv_add(&in.run.env, "A=1 \"2\" \xc3\xa9\n");
	strv_add(&in.run.entrypoint, "/run me");
	strv_add(&in.run.cmd, "");
	strv_add(&in.run.exposed_ports, "80/tcp");
	strv_add(&in.run.labels, "a=b=c");
	strv_add(&in.run.volumes, "/data");
	in.run.user = xstrdup("1:2");
	in.run.working_dir = xstrdup("/w");
	in.run.stop_signal = xstrdup("QUIT");
	in.tty = in.stdin_once = in.auto_remove = in.seccomp_unconfined = true;

	char *text = config_write(&in, &len);
	assert_non_null(text);
	if (config_parse(text, len, in.id, &out, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(out.name, "web");
	assert_string_equal(out.image, "nginx:1");
	assert_string_equal(out.network, "none");
	assert_string_equal(out.hostname, "h");
	assert_true(digest_equal(&in.image_id, &out.image_id));
	assert_int_equal(out.created.tv_sec, in.created.tv_sec);
	assert_int_equal(out.created.tv_nsec, in.created.tv_nsec);
	assert_string_equal(out.run.env.items[0], in.run.env.items[0]);
	assert_string_equal(out.run.entrypoint.items[0], "/run me");
	assert_int_equal(out.run.cmd.len, 1);
	assert_string_equal(out.run.exposed_ports.items[0], "80/tcp");
	assert_string_equal(out.run.labels.items[0], "a=b=c");
	assert_string_equal(out.run.volumes.items[0], "/data");
	assert_string_equal(out.run.user, "1:2");
	assert_string_equal(out.run.working_dir, "/w");
	assert_string_equal(out.run.stop_signal, "QUIT");
	assert_true(out.tty && out.stdin_once && out.auto_remove && out.seccomp_unconfined);
	assert_false(out.open_stdin || out.readonly_rootfs || out.no_new_privileges);
	config_free(&out);

	strv_add(&in.run.cmd, "not UTF-8: \xff");
	free(text);
	text = config_write(&in, &len);
	assert_int_equal(config_parse(text, len, in.id, &out, &err), 0);
	assert_string_equal(out.run.cmd.items[1], "not UTF-8: \xef\xbf\xbd");
	config_free(&out);

	in.id[0] = 'b'; /* a document in another container's folder */
	assert_int_equal(config_parse(text, len, in.id, &out, &err), -1);
	free(text);
	config_free(&in);
}

static void damaged_configs(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"id\":1}",
		"{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"name\":\"../x\"}",
	};
	struct container_config out;
	char id[ID_LEN + 1] = "";

	(void)state;
	memset(id, 'a', ID_LEN);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = ERROR_INIT;
		assert_int_equal(config_parse(texts[i], strlen(texts[i]), id, &out, &err), -1);
		assert_non_null(
			strstr(err.message, "container aaaaaaaaaaaa: container.json is damaged"));
	}
}

static void found_by_what_people_type(void **state)
{
	char a[ID_LEN + 1], b[ID_LEN + 1], prefix[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container c;
	size_t same = 0;

	(void)state;
	make("web", false, a);
	make(NULL, false, b);
	while (a[same] == b[same])
		same++;
	const char *const words[] = { a, "web", "/web", prefix };
	snprintf(prefix, sizeof(prefix), "%.*s", (int)same + 1, a);
	for (size_t i = 0; i < 4; i++) {
		if (container_open(&st, words[i], &c, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(c.config.id, a);
		assert_int_equal(c.state.status, STATUS_CREATED);
		container_close(&c);
	}
	assert_int_equal(container_open(&st, "nope", &c, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.message, "No such container: nope");
	assert_int_equal(container_open(&st, "", &c, &err), -1);
	assert_int_equal(container_open(&st, "..", &c, &err), -1);
	assert_int_equal(container_open(&st, "by-name", &c, &err), -1);

	/* Two that begin alike. */
	char twin[ID_LEN + 1];
	memcpy(twin, a, sizeof(twin));
	twin[ID_LEN - 1] = twin[ID_LEN - 1] == '0' ? '1' : '0';
	mkdirat(st.containers_fd, twin, 0700);
	snprintf(prefix, sizeof(prefix), "%.20s", a);
	assert_int_equal(container_open(&st, prefix, &c, &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void made_whole_or_not_at_all(void **state)
{
	char id[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container c;

	(void)state;
	make("web", false, id);
	describe(&c, "web");
	assert_int_equal(container_create(&st, &c, &err), -1);
	assert_int_equal(err.code, EEXIST);
	container_close(&c);
	describe(&c, "bad name");
	assert_int_equal(container_create(&st, &c, &err), -1);
	container_close(&c);
	assert_int_equal(entries(st.containers_fd, "."), 1);
	assert_int_equal(entries(st.containers_fd, "by-name"), 1);
	assert_int_equal(entries(st.run_fd, "."), 1);

	assert_int_equal(container_open(&st, "web", &c, &err), 0);
	assert_int_equal(container_lock(&st, &c, &err), 0);
	assert_int_equal(container_remove(&st, &c, &err), 0);
	container_close(&c);
	assert_empty();
}

static void locked_by_one(void **state)
{
	char id[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container a, b;

	(void)state;
	make("web", false, id);
	assert_int_equal(container_open(&st, "web", &a, &err), 0);
	assert_int_equal(container_open(&st, "web", &b, &err), 0);
	assert_int_equal(container_lock(&st, &a, &err), 0);
	assert_int_equal(container_lock(&st, &b, &err), -1);
	assert_int_equal(err.code, EBUSY);
	/* Looking at it takes no lock, and finds nothing lost while the lock is held. */
	a.state.status = STATUS_RUNNING;
	assert_int_equal(container_write_state(&a, &err), 0);
	assert_int_equal(container_refresh(&st, &b, &err), 0);
	assert_int_equal(b.state.status, STATUS_RUNNING);
	/* Who waits for a container that is removed meanwhile learns it. */
	assert_int_equal(container_remove(&st, &a, &err), 0);
	container_close(&a);
	assert_int_equal(container_lock(&st, &b, &err), -1);
	assert_int_equal(err.code, ENOENT);
	container_close(&b);
}

/* A monitor that is at its end gives the lock up in a moment; one whose container runs does not. */
static void locked_soon(void **state)
{
	char id[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container a, b;
	int status;

	(void)state;
	make("web", false, id);
	assert_int_equal(container_open(&st, "web", &b, &err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		bool ok = container_open(&st, "web", &a, &err) == 0 &&
			  container_lock(&st, &a, &err) == 0;
		usleep(300000);
		_exit(!ok);
	}
	usleep(100000);
	assert_int_equal(container_lock_soon(&st, &b, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	b.state.status = STATUS_RUNNING;
	assert_int_equal(container_write_state(&b, &err), 0);
	assert_int_equal(container_open(&st, "web", &a, &err), 0);
	assert_int_equal(container_lock_soon(&st, &a, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_int_equal(a.state.status, STATUS_RUNNING);
	container_close(&a);
	container_close(&b);
}

static void run_and_die(const char *word)
{
	struct container c;
	struct error err = ERROR_INIT;

	assert_int_equal(container_open(&st, word, &c, &err), 0);
	assert_int_equal(container_lock(&st, &c, &err), 0);
	c.state.status = STATUS_RUNNING;
	c.state.started = time_now();
	assert_int_equal(container_write_state(&c, &err), 0);
	container_close(&c); /* as if the monitor had been killed */
}

static void lost_and_found(void **state)
{
	char id[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container c, *list;
	size_t n;

	(void)state;
	make("web", false, id);
	make("once", true, id);
	run_and_die("web");
	run_and_die("once");
	assert_int_equal(container_open(&st, "web", &c, &err), 0);
	assert_int_equal(c.state.status, STATUS_EXITED);
	assert_int_equal(c.state.exit_code, CONTAINER_LOST);
	assert_non_null(strstr(c.state.error, "monitor"));
	container_close(&c);
	assert_int_equal(container_list(&st, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].config.name, "web");
	container_list_free(list, n);
	assert_int_equal(container_open(&st, "once", &c, &err), -1);
}

static void at_boot(void **state)
{
	char web[ID_LEN + 1], once[ID_LEN + 1], half[ID_LEN + 1], found[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container c;

	(void)state;
	make("web", false, web);
	make("once", true, once);
	run_and_die("web");
	run_and_die("once");
	memset(half, 'c', ID_LEN);
	half[ID_LEN] = '\0';
	mkdirat(st.containers_fd, half, 0700);
	/* The power goes: what was in memory is gone, and a name did not reach the disk. */
	name_release(&st, "web", web);
	assert_int_equal(fs_remove_tree(st.run_fd, web, &err), 0);
	assert_int_equal(fs_remove_tree(st.run_fd, once, &err), 0);

	assert_int_equal(container_recover_all(&st, &err), 0);
	assert_false(exists(st.containers_fd, half));
	assert_false(exists(st.containers_fd, once));
	assert_int_equal(name_lookup(&st, "web", found), 0);
	assert_string_equal(found, web);
	assert_int_equal(container_open(&st, "web", &c, &err), 0);
	assert_int_equal(c.state.status, STATUS_EXITED);
	assert_int_equal(c.state.exit_code, CONTAINER_LOST);
	assert_int_equal(container_lock(&st, &c, &err), 0);
	assert_int_equal(container_remove(&st, &c, &err), 0);
	container_close(&c);
	assert_empty();
}

static void listed_newest_first(void **state)
{
	static const char *const names[] = { "one", "two", "three" };
	char id[ID_LEN + 1], path[96];
	struct error err = ERROR_INIT;
	struct container *list;
	size_t n;

	(void)state;
	log_quiet();
	for (int i = 0; i < 3; i++)
		make(names[i], false, id);
	/* A damaged one does not hide the others. */
	memset(id, 'd', ID_LEN);
	mkdirat(st.containers_fd, id, 0700);
	snprintf(path, sizeof(path), "%s/container.json", id);
	put_file(st.containers_fd, path, "{\"id\":");
	assert_int_equal(container_list(&st, &list, &n, &err), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(list[i].config.name, names[2 - i]);
	container_list_free(list, n);
}

static void images_have_users(void **state)
{
	autoimageusers struct image_users users = IMAGE_USERS_INIT;
	char stopped[ID_LEN + 1], lost[ID_LEN + 1], bad[ID_LEN + 1];
	struct error err = ERROR_INIT;
	struct container running;

	(void)state;
	make("stopped", false, stopped);
	make("passing", true, bad);
	make("lost", false, lost);
	run_and_die("lost");
	describe(&running, "running");
	running.config.image_id.bytes[0] = 9;
	assert_int_equal(container_create(&st, &running, &err), 0);
	running.state.status = STATUS_RUNNING;
	assert_int_equal(container_write_state(&running, &err), 0);
	make("damaged", false, bad);
	int dir = openat(st.containers_fd, bad, O_RDONLY | O_DIRECTORY);
	put_file(dir, "container.json", "{");
	close(dir);
	log_quiet();

	if (users_of_images(&st, &users, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(users.n, 4); /* newest first; the damaged one can need nothing */
	assert_string_equal(users.items[0].name, "running");
	assert_true(users.items[0].running);
	assert_string_equal(users.items[1].id, lost);
	assert_false(users.items[1].running);
	assert_ptr_equal(image_users_find(&users, &running.config.image_id), &users.items[0]);
	assert_false(image_users_find(&users, &users.items[1].image)->running);
	assert_null(image_users_find(&users, &(struct digest){ { 1 } }));

	/* It was looked at and no more: nobody has buried the lost one. */
	struct container_state left = CONTAINER_STATE_INIT;
	dir = openat(st.containers_fd, lost, O_RDONLY | O_DIRECTORY);
	assert_int_equal(state_read(dir, &left, &err), 0);
	assert_int_equal(left.status, STATUS_RUNNING);
	close(dir);
	container_close(&running);
}

static void damaged_state(void **state)
{
	static const char *const texts[] = { "", "{", "{\"status\":\"flying\"}",
					     "{\"status\":\"running\",\"pid\":-1}",
					     "{\"status\":\"exited\",\"exitCode\":999}" };
	char id[ID_LEN + 1], path[96];
	struct error err = ERROR_INIT;
	struct container c;

	(void)state;
	make("web", false, id);
	snprintf(path, sizeof(path), "%s/state.json", id);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file(st.containers_fd, path, texts[i]);
		assert_int_equal(container_open(&st, "web", &c, &err), 0);
		assert_int_equal(c.state.status, STATUS_EXITED);
		assert_int_equal(c.state.exit_code, CONTAINER_LOST);
		container_close(&c);
		/* and is written down at the next start */
		assert_int_equal(container_recover_all(&st, &err), 0);
		assert_int_equal(container_open(&st, "web", &c, &err), 0);
		assert_int_equal(state_read(c.dirfd, &c.state, &err), 0);
		assert_int_equal(c.state.exit_code, CONTAINER_LOST);
		container_close(&c);
	}
}

/* ---- Changes */

static int change_restart(struct container_config *config, void *arg, struct error *err)
{
	if (*(bool *)arg)
		return error_set(err, EPERM, "not this one");
	config->host.restart = RESTART_ALWAYS;
	return 0;
}

static void changed_while_it_runs(void **state)
{
	struct container monitor, other;
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1];
	bool refuse = false;

	(void)state;
	make("web", false, id);
	assert_int_equal(container_open(&st, "web", &monitor, &err), 0);
	assert_int_equal(container_lock(&st, &monitor, &err), 0);
	assert_int_equal(container_open(&st, "web", &other, &err), 0);
	if (container_edit(&st, &other, change_restart, &refuse, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(monitor.config.host.restart, RESTART_NO);
	assert_int_equal(container_reload(&monitor, &err), 0);
	assert_int_equal(monitor.config.host.restart, RESTART_ALWAYS);

	refuse = true;
	assert_int_equal(container_edit(&st, &other, change_restart, &refuse, &err), -1);
	assert_string_equal(err.message, "not this one");

	assert_int_equal(container_remove(&st, &monitor, &err), 0);
	assert_int_equal(container_edit(&st, &other, change_restart, &refuse, &err), -1);
	assert_int_equal(err.code, ENOENT);
	container_close(&monitor);
	container_close(&other);
	assert_empty();
}

static void renamed(void **state)
{
	struct container c, monitor;
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1], other[ID_LEN + 1], found[ID_LEN + 1];

	(void)state;
	make("web", false, id);
	make("db", false, other);
	assert_int_equal(container_open(&st, "web", &monitor, &err), 0);
	assert_int_equal(container_lock(&st, &monitor, &err), 0);
	assert_int_equal(container_open(&st, "web", &c, &err), 0);

	assert_int_equal(container_rename(&st, &c, "db", &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_non_null(
		strstr(err.message, "Conflict. The container name \"/db\" is already in use"));
	assert_int_equal(container_rename(&st, &c, "web", &err), -1);
	assert_non_null(strstr(err.message, "same name"));
	assert_int_equal(container_rename(&st, &c, "-x", &err), -1);
	assert_non_null(strstr(err.message, "Invalid container name (-x)"));
	assert_int_equal(container_rename(&st, &c, "", &err), -1);
	assert_int_equal(name_lookup(&st, "web", found), 0);

	if (container_rename(&st, &c, "/front", &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(c.config.name, "front");
	assert_int_equal(name_lookup(&st, "web", found), -1);
	assert_int_equal(name_lookup(&st, "front", found), 0);
	assert_string_equal(found, id);

	/* One that has not heard of it removes the right name. */
	assert_string_equal(monitor.config.name, "web");
	make("web", false, found);
	assert_int_equal(container_remove(&st, &monitor, &err), 0);
	assert_int_equal(name_lookup(&st, "front", found), -1);
	assert_int_equal(name_lookup(&st, "web", found), 0);
	container_close(&c);
	container_close(&monitor);
}

/* Cut short behind the new name's claim, or before the old one's release: one name is left after a boot. */
static void renamed_by_half(void **state)
{
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1], found[ID_LEN + 1];

	(void)state;
	make("web", false, id);
	assert_int_equal(name_claim(&st, "front", id, &err), 0);
	assert_int_equal(container_recover_all(&st, &err), 0);
	assert_int_equal(name_lookup(&st, "front", found), -1);
	assert_int_equal(name_lookup(&st, "web", found), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_round_trip),
		cmocka_unit_test(damaged_configs),
		cmocka_unit_test_setup_teardown(found_by_what_people_type, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(made_whole_or_not_at_all, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(locked_by_one, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(locked_soon, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(images_have_users, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(lost_and_found, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(at_boot, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(listed_newest_first, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(changed_while_it_runs, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(renamed, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(renamed_by_half, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(damaged_state, store_setup, store_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
