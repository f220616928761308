/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The power button. ACPI tells of it over generic netlink (family "acpi_event", Linux:
 * drivers/acpi/event.c): no device node to look for, no event interface in the kernel, and a button
 * that appears later is heard like any other. */
#ifndef KNARR_INIT_POWER_H
#define KNARR_INIT_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Joins the group that ACPI's events are sent to. Returns a non-blocking, close-on-exec socket to
 * poll for input, or -1 on a machine whose kernel has none (a log line says so: it is no fault). */
int power_listen(void);

/* Reads what has arrived on the socket; true if the power button was pressed among it. */
bool power_pressed(int fd);

/* Finds the family's multicast group in the kernel's answer to CTRL_CMD_GETFAMILY; 0 if it is not
 * there. */
uint32_t power_parse_group(const void *answer, size_t len);

/* Judges one datagram from the group. */
bool power_parse_event(const void *datagram, size_t len);

#endif
