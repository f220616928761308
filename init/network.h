/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's own network, beside the boot: its name, the loopback, and a DHCP client (BusyBox
 * udhcpc) for each Ethernet card. Nothing in the boot waits for an address. */
#ifndef KNARR_INIT_NETWORK_H
#define KNARR_INIT_NETWORK_H

#include <net/if.h>

#define CARDS_MAX 8

/* Sets the host name and brings the loopback up, which gives it 127.0.0.1 and ::1. Complains of
 * what fails. */
void network_base(const char *hostname);

/* Names the Ethernet cards (not bridges, veth pairs and the like, which have no device behind
 * them). Returns how many. */
unsigned network_cards(char names[static CARDS_MAX][IFNAMSIZ]);

/* The child's life (struct service: run), arg a card's name: becomes udhcpc, with init itself as
 * its event program (dhcp.h). Returns only if that cannot be run. */
void network_dhcp(void *arg);

#endif
