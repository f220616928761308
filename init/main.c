/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot, from the first instruction to the event loop. Read main() first, then boot(), then
 * serve(). */
#include "init/main.h"

#include "init/cmdline.h"
#include "init/console.h"
#include "init/dhcp.h"
#include "init/file.h"
#include "init/mounts.h"
#include "init/network.h"
#include "init/power.h"
#include "init/rescue.h"
#include "init/say.h"
#include "init/shutdown.h"
#include "init/store.h"
#include "init/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a prompt waits for the store (a disk may need a thorough check), and then for `knarr
 * boot`. A command on the kernel's command line is no person: it waits until it finds what it was
 * promised. */
#define STORE_PATIENCE_MS 20000
#define BOOT_PATIENCE_MS  2000
#define EXEC_PATIENCE_MS  120000

static struct cmdline cmd;
static struct store_report *report; /* shared with the children */
static int gate[2] = { -1, -1 };    /* consoles wait until its read end is readable */
static int64_t gate_due = SUPERVISE_NEVER;

static void prepare_storage(void *arg)
{
	(void)arg;
	mounts_cgroup();
	store_prepare(cmd.ram_store, report);
	mounts_share();
}

static void run_knarr_boot(void *arg)
{
	const char *argv[] = { "knarr", "boot", NULL };

	(void)arg;
	run_program(KNARR_PROGRAM, argv, NULL);
	complain(KNARR_PROGRAM ": %s: no containers without it", strerror(errno));
}

static void open_gate(void)
{
	if (gate_due == SUPERVISE_NEVER)
		return;
	gate_due = SUPERVISE_NEVER;
	if (write(gate[1], "", 1) < 0)
		complain("the consoles cannot be told to go on: %s", strerror(errno));
}

static void storage_ended(struct service *s);
static void boot_ended(struct service *s);

static struct service storage = { .name = "storage",
				  .run = prepare_storage,
				  .ended = storage_ended };
static struct service boot_run = { .name = "knarr boot",
				   .run = run_knarr_boot,
				   .ended = boot_ended };

static void storage_ended(struct service *s)
{
	if (shutdown_running())
		return;
	if (!report->ready)
		complain("no store: preparing it ended with %d", status_code(s->status));
	if (!cmd.has_exec && gate_due != SUPERVISE_NEVER)
		gate_due = clock_ms() + BOOT_PATIENCE_MS;
	service_start(&boot_run);
}

static void boot_ended(struct service *s)
{
	if (status_code(s->status) != 0 && access(KNARR_PROGRAM, X_OK) == 0 && !shutdown_running())
		complain("'knarr boot' ended with %d", status_code(s->status));
	open_gate();
}

/* --- consoles and network: one service each --- */

static void console_ended(struct service *s)
{
	if (cmd.has_exec)
		shutdown_begin(SHUTDOWN_POWEROFF);
	else
		service_again(s);
}

static void start_consoles(void)
{
	static struct console consoles[CONSOLES_MAX];
	static struct service sessions[CONSOLES_MAX];
	static char ttys[CONSOLES_MAX][TTY_NAME_MAX];
	char active[256];
	unsigned n;

	file_read("/sys/class/tty/console/active", active, sizeof active);
	n = console_list(&cmd, active, ttys);
	for (unsigned i = 0; i < n && (i == 0 || !cmd.has_exec); i++) {
		memcpy(consoles[i].tty, ttys[i], TTY_NAME_MAX);
		consoles[i].cmd = &cmd;
		consoles[i].store = report;
		consoles[i].gate_fd = gate[0];
		sessions[i].name = ttys[i];
		sessions[i].run = cmd.has_exec ? console_exec : console_shell;
		sessions[i].arg = &consoles[i];
		sessions[i].ended = console_ended;
		service_start(&sessions[i]);
	}
}

static void start_network(void)
{
	static struct service clients[CARDS_MAX];
	static char cards[CARDS_MAX][IFNAMSIZ];
	unsigned n = network_cards(cards);

	for (unsigned i = 0; i < n; i++) {
		clients[i].name = cards[i];
		clients[i].run = network_dhcp;
		clients[i].arg = cards[i];
		clients[i].ended = service_again;
		service_start(&clients[i]);
	}
}

/* --- the boot --- */

static void open_standard_files(void)
{
	/* The kernel opened /dev/console three times for us if the initramfs has that node, and
	 * nothing if not. */
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd < 2)
		fd = dup(fd);
	if (fd > 2)
		close(fd);
	fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
}

static void read_command_line(void)
{
	static char text[CMDLINE_MAX];

	if (file_read("/proc/cmdline", text, sizeof text) < 0)
		complain("kernel command line: %s", strerror(errno));
	cmdline_parse(text, &cmd);
	say_mute(cmd.has_exec);
	if (cmd.complaint[0])
		complain("%s", cmd.complaint);
}

static void check_clock(void)
{
	/* 2024-01-01. The kernel has set the clock from the machine's by now, if there is one. */
	if (time(NULL) < 1704067200)
		complain("the machine has no clock: certificates will look invalid (time is %ld)",
			 (long)time(NULL));
}

static void boot(void)
{
	umask(022);
	say_open();
	mounts_root();
	mounts_kernel();
	open_standard_files();
	read_command_line();

	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED || pipe2(gate, O_CLOEXEC | O_NONBLOCK) < 0) {
		/* Without a page of memory nothing else will go either; a fault is what rescue.c is
		 * for. */
		complain("no memory to boot with: %s", strerror(errno));
		raise(SIGABRT);
	}
	gate_due = clock_ms() + (cmd.has_exec ? EXEC_PATIENCE_MS : STORE_PATIENCE_MS);

	/* The disks are looked at while the terminals are asked for their size; neither waits for
	 * the network. */
	service_start(&storage);
	shutdown_await(&storage);
	start_consoles();
	network_base(cmd.hostname);
	start_network();
	check_clock();
	/* Ctrl-Alt-Del becomes a SIGINT to us instead of an instant reset. */
	reboot(RB_DISABLE_CAD);
}

/* --- the event loop --- */

static int catch_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	sigset_t caught;

	/* Blocked, all of them, and read from a descriptor; but a fault whose signal is blocked
	 * kills for good. */
	sigfillset(&caught);
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&caught, faults[i]);
	sigprocmask(SIG_SETMASK, &caught, NULL);
	return signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The signals are those that BusyBox's poweroff, reboot and halt send to PID 1, and what the kernel
 * sends. */
static void obey(uint32_t sig)
{
	switch (sig) {
	case SIGUSR2: /* poweroff */
	case SIGPWR:
		shutdown_begin(SHUTDOWN_POWEROFF);
		break;
	case SIGTERM: /* reboot */
	case SIGINT:  /* Ctrl-Alt-Del */
		shutdown_begin(SHUTDOWN_REBOOT);
		break;
	case SIGUSR1: /* halt */
		shutdown_begin(SHUTDOWN_HALT);
		break;
	default:
		break;
	}
}

static void read_signals(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info)
		obey(info.ssi_signo);
}

static int earlier(int64_t a, int64_t b, int64_t now)
{
	int64_t next = a < b ? a : b;

	if (next == SUPERVISE_NEVER)
		return -1;
	if (next <= now)
		return 0;
	return next - now > 60000 ? 60000 : (int)(next - now);
}

static _Noreturn void serve(int signal_fd, int power_fd)
{
	for (;;) {
		struct pollfd polls[2] = { { .fd = signal_fd, .events = POLLIN },
					   { .fd = power_fd, .events = POLLIN } };
		/* Whatever woke us, ended children are collected: a signal tells that there are
		 * some, not how many. */
		bool childless = !supervise_reap();
		int64_t now = clock_ms();
		int64_t next = supervise_due(now);
		int64_t step = shutdown_step(now, childless);

		if (now >= gate_due)
			open_gate();
		if (gate_due < next)
			next = gate_due;
		if (poll(polls, 2, earlier(next, step, now)) < 0)
			continue;
		if (polls[0].revents)
			read_signals(signal_fd);
		if (polls[1].revents && power_pressed(power_fd))
			shutdown_begin(SHUTDOWN_POWEROFF);
	}
}

int main(int argc, char **argv)
{
	int signal_fd;

	if (getpid() != 1) {
		if (argc > 1 && dhcp_is_event(argv[1]))
			return dhcp_event(argv[1]);
		fprintf(stderr,
			"init: the kernel starts this as PID 1; see 'poweroff' and 'reboot'\n");
		return 1;
	}
	rescue_arm();
	signal_fd = catch_signals();
	boot();
	serve(signal_fd, power_listen());
}
