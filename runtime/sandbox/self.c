/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/sandbox/self.h"

#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include "lib/cleanup.h"
#include "lib/str.h"
#include "runtime/spec/kernel.h"

/* How the kernel names a program that was executed by descriptor (execveat(2)): ourselves, the
 * second time. It also is the end of the matter, whatever the mount looks like. */
static bool started_again(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	return name && str_starts(name, "/dev/fd/");
}

static char *words; /* those of our command line, one behind the other, with their NULs */
static size_t words_len;

void self_rename(const char *name)
{
	size_t len = strlen(name);

	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (words_len < 2)
		return;
	memset(words, 0, words_len);
	memcpy(words, name, len < words_len ? len : words_len - 1);
}

void self_protect(char **argv)
{
	struct statvfs st;

	words = argv[0];
	for (char **word = argv; *word; word++)
		words_len = (size_t)(*word + strlen(*word) + 1 - words);

	if (started_again()) {
		/* The kernel took the descriptor's number for the name. */
		prctl(PR_SET_NAME, "knarr", 0, 0, 0);
		return;
	}
	autoclose int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (program < 0 || fstatvfs(program, &st) < 0 || (st.f_flag & ST_RDONLY))
		return;

	autoclose int copy = sys_open_tree_clone(program, 0);
	if (copy < 0 || sys_mount_setattr(copy, 0, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE) < 0)
		return;
	syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
}
