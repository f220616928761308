/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/str.h"

#define RT_FIRST 34 /* the kernel's first is 32; libcs keep two for their threads */
#define RT_LAST  64

static const char *const names[] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",     [SIGTERM] = "TERM", [SIGSTKFLT] = "STKFLT",
	[SIGCHLD] = "CHLD", [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGIO] = "IO",     [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *signal_name(int signo)
{
	return signo > 0 && (size_t)signo < N_NAMES ? names[signo] : NULL;
}

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n. */
static int realtime(const char *text)
{
	unsigned long long n = 0;
	char sign = text[5];

	if (sign != '\0' && str_to_u64(text + 6, RT_LAST - RT_FIRST, &n) < 0)
		return -1;
	if (strncasecmp(text, "RTMIN", 5) == 0 && (sign == '+' || sign == '\0'))
		return RT_FIRST + (int)n;
	if (strncasecmp(text, "RTMAX", 5) == 0 && (sign == '-' || sign == '\0'))
		return RT_LAST - (int)n;
	return -1;
}

int signal_parse(const char *text)
{
	unsigned long long number;

	if (str_to_u64(text, RT_LAST, &number) == 0)
		return number > 0 ? (int)number : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 1; i < N_NAMES; i++)
		if (names[i] && strcasecmp(text, names[i]) == 0)
			return (int)i;
	if (strcasecmp(text, "POLL") == 0)
		return SIGIO;
	if (strcasecmp(text, "IOT") == 0)
		return SIGABRT;
	return strncasecmp(text, "RTM", 3) == 0 && strlen(text) >= 5 ? realtime(text) : -1;
}
