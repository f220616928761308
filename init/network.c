/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/network.h"

#include "init/file.h"
#include "init/main.h"
#include "init/say.h"
#include "init/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NET_CLASS "/sys/class/net"

void network_base(const char *hostname)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd;

	if (sethostname(hostname, strlen(hostname)) < 0)
		complain("host name %s: %s", hostname, strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		complain("loopback: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

unsigned network_cards(char names[static CARDS_MAX][IFNAMSIZ])
{
	DIR *dir = opendir(NET_CLASS);
	struct dirent *entry;
	unsigned n = 0;

	while (dir && n < CARDS_MAX && (entry = readdir(dir))) {
		char path[sizeof NET_CLASS + IFNAMSIZ + 16];
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || len >= IFNAMSIZ)
			continue;
		snprintf(path, sizeof path, NET_CLASS "/%.15s/device", entry->d_name);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(path, sizeof path, NET_CLASS "/%.15s/type", entry->d_name);
		if (file_number(path, 0) != ARPHRD_ETHER)
			continue;
		memcpy(names[n++], entry->d_name, len + 1);
	}
	if (dir)
		closedir(dir);
	return n;
}

void network_dhcp(void *arg)
{
	char *card = arg;
	char option[80] = "hostname:", name[65] = "knarr";
	/* Asks three times a second apart, then rests ten seconds: a host's DHCP server may come up
	 * after its guest. */
	const char *argv[] = {
		"udhcpc", "-f", "-i", card,           "-s", "/sbin/init", "-t", "3",    "-T", "1",
		"-A",     "10", "-O", "staticroutes", "-O", "mtu",        "-x", option, NULL,
	};

	gethostname(name, sizeof name - 1);
	strcat(option, name);
	/* It tells every step on its output; what is worth keeping is noted by the event program.
	 */
	dup2(0, 1);
	dup2(0, 2);
	run_program("/bin/busybox", argv, NULL);
	note("%s: no DHCP client: /bin/busybox: %s", card, strerror(errno));
}
