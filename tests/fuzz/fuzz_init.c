/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What PID 1 reads from outside: the kernel's command line, a disk's superblock, a terminal's
 * answer, a DHCP lease, netlink messages. The first byte chooses. init is a program of its own that
 * no library holds, so its parsers are taken in by their sources. */
#include "init/cmdline.c"
#include "init/dhcp.c"
#include "init/disk.c"
#include "init/file.c"
#include "init/power.c"
#include "init/say.c"
#include "init/winsize.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the parser that did not hold. */
static void must(bool held)
{
	if (!held)
		abort();
}

static void fuzz_cmdline(const char *text)
{
	static struct cmdline cmd;

	cmdline_parse(text, &cmd);
	must(cmd.n_consoles <= CONSOLES_MAX && cmd.hostname[0] && !strchr(cmd.hostname, '/'));
	for (unsigned i = 0; i < cmd.n_consoles; i++)
		must(!strpbrk(cmd.consoles[i], "./"));
	must(!strpbrk(cmd.status, "./"));
}

static void fuzz_superblock(const uint8_t *data, size_t size)
{
	unsigned char sb[EXT4_SUPER_SIZE] = { 0 };
	struct ext4_summary fs;

	memcpy(sb, data, size < sizeof sb ? size : sizeof sb);
	if (ext4_parse(sb, &fs))
		must(fs.bytes >= fs.block_size && fs.block_size >= 1024);
}

static void fuzz_answer(char *text, size_t size)
{
	unsigned short rows = 0, cols = 0;
	size_t len = size;

	while (winsize_take_answer(text, &len, &rows, &cols))
		must(len < size && rows > 0 && cols > 0);
}

static void fuzz_lease(const char *text)
{
	struct route routes[ROUTES_MAX];
	char conf[640];
	unsigned n = dhcp_parse_routes(text, routes);

	must(n <= ROUTES_MAX);
	for (unsigned i = 0; i < n; i++)
		must(routes[i].prefix <= 32);
	if (dhcp_resolv_conf(text, text, conf, sizeof conf) > 0)
		must(strspn(conf, "search nameserver\n.-_0123456789abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(conf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	size--;
	text = malloc(size + 1);
	must(text);
	memcpy(text, data + 1, size);
	text[size] = '\0';
	switch (data[0] % 5) {
	case 0:
		fuzz_cmdline(text);
		break;
	case 1:
		fuzz_superblock(data + 1, size);
		break;
	case 2:
		fuzz_answer(text, size);
		break;
	case 3:
		fuzz_lease(text);
		break;
	default:
		power_parse_group(data + 1, size);
		power_parse_event(data + 1, size);
		break;
	}
	free(text);
	return 0;
}
