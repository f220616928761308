/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What PID 1 believes of a DHCP lease, and of the kernel's messages about the power button. */
#include "init/dhcp.h"
#include "init/power.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void events(void **state)
{
	(void)state;
	assert_true(dhcp_is_event("bound"));
	assert_true(dhcp_is_event("deconfig"));
	assert_false(dhcp_is_event(""));
	assert_false(dhcp_is_event("0"));
}

static void routes(void **state)
{
	struct route r[ROUTES_MAX];

	(void)state;
	assert_int_equal(dhcp_parse_routes("10.0.0.0/8 10.0.2.1  0.0.0.0/0 10.0.2.2 ", r), 2);
	assert_int_equal(r[0].prefix, 8);
	assert_int_equal(r[0].to.s_addr, htonl(0x0a000000));
	assert_int_equal(r[1].prefix, 0);
	assert_int_equal(r[1].gateway.s_addr, htonl(0x0a000202));
}

static void routes_that_are_none(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"10.0.0.0/8",
		"10.0.0.0/8 ",
		"10.0.0.0 10.0.0.1",
		"10.0.0.0/33 10.0.0.1",
		"10.0.0.0/ 10.0.0.1",
		"10.0.0/8 10.0.0.1",
		"10.0.0.0/8 gateway",
		"10.0.0.0/8x 10.0.0.1",
		"10.0.0.0/00000000000000000000000008 10.0.0.1",
	};
	struct route r[ROUTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(dhcp_parse_routes(texts[i], r), 0);
	assert_int_equal(dhcp_parse_routes("10.0.0.0/8 10.0.0.1 nonsense 10.0.0.1", r), 1);
}

static void more_routes_than_there_is_room_for(void **state)
{
	char text[20 * 24 + 1] = "";
	struct route r[ROUTES_MAX];

	(void)state;
	for (int i = 0; i < 20; i++)
		strcat(text, "10.0.0.0/8 10.0.0.1 ");
	assert_int_equal(dhcp_parse_routes(text, r), ROUTES_MAX);
}

static void resolver(void **state)
{
	char text[640];

	(void)state;
	assert_int_equal(dhcp_resolv_conf("10.0.2.3 10.0.2.4", "example.org", text, sizeof text),
			 2);
	assert_string_equal(text, "search example.org\nnameserver 10.0.2.3\nnameserver 10.0.2.4\n");
	assert_int_equal(
		dhcp_resolv_conf("1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4", NULL, text, sizeof text), 3);
	assert_null(strstr(text, "4.4.4.4"));
	assert_null(strstr(text, "search"));
}

static void resolver_drops_what_is_no_address(void **state)
{
	char text[640], small[20];

	(void)state;
	assert_int_equal(dhcp_resolv_conf("evil\noptions 1.1.1.1", NULL, text, sizeof text), 1);
	assert_string_equal(text, "nameserver 1.1.1.1\n");
	assert_int_equal(dhcp_resolv_conf("1.1.1.1", "a\nnameserver 6.6.6.6", text, sizeof text),
			 1);
	assert_string_equal(text, "nameserver 1.1.1.1\n");
	assert_int_equal(dhcp_resolv_conf("", "example.org", text, sizeof text), 0);
	assert_int_equal(dhcp_resolv_conf("255.255.255.255 1.1.1.1", NULL, small, sizeof small), 0);
}

/* A datagram as the kernel builds it: one attribute of type 1 with the event. */
static size_t button(unsigned char *buf, const char *class, size_t payload)
{
	struct nlmsghdr head = { .nlmsg_type = 0x1c };
	struct nlattr attr = { .nla_type = 1 };

	memset(buf, 0, 256);
	attr.nla_len = (unsigned short)(sizeof attr + payload);
	head.nlmsg_len = (unsigned)(sizeof head + GENL_HDRLEN + sizeof attr + payload);
	memcpy(buf, &head, sizeof head);
	memcpy(buf + sizeof head + GENL_HDRLEN, &attr, sizeof attr);
	memcpy(buf + sizeof head + GENL_HDRLEN + sizeof attr, class, strlen(class));
	return head.nlmsg_len;
}

static void power_button(void **state)
{
	unsigned char buf[256];
	size_t len = button(buf, "button/power", 44);

	(void)state;
	assert_true(power_parse_event(buf, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(power_parse_event(buf, cut));
	assert_false(power_parse_event(buf, button(buf, "button/sleep", 44)));
	assert_false(power_parse_event(buf, button(buf, "button/powerful", 44)));
	assert_false(power_parse_event(buf, button(buf, "button/power", 16)));
}

static void multicast_group(void **state)
{
	/* family id 7 | groups { 1: { id 5, name acpi_mc_group } } */
	static const uint32_t group = 5;
	unsigned char buf[128] = { 0 };
	struct nlmsghdr head = { .nlmsg_type = GENL_ID_CTRL };
	struct nlattr groups = { .nla_type = CTRL_ATTR_MCAST_GROUPS | NLA_F_NESTED,
				 .nla_len = 4 + 4 + 8 + 20 };
	struct nlattr one = { .nla_type = 1 | NLA_F_NESTED, .nla_len = 4 + 8 + 20 };
	struct nlattr id = { .nla_type = CTRL_ATTR_MCAST_GRP_ID, .nla_len = 8 };
	struct nlattr name = { .nla_type = CTRL_ATTR_MCAST_GRP_NAME, .nla_len = 4 + 14 };
	struct nlattr family = { .nla_type = CTRL_ATTR_FAMILY_ID, .nla_len = 6 };
	unsigned char *at = buf + sizeof head + GENL_HDRLEN;
	size_t len;

	(void)state;
	memcpy(at, &family, 4);
	memcpy(at += 8, &groups, 4);
	memcpy(at += 4, &one, 4);
	memcpy(at += 4, &id, 4);
	memcpy(at + 4, &group, 4);
	memcpy(at += 8, &name, 4);
	memcpy(at + 4, "acpi_mc_group", 14);
	len = (size_t)(at + 20 - buf);
	head.nlmsg_len = (unsigned)len;
	memcpy(buf, &head, sizeof head);
	assert_int_equal(power_parse_group(buf, len), 5);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(power_parse_group(buf, cut), 0);
	at[4] = 'b';
	assert_int_equal(power_parse_group(buf, len), 0);
}

static void attributes_that_lie_about_their_length(void **state)
{
	unsigned char buf[256];
	size_t len = button(buf, "button/power", 44);

	(void)state;
	for (unsigned lie = 0; lie < 65536; lie += 7) {
		unsigned short value = (unsigned short)lie;

		memcpy(buf + NLMSG_HDRLEN + GENL_HDRLEN, &value, 2);
		power_parse_event(buf, len);
		power_parse_group(buf, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(routes),
		cmocka_unit_test(routes_that_are_none),
		cmocka_unit_test(more_routes_than_there_is_room_for),
		cmocka_unit_test(resolver),
		cmocka_unit_test(resolver_drops_what_is_no_address),
		cmocka_unit_test(power_button),
		cmocka_unit_test(multicast_group),
		cmocka_unit_test(attributes_that_lie_about_their_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
