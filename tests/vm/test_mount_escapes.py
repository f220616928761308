# SPDX-License-Identifier: GPL-2.0-or-later
"""Known ways out of containers by mounts, each tried against `docker run` and against `knarr-oci`. What the machine must keep
is /tmp/escape/victim: it stays empty. /tmp/escape/vol is a folder that the container under attack shares with a neighbour,
who may do there what he likes."""

import re

import pytest

import archive
import oci
import testbox
from test_cp_attacks import RACER, compiled

TOP = "/tmp/escape"
VICTIM = f"{TOP}/victim"


class Engine:
    """`docker run` of busybox with binds."""

    name = "docker"
    failed = 125

    def __init__(self, machine):
        self.machine = machine

    def run(self, script, binds, words=""):
        binds = " ".join(f"-v {source}:{target}" for source, target in binds)
        return self.machine.run(f"docker run --rm {words} {binds} busybox sh -c '{script}'")

    def close(self):
        pass


class Oci:
    """`knarr-oci run` of the same."""

    name = "knarr-oci"
    failed = 1

    def __init__(self, machine):
        self.box = oci.Bundles(machine)

    def run(self, script, binds, words=""):
        def change(config):
            targets = [target for _, target in binds]
            config["mounts"] = [m for m in config["mounts"] if not covered(m["destination"], targets)]
            config["mounts"] += [{"destination": target, "source": source, "options": ["rbind"]} for source, target in binds]
            config["linux"]["maskedPaths"] = ["/proc/keys", "/proc/timer_list", "/proc/acpi"]
            config["linux"]["readonlyPaths"] = ["/proc/sys", "/proc/sysrq-trigger"]
            for setting in re.findall(r"--sysctl (\S+)=(\S+)", words):
                config["linux"].setdefault("sysctl", {})[setting[0]] = setting[1]
        terminal = "-t" in words.split()
        self.box.shell(script, change=change, terminal=terminal)
        return self.box.run(f"run -b {self.box.bundle}", "attacked")

    def close(self):
        self.box.close()


def covered(destination, targets):
    """As the engine has it: who brings a /dev brings what is in it."""
    return any(destination == t or t == "/dev" and destination.startswith("/dev/") for t in targets)


@pytest.fixture
def ground(machine):
    machine.ok(f"rm -rf {TOP}; mkdir -p {VICTIM} {TOP}/vol {TOP}/other; echo OTHER >{TOP}/other/file")
    pattern = machine.ok("cat /proc/sys/kernel/core_pattern")
    yield machine
    machine.run(f"test ! -e {TOP}/racer.pid || kill $(cat {TOP}/racer.pid)")
    assert machine.ok(f"ls -A {VICTIM}") == "", "the machine was written to"
    assert machine.ok("cat /proc/sys/kernel/core_pattern") == pattern
    assert TOP not in machine.ok("cat /proc/self/mountinfo"), "a mount is left"
    machine.ok(f"rm -rf {TOP}")


@pytest.fixture(params=[Engine, Oci], ids=lambda c: c.name)
def attacked(request, ground):
    runner = request.param(ground)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def racer(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("racer"), "racer", RACER, "-static")


def race(machine, racer, *names):
    """A neighbour who exchanges the first name with the others in turn."""
    path = machine.put("mount-racer", racer)
    machine.ok(f"cp {path} {TOP}/racer && chmod +x {TOP}/racer && cd {TOP} && {{ ./racer {' '.join(names)} >/dev/null 2>&1 </dev/null & "
               f"echo $! >{TOP}/racer.pid; }}")


# ---- CVE-2021-30465: a mount point is a folder when it is checked and a link when it is mounted on

@pytest.mark.host_is_enough  # a race wants speed
@pytest.mark.parametrize("target", [VICTIM, f"../../../../../../../..{VICTIM}", "/proc/self/cwd", "/proc/self/root"])
def test_race_of_mount_points(attacked, ground, racer, target):
    ground.ok(f"mkdir {TOP}/vol/a; ln -s {target} {TOP}/vol/b")
    race(ground, racer, "vol/a", "vol/b")
    seen = set()
    for i in range(60):
        result = attacked.run("grep -o \"/vol/[ab]/new[0-9]*\" /proc/self/mountinfo; cat /vol/a/*/file; ls /tmp", [(f"{TOP}/vol", "/vol"), (f"{TOP}/other", f"/vol/a/new{i}")])
        # in the container or not at all
        assert result.status in (0, 1, attacked.failed), result.out
        assert "escape" not in result.out.replace(TOP, "") or target == VICTIM or target.startswith(".."), result.out
        seen.add(f"/new{i}\n" in result.out)
        if i > 10 and True in seen:
            break
    assert ground.ok(f"ls -A {VICTIM}") == ""
    assert True in seen, "not once was it mounted where it should be"


# ---- CVE-2019-16884, CVE-2023-27561: a /proc of the image's own

def test_volume_over_proc(ground):
    """The image asks for a volume at /proc, or behind a link that leads there."""
    base = archive.layer(*testbox._base())
    evil = archive.layer(archive.folder("proc"), archive.symlink("way", "/proc"), archive.symlink("self", "proc/self"))
    for n, volume in enumerate(("/proc", "/way", "/proc/self/attr", "/self/attr", "/proc/sys")):
        image = archive.Image([base, evil], {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Volumes": {volume: {}}})
        path = archive.docker_archive(ground.share / f"escape-volume{n}.tar", image, [f"escape{n}:latest"])
        ground.ok(f"docker load -i {ground.link(path)}")
        result = ground.run(f"docker run --rm escape{n} sh -c 'ls /proc/self/attr/ | wc -l; cat /proc/1/comm'")
        assert result.status == 125 and "refusing to mount over" in result.out, (volume, result.out)
    ground.ok("docker rmi escape0 escape1 escape2 escape3 escape4; docker volume prune -a -f; rm -f "
             + f"{ground.share_path}/escape-volume*")


@pytest.mark.host_is_enough  # nothing in it depends on the kernel
def test_bind_over_proc(attacked, ground):
    ground.ok(f"mkdir -p {TOP}/fake/self/attr {TOP}/fake/sys/kernel; ln -s /proc {TOP}/vol/proc")
    for where in ("/proc", "/proc/self/attr", "/proc/sys", "/proc/sys/kernel", "/proc/1/attr", "/proc/version", "/way/proc",
                  "/proc/../proc", "//proc/"):
        result = attacked.run("cat /proc/1/comm", [(f"{TOP}/vol", "/way"), (f"{TOP}/fake", where)])
        assert result.status == attacked.failed and "refusing to mount over" in result.out, (where, result.out)


@pytest.mark.host_is_enough  # nothing in it depends on the kernel
def test_figures_may_be_replaced(attacked, ground):
    """What lxcfs does is none of this."""
    ground.ok(f"echo figures >{TOP}/vol/figures")
    for name in ("cpuinfo", "meminfo", "stat", "uptime"):
        result = attacked.run(f"cat /proc/{name}", [(f"{TOP}/vol/figures", f"/proc/{name}")])
        assert result.out.endswith("figures\n") and result.status == 0, result.out


@pytest.mark.parametrize("target", ["fake", "../../../../../../../tmp/escape/victim"])
def test_proc_is_a_link(ground, target):
    """Then what is masked, and what is written, would be elsewhere."""
    layer = archive.layer(archive.folder("fake"), archive.symlink("proc", target), archive.symlink("sys", target))
    image = archive.Image([archive.layer(*testbox._base()), layer], {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    path = archive.docker_archive(ground.share / "escape-proc.tar", image, ["escape:latest"])
    ground.ok(f"docker load -i {ground.link(path)}")
    result = ground.run("docker run --rm escape true")
    assert result.status == 125 and "no ordinary folder: /proc" in result.out, result.out
    ground.ok(f"docker rmi escape; rm -f {ground.share_path}/escape-proc.tar")


@pytest.mark.host_is_enough  # nothing in it depends on the kernel
def test_proc_of_a_bundle_is_a_link(ground):
    runner = Oci(ground)
    root = f"{runner.box.bundle}/rootfs"
    for target in ("fake", "/fake", f"../../../../../../..{VICTIM}"):
        ground.ok(f"mkdir -p {root}/fake; rm -rf {root}/proc; ln -s {target} {root}/proc")
        result = runner.run("true", [])
        assert result.status == 1 and "no ordinary folder: /proc" in result.out, result.out
    runner.close()


# ---- CVE-2025-31133: the null device that masks are made of is replaced

FAKES = {
    "link": "ln -s /proc/sys/kernel/core_pattern {}",
    "link within": "ln -s zero {}; mknod {}.x c 1 5",
    "file": "echo FAKE >{}",
    "folder": "mkdir {}",
    "other device": "mknod {} c 1 5",
    "fifo": "mkfifo {}",
}


def test_null_is_replaced(attacked, ground):
    for what, fake in FAKES.items():
        ground.ok(f"(cd {TOP}/vol; rm -rf dev; mkdir -p dev/pts dev/shm dev/mqueue; {fake.format('dev/null', 'dev/null')})")
        result = attacked.run("echo started", [(f"{TOP}/vol/dev", "/dev")])
        assert result.status == attacked.failed and "started" not in result.out and "/dev/null" in result.out, (what, result.out)


@pytest.mark.host_is_enough  # a race wants speed
@pytest.mark.parametrize("target", ["/proc/sys/kernel/core_pattern", "/vol"])
def test_race_of_null(attacked, ground, racer, target):
    """The same while the masks are made. What starts has all its masks."""
    ground.ok(f"mkdir -p {TOP}/vol/dev/pts {TOP}/vol/dev/shm {TOP}/vol/dev/mqueue; cd {TOP}/vol/dev; mknod null c 1 3; ln -s {target} other")
    race(ground, racer, "vol/dev/null", "vol/dev/other")
    for _ in range(12):
        result = attacked.run("for f in keys timer_list; do test ! -e /proc/$f || stat -c %t:%T /proc/$f; done; "
                              "echo x 2>/dev/fd/1 >/proc/sys/kernel/core_pattern; echo started", [(f"{TOP}/vol/dev", "/dev")])
        if "started" in result.out:
            assert set(re.findall(r"^[0-9a-f]+:[0-9a-f]+$", result.out, re.M)) <= {"1:3"}, result.out
        else:
            assert result.status == attacked.failed, result.out


# ---- CVE-2025-52565: where the console goes is a link

@pytest.mark.parametrize("target", ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/etc/passwd", "pts/0"])
def test_console_is_a_link(ground, target):
    """In a /dev that is shared; covered, the file behind the link would be the container's terminal, and writable."""
    nodes = " ".join(f"'{d}'" for d in ("null c 1 3", "zero c 1 5", "full c 1 7", "random c 1 8", "urandom c 1 9", "tty c 5 0"))
    ground.ok(f"mkdir -p {TOP}/vol/dev/pts; (cd {TOP}/vol/dev; for d in {nodes}; do mknod $d; done; ln -s {target} console)")
    runner = Oci(ground)

    def change(config):
        config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
        config["mounts"] += [{"destination": "/dev", "source": f"{TOP}/vol/dev", "options": ["bind"]},
                             {"destination": "/dev/pts", "type": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]
    runner.box.shell("echo st''arted; cat /proc/self/mountinfo", change=change, terminal=True)
    with ground.spawn(runner.box.cmd(f"run -b {runner.box.bundle}", "attacked")) as session:
        status = session.end()
        assert status == 1 and "started" not in session.rest and "/dev/console" in session.rest, session.rest
    # and that a file would have been fine
    ground.ok(f"rm {TOP}/vol/dev/console")
    with ground.spawn(runner.box.cmd(f"run -b {runner.box.bundle}", "attacked")) as session:
        assert (session.end(), "started" in session.rest) == (0, True), session.rest
    runner.close()


# ---- CVE-2025-52881: what is written below /proc goes elsewhere

@pytest.mark.host_is_enough  # a race wants speed
def test_race_of_settings(attacked, ground, racer):
    """A setting is written while the folders of a shared volume, through which /proc might be reached, are exchanged."""
    ground.ok(f"mkdir -p {TOP}/vol/proc/sys/kernel {TOP}/vol/sys; cd {TOP}/vol; echo UNTOUCHED >proc/sys/kernel/msgmax; ln -s /proc link")
    race(ground, racer, "vol/proc", "vol/link")
    for _ in range(8):
        result = attacked.run("cat /proc/sys/kernel/msgmax", [(f"{TOP}/vol", "/vol")], "--sysctl kernel.msgmax=4242")
        assert (result.out.splitlines()[-1], result.status) == ("4242", 0), result.out
    ground.ok(f"kill $(cat {TOP}/racer.pid); rm {TOP}/racer.pid")
    assert "UNTOUCHED" in ground.ok(f"cat {TOP}/vol/*/sys/kernel/msgmax")


@pytest.mark.host_is_enough  # nothing in it depends on the kernel
def test_settings_cannot_lead_elsewhere(attacked):
    for setting in ("kernel/../../../tmp/escape/victim/x", "../sysrq-trigger", "kernel/../../self/oom_score_adj", "/kernel/msgmax"):
        result = attacked.run("echo started", [], f"--sysctl {setting}=1")
        assert result.status == attacked.failed and "started" not in result.out, (setting, result.out)


# ---- CVE-2022-0492: release_agent of a cgroup v1 that the container mounts

MOUNT = "mkdir -p /tmp/c; for o in memory rdma pids; do mount -t cgroup -o $o cgroup /tmp/c && echo MOUNTED; done; "
ATTACK = (MOUNT + "{ unshare -UrmC sh -c \"mount -t cgroup -o rdma cgroup /tmp/c && echo MOUNTED; echo x >/tmp/c/release_agent && echo WRITTEN\"; }; "
          "find / -xdev -name release_agent; find /sys/fs/cgroup -name release_agent | while read f; do "
          "{ echo /tmp/escape/victim/x >$f; } && echo WRITTEN; done; "
          "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /sys/kernel/uevent_helper; do { echo \"|/x\" >$f; } && echo WRITTEN; done")


@pytest.mark.parametrize("words", ["", "--security-opt seccomp=unconfined"])
def test_release_agent(ground, words):
    result = ground.run(f"docker run --rm {words} busybox sh -c '{{ {ATTACK}; }} 2>/dev/null; echo end'")
    assert result.out.splitlines()[-1] == "end" and "MOUNTED" not in result.out and "WRITTEN" not in result.out, result.out


@pytest.mark.host_is_enough  # the appliance has no cgroup v1 at all
def test_the_attack_would_tell(ground):
    result = ground.run(f"docker run --rm --privileged busybox sh -c '{{ {MOUNT} }} 2>/dev/null; echo end'")
    assert "MOUNTED" in result.out, result.out


# ---- CVE-2020-15257: a runtime's socket that is no file can be connected to from the network namespace it is in

def test_no_abstract_sockets(ground):
    def abstract():
        return {line.split()[-1] for line in ground.ok("cat /proc/net/unix").splitlines() if line.split()[-1].startswith("@")}

    before = abstract()
    name = ground.ok("docker run -d --name quiet busybox sleep 1000").strip()
    ground.ok("docker exec quiet true; docker exec -d quiet sleep 100")
    new = abstract() - before
    assert not [path for path in new if re.search(r"knarr|quiet|shim|control|/", path)], new
    # the socket is a file, which is root's alone
    sockets = ground.ok(f"find /run -type s -path '*{name}*'").split()
    assert sockets
    for path in sockets:
        out = ground.ok(f"p={path}; while test $p != /; do stat -c '%a %u' $p; p=$(dirname $p); done").splitlines()
        assert any(line in ("700 0", "600 0") for line in out), (path, out)
    ground.ok("docker rm -f quiet")
