/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>

#include "lib/cli.h"
#include "lib/log.h"

/* A command with an option of every kind. */
static struct {
	bool detach, tty, interactive, secret;
	const char *name, *user;
	struct strv env;
	long tail;
} got;

static const struct cli_option options[] = {
	{ "name", 0, CLI_STRING, &got.name, "string", "Assign a name to the container" },
	{ "detach", 'd', CLI_BOOL, &got.detach, NULL,
	  "Run container in background and print container ID" },
	{ "tty", 't', CLI_BOOL, &got.tty, NULL, "Allocate a pseudo-TTY" },
	{ "interactive", 'i', CLI_BOOL, &got.interactive, NULL,
	  "Keep STDIN open even if not attached" },
	{ "env", 'e', CLI_LIST, &got.env, "list", "Set environment variables" },
	{ "user", 'u', CLI_STRING, &got.user, "string", "Username or UID" },
	{ "tail", 'n', CLI_INT, &got.tail, "int", "Number of lines to show from the end" },
	{ "secret", 0, CLI_BOOL, &got.secret, NULL, NULL },
	{ 0 },
};

static struct cli_command command = {
	.usage = "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
	.summary = "Create and run a new container from an image",
	.options = options,
	.min_args = 0,
	.max_args = -1,
};

static struct error err;
static char *words[32];
static int count, first;

#define PARSE(...) parse((const char *const[]){ "run", __VA_ARGS__, NULL })

static enum cli_result parse(const char *const *argv)
{
	strv_free(&got.env);
	memset(&got, 0, sizeof(got));
	error_clear(&err);
	for (count = 0; argv[count]; count++)
		words[count] = (char *)(uintptr_t)argv[count];
	words[count] = NULL;
	first = -1;
	return cli_parse(&command, count, words, &first, &err);
}

static int reset(void **state)
{
	(void)state;
	log_set_program("docker");
	command.usage = "run [OPTIONS] IMAGE [COMMAND] [ARG...]";
	command.options = options;
	command.options_anywhere = false;
	command.min_args = 0;
	command.max_args = -1;
	command.more = NULL;
	return 0;
}

static int release(void **state)
{
	(void)state;
	strv_free(&got.env);
	return 0;
}

static void long_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--name=web", "--user", "-1", "--detach", "--tty=false", "--tail",
			       "-5", "--env=A=1", "img"),
			 CLI_OK);
	assert_string_equal(got.name, "web");
	assert_string_equal(got.user, "-1"); /* a value may begin with a dash */
	assert_true(got.detach);
	assert_false(got.tty);
	assert_int_equal(got.tail, -5);
	assert_string_equal(got.env.items[0], "A=1");
	assert_string_equal(words[first], "img");

	assert_int_equal(PARSE("--name=", "--name", "", "--user", "--name"), CLI_OK);
	assert_string_equal(got.name, "");
	assert_string_equal(got.user, "--name");
	assert_int_equal(first, count);
	assert_int_equal(PARSE("--name=a", "--name=b"), CLI_OK);
	assert_string_equal(got.name, "b"); /* the last one wins */
}

static void letters_in_a_row(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-itd", "img"), CLI_OK);
	assert_true(got.interactive && got.tty && got.detach);
	assert_int_equal(
		PARSE("-eA=1", "-e", "B=2", "-e=C=3", "-ite", "D", "-n5", "-n=7", "-uroot"),
		CLI_OK);
	assert_int_equal(got.env.len, 4);
	assert_string_equal(got.env.items[0], "A=1");
	assert_string_equal(got.env.items[1], "B=2");
	assert_string_equal(got.env.items[2], "C=3");
	assert_string_equal(got.env.items[3], "D");
	assert_int_equal(got.tail, 7);
	assert_string_equal(got.user, "root");
	assert_int_equal(PARSE("-it=false"), CLI_OK);
	assert_true(got.interactive);
	assert_false(got.tty);
}

static void booleans_as_go_reads_them(void **state)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	static const char *const bad[] = { "", "yes", "tRUE", "2", "on", "true,TRUE" };
	char word[32];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		snprintf(word, sizeof(word), "--detach=%s", yes[i]);
		assert_int_equal(PARSE(word), CLI_OK);
		assert_true(got.detach);
		snprintf(word, sizeof(word), "--detach=%s", no[i]);
		assert_int_equal(PARSE("-d", word), CLI_OK);
		assert_false(got.detach);
		snprintf(word, sizeof(word), "--detach=%s", bad[i]);
		assert_int_equal(PARSE(word), CLI_ERROR);
	}
	assert_int_equal(PARSE("--detach=maybe"), CLI_ERROR);
	assert_string_equal(
		err.message,
		"invalid argument \"maybe\" for \"-d, --detach\" flag: must be true or false. "
		"See 'docker run --help'");
	assert_int_equal(PARSE("--detach", "false"), CLI_OK); /* an argument */
	assert_true(got.detach);
	assert_string_equal(words[first], "false");
}

static void numbers(void **state)
{
	static const char *const bad[] = { "", " 5", "5 ", "5x", "0x10", "--", "1e3", "\t5" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(PARSE("--tail", bad[i]), CLI_ERROR);
	assert_int_equal(PARSE("--tail", "x"), CLI_ERROR);
	assert_string_equal(
		err.message,
		"invalid argument \"x\" for \"-n, --tail\" flag: must be a whole number. "
		"See 'docker run --help'");
	assert_int_equal(PARSE("--tail", "99999999999999999999"), CLI_ERROR);
	assert_non_null(strstr(err.message, "out of range"));
	assert_int_equal(PARSE("--tail", "-9223372036854775808"), CLI_OK);
	assert_true(got.tail == LONG_MIN);
}

static void options_stop_at_the_first_argument(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-i", "img", "ls", "-l", "--name=x", "--help"), CLI_OK);
	assert_int_equal(first, 2);
	assert_string_equal(words[3], "ls");
	assert_string_equal(words[4], "-l");
	assert_null(got.name);
	assert_int_equal(PARSE("img", "--", "x"), CLI_OK); /* left to the program */
	assert_int_equal(first, 1);
	assert_string_equal(words[2], "--");
	assert_int_equal(PARSE("-i", "--", "-d"), CLI_OK);
	assert_false(got.detach);
	assert_string_equal(words[first], "-d");
	assert_int_equal(PARSE("-"), CLI_OK);
	assert_string_equal(words[first], "-");
}

static void options_anywhere_are_put_before_the_arguments(void **state)
{
	(void)state;
	command.options_anywhere = true;
	assert_int_equal(
		PARSE("web", "-d", "db", "--name", "x", "-", "-eA", "--", "-i", "--", "last"),
		CLI_OK);
	assert_true(got.detach);
	assert_false(got.interactive);
	assert_string_equal(got.name, "x");
	assert_string_equal(got.env.items[0], "A");
	static const char *const rest[] = { "web", "db", "-", "-i", "--", "last" };
	assert_int_equal(count - first, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(words[first + i], rest[i]);
	assert_null(words[count]);
	assert_int_equal(PARSE("a", "b"), CLI_OK);
	assert_int_equal(first, 1);
	assert_int_equal(PARSE("a", "b", "--help"), CLI_HELP);
}

static void help_wins_where_it_stands(void **state)
{
	static const struct cli_option hostname[] = {
		{ "hostname", 'h', CLI_STRING, &got.name, "string", "x" }, { 0 }
	};

	(void)state;
	assert_int_equal(PARSE("--help"), CLI_HELP);
	assert_int_equal(PARSE("-dh"), CLI_HELP);
	assert_int_equal(PARSE("-h", "--nonsense"), CLI_HELP);
	assert_int_equal(PARSE("--nonsense", "-h"), CLI_ERROR);
	command.min_args = 1;
	assert_int_equal(PARSE("--help"), CLI_HELP);
	command.options = hostname;
	assert_int_equal(PARSE("-h", "box", "img"), CLI_OK);
	assert_string_equal(got.name, "box");
	assert_int_equal(PARSE("--help"), CLI_HELP);
	command.options = NULL;
	assert_int_equal(PARSE("--help"), CLI_HELP);
	assert_int_equal(PARSE("-h"), CLI_HELP);
	assert_int_equal(PARSE("-d"), CLI_ERROR);
}

static void what_is_wrong_is_said_with_where_to_look(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--nmae", "web"), CLI_ERROR);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(err.status, 125);
	assert_string_equal(err.message,
			    "unknown flag: --nmae; did you mean --name? See 'docker run --help'");
	assert_int_equal(PARSE("--zzz=1"), CLI_ERROR);
	assert_string_equal(err.message, "unknown flag: --zzz. See 'docker run --help'");
	assert_int_equal(PARSE("--secre"), CLI_ERROR); /* hidden ones are not offered */
	assert_string_equal(err.message, "unknown flag: --secre. See 'docker run --help'");
	assert_int_equal(PARSE("--hlep"), CLI_ERROR);
	assert_string_equal(err.message,
			    "unknown flag: --hlep; did you mean --help? See 'docker run --help'");
	assert_int_equal(PARSE("-dxyz"), CLI_ERROR);
	assert_string_equal(err.message,
			    "unknown shorthand flag: 'x' in -dxyz. See 'docker run --help'");
	assert_int_equal(PARSE("--name"), CLI_ERROR);
	assert_string_equal(err.message, "flag needs an argument: --name. See 'docker run --help'");
	assert_int_equal(PARSE("-de"), CLI_ERROR);
	assert_string_equal(err.message,
			    "flag needs an argument: 'e' in -de. See 'docker run --help'");
	assert_int_equal(PARSE("--=x"), CLI_ERROR);
	assert_string_equal(err.message, "bad flag syntax: --=x. See 'docker run --help'");
	assert_int_equal(PARSE("---"), CLI_ERROR);
	log_set_program("/bin/knarr");
	command.usage = "system df [OPTIONS]";
	assert_int_equal(PARSE("-x"), CLI_ERROR);
	assert_string_equal(err.message,
			    "unknown shorthand flag: 'x' in -x. See 'knarr system df --help'");
	command.usage = "[OPTIONS] COMMAND";
	assert_int_equal(PARSE("-x"), CLI_ERROR);
	assert_string_equal(err.message, "unknown shorthand flag: 'x' in -x. See 'knarr --help'");
	command.usage = "import file|URL|- [REPOSITORY[:TAG]]";
	assert_int_equal(PARSE("-x"), CLI_ERROR);
	assert_string_equal(err.message,
			    "unknown shorthand flag: 'x' in -x. See 'knarr import --help'");
}

static void arguments_are_counted(void **state)
{
	static const struct {
		int min, max, given;
		const char *message;
	} cases[] = {
		{ 0, -1, 0, NULL },
		{ 0, -1, 3, NULL },
		{ 1, -1, 1, NULL },
		{ 1, 2, 2, NULL },
		{ 1, -1, 0,
		  "\"docker run\" requires at least 1 argument. See 'docker run --help'" },
		{ 2, -1, 1,
		  "\"docker run\" requires at least 2 arguments. See 'docker run --help'" },
		{ 0, 0, 1, "\"docker run\" accepts no arguments. See 'docker run --help'" },
		{ 1, 1, 2, "\"docker run\" requires exactly 1 argument. See 'docker run --help'" },
		{ 2, 2, 0, "\"docker run\" requires exactly 2 arguments. See 'docker run --help'" },
		{ 0, 1, 2, "\"docker run\" requires at most 1 argument. See 'docker run --help'" },
		{ 1, 2, 3,
		  "\"docker run\" requires at least 1 and at most 2 arguments. See 'docker run --help'" },
	};
	static const char *const argv[] = { "run", "a", "b", "c", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *some[5] = { NULL };
		memcpy(some, argv, (size_t)(cases[i].given + 1) * sizeof(*argv));
		command.min_args = cases[i].min;
		command.max_args = cases[i].max;
		if (cases[i].message) {
			assert_int_equal(parse(some), CLI_ERROR);
			assert_string_equal(err.message, cases[i].message);
			assert_int_equal(err.status, 125);
		} else {
			assert_int_equal(parse(some), CLI_OK);
		}
	}
}

static void a_hostile_word_is_cut_and_cleaned(void **state)
{
	char word[2000] = "--";

	(void)state;
	memset(word + 2, 'x', sizeof(word) - 3);
	assert_int_equal(PARSE(word), CLI_ERROR);
	assert_int_equal(PARSE("--a\x1b[31m\nb"), CLI_ERROR);
	assert_string_equal(err.message, "unknown flag: --a?[31m b. See 'docker run --help'");
}

static void help_is_laid_out_as_dockers(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	cli_help(&command, "docker", &out);
	assert_string_equal(
		out.data,
		"Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n"
		"\n"
		"Create and run a new container from an image\n"
		"\n"
		"Options:\n"
		"  -d, --detach        Run container in background and print container ID\n"
		"  -e, --env list      Set environment variables\n"
		"  -i, --interactive   Keep STDIN open even if not attached\n"
		"      --name string   Assign a name to the container\n"
		"  -n, --tail int      Number of lines to show from the end\n"
		"  -t, --tty           Allocate a pseudo-TTY\n"
		"  -u, --user string   Username or UID\n");

	strbuf_reset(&out);
	command.options = NULL;
	command.usage = "COMMAND";
	command.more = "Commands:\n  run";
	cli_help(&command, "knarr", &out);
	assert_string_equal(
		out.data,
		"Usage:  knarr COMMAND\n\nCreate and run a new container from an image\n\n"
		"Commands:\n  run\n");
}

static void long_help_is_wrapped_between_words(void **state)
{
	static const struct cli_option wide[] = {
		{ "a-long-name-for-an-option", 'x', CLI_STRING, &got.name, "string",
		  "A line of help that does not fit into eighty columns is broken between words" },
		{ "b", 0, CLI_BOOL, &got.tty, NULL,
		  "Averylongwordwithoutanyspacewhichdoesnotfitanywhereandisleftasitis, then" },
		{ 0 },
	};
	autostrbuf struct strbuf out = STRBUF_INIT;

	(void)state;
	command.options = wide;
	cli_help(&command, "docker", &out);
	assert_non_null(strstr(
		out.data,
		"  -x, --a-long-name-for-an-option string   A line of help that does not fit\n"
		"                                           into eighty columns is broken\n"
		"                                           between words\n"
		"      --b                                  Averylongwordwithoutanyspacewhichdoesnot"
		"fitanywhereandisleftasitis, then\n"));
}

static void the_nearest_word(void **state)
{
	static const char *const commands[] = { "images", "import", "info", "inspect", "kill",
						"load",   "logs",   "ps",   "rm",      "rmi",
						"run",    "save",   "stop", NULL };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "imgaes", "images" }, { "image", "images" }, { "isnpect", "inspect" },
		{ "lgos", "logs" },     { "stpo", "stop" },    { "rnu", "run" },
		{ "insp", "inspect" },  { "rn", "rm" },        { "xyzzy", NULL },
		{ "", NULL },           { "p", NULL },         { "frobnicate", NULL },
		{ "images", "images" }, { "xx", NULL },
	};
	char word[500];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *nearest = cli_nearest(cases[i].word, commands);
		if (cases[i].nearest) {
			assert_non_null(nearest);
			assert_string_equal(nearest, cases[i].nearest);
		} else {
			assert_null(nearest);
		}
	}
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(cli_nearest(word, commands));
	assert_null(cli_nearest("run", (const char *const[]){ word, NULL }));
	assert_null(cli_nearest("run", (const char *const[]){ NULL }));
}

int main(void)
{
#define FRESH(f) cmocka_unit_test_setup_teardown(f, reset, release)
	const struct CMUnitTest tests[] = {
		FRESH(long_options),
		FRESH(letters_in_a_row),
		FRESH(booleans_as_go_reads_them),
		FRESH(numbers),
		FRESH(options_stop_at_the_first_argument),
		FRESH(options_anywhere_are_put_before_the_arguments),
		FRESH(help_wins_where_it_stands),
		FRESH(what_is_wrong_is_said_with_where_to_look),
		FRESH(arguments_are_counted),
		FRESH(a_hostile_word_is_cut_and_cleaned),
		FRESH(help_is_laid_out_as_dockers),
		FRESH(long_help_is_wrapped_between_words),
		FRESH(the_nearest_word),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
