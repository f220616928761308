/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -v, --mount and --tmpfs: what each word means, and what Docker says of the bad ones. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "lib/str.h"
#include "runtime/engine/host_mounts.h"
#include "runtime/spec/kernel.h"

typedef int (*parse_fn)(const char *word, struct host_config *h, struct error *err);

/* One mount in words: "bind /a -> /b ro rshared options=..." */
static char *told(const struct host_mount *m)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };
	struct strbuf b = STRBUF_INIT;

	strbuf_printf(&b, "%s %s -> %s", types[m->type], m->source ? m->source : "", m->target);
	if (m->readonly)
		strbuf_puts(&b, " ro");
	if (m->anonymous)
		strbuf_puts(&b, " anonymous");
	if (m->from_image)
		strbuf_puts(&b, " image");
	if (m->no_copy)
		strbuf_puts(&b, " nocopy");
	if (m->create_source)
		strbuf_puts(&b, " create");
	if (m->by_mount)
		strbuf_puts(&b, " mount");
	if (m->non_recursive)
		strbuf_puts(&b, " nonrecursive");
	if (m->readonly_non_recursive)
		strbuf_puts(&b, " writablebelow");
	if (m->readonly_force_recursive)
		strbuf_puts(&b, " force");
	if (m->propagation)
		strbuf_printf(&b, " %s", host_config_propagation_name(m->propagation));
	if (m->tmpfs_size)
		strbuf_printf(&b, " size=%lld", (long long)m->tmpfs_size);
	if (m->tmpfs_mode)
		strbuf_printf(&b, " mode=%o", m->tmpfs_mode);
	for (size_t i = 0; i < m->labels.len; i++)
		strbuf_printf(&b, " label:%s", m->labels.items[i]);
	if (m->options)
		strbuf_printf(&b, " options=%s", m->options);
	return strbuf_steal(&b);
}

static void good(parse_fn parse, const char *const table[][2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct host_config h = HOST_CONFIG_INIT;
		struct error err = ERROR_INIT;

		if (parse(table[i][0], &h, &err) < 0)
			fail_msg("%s: %s", table[i][0], err.message);
		assert_int_equal(h.n_mounts, 1);
		char *text = told(&h.mounts[0]);
		assert_string_equal(text, table[i][1]);
		free(text);
		host_config_free(&h);
	}
}

static void bad(parse_fn parse, const char *const table[][2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct host_config h = HOST_CONFIG_INIT;
		struct error err = ERROR_INIT;

		if (parse(table[i][0], &h, &err) == 0)
			fail_msg("%s: not refused", table[i][0]);
		assert_string_equal(err.message, table[i][1]);
		assert_int_equal(h.n_mounts, 0);
		host_config_free(&h);
	}
}

#define ALL(check, parse, table) check(parse, table, sizeof(table) / sizeof(table[0]))

static void volumes(void **state)
{
	static const char *const table[][2] = {
		{ "data:/var/lib/x", "volume data -> /var/lib/x" },
		{ "data:/x:ro", "volume data -> /x ro options=ro" },
		{ "data:/x:rw,nocopy", "volume data -> /x nocopy options=rw,nocopy" },
		{ "a1:/x/../y//z/./", "volume a1 -> /y/z" },
		{ "/h:/x", "bind /h -> /x create" },
		{ "/h/../i/:/x:ro,z", "bind /i -> /x ro create options=ro,z" },
		{ "/h:/x:Z,rshared", "bind /h -> /x create rshared options=Z,rshared" },
		{ "/:/host:ro,rslave", "bind / -> /host ro create rslave options=ro,rslave" },
		{ "/h:/x:private", "bind /h -> /x create private options=private" },
		{ "/h:/x:cached", "bind /h -> /x create options=cached" },
		{ "/anon", "volume  -> /anon anonymous" },
		{ "/a/", "volume  -> /a anonymous" },
	};

	(void)state;
	ALL(good, host_mounts_parse_volume, table);
}

#define NAME_RULE(name) \
	"create " name ": \"" name "\" includes invalid characters for a local volume name, only " \
	"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use " \
	"absolute path"

static void bad_volumes(void **state)
{
	static const char *const table[][2] = {
		{ "", "invalid empty volume spec" },
		{ ":", "invalid spec: :: empty section between colons" },
		{ ":/x", "invalid spec: :/x: empty section between colons" },
		{ "data:", "invalid spec: data:: empty section between colons" },
		{ "data::ro", "invalid spec: data::ro: empty section between colons" },
		{ "a:b:c:d", "invalid spec: a:b:c:d: too many colons" },
		{ "data:/x:", "invalid spec: data:/x:: empty section between colons" },
		{ "/x:ro", "invalid volume specification: '/x:ro'" },
		{ "data:/x:foo", "invalid mode: foo" },
		{ "data:/x:ro,rw", "invalid mode: ro,rw" },
		{ "data:/x:ro,ro", "invalid mode: ro,ro" },
		{ "/h:/x:rshared,rslave", "invalid mode: rshared,rslave" },
		{ "/h:/x:z,Z", "invalid mode: z,Z" },
		{ "/h:/x:ro,", "invalid mode: ro," },
		{ "data:x",
		  "invalid volume specification: 'data:x': invalid mount config for type \"volume\": invalid "
		  "mount path: 'x' mount path must be absolute" },
		{ "/h:x",
		  "invalid volume specification: '/h:x': invalid mount config for type \"bind\": "
		  "invalid mount path: 'x' mount path must be absolute" },
		{ "data:/", "invalid volume specification: 'data:/': invalid mount config for type "
			    "\"volume\": invalid specification: destination can't be '/'" },
		{ "/h:/x/..",
		  "invalid volume specification: '/h:/x/..': invalid mount config for type "
		  "\"bind\": invalid specification: destination can't be '/'" },
		{ "rel",
		  "invalid volume specification: 'rel': invalid mount config for type \"volume\": "
		  "invalid mount path: 'rel' mount path must be absolute" },
		{ "data:/x:rshared",
		  "invalid volume specification: 'data:/x:rshared': invalid mount config for type \"volume\": "
		  "field BindOptions must not be specified" },
		{ "/h:/x:nocopy",
		  "invalid volume specification: '/h:/x:nocopy': invalid mount config for type \"bind\": field "
		  "VolumeOptions must not be specified" },
		{ "a/b:/x", NAME_RULE("a/b") },
		{ ".b:/x", NAME_RULE(".b") },
		{ "~/b:/x", NAME_RULE("~/b") },
		{ "-b:/x", NAME_RULE("-b") },
		{ "\xc3\xa9:/x", NAME_RULE("\xc3\xa9") },
		{ "b:/x", "create b: volume name is too short, names should be at least two "
			  "alphanumeric characters" },
	};

	(void)state;
	ALL(bad, host_mounts_parse_volume, table);
}

static void relative_sources(void **state)
{
	struct host_config h = HOST_CONFIG_INIT;
	struct error err = ERROR_INIT;
	char here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(host_mounts_parse_volume("./sub:/x", &h, &err), 0);
	assert_int_equal(host_mounts_parse_volume(".:/y", &h, &err), 0);
	char *sub = str_format("%s/sub", here);
	assert_string_equal(h.mounts[0].source, sub);
	assert_string_equal(h.mounts[1].source, here);
	free(sub);
	host_config_free(&h);
}

static void mounts(void **state)
{
	static const char *const table[][2] = {
		{ "type=volume,source=data,target=/x", "volume data -> /x mount" },
		{ "source=data,target=/x", "volume data -> /x mount" },
		{ "src=data,dst=/x,ro", "volume data -> /x ro mount" },
		{ "TYPE=Volume,SRC=data,destination=/x,readonly=1", "volume data -> /x ro mount" },
		{ "type=volume,dst=/x", "volume  -> /x anonymous mount" },
		{ "src=data,dst=/x,volume-nocopy", "volume data -> /x nocopy mount" },
		{ "src=data,dst=/x,volume-nocopy=false", "volume data -> /x mount" },
		{ "src=data,dst=/x,volume-label=a=b,volume-label=c",
		  "volume data -> /x mount label:a=b label:c=" },
		{ "src=data,dst=/x,volume-driver=local", "volume data -> /x mount" },
		{ "type=bind,src=/,dst=/x", "bind / -> /x mount" },
		{ "type=bind,src=/,dst=/x,readonly,bind-propagation=rslave",
		  "bind / -> /x ro mount rslave" },
		{ "type=bind,src=/,dst=/x,bind-nonrecursive", "bind / -> /x mount nonrecursive" },
		{ "type=bind,src=/,dst=/x,bind-recursive=disabled",
		  "bind / -> /x mount nonrecursive" },
		{ "type=bind,src=/,dst=/x,bind-recursive=enabled", "bind / -> /x mount" },
		{ "type=bind,src=/,dst=/x,ro,bind-recursive=writable",
		  "bind / -> /x ro mount writablebelow" },
		{ "type=bind,src=/,dst=/x,ro,bind-recursive=readonly,bind-propagation=rprivate",
		  "bind / -> /x ro mount force rprivate" },
		{ "type=bind,src=/,dst=/x,consistency=cached", "bind / -> /x mount" },
		{ "type=tmpfs,dst=/x", "tmpfs  -> /x mount" },
		{ "type=tmpfs,dst=/x,tmpfs-size=64m,tmpfs-mode=1770",
		  "tmpfs  -> /x mount size=67108864 mode=1770" },
		{ "type=tmpfs,dst=/x,ro", "tmpfs  -> /x ro mount" },
		{ "\"source=data\",\"target=/a,b\"", "volume data -> /a,b mount" },
		{ "source=data,\"target=/a\"\"b\"", "volume data -> /a\"b mount" },
	};

	(void)state;
	ALL(good, host_mounts_parse_mount, table);
}

#define FLAG(word, rest) \
	{ \
		word, "invalid argument \"" word "\" for \"--mount\" flag: " rest \
	}
#define CONFIG(word, type, rest) \
	{ \
		word, "invalid mount config for type \"" type "\": " rest \
	}

static void bad_mounts(void **state)
{
	static const char *const table[][2] = {
		FLAG("", "EOF"),
		FLAG("nonsense", "invalid field 'nonsense' must be a key=value pair"),
		FLAG("source=data,,target=/x", "invalid field '' must be a key=value pair"),
		FLAG("foo=bar,target=/x", "unexpected key 'foo' in 'foo=bar'"),
		FLAG("Foo=Bar,target=/x", "unexpected key 'foo' in 'Foo=Bar'"),
		FLAG("type=,target=/x", "type is required"),
		FLAG("target=/x,readonly=maybe", "invalid value for readonly: maybe"),
		FLAG("target=/x,ro=", "invalid value for ro: "),
		FLAG("type=bind,target=/x,bind-nonrecursive=2",
		     "invalid value for bind-nonrecursive: 2"),
		FLAG("type=bind,src=/,target=/x,bind-recursive=yes",
		     "invalid value for bind-recursive: yes (must be \"enabled\", \"disabled\", "
		     "\"writable\", or \"readonly\")"),
		FLAG("type=bind,src=/,target=/x,bind-recursive=writable",
		     "option 'bind-recursive=writable' requires 'readonly' to be specified in "
		     "conjunction"),
		FLAG("type=bind,src=/,target=/x,bind-recursive=readonly",
		     "option 'bind-recursive=readonly' requires 'readonly' to be specified in "
		     "conjunction"),
		FLAG("type=bind,src=/,target=/x,ro,bind-recursive=readonly",
		     "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be "
		     "specified in conjunction"),
		FLAG("type=bind,src=/,target=/x,bind-propagation=foo",
		     "invalid propagation mode: foo"),
		FLAG("type=volume,target=/x,bind-propagation=rslave",
		     "cannot mix 'bind-*' options with mount type 'volume'"),
		FLAG("type=bind,src=/,target=/x,volume-nocopy",
		     "cannot mix 'volume-*' options with mount type 'bind'"),
		FLAG("type=bind,src=/,target=/x,tmpfs-size=1m",
		     "cannot mix 'tmpfs-*' options with mount type 'bind'"),
		FLAG("type=tmpfs,target=/x,tmpfs-size=big", "invalid value for tmpfs-size: big"),
		FLAG("type=tmpfs,target=/x,tmpfs-mode=999", "invalid value for tmpfs-mode: 999"),
		FLAG("type=tmpfs,target=/x,tmpfs-mode=-1", "invalid value for tmpfs-mode: -1"),
		FLAG("src=data,target=/x,volume-subpath=a",
		     "volume-subpath is not supported: mount the whole volume"),
		FLAG("src=data,target=/x,volume-opt=type=nfs",
		     "volume-opt is not supported: the local driver has no options here"),
		FLAG("src=data,target=/x,volume-driver=nfs",
		     "error looking up volume plugin nfs: plugin \"nfs\" not found"),
		CONFIG("type=npipe,target=/x", "npipe", "mount type unknown"),
		CONFIG("source=data", "volume", "field Target must not be empty"),
		CONFIG("source=data,target=x", "volume",
		       "invalid mount path: 'x' mount path must be absolute"),
		CONFIG("source=data,target=/", "volume",
		       "invalid specification: destination can't be '/'"),
		CONFIG("target=/x,ro", "volume",
		       "must not set ReadOnly mode when using anonymous volumes"),
		CONFIG("type=bind,target=/x", "bind", "field Source must not be empty"),
		CONFIG("type=bind,src=rel,target=/x", "bind",
		       "invalid mount path: 'rel' mount path must be absolute"),
		CONFIG("type=bind,src=/does/not/exist,target=/x", "bind",
		       "bind source path does not exist: /does/not/exist"),
		CONFIG("type=tmpfs,src=/a,target=/x", "tmpfs",
		       "field Source must not be specified"),
		CONFIG("src=a/b,target=/x", "volume", NAME_RULE("a/b")),
		{ "a\"b",
		  "invalid argument \"a\"b\" for \"--mount\" flag: parse error on line 1, column 2: bare "
		  "\" in non-quoted-field" },
		{ "\"ab",
		  "invalid argument \"\"ab\" for \"--mount\" flag: parse error on line 1, column 4: "
		  "extraneous or missing \" in quoted-field" },
	};

	(void)state;
	ALL(bad, host_mounts_parse_mount, table);
}

static void tmpfs(void **state)
{
	static const char *const table[][2] = {
		{ "/run", "tmpfs  -> /run" },
		{ "/run/:", "tmpfs  -> /run" },
		{ "/run:rw,noexec,size=64m,mode=1777",
		  "tmpfs  -> /run options=rw,noexec,size=64m,mode=1777" },
		{ "/run:ro,exec,uid=5", "tmpfs  -> /run ro options=ro,exec,uid=5" },
	};
	static const char *const wrong[][2] = {
		{ "run", "invalid mount path: 'run' mount path must be absolute" },
		{ "", "invalid mount path: '' mount path must be absolute" },
		{ "/", "invalid specification: destination can't be '/'" },
		{ "/run:foo", "invalid tmpfs option [\"foo\"]" },
		{ "/run:size=", "invalid tmpfs option [\"size=\"]" },
		{ "/run:size=1m,bind", "invalid tmpfs option [\"bind\"]" },
		{ "/run:shared", "invalid tmpfs option [\"shared\"]" },
		{ "/run:remount", "invalid tmpfs option [\"remount\"]" },
		{ "/run:lowerdir=/etc", "invalid tmpfs option [\"lowerdir=/etc\"]" },
	};

	(void)state;
	ALL(good, host_mounts_parse_tmpfs, table);
	ALL(bad, host_mounts_parse_tmpfs, wrong);
}

static void one_target_one_mount(void **state)
{
	struct host_config h = HOST_CONFIG_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	/* What nobody named gives way, before and after. */
	assert_int_equal(host_mounts_parse_volume("/x", &h, &err), 0);
	assert_int_equal(host_mounts_parse_volume("data:/x/", &h, &err), 0);
	assert_int_equal(host_mounts_parse_volume("/x", &h, &err), 0);
	assert_int_equal(host_mounts_add_anonymous(&h, "/x", true, &err), 0);
	assert_int_equal(h.n_mounts, 1);
	assert_string_equal(h.mounts[0].source, "data");
	assert_int_equal(host_mounts_parse_volume("/h:/x", &h, &err), -1);
	assert_string_equal(err.message, "Duplicate mount point: /x");
	assert_int_equal(host_mounts_parse_mount("type=tmpfs,dst=/x", &h, &err), -1);
	assert_string_equal(err.message, "Duplicate mount point: /x");
	assert_int_equal(host_mounts_parse_tmpfs("/x", &h, &err), -1);
	assert_string_equal(err.message, "Duplicate mount point: /x");
	/* Asked for by --mount, even an anonymous volume was asked for. */
	assert_int_equal(host_mounts_parse_mount("dst=/y", &h, &err), 0);
	assert_int_equal(host_mounts_parse_mount("dst=/y", &h, &err), -1);
	/* Of two --tmpfs the last counts. */
	assert_int_equal(host_mounts_parse_tmpfs("/z:size=1m", &h, &err), 0);
	assert_int_equal(host_mounts_parse_tmpfs("/z:size=2m", &h, &err), 0);
	assert_string_equal(host_mounts_find(&h, "/z")->options, "size=2m");
	assert_int_equal(h.n_mounts, 3);
	host_config_free(&h);
}

static void tmpfs_options(void **state)
{
	struct spec_mount m = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(host_mounts_tmpfs_options("exec,size=5m,suid,ro,mode=700", &m, &err), 0);
	assert_true(m.attr_set == (MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY));
	char *options = strv_join(&m.options, " ");
	assert_string_equal(options, "size=5m mode=700");
	free(options);
	strv_free(&m.options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes),
		cmocka_unit_test(bad_volumes),
		cmocka_unit_test(relative_sources),
		cmocka_unit_test(mounts),
		cmocka_unit_test(bad_mounts),
		cmocka_unit_test(tmpfs),
		cmocka_unit_test(one_target_one_mount),
		cmocka_unit_test(tmpfs_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
