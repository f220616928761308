/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts of the runtime-spec as a container sees them. The tests have a mount namespace of their own, with a shared tmpfs in
 * the scratch folder for what travels. Needs root. */
#include "tests/unit/box.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "runtime/sandbox/copy_up.h"
#include "runtime/sandbox/idmap.h"
#include "runtime/sandbox/rootfs.h"
#include "runtime/spec/mount_options.h"

static int setup(void **state)
{
	autofree char *command = NULL;

	if (image_setup(state) < 0 || geteuid() != 0)
		return geteuid() ? 0 : -1;
	command = str_format(
		"mount --make-rprivate / && cd %s && mkdir shared && mount -t tmpfs shared shared &&"
		" mount --make-shared shared && mkdir shared/below && mount -t tmpfs below shared/below",
		scratch_path);
	return sys_unshare(CLONE_NEWNS) < 0 || system(command) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
	autofree char *shared = str_format("%s/shared", scratch_path);

	if (geteuid() == 0 && sys_umount2(shared, MNT_DETACH) < 0)
		return -1;
	return scratch_teardown(state);
}

/* One more mount with options as config.json has them. source NULL: none; one without a slash is below the scratch folder. */
static struct spec_mount *add(struct spec *spec, const char *type, const char *source,
			      const char *destination, const char *options)
{
	struct error err = ERROR_INIT;
	struct spec_mount *m = spec_add_mount(spec);

	m->type = xstrdup(type);
	m->destination = xstrdup(destination);
	if (source)
		m->source = strcmp(type, "bind") == 0 && *source != '/'
				    ? str_format("%s/%s", scratch_path, source)
				    : xstrdup(source);
	assert_int_equal(spec_mount_options(m, options, &err), 0);
	return m;
}

static void check(struct spec *spec, const char *expected)
{
	struct outcome o;

	run(spec, -1, &o);
	assert_string_equal(o.err.message, "");
	assert_string_equal(o.output, expected);
}

/* What a start that must fail says, in the middle of it. */
static void check_refused(struct spec *spec, const char *words)
{
	struct outcome o;

	run(spec, -1, &o);
	assert_int_equal(o.status, -1);
	if (!strstr(o.err.message, words))
		fail_msg("\"%s\" is not in \"%s\"", words, o.err.message);
	assert_null(strchr(o.err.message, '\n'));
}

/* Of a line of mountinfo: the mount's own options, and after the dash the filesystem's. */
#define OPTIONS \
	"opt() { while read -r i p d r at own rest; do test \"$at\" = $1 && echo $own ${rest##* }; done" \
	" </proc/self/mountinfo; }; "

/* All mount points but those of the defaults and of the tests: nothing of the machine's may be left, covered or not. */
#define SHOW_OTHERS \
	"while read -r i p d r at rest; do case $at in /proc*|/sys*|/dev*|/note|/deep*) ;; *) echo at $at;; esac; done" \
	" </proc/self/mountinfo"

static void nothing_of_the_machine_is_mounted(void **state)
{
	(void)state;
	need_root();
	expect(SHOW_OTHERS, "at /\n");
}

/* Even where something lies over the machine's root. */
static void nothing_is_left_of_a_covered_root(void **state)
{
	autoclose int home = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	need_root();
	autoclose int cover = sys_open_tree_clone(home, 0);
	assert_true(home >= 0 && cover >= 0);
	assert_int_equal(sys_move_mount(cover, home), 0);
	expect(SHOW_OTHERS, "at /\n");
	assert_int_equal(fchdir(cover), 0);
	assert_int_equal(sys_umount2(".", MNT_DETACH), 0);
	assert_int_equal(fchdir(home), 0);
}

static void attributes_are_the_mounts(void **state)
{
	static const struct {
		const char *options, *expected;
	} cases[] = {
		{ "", "rw,relatime rw\n" },
		{ "ro,nosuid,nodev,noexec", "ro,nosuid,nodev,noexec,relatime rw\n" },
		{ "noatime", "rw,noatime rw\n" },
		{ "strictatime", "rw rw\n" },
		{ "noatime,relatime,nodiratime", "rw,nodiratime,relatime rw\n" },
		{ "nosymfollow", "rw,relatime,nosymfollow rw\n" },
		{ "ro,rw,nodev,dev", "rw,relatime rw\n" },
		{ "sync", "rw,relatime rw,sync\n" },
		{ "dirsync", "rw,relatime rw,dirsync\n" },
		{ "lazytime", "rw,relatime rw,lazytime\n" },
		{ "sync,dirsync,async,iversion,silent,defaults", "rw,relatime rw,dirsync\n" },
		{ "size=64k,ro", "ro,relatime rw,size=64k\n" },
		{ "rro,rnosuid", "ro,nosuid,relatime rw\n" },
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;

		describe(&spec, OPTIONS "opt /tmp");
		add(&spec, "tmpfs", "tmpfs", "/tmp", cases[i].options);
		run(&spec, -1, &o);
		assert_string_equal(o.err.message, "");
		/* Kernels say more or less about a tmpfs: inode64. */
		char *more = strstr(o.output, ",inode64");
		if (more)
			memmove(more, more + 8, strlen(more + 8) + 1);
		assert_string_equal(o.output, cases[i].expected);
	}
}

static void binds_keep_what_is_not_asked_for(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(&spec, OPTIONS "opt /a; opt /b; opt /c; touch /c/below/x && echo written");
	add(&spec, "tmpfs", "t", "/tmp", "");
	add(&spec, "none", "shared", "/a", "bind,nodev,ro");
	spec.mounts[spec.n_mounts - 1].source = (free(spec.mounts[spec.n_mounts - 1].source),
						 str_format("%s/shared", scratch_path));
	add(&spec, "bind", "shared", "/b", "bind");
	add(&spec, "bind", "shared", "/c", "rbind,ro");
	struct outcome o;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	/* ro is for the topmost alone. */
	assert_non_null(strstr(o.output, "ro,nodev,relatime"));
	assert_non_null(strstr(o.output, "rw,relatime"));
	assert_non_null(strstr(o.output, "written\n"));
}

static void recursive_attributes_reach_what_is_below(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&spec,
		"touch /a/x 2>&- || echo no; touch /a/below/x 2>&- || echo no; touch /b/x 2>&- || echo no;"
		" touch /b/below/x 2>&- || echo no; ls -A /c/below | wc -l");
	add(&spec, "bind", "shared", "/a", "rbind,rro");
	add(&spec, "bind", "shared", "/b", "rbind,rro,rw");
	add(&spec, "bind", "shared", "/c", "bind");
	/* What is recursive goes last, whatever the order of the words: as with runc. */
	struct outcome o;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	assert_string_equal(o.output, "no\nno\nno\nno\n0\n");
}

static void propagation_is_what_was_asked_for(void **state)
{
	static const struct {
		const char *options;
		bool in, out; /* whether what is mounted there travels */
	} cases[] = {
		{ "rbind", false, false },       { "rbind,rprivate", false, false },
		{ "rbind,rslave", true, false }, { "rbind,rshared", true, true },
		{ "bind,slave", true, false },
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		struct outcome o;
		autofree char *in = str_format(
			"cd %s/shared; mkdir -p in out; while ! test -e ready; do sleep 0.01; done;"
			" mount -t tmpfs in in && touch in/file; touch go",
			scratch_path);
		autofree char *out = str_format(
			"cd %s/shared; test -e out/file; a=$?; umount in; umount out 2>&-;"
			" rm -f ready go; exit $a",
			scratch_path);

		describe(&spec,
			 "touch /v/ready; while ! test -e /v/go; do sleep 0.01; done; ls /v/in;"
			 " mount -t tmpfs out /v/out && busybox touch /v/out/file");
		spec.process.seccomp = NULL;
		spec.process.capabilities.permitted |= UINT64_C(1) << 21;
		spec.process.capabilities.effective |= UINT64_C(1) << 21;
		spec.process.capabilities.bounding |= UINT64_C(1) << 21;
		add(&spec, "bind", "shared", "/v", cases[i].options);
		pid_t outside = fork();
		if (outside == 0)
			_exit(system(in));
		run(&spec, -1, &o);
		waitpid(outside, NULL, 0);
		assert_string_equal(o.err.message, "");
		int left = system(out);
		if (strcmp(o.output, cases[i].in ? "file\n" : "") != 0 ||
		    (left == 0) != cases[i].out)
			fail_msg("%s: inside \"%s\", outside %d", cases[i].options, o.output, left);
	}
}

static void a_new_tmpfs_has_the_mode_of_what_it_covers(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	need_root();
	mkdirat(scratch(state), "image/box", 0700);
	fchmodat(scratch(state), "image/box", 01770, 0);
	describe(&spec, "stat -c '%a %n' /box /new /set; ls -A /box");
	put_file(scratch(state), "image/box/hidden", "x");
	add(&spec, "tmpfs", "tmpfs", "/box", "");
	add(&spec, "tmpfs", "tmpfs", "/new", "");
	add(&spec, "tmpfs", "tmpfs", "/set", "mode=711");
	check(&spec, "1770 /box\n1777 /new\n711 /set\n");
}

static void a_tmpfs_begins_with_what_it_covers(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);

	need_root();
	mkdirat(image, "seed", 0750);
	mkdirat(image, "seed/deep", 0700);
	put_file(image, "seed/deep/file", "content\n");
	put_file(image, "seed/set", "x\n");
	assert_int_equal(fchownat(image, "seed/set", 12, 34, 0), 0);
	assert_int_equal(fchmodat(image, "seed/set", 06755, 0), 0);
	assert_int_equal(fchownat(image, "seed", 5, 6, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", image, "seed/link"), 0);
	assert_int_equal(mkfifoat(image, "seed/fifo", 0600), 0);
	close(image);
	describe(&spec,
		 "cd /seed; cat deep/file; stat -c '%a %u:%g %F' . deep set fifo; readlink link;"
		 " grep -c ' /seed tmpfs ' /proc/mounts; echo new >deep/file && touch x");
	add(&spec, "tmpfs", "tmpfs", "/seed", "tmpcopyup");
	check(&spec,
	      "content\n750 5:6 directory\n700 0:0 directory\n6755 12:34 regular file\n600 0:0 fifo\n"
	      "/etc/passwd\n1\n");
	/* The copy was changed, not the image nor the layer above it. */
	assert_false(exists(scratch(state), "image/seed/x"));
	assert_false(exists(scratch(state), "upper/seed/x"));
}

static void a_copy_keeps_file_capabilities(void **state)
{
	/* struct vfs_ns_cap_data's elder, with CAP_NET_RAW (capabilities(7)) */
	const uint32_t ping[5] = { 0x02000001, 1U << 13, 0, 0, 0 };
	uint32_t got[5] = { 0 };

	need_root();
	mkdirat(scratch(state), "from", 0755);
	mkdirat(scratch(state), "to", 0755);
	put_file(scratch(state), "from/ping", "x\n");
	autoclose int from = openat(scratch(state), "from", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int to = openat(scratch(state), "to", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *source = str_format("%s/from/ping", scratch_path);
	autofree char *copy = str_format("%s/to/ping", scratch_path);

	assert_int_equal(setxattr(source, "security.capability", ping, sizeof(ping), 0), 0);
	assert_int_equal(copy_up(from, to), 0);
	assert_int_equal(getxattr(copy, "security.capability", got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, ping, sizeof(got));
}

static void mount_points_are_made_behind_links_to_nowhere(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	int image = openat(scratch(state), "image", O_PATH | O_DIRECTORY | O_CLOEXEC);

	need_root();
	assert_int_equal(symlinkat("../run/a/resolv", image, "etc/resolv"), 0);
	assert_int_equal(symlinkat("/var/b", image, "way"), 0);
	assert_int_equal(symlinkat("loop2", image, "loop1"), 0);
	assert_int_equal(symlinkat("loop1", image, "loop2"), 0);
	assert_int_equal(symlinkat("../../../../../../../tmp/knarr-outside", image, "up"), 0);
	close(image);
	put_file(scratch(state), "note", "hello\n");
	describe(&spec, "cat /run/a/resolv /var/b/c/note /tmp/knarr-outside/x");
	add(&spec, "bind", "note", "/etc/resolv", "bind");
	add(&spec, "bind", "note", "/way/c/note", "bind");
	add(&spec, "bind", "note", "/up/x", "bind");
	check(&spec, "hello\nhello\nhello\n");
	assert_int_equal(access("/tmp/knarr-outside", F_OK), -1);

	autospec struct spec endless = SPEC_INIT;
	describe(&endless, "true");
	add(&endless, "bind", "note", "/loop1/x", "bind");
	check_refused(&endless, "mount point /loop1/x");
}

/* A bind may stand between filesystems, and all are listed as they were asked for. */
static void mounts_are_in_their_order(void **state)
{
	need_root();
	put_file(scratch(state), "note", "hello\n");
	for (int user = 0; user < 2; user++) {
		autospec struct spec spec = SPEC_INIT;
		autofree char *again = str_format("%s/image", scratch_path);

		describe(&spec,
			 "while read -r i p d r at rest; do case $at in /o*) echo $at;; esac; done"
			 " </proc/self/mountinfo");
		if (user) {
			/* There the parent is asked for each. */
			spec.namespaces |= CLONE_NEWUSER | CLONE_NEWNET;
			spec.ordered_mounts = true;
			spec_add_mapping(&spec.uid_mappings, &spec.n_uid_mappings,
					 (struct spec_mapping){ 0, 100000, 65536 });
			spec_add_mapping(&spec.gid_mappings, &spec.n_gid_mappings,
					 (struct spec_mapping){ 0, 200000, 65536 });
			spec.root.idmap = &spec;
			strv_add(&spec.root.lowers, again);
		}
		add(&spec, "tmpfs", "tmpfs", "/o1", "");
		add(&spec, "bind", "note", "/o2", "bind");
		add(&spec, "bind", "shared", "/o3", "bind,rslave");
		add(&spec, "tmpfs", "tmpfs", "/o4", "");
		add(&spec, "bind", "note", "/o4/note", "bind");
		check(&spec, "/o1\n/o2\n/o3\n/o4\n/o4/note\n");
	}
}

static void the_root_can_be_covered(void **state)
{
	autospec struct spec spec = SPEC_INIT, copy = SPEC_INIT;
	struct spec_mount first;

	(void)state;
	need_root();
	describe(
		&spec,
		"echo inside; touch /made; grep -c . /proc/self/mountinfo >/dev/null && ls /; cat /proc/1/comm;"
		" mount -o remount,ro /dev 2>&- || echo no");
	add(&spec, "bind", "image", "/", "bind");
	/* Before all others, which then are made in it. */
	first = spec.mounts[spec.n_mounts - 1];
	memmove(&spec.mounts[1], &spec.mounts[0], (spec.n_mounts - 1) * sizeof(first));
	spec.mounts[0] = first;
	struct outcome o;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	assert_non_null(strstr(o.output, "inside\n"));
	assert_non_null(strstr(o.output, "sh\nno\n"));
	assert_true(exists(scratch(state), "image/made"));
	assert_int_equal(unlinkat(scratch(state), "image/made", 0), 0);

	describe(&copy, "true");
	add(&copy, "tmpfs", "tmpfs", "/", "tmpcopyup");
	check_refused(&copy, "a copy of itself");
}

/* Names are checked before, but this is what keeps them below /proc/sys. */
static void settings_lead_nowhere_else(void **state)
{
	static const char *const settings[] = { "../self/oom_score_adj=7",
						"kernel/../../self/oom_score_adj=7",
						"/proc/self/oom_score_adj=7", "kernel/=7" };

	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		autospec struct spec spec = SPEC_INIT;

		describe(&spec, "cat /proc/self/oom_score_adj");
		strv_add(&spec.sysctls, settings[i]);
		check_refused(&spec, "setting the sysctl");
	}
}

static void what_the_kernel_refuses_is_said_in_its_words(void **state)
{
	static const struct {
		const char *type, *destination, *options, *words;
	} cases[] = {
		{ "tmpfs", "/x", "size=much",
		  "mounting /x (tmpfs: Bad value for 'size'): invalid argument" },
		{ "tmpfs", "/x", "nonsense", "Unknown parameter 'nonsense'" },
		{ "tmpfs", "/x", "nonsense=1", "Unknown parameter 'nonsense'" },
		{ "sheepfs", "/x", "", "mounting /x (sheepfs): no such device" },

		{ "tmpfs", "/etc/passwd", "", "a folder onto a file" },
		{ "tmpfs", "/x", "remount,ro", "/x" },
		{ "tmpfs", "/etc", "remount,ro", "nothing is mounted there" },
		{ "tmpfs", "/x", "idmap", "only bind mounts can have ID mappings" },
		{ "bind", "/x", "idmap", "without a user namespace" },
		{ "bind", "/etc/passwd", "bind", "a folder onto a file" },
		{ "tmpfs", "/proc/self/attr", "", "refusing to mount over" },
		{ "bind", "/proc/sys/kernel", "bind", "refusing to mount over" },
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autospec struct spec spec = SPEC_INIT;

		describe(&spec, "true");
		add(&spec, cases[i].type, "/tmp", cases[i].destination, cases[i].options);
		check_refused(&spec, cases[i].words);
	}
}

static void a_remount_changes_what_is_there(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(&spec, OPTIONS "opt /v; opt /proc; touch /v/x 2>&- || echo no");
	add(&spec, "tmpfs", "tmpfs", "/v", "size=64k");
	add(&spec, "tmpfs", "tmpfs", "/v", "remount,ro,nodev,size=128k");
	add(&spec, "none", NULL, "/proc", "remount,ro");
	struct outcome o;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	assert_non_null(strstr(o.output, "ro,nodev,relatime rw,size=128k"));
	assert_non_null(strstr(o.output, "ro,nosuid,nodev,noexec,relatime rw\n"));
	assert_non_null(strstr(o.output, "no\n"));
}

static void a_read_only_tmpfs_can_hold_mount_points(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	need_root();
	put_file(scratch(state), "note", "hello\n");
	describe(&spec,
		 "cat /v/deep/note; touch /v/x 2>&- || echo no; touch /dev/x 2>&- || echo no");
	spec.mounts[1].attr_set |= MOUNT_ATTR_RDONLY;
	assert_string_equal(spec.mounts[1].destination, "/dev");
	add(&spec, "tmpfs", "tmpfs", "/v", "ro");
	add(&spec, "bind", "note", "/v/deep/note", "bind");
	check(&spec, "hello\nno\nno\n");
}

static void ids_of_a_bind_can_be_mapped(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	autofree char *files = str_format(
		"cd %s; mkdir -p ids/b; touch ids/root ids/b/other; chown 1000:2000 ids/b/other",
		scratch_path);

	(void)state;
	need_root();
	assert_int_equal(system(files), 0);
	describe(
		&spec,
		"cd /v; stat -c '%u:%g' root b/other; touch made; stat -c '%u:%g' /plain/made; cd /w; stat -c %u root");
	struct spec_mount *m = add(&spec, "bind", "ids", "/v", "bind,idmap");
	spec_add_mapping(&m->uid_mappings, &m->n_uid_mappings, (struct spec_mapping){ 0, 0, 1 });
	spec_add_mapping(&m->uid_mappings, &m->n_uid_mappings,
			 (struct spec_mapping){ 1000, 70000, 10 });
	spec_add_mapping(&m->gid_mappings, &m->n_gid_mappings, (struct spec_mapping){ 0, 0, 1 });
	spec_add_mapping(&m->gid_mappings, &m->n_gid_mappings,
			 (struct spec_mapping){ 2000, 80000, 10 });
	m = add(&spec, "bind", "ids", "/w", "bind");
	spec_add_mapping(&m->uid_mappings, &m->n_uid_mappings, (struct spec_mapping){ 0, 4711, 1 });
	spec_add_mapping(&m->gid_mappings, &m->n_gid_mappings, (struct spec_mapping){ 0, 4711, 1 });
	add(&spec, "bind", "ids", "/plain", "bind");
	check(&spec, "0:0\n70000:80000\n0:0\n4711\n");
}

/* What root of a user namespace sees and does: here somebody of his number. */
static void layers_can_be_seen_with_mapped_ids(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	autofree char *again = str_format("%s/image", scratch_path);
	struct stat st;

	need_root();
	fchmodat(scratch(state), "image/tmp", 0777, 0);
	fchmodat(scratch(state), "image/seed", 0755, 0);
	describe(
		&spec,
		"stat -c '%u:%g' /etc/passwd /seed/set; touch /tmp/mine; stat -c %u:%g /tmp/mine;"
		" echo more >>/etc/group && tail -n 1 /etc/group; stat -c %u /etc/group; head -n 1 /proc/mounts");
	spec_add_mapping(&spec.uid_mappings, &spec.n_uid_mappings,
			 (struct spec_mapping){ 0, 100000, 65536 });
	spec_add_mapping(&spec.gid_mappings, &spec.n_gid_mappings,
			 (struct spec_mapping){ 0, 200000, 65536 });
	spec.root.idmap = &spec;
	strv_add(&spec.root.lowers, again);
	spec.process.uid = 100000;
	spec.process.gid = 200000;
	struct outcome o;
	run(&spec, -1, &o);
	assert_string_equal(o.err.message, "");
	if (!strstr(o.output,
		    "100000:200000\n100012:200034\n100000:200000\nmore\n100000\noverlay / overlay"))
		fail_msg("%s", o.output);
	/* On the disk they are root's. */
	assert_int_equal(fstatat(scratch(state), "upper/tmp/mine", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(fstatat(scratch(state), "upper/etc/group", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
}

/* All of the defaults, in a user namespace: what belongs to the machine's namespaces, devices, layers. */
static void a_user_namespace_has_all_mounts(void **state)
{
	static const uint64_t shared[] = { CLONE_NEWNET, 0, CLONE_NEWNET | CLONE_NEWCGROUP,
					   CLONE_NEWNET | CLONE_NEWIPC,
					   CLONE_NEWNET | CLONE_NEWPID };
	struct stat st;

	need_root();
	put_file(scratch(state), "note", "hello\n");
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		autospec struct spec spec = SPEC_INIT;
		autofree char *again = str_format("%s/image", scratch_path);

		describe(
			&spec,
			"cat /proc/self/uid_map | { read a b c; echo $a $b $c; }; stat -c %u:%g /etc/passwd;"
			" for d in null zero full random urandom tty; do stat -c %F /dev/$d; done | sort -u; "
			" echo x >/dev/null && head -c 2 /dev/zero | wc -c; ls /sys/class/net | grep -c lo;"
			" touch /made /dev/shm/x /dev/mqueue && cat /note; stat -c %u /note /deep;"
			" for m in /proc /sys /dev/pts /sys/fs/cgroup /dev/mqueue; do grep -q \" $m \" /proc/mounts || echo $m; done;"
			" cat /proc/keys 2>&1 | wc -l; echo x 2>&- >/proc/sys/kernel/panic || echo no;"
			" chmod 606 /dev/null 2>&- && chmod 666 /dev/null && echo its own; mount -o remount,rw /sys 2>&- || echo no; ls -d /dev/fd/0;"
			" grep -c '^mqueue /rro mqueue ro,nosuid' /proc/mounts;" SHOW_OTHERS);
		spec.namespaces |= CLONE_NEWUSER | CLONE_NEWNET;
		spec.namespaces &= ~shared[i];
		spec_add_mapping(&spec.uid_mappings, &spec.n_uid_mappings,
				 (struct spec_mapping){ 0, 100000, 65536 });
		spec_add_mapping(&spec.gid_mappings, &spec.n_gid_mappings,
				 (struct spec_mapping){ 0, 200000, 65536 });
		spec.root.idmap = &spec;
		strv_add(&spec.root.lowers, again);
		add(&spec, "bind", "note", "/note", "bind,idmap");
		add(&spec, "bind", "note", "/deep/folder/note", "bind");
		add(&spec, "mqueue", NULL, "/rro", "rro,rnosuid");
		check(&spec,
		      "0 100000 65536\n0:0\ncharacter special file\n2\n1\nhello\n0\n0\n0\nno\nits own\nno\n/dev/fd/0\n1\nat /\nat /rro\n");
		assert_int_equal(fstatat(scratch(state), "upper/made", &st, 0), 0);
		assert_int_equal(st.st_uid, 0);
		assert_int_equal(unlinkat(scratch(state), "upper/made", 0), 0);
	}
}

static void devices_have_owner_mode_and_kind(void **state)
{
	const uint64_t kinds[] = { 0, CLONE_NEWUSER };
	const struct spec_device devices[] = {
		{ .mode = S_IFCHR | 0640, .device = makedev(1, 3), .uid = 7, .gid = 8 },
		{ .mode = S_IFIFO | 0622, .uid = 9 },
		{ .mode = S_IFBLK | 0600, .device = makedev(7, 200) },
	};
	static const char *const paths[] = { "/dev/own/null", "/dev/fifo", "/blocks/loop" };

	(void)state;
	need_root();
	for (size_t k = 0; k < 2; k++) {
		autospec struct spec spec = SPEC_INIT;
		autofree char *again = str_format("%s/image", scratch_path);

		describe(
			&spec,
			"stat -c '%a %u:%g %t:%T %F' /dev/own/null /dev/fifo /blocks/loop; stat -c %u:%a /dev/zero;"
			" echo x >/dev/own/null && echo open");
		spec.namespaces |= kinds[k];
		if (kinds[k]) {
			spec_add_mapping(&spec.uid_mappings, &spec.n_uid_mappings,
					 (struct spec_mapping){ 0, 100000, 65536 });
			spec_add_mapping(&spec.gid_mappings, &spec.n_gid_mappings,
					 (struct spec_mapping){ 0, 200000, 65536 });
			spec.root.idmap = &spec;
			strv_add(&spec.root.lowers, again);
			spec.namespaces |= CLONE_NEWNET;
		}
		for (size_t i = 0; i < 3; i++) {
			struct spec_device *d = spec_add_device(&spec);

			*d = devices[i];
			d->path = xstrdup(paths[i]);
		}
		check(&spec,
		      "640 7:8 1:3 character special file\n622 9:0 0:0 fifo\n600 0:0 7:c8 block special file\n"
		      "0:666\nopen\n");
	}
}

static void devices_are_not_made_in_odd_places(void **state)
{
	static const char *const paths[] = { "/dev/x/", "/", "/dev/..", "/proc/self/x" };

	(void)state;
	need_root();
	for (size_t i = 0; i < 4; i++) {
		autospec struct spec spec = SPEC_INIT;
		struct spec_device *d;

		describe(&spec, "true");
		d = spec_add_device(&spec);
		d->path = xstrdup(paths[i]);
		d->mode = S_IFCHR | 0666;
		d->device = makedev(1, 3);
		check_refused(&spec, "making the device");
	}
}

/* CVE-2025-31133: the null device that masks are copied from is replaced. */
static void masks_are_made_of_the_null_device_only(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	need_root();
	put_file(scratch(state), "fake", "fake\n");
	describe(&spec, "true");
	add(&spec, "bind", "fake", "/dev/null", "bind");
	assert_string_equal(spec.devices[0].path, "/dev/null");
	spec.devices[0].path[5] = 'N';
	strv_add(&spec.masked_paths, "/etc/passwd");
	check_refused(&spec, "masking /dev/null");
}

static void masks_cannot_be_changed_through(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&spec,
		"stat -c %a:%u /proc/version; cat /proc/version | wc -c; chmod 600 /proc/version 2>&- || echo no;"
		" busybox chown 5 /proc/version 2>&- || echo no; echo x >/proc/version && echo swallowed; stat -c %a:%u /dev/null");
	strv_add(&spec.masked_paths, "/proc/version");
	check(&spec, "666:0\n0\nno\nno\nswallowed\n666:0\n");
}

/* CVE-2025-52565: where the console goes to is a link that leads into /proc. */
static void the_console_is_not_bound_behind_a_link(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	autofree char *devices = str_format(
		"cd %s; mkdir -p dev/pts dev/shm dev/mqueue; ln -s /proc/sys/kernel/core_pattern"
		" dev/console; mknod dev/null c 1 3",
		scratch_path);

	(void)state;
	need_root();
	assert_int_equal(system(devices), 0);
	describe(&spec, "true");
	free(spec.mounts[1].type);
	spec.mounts[1].type = xstrdup("bind");
	spec.mounts[1].source = (free(spec.mounts[1].source), str_format("%s/dev", scratch_path));
	strv_free(&spec.mounts[1].options);
	spec.mounts[1].options = (struct strv)STRV_INIT;
	spec.mounts[1].attr_set = 0;
	spec.process.terminal = true;
	check_refused(&spec, "/dev/console");
}

/* CVE-2023-27561, CVE-2019-16884: the image, or a volume, puts a /proc of its own in the place of the real one. */
static void proc_cannot_be_faked(void **state)
{
	autospec struct spec linked = SPEC_INIT, covered = SPEC_INIT, led = SPEC_INIT;
	autofree char *fake = str_format(
		"cd %s; mkdir -p fakes/self/attr fakes/sys; ln -s proc image/led", scratch_path);

	need_root();
	assert_int_equal(system(fake), 0);
	describe(&covered, "true");
	add(&covered, "bind", "fakes", "/proc", "rbind");
	check_refused(&covered, "refusing to mount over");
	describe(&led, "true");
	add(&led, "bind", "fakes", "/led", "rbind");
	check_refused(&led, "refusing to mount over");

	/* Instead of the real one, not over it. */
	autospec struct spec alone = SPEC_INIT;
	describe(&alone, "true");
	assert_string_equal(alone.mounts[0].destination, "/proc");
	alone.mounts[0].destination[4] = 'x';
	add(&alone, "bind", "fakes", "/led", "rbind");
	check_refused(&alone, "refusing to mount over");

	assert_int_equal(renameat(scratch(state), "image/proc", scratch(state), "image/elsewhere"),
			 0);
	assert_int_equal(symlinkat("elsewhere", scratch(state), "image/proc"), 0);
	describe(&linked, "true");
	check_refused(&linked, "refusing to mount over what is no ordinary folder: /proc");
	assert_int_equal(unlinkat(scratch(state), "image/proc", 0), 0);
	assert_int_equal(renameat(scratch(state), "image/elsewhere", scratch(state), "image/proc"),
			 0);
}

static void the_roots_propagation_is_as_asked(void **state)
{
	static const struct {
		unsigned long propagation;
		const char *expected;
	} cases[] = {
		{ 0, "" },
		{ MS_PRIVATE | MS_REC, "" },
		{ MS_SHARED, "shared" },
		{ MS_SHARED | MS_REC, "shared" },
		{ MS_SLAVE | MS_REC, "master" },
		{ MS_UNBINDABLE, "unbindable" },
	};
	autofree char *copy = str_format("cp -a %s/image/. %s/shared/", scratch_path, scratch_path);

	(void)state;
	need_root();
	assert_int_equal(system(copy), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autospec struct spec spec = SPEC_INIT;

		describe(
			&spec,
			"while read -r i p d r at own kind rest; do test $at = / && echo ${kind%%:*}; done"
			" </proc/self/mountinfo");
		strv_free(&spec.root.lowers);
		spec.root.lowers = (struct strv)STRV_INIT;
		free(spec.root.upper);
		free(spec.root.work);
		spec.root.upper = spec.root.work = NULL;
		spec.root.path = str_format("%s/shared", scratch_path);
		spec.root_propagation = cases[i].propagation;
		autofree char *expected =
			str_format("%s\n", *cases[i].expected ? cases[i].expected : "-");
		check(&spec, expected);
	}
}

static void it_goes_without_pivot_root(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&spec,
		"cd ../../..; pwd; ls -d ../../tmp/knarr-unit* 2>&- || echo gone; cat /proc/1/comm; touch /made");
	spec.no_pivot = true;
	check(&spec, "/\ngone\nsh\n");
}

/* Without a mount namespace the container is in a chroot, and a further process of it is too. */
static void exec_does_without_a_mount_namespace(void **state)
{
	autospec struct spec spec = SPEC_INIT;
	struct spec_process p = { 0 };
	struct error err = ERROR_INIT;
	struct sandbox sb, added;

	need_root();
	put_file(scratch(state), "image/here", "");
	spec.namespaces = CLONE_NEWPID;
	spec.root.path = str_format("%s/image", scratch_path);
	spec.process.cwd = xstrdup("/");
	strv_add(&spec.process.args, "/bin/sh");
	strv_add(&spec.process.args, "-c");
	strv_add(&spec.process.args, "while :; do /bin/busybox sleep 1; done");
	autoclose int root = sandbox_mount_root(&spec.root, &err);
	assert_int_equal(sandbox_create(&spec, root, NULL, -1, &sb, &err), 0);
	assert_int_equal(sandbox_start(&sb, &err), 0);

	p.cwd = xstrdup("/bin");
	strv_add(&p.args, "/bin/sh");
	strv_add(&p.args, "-c");
	strv_add(&p.args, "cd .. && test $(pwd) = / && test -e here && test -e ../../../here");
	assert_int_equal(sandbox_exec(sb.pidfd, &p, NULL, -1, &added, &err), 0);
	assert_int_equal(wait_status(added.pid), 0);
	sandbox_close(&added);
	spec_process_free(&p);

	assert_int_equal(sys_pidfd_send_signal(sb.pidfd, SIGKILL), 0);
	wait_status(sb.pid);
	sandbox_close(&sb);
	rootfs_unmount(&spec, spec.root.path);
	assert_int_equal(unlinkat(scratch(state), "image/here", 0), 0);
}

/* Without a cgroup namespace the machine's own mount is shown: mounting anew would change the options of it. */
static void cgroups_are_shown(void **state)
{
	autospec struct spec own = SPEC_INIT, shared = SPEC_INIT;

	(void)state;
	need_root();
	describe(
		&own, OPTIONS
		"grep -o ' /sys/fs/cgroup cgroup2 ro' /proc/mounts; cat /proc/self/cgroup | grep ^0:");
	check(&own, " /sys/fs/cgroup cgroup2 ro\n0::/\n");
	describe(
		&shared,
		"grep -o ' /sys/fs/cgroup cgroup2 ro' /proc/mounts; test -e /sys/fs/cgroup/cgroup.procs && echo all");
	shared.namespaces &= ~(uint64_t)CLONE_NEWCGROUP;
	for (size_t i = 0; i < shared.n_mounts; i++)
		if (strcmp(shared.mounts[i].type, "cgroup2") == 0)
			shared.mounts[i].type[6] = '\0';
	check(&shared, " /sys/fs/cgroup cgroup2 ro\nall\n");
}

/* Settings are written through a procfs of our own where the container has another's, or none. */
static void sysctls_need_no_proc_in_the_container(void **state)
{
	autospec struct spec spec = SPEC_INIT;

	(void)state;
	need_root();
	describe(&spec, "ls -A /proc; mount -t proc p /proc && cat /proc/sys/kernel/msgmax");
	free(spec.mounts[0].destination);
	free(spec.mounts[0].type);
	free(spec.mounts[0].source);
	memmove(&spec.mounts[0], &spec.mounts[1], (spec.n_mounts - 1) * sizeof(spec.mounts[0]));
	spec.n_mounts--;
	strv_free(&spec.masked_paths);
	strv_free(&spec.readonly_paths);
	spec.masked_paths = spec.readonly_paths = (struct strv)STRV_INIT;
	spec.process.seccomp = NULL;
	spec.process.capabilities.permitted |= UINT64_C(1) << 21;
	spec.process.capabilities.effective |= UINT64_C(1) << 21;
	spec.process.capabilities.bounding |= UINT64_C(1) << 21;
	strv_add(&spec.sysctls, "kernel.msgmax=4242");
	check(&spec, "4242\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_the_machine_is_mounted),
		cmocka_unit_test(nothing_is_left_of_a_covered_root),
		cmocka_unit_test(attributes_are_the_mounts),
		cmocka_unit_test(binds_keep_what_is_not_asked_for),
		cmocka_unit_test(recursive_attributes_reach_what_is_below),
		cmocka_unit_test(propagation_is_what_was_asked_for),
		cmocka_unit_test(a_new_tmpfs_has_the_mode_of_what_it_covers),
		cmocka_unit_test(a_tmpfs_begins_with_what_it_covers),
		cmocka_unit_test(a_copy_keeps_file_capabilities),
		cmocka_unit_test(mount_points_are_made_behind_links_to_nowhere),
		cmocka_unit_test(mounts_are_in_their_order),
		cmocka_unit_test(the_root_can_be_covered),
		cmocka_unit_test(settings_lead_nowhere_else),
		cmocka_unit_test(what_the_kernel_refuses_is_said_in_its_words),
		cmocka_unit_test(a_remount_changes_what_is_there),
		cmocka_unit_test(a_read_only_tmpfs_can_hold_mount_points),
		cmocka_unit_test(ids_of_a_bind_can_be_mapped),
		cmocka_unit_test(layers_can_be_seen_with_mapped_ids),
		cmocka_unit_test(a_user_namespace_has_all_mounts),
		cmocka_unit_test(devices_have_owner_mode_and_kind),
		cmocka_unit_test(devices_are_not_made_in_odd_places),
		cmocka_unit_test(masks_are_made_of_the_null_device_only),
		cmocka_unit_test(masks_cannot_be_changed_through),
		cmocka_unit_test(the_console_is_not_bound_behind_a_link),
		cmocka_unit_test(proc_cannot_be_faked),
		cmocka_unit_test(the_roots_propagation_is_as_asked),
		cmocka_unit_test(it_goes_without_pivot_root),
		cmocka_unit_test(exec_does_without_a_mount_namespace),
		cmocka_unit_test(cgroups_are_shown),
		cmocka_unit_test(sysctls_need_no_proc_in_the_container),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
