/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's command line, as far as it concerns PID 1. Knarr's own keys all start with "knarr.";
 * what is not known here is the kernel's or somebody else's and is passed over. The last word on a
 * key wins, except for console=, of which each counts. Values are checked here: what stands in
 * struct cmdline can be used as it is. */
#ifndef KNARR_INIT_CMDLINE_H
#define KNARR_INIT_CMDLINE_H

#include "init/main.h"

#include <stdbool.h>
#include <stddef.h>

/* The kernel cuts its line at 2,048 bytes on x86; twice that leaves room for other machines. */
#define CMDLINE_MAX 4096

struct cmdline {
	char consoles[CONSOLES_MAX]
		     [TTY_NAME_MAX]; /* console=NAME[,options], in the order given, each once */
	unsigned n_consoles;
	char hostname[65];         /* knarr.hostname=, else "knarr" */
	bool has_exec;             /* knarr.exec= was given */
	char exec[CMDLINE_MAX];    /* the command; empty when its base64url could not be read */
	char status[TTY_NAME_MAX]; /* knarr.status=, or empty */
	bool ram_store;            /* knarr.store=ram: leave every disk alone */
	unsigned short rows, cols; /* knarr.size=ROWSxCOLS of a serial terminal, or 0 and 0 */
	char term[32];             /* TERM= for serial terminals, or empty */
	char complaint[128]; /* the first key whose value could not be used, for a person; or empty
			      */
};

/* Reads text (of /proc/cmdline) into *out, from scratch. Words are parted by white space; a value
 * may stand in double quotes, as the kernel reads them. */
void cmdline_parse(const char *text, struct cmdline *out);

/* Decodes base64url (RFC 4648 section 5; the common alphabet and "=" at the end are taken too) of
 * len characters into out, ended with a zero. Returns the length, or -1 if it is none, holds a zero
 * byte or does not fit in size. */
long base64url_decode(const char *text, size_t len, char *out, size_t size);

#endif
