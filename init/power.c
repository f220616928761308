/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/power.h"

#include "init/say.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER      sizeof(struct nlattr)
#define FAMILY      "acpi_event"
#define GROUP       "acpi_mc_group"
#define ATTR_EVENT  1 /* the family's only attribute: device class[20], bus id[15], type, data */
#define CLASS_BYTES 20
#define POWER_CLASS "button/power"

/* The attribute of the given type in buf, or NULL; *len becomes the length of its payload.
 * Attributes are aligned to four bytes and carry their length, which is believed only as far as the
 * buffer goes. */
static const unsigned char *attribute(const unsigned char *buf, size_t *len, unsigned type)
{
	size_t left = *len;

	while (left >= HEADER) {
		struct nlattr head;
		size_t step;

		memcpy(&head, buf, sizeof head);
		if (head.nla_len < HEADER || head.nla_len > left)
			break;
		if ((head.nla_type & NLA_TYPE_MASK) == type || type == 0) {
			*len = (size_t)head.nla_len - HEADER;
			return buf + HEADER;
		}
		step = NLA_ALIGN(head.nla_len);
		if (step >= left)
			break;
		buf += step;
		left -= step;
	}
	*len = 0;
	return NULL;
}

/* The attributes of the first message in the datagram, or NULL if it is none of generic netlink. */
static const unsigned char *message_attributes(const void *datagram, size_t *len)
{
	struct nlmsghdr head;

	if (*len < NLMSG_HDRLEN + GENL_HDRLEN)
		return NULL;
	memcpy(&head, datagram, sizeof head);
	if (head.nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN || head.nlmsg_len > *len ||
	    head.nlmsg_type < NLMSG_MIN_TYPE)
		return NULL;
	*len = head.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	return (const unsigned char *)datagram + NLMSG_HDRLEN + GENL_HDRLEN;
}

uint32_t power_parse_group(const void *answer, size_t len)
{
	const unsigned char *groups = message_attributes(answer, &len);
	size_t entry_len, name_len, id_len;
	const unsigned char *entry, *name, *id;
	uint32_t group = 0;

	if (!groups || !(groups = attribute(groups, &len, CTRL_ATTR_MCAST_GROUPS)))
		return 0;
	/* A list of nested entries, each a name and an id; the family has only one. */
	entry_len = len;
	entry = attribute(groups, &entry_len, 0);
	if (!entry)
		return 0;
	name_len = id_len = entry_len;
	name = attribute(entry, &name_len, CTRL_ATTR_MCAST_GRP_NAME);
	id = attribute(entry, &id_len, CTRL_ATTR_MCAST_GRP_ID);
	if (name && name_len == sizeof GROUP && memcmp(name, GROUP, sizeof GROUP) == 0 && id &&
	    id_len == sizeof group)
		memcpy(&group, id, sizeof group);
	return group;
}

bool power_parse_event(const void *datagram, size_t len)
{
	const unsigned char *event = message_attributes(datagram, &len);

	if (!event || !(event = attribute(event, &len, ATTR_EVENT)))
		return false;
	return len >= CLASS_BYTES && memcmp(event, POWER_CLASS, sizeof POWER_CLASS) == 0;
}

static bool ask_for_family(int fd)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[(sizeof FAMILY + 3) & ~3UL];
	} request = {
		.head = {
			.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN + HEADER + sizeof FAMILY,
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_len = HEADER + sizeof FAMILY, .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = FAMILY,
	};

	return send(fd, &request, request.head.nlmsg_len, 0) == (ssize_t)request.head.nlmsg_len;
}

int power_listen(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	unsigned char answer[2048];
	uint32_t group = 0;
	ssize_t n;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);

	/* The kernel answers within send(2), so that there is nothing to wait for. */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&kernel, sizeof kernel) == 0 &&
	    ask_for_family(fd) && (n = recv(fd, answer, sizeof answer, 0)) > 0)
		group = power_parse_group(answer, (size_t)n);
	if (group && setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0)
		return fd;
	note("no power button: the kernel has no ACPI events");
	if (fd >= 0)
		close(fd);
	return -1;
}

bool power_pressed(int fd)
{
	unsigned char datagram[512];
	bool pressed = false;

	for (;;) {
		ssize_t n = recv(fd, datagram, sizeof datagram, 0);

		/* ENOBUFS: events were lost, the socket lives on. */
		if (n < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (n <= 0)
			return pressed;
		pressed |= power_parse_event(datagram, (size_t)n);
	}
}
