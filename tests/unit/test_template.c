/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expected texts and messages are those of Docker's client 28.2 (Go 1.24) for the same template and document, but where a
 * comment says otherwise. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/template.h"

static const char container[] =
	"{\"Id\":\"0123\",\"Name\":\"/web\",\"Args\":[\"-g\",\"daemon off;\"],"
	"\"State\":{\"Status\":\"running\",\"Running\":true,\"Paused\":false,\"Pid\":42,\"ExitCode\":0},"
	"\"HostConfig\":{\"Binds\":null,\"Memory\":0},"
	"\"Mounts\":[{\"Source\":\"/a\",\"Destination\":\"/b\",\"RW\":true},"
	"{\"Source\":\"/c\",\"Destination\":\"/d\",\"RW\":false}],"
	"\"Config\":{\"User\":\"\",\"Env\":[\"PATH=/bin\",\"A=<1>&\\\"\\u00e9\\u2028\\u001b\\u0007\"],"
	"\"Cmd\":[\"nginx\",\"-g\",\"daemon off;\"],\"Entrypoint\":null,"
	"\"Labels\":{\"b.c\":\"2\",\"a\":\"one\",\"Zed\":\"z\"},\"Volumes\":{\"/d\":{}}},"
	"\"NetworkSettings\":{\"Networks\":{\"host\":{\"IPAddress\":\"1.2.3.4\"}},\"Ports\":{}}}";

static const char *const maps[] = { "Labels", "Volumes", "Networks", "Ports", NULL };
static const char *const lists[] = { "Cmd", "Entrypoint", "Binds", NULL };
static const char *const optional[] = { "Health", NULL };
static const struct template_types types = { .maps = maps, .lists = lists, .optional = optional };

struct expectation {
	const char *text, *result;
};

/* What a template makes of a document, or its message. */
static char *run(const char *text, const char *document, const struct template_types *t)
{
	struct error err = ERROR_INIT;
	struct strbuf out = STRBUF_INIT;
	yyjson_doc *doc autojson = json_parse(document, strlen(document), "document", &err);
	struct template *parsed autotemplate = NULL;

	assert_non_null(doc);
	parsed = template_parse(text, &err);
	if (parsed && template_run_typed(parsed, yyjson_doc_get_root(doc), t, &out, &err) == 0)
		return strbuf_steal(&out);
	strbuf_free(&out);
	assert_int_equal(err.code, EINVAL);
	assert_null(strchr(err.message, '\n'));
	return xstrdup(err.message);
}

static void check(const struct expectation *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *found = run(list[i].text, container, &types);

		if (strcmp(found, list[i].result) != 0)
			print_message("template: %s\n", list[i].text);
		assert_string_equal(found, list[i].result);
		free(found);
	}
}

#define CHECK(list) check(list, sizeof(list) / sizeof(list[0]))

static void paths_lead_into_the_document(void **state)
{
	static const struct expectation list[] = {
		{ "", "" },
		{ "plain } } text", "plain } } text" },
		{ "{{.State.Status}}", "running" },
		{ "{{ \t.State.Pid\n }}", "42" },
		{ "{{.Config.Labels.a}}", "one" },
		{ "{{.Config.Labels.nope}}", "<no value>" },
		{ "{{.NetworkSettings.Networks.host.IPAddress}}", "1.2.3.4" },
		{ "{{(.State).Pid}} {{(index .Mounts 0).Source}}", "42 /a" },
		{ "{{$.Name}} {{$.State.Pid}}", "/web 42" },
		{ "{{.ID}} {{.Id}}", "0123 0123" },
		{ "{{.State.Health}}", "<nil>" },
		{ "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none" },
	};

	(void)state;
	CHECK(list);
}

static void values_print_as_in_go(void **state)
{
	static const struct expectation list[] = {
		{ "{{.Config.Labels}}", "map[Zed:z a:one b.c:2]" },
		{ "{{.Config.Volumes}}", "map[/d:{}]" },
		{ "{{.Config.Cmd}}", "[nginx -g daemon off;]" },
		{ "{{.Config.Entrypoint}} {{.HostConfig.Binds}}", "[] []" },
		{ "{{.Mounts}}", "[{/a /b true} {/c /d false}]" },
		{ "{{.NetworkSettings.Ports}}", "map[]" },
		{ "{{true}} {{.State.Paused}}", "true false" },
		{ "{{1.0}} {{100000.0}} {{1e20}} {{1e21}} {{0.00001}} {{0.0001}} {{123456789.125}} {{.5}}",
		  "1 100000 1e+20 1e+21 1e-05 0.0001 1.23456789125e+08 0.5" },
		{ "{{\"q\\t\\\"\\u00e9\\x41\\101\"}} {{`raw\\n`}} {{'a'}} {{1e3}} {{0x10}} {{0b11}} {{0o17}} "
		  "{{017}} {{1_000}} {{-5}} {{+5}}",
		  "q\t\"\u00e9AA raw\\n 97 1000 16 3 15 15 1000 -5 5" },
		{ "{{9223372036854775807}} {{-9223372036854775808}}",
		  "9223372036854775807 -9223372036854775808" },
	};

	(void)state;
	CHECK(list);
}

static void controls(void **state)
{
	static const struct expectation list[] = {
		{ "{{if .State.Running}}up{{else}}down{{end}}", "up" },
		{ "{{if .Config.User}}a{{else if .State.Paused}}b{{else if .Name}}c{{else}}d{{end}}",
		  "c" },
		{ "{{if eq .State.Status \"exited\"}}e{{else if eq .State.Status \"running\"}}r{{end}}",
		  "r" },
		{ "{{with .State}}{{.Pid}}{{end}}", "42" },
		{ "{{with .Config.User}}user {{.}}{{else}}nobody{{end}}", "nobody" },
		{ "{{with .Config.User}}a{{else with .Name}}b{{.}}{{end}}", "b/web" },
		{ "{{with $x := .Name}}{{$x}}{{$.State.Pid}}{{end}}", "/web42" },
		{ "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "/a:/b /c:/d " },
		{ "{{range $i, $m := .Mounts}}{{$i}}={{$m.Source}};{{end}}", "0=/a;1=/c;" },
		{ "{{range $k, $v := .Config.Labels}}{{$k}}->{{$v}} {{end}}",
		  "Zed->z a->one b.c->2 " },
		{ "{{range .HostConfig.Binds}}x{{else}}none{{end}}", "none" },
		{ "{{range .Config.Cmd}}{{if eq . \"-g\"}}{{continue}}{{end}}{{.}}|{{end}}",
		  "nginx|daemon off;|" },
		{ "{{range .Config.Cmd}}{{if eq . \"-g\"}}{{break}}{{end}}{{.}}|{{end}}",
		  "nginx|" },
		{ "{{range 3}}{{.}}{{end}}", "012" },
		{ "{{$x := 5}}{{$x}} {{$x = 6}}{{$x}}", "5 6" },
		{ "{{$x := 0}}{{range .Mounts}}{{$x = .Source}}{{end}}{{$x}}", "/c" },
		{ "a {{- .Name }} b {{ .Name -}} c", "a/web b /webc" },
		{ "x {{- /* comment */ -}} y{{/* another */}}z", "xyz" },
	};

	(void)state;
	CHECK(list);
}

static void functions(void **state)
{
	static const struct expectation list[] = {
		{ "{{index .Config.Labels \"b.c\"}}", "2" },
		{ "{{index .Config.Labels \"nope\"}}|", "|" },
		{ "{{index .Config.Env 0}} {{index .Name 0}} {{index .State \"Status\"}}",
		  "PATH=/bin 47 running" },
		{ "{{len .Config.Cmd}} {{len .Config.Labels}} {{len .Name}} {{len .Config.Entrypoint}}",
		  "3 3 4 0" },
		{ "{{eq .State.Pid 42}} {{eq .State.Pid 1 2 42}} {{ne .State.Pid 1}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} "
		  "{{ge 3 2}} {{lt \"a\" \"b\"}}",
		  "true true true true true false true true" },
		{ "{{and .State.Running .State.Pid}} {{or .Config.User \"root\"}} {{not .State.Running}}",
		  "42 root false" },
		{ "{{and true 0 (index .Foo 1)}} {{or 1 .Foo}}", "0 1" },
		{ "{{.State.Running | not}} {{true | and 5}} {{1 | or 0}}", "false true 1" },
		{ "{{join .Config.Cmd \" \"}} {{join .Config.Entrypoint \",\"}}|",
		  "nginx -g daemon off; |" },
		{ "{{join .Config.Labels \",\"}}", "2,one,z" }, /* of a later client than 28.2 */
		{ "{{split .Name \"e\"}} {{json (split .Name \"\")}}",
		  "[/w b] [\"/\",\"w\",\"e\",\"b\"]" },
		{ "{{range split \"a,b,c\" \",\"}}<{{.}}>{{end}}", "<a><b><c>" },
		{ "{{upper .Name}} {{lower \"ABC\"}} {{title \"hello wide_world o'neil x-y\"}}",
		  "/WEB abc Hello Wide_world O'Neil X-Y" },
		{ "{{pad .Name 2 3}}|{{pad \"\" 2 3}}|", "  /web   ||" },
		{ "{{truncate .Name 2}} {{truncate .Name 10}}", "/w /web" },
		{ "{{slice .Name 1}} {{slice .Name 1 2}} {{slice .Config.Cmd 1 2}}", "web w [-g]" },
		{ "{{.Name | upper | printf \"%s-%s\" \"x\"}}", "x-/WEB" },
		{ "{{print 1 2 \"a\" \"b\" 3}} {{print \"a\" 1}} {{print nil}}",
		  "1 2ab3 a1 <nil>" },
		{ "{{println \"a\" 1}}|", "a 1\n|" },
		{ "{{html \"<a href='x'>&\\\"</a>\"}}",
		  "&lt;a href=&#39;x&#39;&gt;&amp;&#34;&lt;/a&gt;" },
		{ "{{js \"it's <b>\\\"\\n\"}}", "it\\'s \\u003Cb\\u003E\\\"\\u000A" },
		{ "{{urlquery \"a b&c/d \u00e9\"}}", "a+b%26c%2Fd+%C3%A9" },
	};

	(void)state;
	CHECK(list);
}

static void printf_knows_go_verbs(void **state)
{
	static const struct expectation list[] = {
		{ "{{printf \"%s %d %v %q %x\" .Name .State.Pid .State.Running .Name .Name}}",
		  "/web 42 true \"/web\" 2f776562" },
		{ "{{printf \"%5d|%-5d|%05d|%*d|\" 42 42 42 5 42}}", "   42|42   |00042|   42|" },
		{ "{{printf \"%5s|%-5s|%.2s|%5.1s|\" \"ab\" \"ab\" \"abc\" \"\u00e9x\"}}",
		  "   ab|ab   |ab|    \u00e9|" },
		{ "{{printf \"%d\" .Name}} {{printf \"%s\" 5}} {{printf \"%z\" 5}} {{printf \"%d\"}} {{printf \"%d\" 1 2}}",
		  "%!d(string=/web) %!s(int=5) %!z(int=5) %!d(MISSING) 1%!(EXTRA int=2)" },
		{ "{{printf \"%\"}} {{printf \"%%\"}}", "%!(NOVERB) %" },
		{ "{{printf \"%v %v\" .Config.Cmd .Config.Labels}}",
		  "[nginx -g daemon off;] map[Zed:z a:one b.c:2]" },
		{ "{{printf \"%s|%q|%d\" .Config.Cmd .Config.Cmd .Config.Cmd}}",
		  "[nginx -g daemon off;]|[\"nginx\" \"-g\" \"daemon off;\"]|"
		  "[%!d(string=nginx) %!d(string=-g) %!d(string=daemon off;)]" },
		{ "{{printf \"%.2f %g %v\" 3.14159 1e21 2.5}}", "3.14 1e+21 2.5" },
		{ "{{printf \"%t %t\" true 1}} {{printf \"%v\" nil}}", "true %!t(int=1) <nil>" },
		{ "{{printf \"%c %U %#x %X %o %b\" 65 0x1F600 255 255 8 5}}",
		  "A U+1F600 0xff FF 10 101" },
		{ "{{printf \"%T %T %T %T\" 1 \"s\" 1.5 true}}", "int string float64 bool" },
		{ "{{printf \"%+d % d\" 5 5}}", "+5  5" },
	};

	(void)state;
	CHECK(list);
}

static void json_has_go_escapes(void **state)
{
	static const struct expectation list[] = {
		{ "{{json .Name}} {{json nil}} {{json 5}} {{json true}} {{json .Config.Labels.nope}}",
		  "\"/web\" null 5 true null" },
		{ "{{json .Config.Env}}",
		  "[\"PATH=/bin\",\"A=<1>&\\\"\u00e9\\u2028\\u001b\\u0007\"]" },
		{ "{{json .Config.Labels}}", "{\"Zed\":\"z\",\"a\":\"one\",\"b.c\":\"2\"}" },
		{ "{{json .State}}",
		  "{\"Status\":\"running\",\"Running\":true,\"Paused\":false,\"Pid\":42,\"ExitCode\":0}" },
		{ "{{json .Config.Entrypoint}} {{json .Config.Volumes}}", "null {\"/d\":{}}" },
		{ "{{json \"\\x00\\x7f\\\\\\\"\\b\\f\\n\\r\\t\\v<>&\\xff\"}}",
		  "\"\\u0000\x7f\\\\\\\"\\b\\f\\n\\r\\t\\u000b<>&\\ufffd\"" },
	};

	(void)state;
	CHECK(list);
}

static void bad_templates_are_refused(void **state)
{
	static const struct expectation list[] = {
		{ "{{.Name", "template: :1: unclosed action" },
		{ "{{", "template: :1: unclosed action" },
		{ "{{}}", "template: :1: missing value for command" },
		{ "a\n{{/* x}}", "template: :2: unclosed comment" },
		{ "{{/* x */ }}", "template: :1: comment ends before closing delimiter" },
		{ "{{.Name}", "template: :1: bad character U+007D '}'" },
		{ "{{.Na!me}}", "template: :1: bad character U+0021 '!'" },
		{ "{{end}}", "template: :1: unexpected {{end}}" },
		{ "{{else}}", "template: :1: unexpected {{else}}" },
		{ "{{if}}x{{end}}", "template: :1: missing value for if" },
		{ "{{if .Name}}x", "template: :1: unexpected EOF" },
		{ "{{if .Name}}x{{else}}y{{else}}z{{end}}",
		  "template: :1: expected end; found {{else}}" },
		{ "{{if true}}\n{{foo}}{{end}}", "template: :2: function \"foo\" not defined" },
		{ "{{.Name | 5}}", "template: :1: non executable command in pipeline stage 2" },
		{ "{{\"a\".b}}", "template: :1: unexpected . after term \"\\\"a\\\"\"" },
		{ "{{\"a\"\"b\"}}", "template: :1: unexpected \"\\\"b\\\"\" in operand" },
		{ "{{$y}}", "template: :1: undefined variable \"$y\"" },
		{ "{{if .Name}}{{$x := 1}}{{end}}{{$x}}",
		  "template: :1: undefined variable \"$x\"" },
		{ "{{$i, $x := .Config.Cmd}}", "template: :1: too many declarations in command" },
		{ "{{range $i, := .Config.Cmd}}{{end}}",
		  "template: :1: range can only initialize variables" },
		{ "{{break}}", "template: :1: {{break}} outside {{range}}" },
		{ "{{(.Name}}", "template: :1: unclosed left paren" },
		{ "{{.Name)}}", "template: :1: unexpected right paren" },
		{ "{{\"abc}}", "template: :1: unterminated quoted string" },
		{ "{{`abc}}", "template: :1: unterminated raw quoted string" },
		{ "{{'}}", "template: :1: unterminated character constant" },
		{ "{{1x}}", "template: :1: bad number syntax: \"1x\"" },
		{ "{{99999999999999999999}}",
		  "template: :1: integer overflow: \"99999999999999999999\"" },
		{ "{{\"\\q\"}}", "template: :1: invalid syntax" },
		{ "{{template \"x\"}}", "template: :1: {{template}} is not supported" }, /* ours */
	};

	(void)state;
	CHECK(list);
}

static void what_cannot_be_done_is_said(void **state)
{
#define AT(pos, what) "template: :1:" pos ": executing \"\" at <" what ">: "
	static const struct expectation list[] = {
		{ "{{.Foo}}", AT("2", ".Foo") "map has no entry for key \"Foo\"" },
		{ "{{.State.Foo.Bar}}",
		  AT("8", ".State.Foo.Bar") "map has no entry for key \"Foo\"" },
		{ "x\ny {{.Foo}}",
		  "template: :2:4: executing \"\" at <.Foo>: map has no entry for key \"Foo\"" },
		{ "{{.Name \"x\"}}", AT("2", ".Name") "Name is not a method but has arguments" },
		{ "{{index .Config.Env 5}}",
		  AT("2", "index .Config.Env 5") "error calling index: index out of range: 5" },
		{ "{{index .Config.Env 2}}",
		  AT("2",
		     "index .Config.Env 2") "error calling index: reflect: slice index out of range" },
		{ "{{index .Config.Env -1}}",
		  AT("2", "index .Config.Env -1") "error calling index: index out of range: -1" },
		{ "{{index .Config.Labels 1}}",
		  AT("2",
		     "index .Config.Labels 1") "error calling index: value has type int; should be string" },
		{ "{{eq 1 \"a\"}}",
		  AT("2", "eq 1 \"a\"") "error calling eq: incompatible types for comparison" },
		{ "{{lt true false}}",
		  AT("2", "lt true false") "error calling lt: invalid type for comparison" },
		{ "{{eq .State.Pid}}",
		  AT("2", "eq .State.Pid") "error calling eq: missing argument for comparison" },
		{ "{{upper}}", AT("2", "upper") "wrong number of args for upper: want 1 got 0" },
		{ "{{upper .Name .Name}}",
		  AT("2", "upper") "wrong number of args for upper: want 1 got 2" },
		{ "{{and}}", AT("2", "and") "wrong number of args for and: want at least 1 got 0" },
		{ "{{upper 5}}", AT("8", "5") "expected string; found 5" },
		{ "{{upper nil}}", AT("8", "nil") "cannot assign nil to string" },
		{ "{{truncate .Name \"x\"}}", AT("17", "\"x\"") "expected integer; found \"x\"" },
		{ "{{len 5}}", AT("2", "len 5") "error calling len: len of type int" },
		{ "{{5 6}}", AT("2", "5") "can't give argument to non-function 5" },
		{ "{{nil}}", AT("2", "nil") "nil is not a command" },
		{ "{{range .Name}}x{{end}}", AT("8", ".Name") "range can't iterate over /web" },
		{ "{{slice .Name 3 2}}",
		  AT("2", "slice .Name 3 2") "error calling slice: invalid slice index: 3 > 2" },
		{ "{{.State.Pid.Foo}}",
		  AT("8", ".State.Pid.Foo") "can't evaluate field Foo in type int" },
	};

	(void)state;
	CHECK(list);
}

static void without_types_all_objects_are_maps(void **state)
{
	static const struct expectation list[] = {
		{ "{{.Foo}} {{.Foo.Bar}} {{.b}} {{.b.c}}",
		  "<no value> <no value> <no value> <no value>" },
		{ "{{.}}", "map[a:map[y:1 z:[<nil> true]] b:<nil> c:18446744073709551615]" },
		{ "{{json .}}",
		  "{\"a\":{\"y\":1,\"z\":[null,true]},\"b\":null,\"c\":18446744073709551615}" },
		{ "{{gt .c 1}} {{eq .c .c}} {{lt .c 5}}", "true true false" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char *found = run(
			list[i].text,
			"{\"c\":18446744073709551615,\"b\":null,\"a\":{\"z\":[null,true],\"y\":1}}",
			NULL);

		assert_string_equal(found, list[i].result);
		free(found);
	}
}

static void rows_have_methods_and_headings(void **state)
{
	static const char *const methods[] = { "Label", NULL };
	static const struct template_types row = { .methods = methods, .row = true };
	static const struct template_types heading = { .methods = methods,
						       .row = true,
						       .heading = true };
	static const char data[] = "{\"ID\":\"<none>\",\"Tag\":\"\",\"Label\":{\"a.b_c\":\"v\"}}";
	static const struct {
		const struct template_types *types;
		const char *text, *result;
	} list[] = {
		{ &row, "{{.Label \"a.b_c\"}}{{.Label \"x\"}}|", "v|" },
		{ &row, "{{json .}}", "{\"ID\":\"\\u003cnone\\u003e\",\"Tag\":\"\"}" },
		{ &row, "{{json .ID}}", "\"<none>\"" },
		{ &row, "{{.Nope}}", AT("2", ".Nope") "can't evaluate field Nope" },
		{ &row, "{{.Label}}",
		  AT("2", ".Label") "wrong number of args for Label: want 1 got 0" },
		{ &heading,
		  "{{.Label \"a.b_c-d\"}} {{lower .ID}} {{truncate .ID 2}} {{pad .ID 1 1}}",
		  "b c d <none> <none>  <none> " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char *found = run(list[i].text, data, list[i].types);

		assert_string_equal(found, list[i].result);
		free(found);
	}
}

static void what_grows_without_bound_is_stopped(void **state)
{
	struct strbuf text autostrbuf = STRBUF_INIT;
	static const char *const endless[] = {
		"{{range 9000000000000}}{{end}}",
		"{{range 100000}}{{range 100000}}{{.}}{{end}}{{end}}",
		"{{$x := \"aaaaaaaaaaaaaaaa\"}}{{range 60}}{{$x = print $x $x}}{{end}}{{$x}}",
		"{{pad \"x\" 1000000000000 0}}",
	};
	char *found;

	(void)state;
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		found = run(endless[i], "{}", NULL);
		assert_non_null(strstr(found, i < 3 ? "gave up after" : "not to be had"));
		free(found);
	}
	for (int i = 0; i < 1000; i++)
		strbuf_puts(&text, "{{if 1}}");
	found = run(text.data, "{}", NULL);
	assert_string_equal(found, "template: :1: nested deeper than 64 levels");
	free(found);
	strbuf_reset(&text);
	strbuf_puts(&text, "{{");
	for (int i = 0; i < 30000; i++)
		strbuf_putc(&text, '(');
	found = run(text.data, "{}", NULL);
	assert_string_equal(found, "template: :1: nested deeper than 64 levels");
	free(found);
	while (text.len <= TEMPLATE_TEXT_MAX)
		strbuf_puts(&text, "{{.}}");
	found = run(text.data, "{}", NULL);
	assert_string_equal(found, "template: longer than 65536 bytes");
	free(found);
}

static void a_template_tells_what_it_asks_for(void **state)
{
	static const struct {
		const char *text;
		bool wants;
	} list[] = {
		{ "{{.ID}} {{.Size}}", true },
		{ "{{if .Size}}x{{end}}", true },
		{ "{{with upper .Size}}x{{end}}", true },
		{ "{{json .}}", true },
		{ "{{.ID}} .Size {{printf \"Size\"}}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct template *t autotemplate = template_parse(list[i].text, NULL);

		assert_non_null(t);
		assert_int_equal(template_mentions(t, "Size"), list[i].wants);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_into_the_document),
		cmocka_unit_test(values_print_as_in_go),
		cmocka_unit_test(controls),
		cmocka_unit_test(functions),
		cmocka_unit_test(printf_knows_go_verbs),
		cmocka_unit_test(json_has_go_escapes),
		cmocka_unit_test(bad_templates_are_refused),
		cmocka_unit_test(what_cannot_be_done_is_said),
		cmocka_unit_test(without_types_all_objects_are_maps),
		cmocka_unit_test(rows_have_methods_and_headings),
		cmocka_unit_test(what_grows_without_bound_is_stopped),
		cmocka_unit_test(a_template_tells_what_it_asks_for),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
