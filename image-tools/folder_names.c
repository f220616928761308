/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-tools/folder_names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/str.h"

#define READ_SIZE (32U << 10)

void folder_names_free(struct folder_names *n)
{
	free(n->items);
	free(n->text);
	*n = (struct folder_names){ 0 };
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* getdents64(2), whose entries are struct dirent's on 64-bit machines; musl and glibc name it differently. */
int folder_names_read(int dirfd, struct folder_names *out)
{
	char *buf autofree = xmalloc(READ_SIZE);
	struct strbuf text autostrbuf = STRBUF_INIT;
	long len;

	*out = (struct folder_names){ 0 };
	while ((len = syscall(SYS_getdents64, dirfd, buf, (size_t)READ_SIZE)) > 0) {
		for (long i = 0; i < len;) {
			const struct dirent *d = (const struct dirent *)(buf + i);

			i += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
				continue;
			strbuf_add(&text, d->d_name, strlen(d->d_name) + 1);
			out->n++;
		}
	}
	out->text = strbuf_steal(&text);
	out->items = xcalloc(out->n + 1, sizeof(*out->items));
	for (size_t i = 0, at = 0; i < out->n; i++, at += strlen(out->text + at) + 1)
		out->items[i] = out->text + at;
	qsort(out->items, out->n, sizeof(*out->items), compare);
	return len < 0 ? -1 : 0;
}
