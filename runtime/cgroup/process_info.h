/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process as ps(1) shows it, without a ps: what /proc says of it, and that in ps's columns. For `knarr top`. */
#ifndef KNARR_RUNTIME_PROCESS_INFO_H
#define KNARR_RUNTIME_PROCESS_INFO_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/str.h"

struct process_info {
	pid_t pid, ppid, pgrp, session, foreground; /* the terminal's foreground group, -1: none */
	uid_t ruid, euid;
	gid_t rgid, egid;
	char state;
	unsigned int terminal; /* device number, 0: none */
	uint64_t user, system; /* clock ticks of CPU time */
	uint64_t start;        /* clock ticks after boot */
	long priority, nice, threads, cpu;
	uint64_t size, resident; /* bytes */
	char comm[64];
	char *args; /* joined by spaces; "[comm]" without any; the caller frees */
};

/* What all processes share, read once. */
struct process_clock {
	time_t now;      /* seconds since 1970 */
	uint64_t boot;   /* the same, of the machine's start */
	uint64_t uptime; /* clock ticks since then */
	uint64_t ticks;  /* a second */
	uint64_t memory; /* bytes of the machine */
};

void process_clock_read(struct process_clock *clock);

/* Returns 0, or -1: it has ended. */
int process_read(pid_t pid, struct process_info *out);

/* The same from the text of /proc/<pid>/stat, without args and IDs; -1: it is none. */
int process_parse_stat(const char *text, struct process_info *out);

struct process_column;

/* The column that ps knows by this name ("pid", "args", "%cpu"); NULL: none. */
const struct process_column *process_column(const char *name);

/* Its heading, "PID". */
const char *process_column_heading(const struct process_column *column);

/* Appends what stands in the column. Users are named by the machine's /etc/passwd. */
void process_column_text(const struct process_column *column, const struct process_info *p,
			 const struct process_clock *clock, struct strbuf *out);

#endif
