/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports as images expose them: "80", "80/tcp", "8000-8010/udp". */
#ifndef KNARR_RUNTIME_PORTS_H
#define KNARR_RUNTIME_PORTS_H

#include <stdbool.h>

struct ports {
	unsigned long long first, last;
	const char *protocol; /* in the text that was parsed; "tcp" where it says none */
};

/* Returns false where text is none. */
bool ports_parse(const char *text, struct ports *p);

#endif
