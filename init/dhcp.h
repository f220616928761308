/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event program of the DHCP client: what would be a shell script elsewhere. udhcpc calls init
 * with one word (deconfig, bound, renew, leasefail, nak) and tells the lease in the environment:
 * interface, ip, mask (a prefix length), router, dns, domain, mtu, staticroutes. The lease comes
 * from the network: whatever does not read as an address is dropped.
 *
 * Promises: an address that stays the same is not touched by a renewal; /etc/resolv.conf is
 * replaced in one rename, and not at all by a lease that names no server; a later card's default
 * route stands behind an earlier one's. */
#ifndef KNARR_INIT_DHCP_H
#define KNARR_INIT_DHCP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct route {
	struct in_addr to;
	unsigned prefix;
	struct in_addr gateway; /* 0.0.0.0: on the link itself */
};

#define ROUTES_MAX 16

/* True if word is one of udhcpc's events. */
bool dhcp_is_event(const char *word);

/* Acts on the event. Returns the program's exit status. */
int dhcp_event(const char *word);

/* Reads "NET/PREFIX GATEWAY NET/PREFIX GATEWAY ..." (RFC 3442 as udhcpc prints it). Returns how
 * many routes were good up to the first that was not. */
unsigned dhcp_parse_routes(const char *text, struct route routes[static ROUTES_MAX]);

/* Writes the text of resolv.conf for the servers and the search domain (NULL or a name list) into
 * out. Returns how many servers it names: 0 means there is nothing to write. */
unsigned dhcp_resolv_conf(const char *servers, const char *domain, char *out, size_t size);

#endif
