/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/dhcp.h"

#include "init/file.h"
#include "init/say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLV_CONF     "/etc/resolv.conf"
#define NAMESERVERS_MAX 3 /* what resolvers read (resolv.conf(5)) */

bool dhcp_is_event(const char *word)
{
	static const char *const events[] = { "deconfig", "bound", "renew", "leasefail", "nak" };

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (strcmp(word, events[i]) == 0)
			return true;
	return false;
}

/* Copies the next word of *text (parted by blanks) into out; false at the end or if it is too long
 * to be an address. */
static bool next_word(const char **text, char *out, size_t size)
{
	size_t len;

	*text += strspn(*text, " ");
	len = strcspn(*text, " ");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len;
	return true;
}

static bool parse_number(const char *text, unsigned most, unsigned *value)
{
	*value = 0;
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*value = *value * 10 + (unsigned)(*text - '0');
		if (*value > most)
			return false;
	}
	return true;
}

unsigned dhcp_parse_routes(const char *text, struct route routes[static ROUTES_MAX])
{
	unsigned n = 0;
	char to[24], gateway[24];

	while (n < ROUTES_MAX && next_word(&text, to, sizeof to) &&
	       next_word(&text, gateway, sizeof gateway)) {
		char *slash = strchr(to, '/');

		if (!slash)
			break;
		*slash = '\0';
		if (inet_pton(AF_INET, to, &routes[n].to) != 1 ||
		    !parse_number(slash + 1, 32, &routes[n].prefix) ||
		    inet_pton(AF_INET, gateway, &routes[n].gateway) != 1)
			break;
		n++;
	}
	return n;
}

unsigned dhcp_resolv_conf(const char *servers, const char *domain, char *out, size_t size)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_ ";
	unsigned n = 0;
	size_t used = 0;
	char word[64];

	out[0] = '\0';
	if (domain && *domain && strlen(domain) < 256 && strspn(domain, allowed) == strlen(domain))
		used = (size_t)snprintf(out, size, "search %s\n", domain);
	while (n < NAMESERVERS_MAX && used < size && next_word(&servers, word, sizeof word)) {
		struct in_addr address;

		if (inet_pton(AF_INET, word, &address) != 1)
			continue;
		used += (size_t)snprintf(out + used, size - used, "nameserver %s\n", word);
		n++;
	}
	return used < size ? n : 0;
}

/* --- telling the kernel --- */

static void set_in(struct sockaddr *where, struct in_addr address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = address };

	memcpy(where, &in, sizeof in);
}

static struct in_addr netmask(unsigned prefix)
{
	return (struct in_addr){ .s_addr = prefix == 0 ? 0 : htonl(~0U << (32 - prefix)) };
}

static int set_address(int fd, const char *card, struct in_addr address, unsigned prefix)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, card, strlen(card));
	set_in(&request.ifr_addr, address);
	if (ioctl(fd, SIOCSIFADDR, &request) < 0)
		return -1;
	set_in(&request.ifr_netmask, netmask(prefix));
	return prefix == 32 ? 0 : ioctl(fd, SIOCSIFNETMASK, &request);
}

static void set_up(int fd, const char *card)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, card, strlen(card));
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return;
	request.ifr_flags |= IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &request);
}

static void set_mtu(int fd, const char *card, const char *text)
{
	struct ifreq request = { 0 };
	unsigned mtu;

	/* 576 is the least that every IPv4 host must take (RFC 791); what lies below is a mistake
	 * or worse. */
	if (!text || !parse_number(text, 65535, &mtu) || mtu < 576)
		return;
	memcpy(request.ifr_name, card, strlen(card));
	request.ifr_mtu = (int)mtu;
	ioctl(fd, SIOCSIFMTU, &request);
}

static int change_route(int fd, bool add, const char *card, const struct route *r, short metric)
{
	struct rtentry entry = { 0 };

	set_in(&entry.rt_dst, (struct in_addr){ r->to.s_addr & netmask(r->prefix).s_addr });
	set_in(&entry.rt_genmask, netmask(r->prefix));
	set_in(&entry.rt_gateway, r->gateway);
	entry.rt_flags = RTF_UP;
	if (r->gateway.s_addr)
		entry.rt_flags |= RTF_GATEWAY;
	if (r->prefix == 32)
		entry.rt_flags |= RTF_HOST;
	/* The ioctl counts metrics from 1. */
	entry.rt_metric = (short)(metric + 1);
	entry.rt_dev = (char *)card;
	return ioctl(fd, add ? SIOCADDRT : SIOCDELRT, &entry);
}

static void add_route(int fd, const char *card, const struct route *r, short metric)
{
	if (change_route(fd, true, card, r, metric) == 0 || errno == EEXIST)
		return;
	/* A gateway outside of the card's own network (clouds that lease a /32): it is said to be
	 * on the link first. */
	if (errno == ENETUNREACH && r->gateway.s_addr) {
		struct route link = { .to = r->gateway, .prefix = 32 };

		if ((change_route(fd, true, card, &link, metric) == 0 || errno == EEXIST) &&
		    (change_route(fd, true, card, r, metric) == 0 || errno == EEXIST))
			return;
	}
	note("%s: route by the gateway %s: %s", card, inet_ntoa(r->gateway), strerror(errno));
}

static void set_routes(int fd, const char *card)
{
	const char *fixed = getenv("staticroutes"), *router = getenv("router");
	struct route routes[ROUTES_MAX], any = { 0 };
	unsigned n = fixed ? dhcp_parse_routes(fixed, routes) : 0;
	short metric = (short)(if_nametoindex(card) & 0xff);
	char word[24];

	/* With static routes the router option does not count (RFC 3442). */
	if (n == 0 && router && next_word(&router, word, sizeof word) &&
	    inet_pton(AF_INET, word, &routes[0].gateway) == 1) {
		routes[0].to.s_addr = 0;
		routes[0].prefix = 0;
		n = 1;
	}
	/* The default routes of the last lease go: as many as there are. */
	for (int i = 0; i < 8 && change_route(fd, false, card, &any, metric) == 0; i++)
		continue;
	for (unsigned i = 0; i < n; i++)
		add_route(fd, card, &routes[i], metric);
}

static void set_resolver(void)
{
	const char *servers = getenv("dns");
	char text[640], path[] = RESOLV_CONF ".XXXXXX";
	int fd;

	if (!servers || dhcp_resolv_conf(servers, getenv("domain"), text, sizeof text) == 0)
		return;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, text, strlen(text)) < 0 ||
	    rename(path, RESOLV_CONF) < 0)
		note(RESOLV_CONF ": %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

int dhcp_event(const char *word)
{
	const char *card = getenv("interface"), *ip = getenv("ip"), *mask = getenv("mask");
	struct in_addr address;
	unsigned prefix;
	int fd;

	say_open();
	if (!card || strlen(card) >= IFNAMSIZ)
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 1;
	if (strcmp(word, "deconfig") == 0) {
		set_address(fd, card, (struct in_addr){ 0 }, 32);
		set_up(fd, card);
		return 0;
	}
	if (strcmp(word, "bound") != 0 && strcmp(word, "renew") != 0)
		return 0;
	if (!ip || inet_pton(AF_INET, ip, &address) != 1)
		return 1;
	if (!mask || !parse_number(mask, 32, &prefix))
		prefix = 24;
	if (set_address(fd, card, address, prefix) < 0) {
		note("%s: %s/%u: %s", card, ip, prefix, strerror(errno));
		return 1;
	}
	set_mtu(fd, card, getenv("mtu"));
	set_routes(fd, card);
	set_resolver();
	if (strcmp(word, "bound") == 0)
		note("%s has the address %s/%u", card, ip, prefix);
	return 0;
}
