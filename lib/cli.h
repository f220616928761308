/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines as Docker's users type them: --name=web, --name web, -e A=1 -e B=2, -itd, -eA=1, "--" ends the options;
 * options stop at the first word that is none (so `run IMAGE ls -l` leaves -l to the program) unless the command says
 * they may stand anywhere. One table describes a command: parsing, `--help` and the nearest known flag in a message all
 * come from it. */
#ifndef KNARR_LIB_CLI_H
#define KNARR_LIB_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/str.h"

enum cli_type {
	CLI_BOOL,   /* bool *: --flag, --flag=false */
	CLI_STRING, /* const char **: the last one wins; points into argv */
	CLI_LIST,   /* struct strv *: every one, in order */
	CLI_INT     /* long *: decimal, may be negative */
};

struct cli_option {
	const char *name; /* long name without the dashes */
	char letter;      /* 0: none */
	enum cli_type type;
	void *target;
	const char *
		value; /* what stands for the value in the help: "string", "list"; NULL for CLI_BOOL */
	const char *help; /* one line; NULL hides the option from the help */
};

struct cli_command {
	/* Without the program's name: "run [OPTIONS] IMAGE [COMMAND] [ARG...]". The lower-case words it begins with name
	 * the command in messages. */
	const char *usage;
	const char *summary;              /* one line, as in Docker's help */
	const struct cli_option *options; /* ended by a NULL name; NULL: none */
	bool options_anywhere;  /* options may follow arguments, as in `docker rm web -f` */
	int min_args, max_args; /* arguments after the options; max -1: any number */
	const char *more;       /* paragraphs behind the options in the help; NULL: none */
};

enum cli_result {
	CLI_OK,
	CLI_HELP, /* --help or -h where -h is no option of the command; the caller prints cli_help and exits 0 */
	CLI_ERROR /* err set, status 125; the message ends with where to find help */
};

/* Parses argv[1..] by the rules of Go's pflag, which Docker uses: -n web, -nweb, -n=web, --name web, --name=web; a value
 * may begin with a dash. *first becomes the index of the first argument; with options_anywhere, argv is permuted so that
 * the arguments stand together at the end. Messages name the program as lib/log.h knows it. */
enum cli_result cli_parse(const struct cli_command *cmd, int argc, char **argv, int *first,
			  struct error *err);

/* The help text of cmd as Docker lays it out ("Usage:  docker run ...", summary, options sorted by name), wrapped at 80
 * columns; prog is the program's name. */
void cli_help(const struct cli_command *cmd, const char *prog, struct strbuf *out);

/* The word in words (NULL-terminated) nearest to word by edit distance, or NULL when none is near. For "did you mean". */
const char *cli_nearest(const char *word, const char *const *words);

#endif
