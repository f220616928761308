/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table that ps(1) would show of some processes, without a ps: of its options the choice of columns is understood (-ef,
 * aux, -o pid,comm). The choice of processes (-e, -a, x) is the caller's, and the order is that of their IDs. For `knarr top`
 * and `knarr-oci ps`. */
#ifndef KNARR_RUNTIME_PROCESS_TABLE_H
#define KNARR_RUNTIME_PROCESS_TABLE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/error.h"
#include "lib/str.h"
#include "runtime/cgroup/process_info.h"

struct process_table {
	const struct process_column **columns;
	char **headings; /* owned */
	size_t n;
};

#define PROCESS_TABLE_INIT \
	{ \
		0 \
	}

/* Takes ps's options; none are -ef. t must be PROCESS_TABLE_INIT. -1 with err set: EINVAL, also for columns without PID. */
int process_table_parse(struct process_table *t, int argc, char **argv, struct error *err);

/* Appends the heading and a line for each of pids that is there, its columns at least width wide. Sorts pids. */
void process_table_print(const struct process_table *t, pid_t *pids, size_t n, size_t width,
			 struct strbuf *out);

void process_table_free(struct process_table *t);
#define autoprocesstable __attribute__((cleanup(process_table_free)))

#endif
