/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/overlay.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cleanup.h"
#include "runtime/sandbox/idmap.h"
#include "runtime/spec/kernel.h"

/* Says why fsconfig or fsmount refused: the kernel's own line ("e overlay: ...") is better than an
 * errno where it gives one. */
static int fs_error(int fs, const char *type, struct error *err)
{
	int code = errno;
	char line[256];
	ssize_t n = read(fs, line, sizeof(line) - 1);

	if (n > 2 && (line[0] == 'e' || line[0] == 'w')) {
		while (n > 0 && line[n - 1] == '\n')
			n--;
		line[n] = '\0';
		return error_set(err, code, "mount %s: %s (%s)", type, strerror(code), line + 2);
	}
	return error_set(err, code, "mount %s: %s", type, strerror(code));
}

static int set_string(int fs, const char *key, const char *value)
{
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* An image may have a layer twice. The upper one shows all that the lower one could, and overlayfs takes no folder twice
 * (ELOOP). */
static bool stands_above(const struct strv *lowers, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(lowers->items[i], lowers->items[at]) == 0)
			return true;
	return false;
}

/* Kernels before 6.8 take the lower layers as one text in which ':' and '\' are escaped, and of
 * which 255 characters are kept by fsconfig: mount(2) takes a page, but leaves no detached mount.
 * So the old way is only for few, short paths. */
static int set_lowers_joined(int fs, const struct strv *lowers)
{
	autostrbuf struct strbuf joined = STRBUF_INIT;

	for (size_t i = 0; i < lowers->len; i++) {
		if (stands_above(lowers, i))
			continue;
		if (i)
			strbuf_putc(&joined, ':');
		for (const char *c = lowers->items[i]; *c; c++) {
			if (*c == ':' || *c == '\\')
				strbuf_putc(&joined, '\\');
			strbuf_putc(&joined, *c);
		}
	}
	return set_string(fs, "lowerdir", joined.data);
}

static int set_lowers(int fs, const struct strv *lowers)
{
	for (size_t i = 0; i < lowers->len; i++) {
		if (stands_above(lowers, i) || set_string(fs, "lowerdir+", lowers->items[i]) == 0)
			continue;
		if (i == 0 && errno == EINVAL)
			return set_lowers_joined(fs, lowers);
		return -1;
	}
	return 0;
}

/* Where the layers are: their own paths, or in a mapped copy short ones in the working directory. */
struct places {
	const struct strv *lowers;
	const char *upper, *work;
};

/* Async-signal-safe but on kernels before 6.8. -1 with errno; fs has the kernel's words. */
static int configure(int fs, const struct places *p)
{
	/* No UUID: nobody asks for one, and the kernel would write it into the upper directory. Kernels
	 * before 6.6 do not know the word, nor do it. */
	(void)set_string(fs, "uuid", "null");
	/* Plain copies and whiteouts in the upper directory, whatever the kernel's defaults are:
	 * `commit` turns it into a layer that other runtimes read, and they know neither redirects
	 * nor data-less copies. */
	if (set_string(fs, "source", "overlay") < 0 || set_lowers(fs, p->lowers) < 0 ||
	    (p->upper &&
	     (set_string(fs, "upperdir", p->upper) < 0 || set_string(fs, "workdir", p->work) < 0 ||
	      set_string(fs, "index", "off") < 0)) ||
	    set_string(fs, "metacopy", "off") < 0 || set_string(fs, "redirect_dir", "nofollow") < 0)
		return -1;
	return sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

/* ---- With mapped IDs */

/* overlayfs takes only layers that are attached (before Linux 6.15), and by path. So a child attaches them, in a mount
 * namespace of its own. It shares our descriptors and our memory's answer, and ends. */
struct mapping {
	int fs;
	int *lowers; /* detached, mapped; each is attached under its number */
	int upper;   /* the same of the folder that holds upper and work, or -1 */
	struct strv numbers;
	struct places places;
	uint32_t uid, gid; /* whom overlayfs works as: the map must know them */
	int *code;         /* errno, in shared memory */
};

static int attach(int base, const char *name, int mount)
{
	autoclose int at = -1;

	if (mkdirat(base, name, 0700) < 0)
		return -1;
	at = sys_openat2(base, name, O_PATH | O_DIRECTORY, 0, 0);
	return at < 0 ? -1 : sys_move_mount(mount, at);
}

/* overlayfs keeps the credentials that it is mounted with and does with them what a container needs done: all rights, but a
 * user whose files the mapped disk can hold. */
static int take_credentials(const struct mapping *m)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return -1;
	syscall(SYS_setfsuid, m->uid);
	syscall(SYS_setfsgid, m->gid);
	return 0;
}

static int assemble(const struct mapping *m)
{
	autoclose int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int fs = sys_fsopen("tmpfs");
	autoclose int base = -1;

	if (top < 0 || sys_mount_setattr(top, AT_RECURSIVE, 0, 0, MS_PRIVATE) < 0 || fs < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	base = sys_fsmount(fs, 0);
	if (base < 0 || sys_move_mount(base, top) < 0)
		return -1;
	for (size_t i = 0; i < m->numbers.len; i++)
		if (attach(base, m->numbers.items[i], m->lowers[i]) < 0)
			return -1;
	if (m->upper >= 0 && attach(base, "rw", m->upper) < 0)
		return -1;
	return fchdir(base) < 0 || take_credentials(m) < 0 ? -1 : configure(m->fs, &m->places);
}

static int run_child(struct mapping *m)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_FILES, .exit_signal = SIGCHLD };
	uint64_t old_mask;

	*m->code = ESRCH;
	/* No handler of ours may run in the child. */
	sys_sigprocmask(SIG_BLOCK, ~UINT64_C(0), &old_mask);
	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		*m->code = assemble(m) < 0 ? errno : 0;
		syscall(SYS_exit_group, 0);
	}
	int code = errno;
	sys_sigprocmask(SIG_SETMASK, old_mask, NULL);
	if (pid < 0) {
		errno = code;
		return -1;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = *m->code;
	return errno ? -1 : 0;
}

static int clone_mapped(const char *path, int map, struct error *err)
{
	autoclose int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int tree = at < 0 ? -1 : sys_open_tree_clone(at, 0);

	if (tree < 0 || sys_mount_setattr(tree, 0, 0, 0, MS_PRIVATE) < 0 ||
	    idmap_mount(tree, map, false) < 0)
		return error_errno(err, "mapping IDs of %s", path);
	return STEAL_FD(tree);
}

/* upper and work lie in one folder, and must lie in one mount. */
static int clone_writable(const struct spec_root *root, struct mapping *m, int map,
			  struct error *err)
{
	const char *name = strrchr(root->upper, '/'), *work = strrchr(root->work, '/');

	if (!name || !work || name - root->upper != work - root->work ||
	    strncmp(root->upper, root->work, (size_t)(name - root->upper)) != 0)
		return error_set(err, EINVAL, "upper and work folder are not side by side");
	autofree char *folder = xstrndup(root->upper, (size_t)(name - root->upper));
	m->upper = clone_mapped(folder, map, err);
	return m->upper < 0 ? -1 : 0;
}

static int prepare(const struct spec_root *root, struct mapping *m, struct error *err)
{
	autoclose int map = idmap_of(root->idmap, err);

	if (map < 0)
		return -1;
	for (size_t i = 0; i < root->lowers.len; i++) {
		if (stands_above(&root->lowers, i))
			continue;
		m->lowers[m->numbers.len] = clone_mapped(root->lowers.items[i], map, err);
		if (m->lowers[m->numbers.len] < 0)
			return -1;
		strv_addf(&m->numbers, "%zu", m->numbers.len);
	}
	return root->upper ? clone_writable(root, m, map, err) : 0;
}

/* What the machine calls root of the container, or else the first ID it has. */
static uint32_t first_id(const struct spec_mapping *maps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (maps[i].inside == 0)
			return maps[i].outside;
	return n ? maps[0].outside : 0;
}

static int configure_mapped(int fs, const struct spec_root *root, struct error *err)
{
	struct mapping m = { .fs = fs, .upper = -1 };
	int result = -1;

	m.uid = first_id(root->idmap->uid_mappings, root->idmap->n_uid_mappings);
	m.gid = first_id(root->idmap->gid_mappings, root->idmap->n_gid_mappings);
	m.lowers = xcalloc(root->lowers.len, sizeof(*m.lowers));
	m.code = mmap(NULL, sizeof(*m.code), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (m.code == MAP_FAILED) {
		error_errno(err, "the container's layers");
	} else if (prepare(root, &m, err) == 0) {
		autofree char *upper =
			root->upper ? str_format("rw%s", strrchr(root->upper, '/')) : NULL;
		autofree char *work =
			root->upper ? str_format("rw%s", strrchr(root->work, '/')) : NULL;

		m.places = (struct places){ &m.numbers, upper, work };
		result = run_child(&m) < 0 ? fs_error(fs, "overlay", err) : 0;
	}
	for (size_t i = 0; i < m.numbers.len; i++)
		close(m.lowers[i]);
	cleanup_close(&m.upper);
	strv_free(&m.numbers);
	free(m.lowers);
	if (m.code != MAP_FAILED)
		munmap(m.code, sizeof(*m.code));
	return result;
}

int overlay_mount(const struct spec_root *root, struct error *err)
{
	const struct places places = { &root->lowers, root->upper, root->work };
	autoclose int fs = sys_fsopen("overlay");

	if (fs < 0)
		return error_errno(err, "overlay filesystem");
	if (root->idmap) {
		if (configure_mapped(fs, root, err) < 0)
			return -1;
	} else if (configure(fs, &places) < 0) {
		return fs_error(fs, "overlay", err);
	}

	int fd = sys_fsmount(fs, root->upper ? 0 : MOUNT_ATTR_RDONLY);
	return fd < 0 ? fs_error(fs, "overlay", err) : fd;
}
