/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/shutdown.h"

#include "init/file.h"
#include "init/main.h"
#include "init/mounts.h"
#include "init/say.h"
#include "init/supervise.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#define STOP_MS \
	12000 /* for the containers: ten seconds of grace, as Docker gives them, and a little for \
		 the rest */
#define TERM_MS  2000
#define KILL_MS  2000
#define DISKS_MS 15000
#define FORCE_MS 5000

static enum { RUNNING, STOPPING, TERMINATING, KILLING, RELEASING, FORCING } phase;
static enum shutdown_kind kind;
static int64_t limit;
static const struct service *awaited;

static void stop_containers(void *arg)
{
	const char *argv[] = { "knarr", "shutdown", NULL };

	(void)arg;
	run_program(KNARR_PROGRAM, argv, NULL);
	note(KNARR_PROGRAM ": %s", strerror(errno));
}

static void go_down(void)
{
	static const unsigned commands[] = {
		[SHUTDOWN_POWEROFF] = RB_POWER_OFF,
		[SHUTDOWN_REBOOT] = RB_AUTOBOOT,
		[SHUTDOWN_HALT] = RB_HALT_SYSTEM,
	};

	/* The kernel's own last word would end up in the output of the command that was run. */
	if (say_muted())
		file_write("/proc/sys/kernel/printk", "0");
	/* In a child, since the kernel ends the caller of a halt, and may not end PID 1. */
	reboot((int)commands[kind]);
	complain("the kernel does not go down: %s", strerror(errno));
}

static void release_and_go(void *arg)
{
	(void)arg;
	sync();
	mounts_release();
	sync();
	go_down();
}

static void just_go(void *arg)
{
	(void)arg;
	complain("the disks did not come to rest in time; going down without them");
	go_down();
}

static struct service stopper = { .name = "knarr shutdown", .run = stop_containers };
static struct service releaser = { .name = "release", .run = release_and_go };
static struct service forcer = { .name = "force", .run = just_go };

void shutdown_begin(enum shutdown_kind what)
{
	static const char *const words[] = {
		[SHUTDOWN_POWEROFF] = "power off",
		[SHUTDOWN_REBOOT] = "reboot",
		[SHUTDOWN_HALT] = "halt",
	};

	if (phase != RUNNING)
		return;
	phase = STOPPING;
	kind = what;
	supervise_hold();
	say("%s: stopping containers", words[what]);
	limit = clock_ms() + STOP_MS;
	service_start(&stopper);
}

void shutdown_await(const struct service *s)
{
	awaited = s;
}

bool shutdown_running(void)
{
	return phase != RUNNING;
}

static void signal_all(int sig)
{
	/* Everything but PID 1 itself; ESRCH means that nothing is left, which the loop sees too.
	 */
	kill(-1, sig);
}

int64_t shutdown_step(int64_t now, bool childless)
{
	switch (phase) {
	case RUNNING:
		return SUPERVISE_NEVER;
	case STOPPING:
		if ((stopper.pid > 0 || (awaited && awaited->pid > 0)) && now < limit)
			return limit;
		if (stopper.pid > 0)
			complain("'knarr shutdown' takes longer than %d s; containers are killed",
				 STOP_MS / 1000);
		/* A shell at its prompt ignores SIGTERM and heeds the hang-up; what is stopped must
		 * run to hear either. */
		signal_all(SIGTERM);
		signal_all(SIGHUP);
		signal_all(SIGCONT);
		phase = TERMINATING;
		limit = now + TERM_MS;
		return now;
	case TERMINATING:
		if (!childless && now < limit)
			return limit;
		signal_all(SIGKILL);
		phase = KILLING;
		limit = now + KILL_MS;
		return now;
	case KILLING:
		/* What does not die of SIGKILL waits for a device. */
		if (!childless && now < limit)
			return limit;
		service_start(&releaser);
		phase = RELEASING;
		limit = now + DISKS_MS;
		return limit;
	case RELEASING:
		if (releaser.pid > 0 && now < limit)
			return limit;
		phase = FORCING;
		break;
	case FORCING:
		break;
	}
	/* Again and again: there is nothing better left to do. */
	if (forcer.pid == 0 && now >= limit) {
		service_start(&forcer);
		limit = now + FORCE_MS;
	}
	return limit;
}
