/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an image and what a person typed become a container, by Docker's rules. */
#include "tests/unit/store.h"

#include <errno.h>
#include <sched.h>

#include "lib/str.h"
#include "runtime/engine/engine.h"

static struct image image;
static struct engine_request request;
static struct container_config config;
static struct strv warnings;

static int engine_setup(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	config = (struct container_config)CONTAINER_CONFIG_INIT;
	request = (struct engine_request)ENGINE_REQUEST_INIT;
	warnings = (struct strv)STRV_INIT;
	request.image = "busybox";
	return 0;
}

static int engine_teardown(void **state)
{
	(void)state;
	strv_free(&image.config.env);
	strv_free(&image.config.entrypoint);
	strv_free(&image.config.cmd);
	config_free(&config);
	engine_request_free(&request);
	strv_free(&warnings);
	return 0;
}

static char *joined(const struct strv *v)
{
	static char *text;

	free(text);
	text = strv_join(v, " ");
	return text;
}

/* The words of the container's command, for an image with these and a command line with those. */
static const char *command(const char *entrypoint, const char *cmd, const char *flag,
			   const char *arg)
{
	struct error err = ERROR_INIT;
	struct strv words = STRV_INIT;
	char *args[] = { (char *)(uintptr_t)arg, NULL };

	engine_teardown(NULL);
	engine_setup(NULL);
	if (entrypoint)
		strv_add(&image.config.entrypoint, entrypoint);
	if (cmd)
		strv_add(&image.config.cmd, cmd);
	request.entrypoint = flag;
	request.args = args;
	if (engine_configure(&image, &request, &config, &warnings, &err) < 0)
		return "refused";
	config_command(&config, &words);
	const char *text = joined(&words);
	strv_free(&words);
	return text;
}

static void entrypoint_and_command(void **state)
{
	(void)state;
	assert_string_equal(command(NULL, "sh", NULL, NULL), "sh");
	assert_string_equal(command("init", "sh", NULL, NULL), "init sh");
	assert_string_equal(command("init", "sh", NULL, "ls"), "init ls");
	assert_string_equal(command(NULL, "sh", NULL, "ls"), "ls");
	assert_string_equal(command("init", "sh", "other", NULL),
			    "other"); /* the image's command goes with it */
	assert_string_equal(command("init", "sh", "other", "ls"), "other ls");
	assert_string_equal(command("init", "sh", "", "ls"), "ls");
	assert_string_equal(command("init", "sh", "", NULL), "refused");
	assert_string_equal(command(NULL, NULL, NULL, NULL), "refused");
	assert_string_equal(command("init", NULL, NULL, NULL), "init");
}

static void environments(void **state)
{
	struct error err = ERROR_INIT;
	struct strv env = STRV_INIT;

	(void)state;
	setenv("KNARR_TEST", "ours", 1);
	unsetenv("KNARR_NONE");
	assert_int_equal(engine_env(&env, "A=1", &err), 0);
	assert_int_equal(engine_env(&env, "KNARR_NONE=x", &err), 0);
	assert_int_equal(engine_env(&env, "AB=2", &err), 0);
	assert_int_equal(engine_env(&env, "A=3=4", &err), 0);
	assert_int_equal(engine_env(&env, "KNARR_TEST", &err), 0);
	assert_int_equal(engine_env(&env, "KNARR_NONE", &err), 0); /* not in ours: unset */
	assert_int_equal(engine_env(&env, "EMPTY=", &err), 0);
	assert_string_equal(joined(&env), "A=3=4 AB=2 KNARR_TEST=ours EMPTY=");
	assert_int_equal(engine_env(&env, "=1", &err), -1);
	assert_int_equal(engine_env(&env, "", &err), -1);
	strv_free(&env);
}

static void environment_files(void **state)
{
	struct error err = ERROR_INIT;
	struct strv env = STRV_INIT;
	char path[96];

	put_file(scratch(state), "good",
		 "\xef\xbb\xbf# comment\n\n  A=1 2\r\nB=#x\n\tKNARR_TEST\nC=");
	put_file(scratch(state), "bad", "A=1\nB C=2\n");
	setenv("KNARR_TEST", "ours", 1);
	snprintf(path, sizeof(path), "%s/good", scratch_path);
	assert_int_equal(engine_env_file(&env, path, &err), 0);
	assert_string_equal(joined(&env), "A=1 2 B=#x KNARR_TEST=ours C=");
	snprintf(path, sizeof(path), "%s/bad", scratch_path);
	assert_int_equal(engine_env_file(&env, path, &err), -1);
	assert_non_null(strstr(err.message, "line 2"));
	assert_int_equal(engine_env_file(&env, "/nonexistent", &err), -1);
	assert_int_equal(err.code, ENOENT);
	strv_free(&env);
}

/* As a shell's <(command) gives it; and a device. */
static void environment_from_a_pipe(void **state)
{
	struct error err = ERROR_INIT;
	struct strv env = STRV_INIT;
	char path[40];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "A=1\nB=2\n", 8), 8);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(engine_env_file(&env, path, &err), 0);
	assert_int_equal(engine_env_file(&env, "/dev/null", &err), 0);
	assert_string_equal(joined(&env), "A=1 B=2");
	assert_int_equal(engine_env_file(&env, "/dev/zero", &err), -1);
	assert_int_equal(err.code, EFBIG);
	close(ends[0]);
	strv_free(&env);
}

static void values_that_make_no_sense(void **state)
{
	static const struct {
		const char **where, *value, *word;
	} cases[] = {
		{ &request.working_dir, "tmp", "absolute" },
		{ &request.hostname, "-x", "hostname" },
		{ &request.hostname, "a..b", "hostname" },
		{ &request.hostname, "", "hostname" },
		{ &request.hostname, "a b", "hostname" },
		{ &request.network, "bridge", "network \"bridge\" not found" },
		{ &request.network, "container:", "invalid container format" },
		{ &request.stop_signal, "NOPE", "signal" },
	};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		engine_teardown(state);
		engine_setup(state);
		strv_add(&image.config.cmd, "sh");
		*cases[i].where = cases[i].value;
		assert_int_equal(engine_configure(&image, &request, &config, &warnings, &err), -1);
		assert_non_null(strstr(err.message, cases[i].word));
	}
	engine_teardown(state);
	engine_setup(state);
	strv_add(&request.security, "selinux=x");
	assert_int_equal(engine_configure(&image, &request, &config, &warnings, &err), -1);
}

static void merged(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	strv_add(&image.config.cmd, "sh");
	strv_add(&image.config.env, "A=1");
	strv_add(&image.config.env, "B=2");
	strv_add(&request.env, "B=3");
	strv_add(&request.security, "no-new-privileges");
	strv_add(&request.security, "seccomp=unconfined");
	request.user = "7";
	request.hostname = "web-1.example";
	request.interactive = request.tty = true;
	if (engine_configure(&image, &request, &config, &warnings, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(joined(&config.run.env), "A=1 B=3");
	assert_string_equal(config.run.user, "7");
	assert_string_equal(config.network, "host");
	assert_true(config.no_new_privileges && config.seccomp_unconfined);
	assert_true(config.tty && config.open_stdin && config.stdin_once);
	assert_int_equal(image.config.env.len, 2); /* the image itself is untouched */
	assert_string_equal(image.config.env.items[1], "B=2");
}

static void to_a_spec(void **state)
{
	struct container c = CONTAINER_INIT;
	struct spec spec = SPEC_INIT;
	struct error err = ERROR_INIT;
	struct strv lowers = STRV_INIT;
	char path[200];

	c.config.name = xstrdup("web");
	c.config.image = xstrdup("x");
	c.config.network = xstrdup("none");
	c.config.run.working_dir = xstrdup("srv"); /* relative in some images */
	c.config.tty = c.config.seccomp_unconfined = true;
	strv_add(&c.config.run.cmd, "sh");
	strv_add(&c.config.run.env, "PATH=/bin");
	strv_add(&c.config.run.env, "broken");
	assert_int_equal(container_create(&st, &c, &err), 0);
	if (engine_spec(&st, &c, &spec, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(spec.process.args.items[0], "sh");
	assert_string_equal(spec.process.cwd, "/srv");
	assert_int_equal(strlen(spec.hostname), 12);
	snprintf(path, sizeof(path), "PATH=/bin HOSTNAME=%s TERM=xterm", spec.hostname);
	assert_string_equal(joined(&spec.process.env), path);
	assert_null(spec.process.seccomp);
	assert_true(spec.process.terminal);
	assert_true(spec.namespaces & CLONE_NEWNET);
	snprintf(path, sizeof(path), "%s/containers/%s/upper", scratch_path, c.config.id);
	assert_string_equal(spec.root.upper, path);
	assert_true(exists(AT_FDCWD, path));
	snprintf(path, sizeof(path), "%s/run/%s/hosts", scratch_path, c.config.id);
	assert_string_equal(spec.mounts[spec.n_mounts - 1].source, path);
	assert_true(exists(AT_FDCWD, path));
	spec_free(&spec);

	engine_skeleton(&st, &lowers);
	assert_int_equal(lowers.len, 1);
	assert_true(exists(st.run_fd, "skeleton/etc/hosts"));
	assert_true(exists(st.run_fd, "skeleton/proc"));
	strv_free(&lowers);
	container_close(&c);
	(void)state;
}

static void added_by_exec(void **state)
{
	struct container c = CONTAINER_INIT;
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;
	char *args[] = { (char *)(uintptr_t) "ls", (char *)(uintptr_t) "-l", NULL };
	struct engine_exec x = { .args = args, .tty = true };

	(void)state;
	memset(c.config.id, 'a', ID_LEN);
	strv_add(&c.config.run.env, "A=1");
	strv_add(&x.env, "A=2");
	c.config.no_new_privileges = true;
	assert_int_equal(engine_exec_process(&c, &x, &p, &err), 0);
	assert_string_equal(joined(&p.args), "ls -l");
	assert_string_equal(strv_env_get(&p.env, "A"), "2");
	assert_string_equal(strv_env_get(&p.env, "HOSTNAME"), "aaaaaaaaaaaa");
	assert_string_equal(p.cwd, "/");
	assert_true(p.no_new_privileges && p.terminal && p.seccomp);
	spec_process_free(&p);
	memset(&p, 0, sizeof(p));
	x.working_dir = "tmp";
	assert_int_equal(engine_exec_process(&c, &x, &p, &err), -1);
	spec_process_free(&p);
	strv_free(&x.env);
	config_free(&c.config);
}

#define ENGINE_TEST(f) cmocka_unit_test_setup_teardown(f, engine_setup, engine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENGINE_TEST(entrypoint_and_command),
		cmocka_unit_test(environments),
		cmocka_unit_test_setup_teardown(environment_files, scratch_setup, scratch_teardown),
		cmocka_unit_test(environment_from_a_pipe),
		ENGINE_TEST(values_that_make_no_sense),
		ENGINE_TEST(merged),
		cmocka_unit_test_setup_teardown(to_a_spec, store_setup, store_teardown),
		cmocka_unit_test(added_by_exec),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
