/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes as folders: named as Docker names them, whole under their name or not there, used, pruned, found after a crash. */
#include "tests/unit/store.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "runtime/container/container.h"
#include "runtime/container/volume.h"
#include "runtime/container/volume_private.h"
#include "runtime/engine/host_mounts.h"

static void make(const char *name)
{
	struct error err = ERROR_INIT;

	if (volume_create(&st, name, NULL, NULL, &err) < 0)
		fail_msg("%s", err.message);
}

/* All names in one text. */
static const char *names(void)
{
	static char text[4096];
	struct volume *list;
	struct error err = ERROR_INIT;
	size_t n, len = 0;

	assert_int_equal(volume_list(&st, &list, &n, &err), 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.20s", i ? " " : "",
					list[i].name);
	volume_list_free(list, n);
	return text;
}

/* A container, not running, with one volume. */
static void make_container(const char *volume, bool anonymous, char id[ID_LEN + 1])
{
	struct container c = CONTAINER_INIT;
	struct host_mount *m;
	struct error err = ERROR_INIT;

	c.config.image = xstrdup("busybox");
	c.config.network = xstrdup("host");
	strv_add(&c.config.run.cmd, "sh");
	m = host_config_add_mount(&c.config.host);
	m->type = HOST_MOUNT_VOLUME;
	m->source = xstrdup(volume);
	m->target = xstrdup("/v");
	m->anonymous = anonymous;
	if (container_create(&st, &c, &err) < 0)
		fail_msg("%s", err.message);
	memcpy(id, c.config.id, ID_LEN + 1);
	container_close(&c);
}

static void remove_container(const char *id)
{
	struct container c;
	struct error err = ERROR_INIT;

	assert_int_equal(container_open(&st, id, &c, &err), 0);
	assert_int_equal(container_lock(&st, &c, &err), 0);
	assert_int_equal(container_remove(&st, &c, &err), 0);
	container_close(&c);
}

static void good_and_bad_names(void **state)
{
	static const char *const good[] = { "ab", "a.b", "A_-.9", "00" };
	static const char *const bad[] = { "",     "a",     ".ab",     "-ab",
					   "_ab",  "a/b",   "a b",     "a\nb",
					   "..",   ".lock", "a:b",     "\xc3\xa9\xc3\xa9",
					   "../x", "ab/",   "volume\\" };
	char longest[257];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(volume_check_name(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (volume_check_name(bad[i], NULL) == 0)
			fail_msg("\"%s\" is no name", bad[i]);
	memset(longest, 'x', 256);
	longest[256] = '\0';
	assert_int_equal(volume_check_name(longest, NULL), -1);
	longest[255] = '\0';
	assert_int_equal(volume_check_name(longest, NULL), 0);
}

static void made_and_found(void **state)
{
	struct strv labels = STRV_INIT;
	struct volume v, again;
	struct error err = ERROR_INIT;

	(void)state;
	assert_string_equal(names(), "");
	strv_add(&labels, "b=2");
	strv_add(&labels, "a=");
	assert_int_equal(volume_create(&st, "web", &labels, &v, &err), 0);
	assert_string_equal(v.labels.items[0], "a=");
	assert_int_equal(volume_open(&st, "web", &again, &err), 0);
	assert_string_equal(again.labels.items[1], "b=2");
	assert_true(again.created.tv_sec == v.created.tv_sec && !again.temporary);
	volume_free(&again);
	volume_free(&v);
	/* One that is there stays as it is. */
	assert_int_equal(volume_create(&st, "web", NULL, &v, &err), 0);
	assert_int_equal(v.labels.len, 2);
	volume_free(&v);
	assert_int_equal(volume_create(&st, NULL, NULL, &v, &err), 0);
	assert_true(id_valid(v.name));
	assert_non_null(strv_env_get(&v.labels, VOLUME_ANONYMOUS_LABEL));
	volume_free(&v);
	make("db");
	strv_free(&labels);
	assert_int_equal(volume_open(&st, "nope", &v, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.message, "get nope: no such volume");
	assert_int_equal(volume_open(&st, "../containers", &v, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void removed(void **state)
{
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1];

	(void)state;
	make("web");
	make_container("web", false, id);
	assert_int_equal(volume_remove(&st, "web", &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_non_null(strstr(err.message, id));
	assert_string_equal(names(), "web");
	remove_container(id);
	assert_int_equal(volume_remove(&st, "web", &err), 0);
	assert_string_equal(names(), "");
	assert_int_equal(volume_remove(&st, "web", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(volume_remove(&st, "../tmp", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void pruned(void **state)
{
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct strv gone autostrv = STRV_INIT, words autostrv = STRV_INIT;
	struct error err = ERROR_INIT;
	struct volume v;
	uint64_t bytes = 0;
	char id[ID_LEN + 1];

	(void)state;
	make("named");
	make("used");
	make_container("used", false, id);
	assert_int_equal(volume_create(&st, NULL, NULL, &v, &err), 0);
	put_file(st.fd, "volumes/named/_data/f", "12345");
	assert_int_equal(volume_prune(&st, &filter, false, &gone, &bytes, &err), 0);
	assert_int_equal(gone.len, 1);
	assert_string_equal(gone.items[0], v.name);
	assert_string_equal(names(), "named used");
	strv_add(&words, "label=x");
	assert_int_equal(prune_filter_parse(&words, &filter, &err), 0);
	assert_int_equal(volume_prune(&st, &filter, true, &gone, &bytes, &err), 0);
	assert_string_equal(names(), "named used");
	prune_filter_free(&filter);
	assert_int_equal(volume_prune(&st, &filter, true, &gone, &bytes, &err), 0);
	assert_string_equal(names(), "used");
	assert_int_equal(bytes, 5);
	volume_free(&v);
}

/* A maker that dies before the last step: nothing has the name, and what is left lies in tmp/, where boot clears away. */
static void half_made(void **state)
{
	struct volume_draft d;
	struct volume v autovolume = VOLUME_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(volume_describe("web", NULL, false, &v, &err), 0);
	assert_int_equal(volume_draft_begin(&st, &d, &err), 0);
	assert_string_equal(names(), "");
	/* While its maker lives nobody clears it away. */
	assert_false(store_left_in_tmp(st.tmp_fd, d.name));
	close(d.dirfd);
	assert_true(store_left_in_tmp(st.tmp_fd, d.name));
	make("web");
	assert_string_equal(names(), "web");
	/* Two who make one at once: the second is told. */
	assert_int_equal(volume_draft_begin(&st, &d, &err), 0);
	assert_int_equal(volume_draft_finish(&d, &v, false, &err), -1);
	assert_int_equal(err.code, EEXIST);
	volume_draft_end(&d);
	assert_false(exists(st.tmp_fd, d.name));
}

static void made_by_many_at_once(void **state)
{
	int status;

	(void)state;
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			struct error err = ERROR_INIT;
			bool fine = true;

			for (int k = 0; k < 10; k++) {
				char name[16];
				int r;

				snprintf(name, sizeof(name), "same%d", k % 3);
				fine &= volume_create(&st, name, NULL, NULL, &err) == 0 ||
					err.code == ENOENT; /* removed as soon as it was there */
				r = volume_remove(&st, name, &err);
				fine &= r == 0 || err.code == ENOENT;
			}
			_exit(fine ? 0 : 1);
		}
	}
	for (int i = 0; i < 8; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_string_equal(names(), "");
}

static void damaged(void **state)
{
	struct error err = ERROR_INIT;
	struct volume v;
	struct prune_filter filter autoprunefilter = PRUNE_FILTER_INIT;
	struct strv gone autostrv = STRV_INIT;
	uint64_t bytes = 0;

	(void)state;
	log_quiet();
	make("web");
	put_file(st.fd, "volumes/web/volume.json", "");
	assert_int_equal(volume_open(&st, "web", &v, &err), -1);
	assert_int_equal(err.code, EINVAL);
	/* It is listed, may be removed by name, and is nobody's anonymous one. */
	assert_string_equal(names(), "web");
	assert_int_equal(volume_prune(&st, &filter, false, &gone, &bytes, &err), 0);
	assert_string_equal(names(), "web");
	assert_int_equal(volume_remove(&st, "web", &err), 0);
	assert_string_equal(names(), "");
}

/* Anonymous volumes of a container with --rm end with it, also where a power cut was its end. */
static void temporary_ones(void **state)
{
	struct volume v autovolume = VOLUME_INIT;
	struct volume_draft d;
	struct error err = ERROR_INIT;
	char id[ID_LEN + 1];

	(void)state;
	make("web");
	assert_int_equal(volume_describe(NULL, NULL, true, &v, &err), 0);
	assert_int_equal(volume_draft_begin(&st, &d, &err), 0);
	assert_int_equal(volume_draft_finish(&d, &v, false, &err), 0);
	make_container(v.name, true, id);
	assert_int_equal(volume_recover_all(&st, &err), 0);
	assert_true(strlen(names()) > 20); /* another uses it */
	remove_container(id);
	assert_int_equal(volume_recover_all(&st, &err), 0);
	assert_string_equal(names(), "web");
}

static void anonymous_ones_of_a_container(void **state)
{
	struct container_config one = CONTAINER_CONFIG_INIT;
	struct host_mount *m;
	struct error err = ERROR_INIT;
	struct volume v;
	char id[ID_LEN + 1];

	(void)state;
	assert_int_equal(volume_create(&st, NULL, NULL, &v, &err), 0);
	make("named");
	m = host_config_add_mount(&one.host);
	*m = (struct host_mount){ .type = HOST_MOUNT_VOLUME, .anonymous = true };
	m->source = xstrdup(v.name);
	m->target = xstrdup("/a");
	m = host_config_add_mount(&one.host);
	*m = (struct host_mount){ .type = HOST_MOUNT_VOLUME };
	m->source = xstrdup("named");
	m->target = xstrdup("/b");
	make_container(v.name, true, id);
	assert_int_equal(volumes_remove_anonymous(&st, &one, &err), 0);
	assert_true(strlen(names()) > 20);
	remove_container(id);
	assert_int_equal(volumes_remove_anonymous(&st, &one, &err), 0);
	assert_string_equal(names(), "named");
	assert_int_equal(volumes_remove_anonymous(&st, &one, &err), 0);
	host_config_free(&one.host);
	volume_free(&v);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(good_and_bad_names),
		STORE_TEST(made_and_found),
		STORE_TEST(removed),
		STORE_TEST(pruned),
		STORE_TEST(half_made),
		STORE_TEST(made_by_many_at_once),
		STORE_TEST(damaged),
		STORE_TEST(temporary_ones),
		STORE_TEST(anonymous_ones_of_a_container),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
