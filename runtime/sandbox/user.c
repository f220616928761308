/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fs.h"

#define FILE_MAX   (1024UL * 1024)
#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

/* ---- passwd(5) and group(5) */

/* The text of a database of the container, an empty one if there is none; the caller frees. A
 * device or FIFO in its place is no database either, and is not even opened: a container can make nodes, and to open some (a
 * watchdog, a tape) is to do something to the machine, whose device filter does not hold for us. */
static char *read_database(int root_fd, const char *path, struct error *err)
{
	autoclose int at = fs_open_in_root(root_fd, path, O_PATH, 0);
	char again[32];
	struct stat st;

	if (at < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return xstrdup("");
	if (at >= 0 && fstat(at, &st) == 0 && !S_ISREG(st.st_mode))
		return xstrdup("");
	autoclose int fd = at < 0 ? -1 : open(fs_fd_path(at, again), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(err, "%s", path);
		return NULL;
	}

	size_t size = st.st_size < (off_t)FILE_MAX ? (size_t)st.st_size : FILE_MAX;
	autofree char *text = xmalloc(size + 1);
	ssize_t n = fs_read_full(fd, text, size);
	if (n < 0) {
		error_errno(err, "%s", path);
		return NULL;
	}
	/* A line that the limit cuts is none. */
	if ((size_t)n == FILE_MAX)
		while (n > 0 && text[n - 1] != '\n')
			n--;
	text[n] = '\0';
	return STEAL_PTR(text);
}

/* Splits the next line of *text at ':' into fields (all set; "" where missing). Returns false at
 * the end. */
static bool next_entry(char **text, char **fields, int n)
{
	char *line = strsep(text, "\n");

	if (!line)
		return false;
	for (int i = 0; i < n; i++) {
		char *field = line ? strsep(&line, ":") : NULL;
		fields[i] = field ? field : (char *)"";
	}
	return true;
}

/* IDs are at most INT_MAX, as Docker has it: (uid_t)-1 means "none" to the kernel. */
static bool parse_id(const char *s, unsigned int *id)
{
	unsigned long long n;

	if (str_to_u64(s, INT_MAX, &n) < 0)
		return false;
	*id = (unsigned int)n;
	return true;
}

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

static void add_group(struct spec_process *p, gid_t gid)
{
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i] == gid)
			return;
	if (p->n_groups == GROUPS_MAX)
		return;
	p->groups = xreallocarray(p->groups, p->n_groups + 1, sizeof(gid_t));
	p->groups[p->n_groups++] = gid;
}

/* ---- The rules */

struct person {
	char *name; /* of the passwd entry; NULL: there is none */
	char *home;
};

/* Looks text, a name or a number, up in passwd, which is taken apart on the way. An entry whose
 * name equals the text goes before one whose number does. */
static int find_user(char *passwd, const char *text, struct spec_process *p, struct person *who,
		     struct error *err)
{
	unsigned int number = 0, uid, gid;
	bool numeric = parse_id(text, &number);
	char *f[6];

	if (!numeric && all_digits(text))
		return error_set(err, ERANGE, "uids and gids must be in range 0-%d: %s", INT_MAX,
				 text);
	while (next_entry(&passwd, f, 6)) {
		bool named = strcmp(f[0], text) == 0;

		if (!f[0][0] || !parse_id(f[2], &uid) || !parse_id(f[3], &gid) ||
		    !(named || (numeric && uid == number && !who->name)))
			continue;
		p->uid = uid;
		p->gid = gid;
		who->name = f[0];
		who->home = f[5];
		if (named)
			return 0;
	}
	if (who->name)
		return 0;
	if (!numeric)
		return error_set(err, ENOENT,
				 "unable to find user %s: no matching entries in passwd file",
				 text);
	p->uid = number;
	p->gid = 0;
	return 0;
}

/* The gid of text, a name or a number. */
static int find_group(char *group, const char *text, gid_t *out, struct error *err)
{
	unsigned int number = 0, gid;
	bool numeric = parse_id(text, &number);
	char *f[4];

	if (!numeric && all_digits(text))
		return error_set(err, ERANGE, "uids and gids must be in range 0-%d: %s", INT_MAX,
				 text);
	while (next_entry(&group, f, 4)) {
		if (f[0][0] && strcmp(f[0], text) == 0 && parse_id(f[2], &gid)) {
			*out = gid;
			return 0;
		}
	}
	if (!numeric)
		return error_set(err, ENOENT,
				 "unable to find group %s: no matching entries in group file",
				 text);
	*out = number;
	return 0;
}

/* Adds every group that lists name as a member. */
static void find_memberships(char *group, const char *name, struct spec_process *p)
{
	unsigned int gid;
	char *f[4];

	while (next_entry(&group, f, 4)) {
		if (!f[0][0] || !parse_id(f[2], &gid))
			continue;
		for (char *members = f[3], *member; (member = strsep(&members, ",")) != NULL;)
			if (strcmp(member, name) == 0)
				add_group(p, gid);
	}
}

int user_resolve(int root_fd, const char *user, struct spec_process *process, char **home,
		 struct error *err)
{
	autofree char *name = xstrdup(user && *user ? user : "0");
	char *group_name = strchr(name, ':');
	if (group_name)
		*group_name++ = '\0';

	autofree char *passwd = read_database(root_fd, "/etc/passwd", err);
	if (!passwd)
		return -1;
	autofree char *group = read_database(root_fd, "/etc/group", err);
	if (!group)
		return -1;

	struct person who = { 0 };
	if (find_user(passwd, name[0] ? name : "0", process, &who, err) < 0)
		return -1;
	free(process->groups);
	process->groups = NULL;
	process->n_groups = 0;
	if (group_name && *group_name && find_group(group, group_name, &process->gid, err) < 0)
		return -1;
	/* The main group is listed as well: else a program that gives it up (setgid(2)) would lose
	 * what a mode such as 0707 keeps from the group, and be let in as one of the others
	 * (CVE-2022-36109). */
	add_group(process, process->gid);
	if (!(group_name && *group_name) && who.name)
		find_memberships(group, who.name, process);

	/* What execve would take from a user who is not root is not given to him in the first place
	 * (Docker's rule). */
	if (process->uid)
		process->capabilities.effective = process->capabilities.permitted =
			process->capabilities.inheritable = process->capabilities.ambient = 0;
	if (home)
		*home = xstrdup(who.home && who.home[0] == '/' ? who.home : "/");
	return 0;
}

int user_add_groups(int root_fd, const struct strv *groups, struct spec_process *process,
		    struct error *err)
{
	for (size_t i = 0; i < groups->len; i++) {
		gid_t gid;
		autofree char *group = read_database(root_fd, "/etc/group", err);

		if (!group || find_group(group, groups->items[i], &gid, err) < 0)
			return -1;
		add_group(process, gid);
	}
	return 0;
}
