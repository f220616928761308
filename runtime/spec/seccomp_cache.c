/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file is the SHA-256 of a program, and the program. */
#include "runtime/spec/seccomp_cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fs.h"
#include "lib/str.h"

/* Beyond this many it begins anew: somebody makes up a profile a container. */
#define ENTRIES_MAX 64

static const char *folder;

void seccomp_cache_use(const char *dir)
{
	folder = dir;
}

bool seccomp_cache_used(void)
{
	return folder != NULL;
}

/* The folder, if nobody else can write in it. */
static int open_folder(void)
{
	autoclose int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))
		return -1;
	return STEAL_FD(fd);
}

bool seccomp_cache_get(const struct digest *key, struct sock_fprog *out)
{
	const size_t head = sizeof(key->bytes), insn = sizeof(struct sock_filter);
	autoclose int dir = folder ? open_folder() : -1;
	char name[DIGEST_HEX_MAX];
	struct digest sum;
	size_t len;

	if (dir < 0)
		return false;
	autofree char *data =
		fs_read_file(dir, digest_hex(key, name), head + BPF_MAXINSNS * insn, &len, NULL);
	if (!data || len <= head || (len - head) % insn)
		return false;
	digest_of(data + head, len - head, &sum);
	if (memcmp(sum.bytes, data, head) != 0)
		return false;
	out->len = (unsigned short)((len - head) / insn);
	out->filter = xcalloc(out->len, insn);
	memcpy(out->filter, data + head, len - head);
	return true;
}

static void make_room(int dir)
{
	size_t n = 0;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while (readdir(d))
		n++;
	if (n < ENTRIES_MAX)
		return;
	rewinddir(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dir, e->d_name, 0);
}

void seccomp_cache_put(const struct digest *key, const struct sock_fprog *program)
{
	const size_t size = program->len * sizeof(*program->filter);
	struct strbuf text = STRBUF_INIT;
	char name[DIGEST_HEX_MAX];
	struct digest sum;

	if (!folder)
		return;
	mkdir(folder, 0700);
	autoclose int dir = open_folder();
	if (dir < 0)
		return;
	make_room(dir);
	digest_of(program->filter, size, &sum);
	strbuf_add(&text, sum.bytes, sizeof(sum.bytes));
	strbuf_add(&text, program->filter, size);
	fs_write_file(dir, digest_hex(key, name), text.data, text.len, 0600, FS_VOLATILE, NULL);
	strbuf_free(&text);
}
