/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/change.h"

#include <errno.h>

#include "image-tools/expand.h"
#include "tests/unit/unit.h"

/* The lists of a configuration, as text. */
static void show_list(struct strbuf *b, const char *name, const struct strv *v)
{
	if (!v->len)
		return;
	strbuf_printf(b, "%s", name);
	for (size_t i = 0; i < v->len; i++)
		strbuf_printf(b, " [%s]", v->items[i]);
	strbuf_putc(b, '\n');
}

static char *show(const struct image_config *c)
{
	struct strbuf b = STRBUF_INIT;

	if (c->user)
		strbuf_printf(&b, "user [%s]\n", c->user);
	show_list(&b, "ports", &c->exposed_ports);
	show_list(&b, "env", &c->env);
	show_list(&b, "cmd", &c->cmd);
	show_list(&b, "health", &c->healthcheck.test);
	show_list(&b, "volumes", &c->volumes);
	if (c->working_dir)
		strbuf_printf(&b, "dir [%s]\n", c->working_dir);
	show_list(&b, "entrypoint", &c->entrypoint);
	show_list(&b, "onbuild", &c->on_build);
	show_list(&b, "labels", &c->labels);
	if (c->stop_signal)
		strbuf_printf(&b, "signal [%s]\n", c->stop_signal);
	return strbuf_steal(&b);
}

/* An image that says all of it. */
static void fill(struct image_config *c)
{
	strv_add(&c->env, "PATH=/bin");
	strv_add(&c->env, "A=1");
	strv_add(&c->cmd, "old");
	c->working_dir = xstrdup("/srv");
}

static void apply(struct image_config *c, const char *change, const char *want)
{
	struct strv lines autostrv = STRV_INIT;
	struct error err = ERROR_INIT;
	char *got;

	strv_add(&lines, change);
	if (changes_apply(c, &lines, &err) < 0)
		fail_msg("%s: %s", change, err.message);
	got = show(c);
	assert_string_equal(got, want);
	free(got);
}

static void check(const char *change, const char *want)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;

	apply(&c, change, want);
}

static void check_over(const char *change, const char *want)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;

	fill(&c);
	apply(&c, change, want);
}

static void refuse(const char *change, const char *message)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct strv lines autostrv = STRV_INIT;
	struct error err = ERROR_INIT;

	strv_add(&lines, change);
	assert_int_equal(changes_apply(&c, &lines, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.message, message);
}

static void commands(void **state)
{
	(void)state;
	check("CMD [\"a\", \"b c\"]", "cmd [a] [b c]\n");
	check("cmd a  $b \"c\"", "cmd [/bin/sh] [-c] [a  $b \"c\"]\n");
	check("CMD [not json", "cmd [/bin/sh] [-c] [[not json]\n");
	check("CMD []", "");
	check("ENTRYPOINT [\"/e\"]", "entrypoint [/e]\n");
	check("ENTRYPOINT exec top", "entrypoint [/bin/sh] [-c] [exec top]\n");
	check_over("ENTRYPOINT [\"/e\"]", "env [PATH=/bin] [A=1]\ndir [/srv]\nentrypoint [/e]\n");
	check_over("CMD [\"n\"]\nENTRYPOINT [\"/e\"]",
		   "env [PATH=/bin] [A=1]\ncmd [n]\ndir [/srv]\nentrypoint [/e]\n");
	refuse("CMD [\"a\", 1]",
	       "when using JSON array syntax, arrays must be comprised of strings only");
	refuse("CMD [\"a\\u0000b\"]", "CMD: an argument has a NUL in it");
}

static void the_shell_is_the_images(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct strv lines autostrv = STRV_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	strv_add(&c.shell, "/bin/bash");
	strv_add(&c.shell, "-ec");
	strv_add(&lines, "CMD ls");
	assert_int_equal(changes_apply(&c, &lines, &err), 0);
	assert_int_equal(c.cmd.len, 3);
	assert_string_equal(c.cmd.items[1], "-ec");
}

static void environments(void **state)
{
	(void)state;
	check("ENV A=1 B=\"two words\" C='$A' D=x\\ y", "env [A=1] [B=two words] [C=$A] [D=x y]\n");
	check("ENV KEY all the  rest", "env [KEY=all the  rest]\n");
	check("ENV KEY \"quoted\" 'rest'", "env [KEY=quoted rest]\n");
	check("ENV E=", "env [E=]\n");
	check("ENV U=a=b", "env [U=a=b]\n");
	check_over("ENV PATH=$PATH:/x A=2 B=$A",
		   "env [PATH=/bin:/x] [A=2] [B=1]\ncmd [old]\ndir [/srv]\n");
	check_over("ENV A 3", "env [PATH=/bin] [A=3]\ncmd [old]\ndir [/srv]\n");
	refuse("ENV", "ENV requires at least one argument");
	refuse("ENV A", "ENV must have two arguments");
	refuse("ENV A=1 B",
	       "Syntax error - can't find = in \"B\". Must be of the form: name=value");
	refuse("ENV =x", "ENV names can not be blank");
	refuse("ENV A=\"x",
	       "failed to process \"\"x\": unexpected end of statement while looking for "
	       "matching double-quote");
	refuse("ENV --x A=1", "unknown flag: --x");
}

static void labels(void **state)
{
	(void)state;
	check("LABEL a=b \"c.d\"=\"e f\" g=", "labels [a=b] [c.d=e f] [g=]\n");
	check("LABEL a b c", "labels [a=b c]\n");
	check_over("LABEL p=$PATH",
		   "env [PATH=/bin] [A=1]\ncmd [old]\ndir [/srv]\nlabels [p=/bin]\n");
	refuse("LABEL x", "LABEL must have two arguments");
}

static void ports(void **state)
{
	(void)state;
	check("EXPOSE 80", "ports [80/tcp]\n");
	check("EXPOSE 80/UDP 443 80/tcp 443", "ports [80/udp] [443/tcp] [80/tcp]\n");
	check("EXPOSE 8000-8002/sctp", "ports [8000/sctp] [8001/sctp] [8002/sctp]\n");
	check("EXPOSE 127.0.0.1:8080:80", "ports [80/tcp]\n");
	check("ENV P=\"1 2/udp\"\nEXPOSE $P 3", "ports [1/tcp] [2/udp] [3/tcp]\nenv [P=1 2/udp]\n");
	refuse("EXPOSE", "EXPOSE requires at least one argument");
	refuse("EXPOSE x", "invalid containerPort: x");
	refuse("EXPOSE 80/foo", "invalid proto: foo");
	refuse("EXPOSE 65536", "invalid containerPort: 65536");
	refuse("EXPOSE 9-8", "invalid containerPort: 9-8");
	refuse("EXPOSE /tcp", "no port specified: /tcp<empty>");
}

static void health(void **state)
{
	struct image_config c autoimageconfig = IMAGE_CONFIG_INIT;
	struct strv lines autostrv = STRV_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	check("HEALTHCHECK NONE", "health [NONE]\n");
	check("HEALTHCHECK CMD curl -f x || exit 1", "health [CMD-SHELL] [curl -f x || exit 1]\n");
	check("HEALTHCHECK cmd [\"a\", \"b\"]", "health [CMD] [a] [b]\n");
	strv_add(&lines, "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1.5h "
			 "--start-interval=2s --retries=3 CMD true");
	assert_int_equal(changes_apply(&c, &lines, &err), 0);
	assert_int_equal(c.healthcheck.interval, 90000000000);
	assert_int_equal(c.healthcheck.timeout, 500000000);
	assert_int_equal(c.healthcheck.start_period, 5400000000000);
	assert_int_equal(c.healthcheck.start_interval, 2000000000);
	assert_int_equal(c.healthcheck.retries, 3);
	refuse("HEALTHCHECK", "HEALTHCHECK requires at least one argument");
	refuse("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD");
	refuse("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments");
	refuse("HEALTHCHECK what", "Unknown type \"what\" in HEALTHCHECK (try CMD)");
	refuse("HEALTHCHECK --retries=0 CMD x", "--retries must be at least 1 (not 0)");
	refuse("HEALTHCHECK --interval=1us CMD x", "Interval \"interval\" cannot be less than 1ms");
	refuse("HEALTHCHECK --interval=1x CMD x", "time: invalid duration \"1x\"");
	refuse("HEALTHCHECK --interval=99999999999999h CMD x",
	       "time: invalid duration \"99999999999999h\"");
	refuse("HEALTHCHECK --nosuch=1 CMD x", "unknown flag: --nosuch");
	refuse("HEALTHCHECK --interval CMD x", "missing a value on flag: --interval");
	refuse("HEALTHCHECK --timeout=1s --timeout=2s CMD x",
	       "duplicate flag specified: --timeout");
}

static void words(void **state)
{
	(void)state;
	check("USER nobody:nogroup", "user [nobody:nogroup]\n");
	check("STOPSIGNAL SIGUSR1", "signal [SIGUSR1]\n");
	check("STOPSIGNAL 9", "signal [9]\n");
	check("VOLUME /a /b", "volumes [/a] [/b]\n");
	check("VOLUME [\"/a b\", \"/c\"]", "volumes [/a b] [/c]\n");
	check("WORKDIR /x/../y", "dir [/x/../y]\n");
	check("WORKDIR x/./y//z/..", "dir [/x/y]\n");
	check("WORKDIR ../../..", "dir [/]\n");
	check_over("WORKDIR sub", "env [PATH=/bin] [A=1]\ncmd [old]\ndir [/srv/sub]\n");
	check_over("WORKDIR /w/$A", "env [PATH=/bin] [A=1]\ncmd [old]\ndir [/w/1]\n");
	refuse("USER", "USER requires exactly one argument");
	refuse("WORKDIR", "WORKDIR requires exactly one argument");
	refuse("VOLUME", "VOLUME requires at least one argument");
	refuse("VOLUME [\"\"]", "VOLUME specified can not be an empty string");
	refuse("STOPSIGNAL SIGNOPE", "invalid signal: SIGNOPE");
	refuse("WORKDIR ''", "cannot normalize nothing");
}

static void triggers(void **state)
{
	(void)state;
	check("ONBUILD RUN  make --all", "onbuild [RUN  make --all]\n");
	check("onbuild COPY --chown=a b c", "onbuild [COPY --chown=a b c]\n");
	refuse("ONBUILD", "ONBUILD requires at least one argument");
	refuse("ONBUILD onbuild RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
	refuse("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger");
}

static void lines_as_in_a_dockerfile(void **state)
{
	(void)state;
	check("# nothing\n\n  USER a\n", "user [a]\n");
	check("ENV A=1 \\\n  B=2\nUSER u", "user [u]\nenv [A=1] [B=2]\n");
	check("USER a\\", "user [a]\n");
	refuse("xyz", "xyz is not a valid change command");
	refuse("Run ls", "Run is not a valid change command");
	refuse("COPY a b", "COPY is not a valid change command");
	refuse("SHELL [\"a\"]", "SHELL is not a valid change command");
	refuse("RUN [1]", "RUN is not a valid change command");
}

static void expansions(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "$A", "1" },
		{ "${A}b", "1b" },
		{ "$Ab", "" },
		{ "\\$A", "$A" },
		{ "'$A'", "$A" },
		{ "\"$A\"", "1" },
		{ "\"\\$A \\x\"", "$A \\x" },
		{ "${N:-d}", "d" },
		{ "${N:-${A}x}", "1x" },
		{ "${E:-d}", "d" },
		{ "${E-d}", "" },
		{ "${N-d}", "d" },
		{ "${A:+y}", "y" },
		{ "${N:+y}", "" },
		{ "${E+y}", "y" },
		{ "${E:+y}", "" },
		{ "${A:?no}", "1" },
		{ "a$", "a$" },
		{ "$ $.", "$ $." },
		{ "$1x", "x" },
		{ "a\\", "a" },
		{ "gr\303\274n", "gr\303\274n" },
		{ NULL, NULL },
	};
	static const char *const wrong[] = { "'",      "\"",       "${",      "${}",
					     "${A",    "${A:-",    "${A:}",   "${A!x}",
					     "${:-x}", "${N:?no}", "\"${A\"", NULL };
	struct strv env autostrv = STRV_INIT;

	(void)state;
	strv_add(&env, "A=1");
	strv_add(&env, "E=");
	for (size_t i = 0; cases[i].word; i++) {
		struct strbuf out autostrbuf = STRBUF_INIT;
		struct error err = ERROR_INIT;

		if (expand_word(cases[i].word, &env, &out, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(out.data ? out.data : "", cases[i].want);
	}
	for (size_t i = 0; wrong[i]; i++) {
		struct strbuf out autostrbuf = STRBUF_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(expand_word(wrong[i], &env, &out, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
}

static void depth_has_a_limit(void **state)
{
	struct strbuf word autostrbuf = STRBUF_INIT, out autostrbuf = STRBUF_INIT;
	struct strv env autostrv = STRV_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 100000; i++)
		strbuf_puts(&word, "${a:-");
	assert_int_equal(expand_word(word.data, &env, &out, &err), -1);
	assert_non_null(strstr(err.message, "nested too deep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(the_shell_is_the_images),
		cmocka_unit_test(environments),
		cmocka_unit_test(labels),
		cmocka_unit_test(ports),
		cmocka_unit_test(health),
		cmocka_unit_test(words),
		cmocka_unit_test(triggers),
		cmocka_unit_test(lines_as_in_a_dockerfile),
		cmocka_unit_test(expansions),
		cmocka_unit_test(depth_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
