# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that are killed in the middle of what they do to the store: at random moments, and before every call to the
kernel that changes something. (The machine that loses its power is in test_power_cuts.py.)

    make torture N=200      200 of the random ones, as many cuts of the power, and a tenth of that killings of QEMU"""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

import host
import model

# What a command changes the store by; "when" counts each apart.
CALLS = ["write", "pwrite64", "ftruncate", "fsync", "fdatasync", "flock", "linkat", "rename", "renameat", "renameat2",
         "unlinkat", "mkdirat", "symlinkat"]


class Shop:
    """A store of its own on this machine, the model of it, and commands to kill."""

    def __init__(self, binary, log, folder, **material):
        self.seed = model.seed()
        self.rng = random.Random(self.seed)
        self.machine = host.Host(binary, keep=log)
        self.machine.mark(f"KNARR_SEED={self.seed}")
        path, image = model.kept(folder, self.machine.link)
        self.material = model.Material(folder, self.machine.link, self.rng.random(), **material)
        self.machine.ok(f"docker load -i {path}")
        self.machine.ok("docker run --name changed kept:1 sh -c 'seq 1 50000 > /changed; rm /etc/passwd; mkdir /new'")
        self.state = model.State({"kept:1": "sha256:" + image.id}, {"sha256:" + image.id})
        self.steps = model.Steps(self.material, self.rng, self.has, str(self.machine.share))
        self.counts = {}

    def has(self, command):
        return self.machine.run(f"docker {command} --help").status == 0

    def check(self, step, reported, how):
        """Looks at the store after the step."""
        says = f"KNARR_SEED={self.seed}, {how}"
        result = self.machine.run("docker fsck -q")
        bad = model.left_over(result.out.splitlines())
        assert result.status == 0 and not bad, f"{step.command}: {says}: fsck ended with {result.status}:\n{result.out}"
        before = self.state
        self.state = model.check(self.machine.images(), step, before, reported, says)
        came = "reported" if reported else "done, not reported" if self.state.rows() != before.rows() else "as before"
        self.counts[step.kind, came] = self.counts.get((step.kind, came), 0) + 1
        if step.kind == "run":
            self.machine.run("docker rm -f killed")

    def restart(self):
        """As the next start of the machine: what was left over is gone."""
        self.machine.ok("docker boot")
        assert self.machine.ok(f"ls -A {self.machine.store}/tmp") == ""
        assert self.machine.ok("docker fsck -q") == ""

    def popen(self, command, prefix=()):
        return subprocess.Popen([*prefix, *command.split()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env=self.machine.env, cwd="/", start_new_session=True)

    def close(self):
        print(f"KNARR_SEED={self.seed}")
        for (kind, came), n in sorted(self.counts.items()):
            print(f"{n:4} {kind} {came}")
        # killed commands leave what their monitors and mounts were: the store goes with all of it
        self.machine.close()


@pytest.fixture
def shop(request, place, tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root: containers are made on this machine")
    made = Shop(request.config.getoption("--knarr"), request.config.rootpath.parents[1] / "build/test/vm/kills.log",
                tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.mark.host_is_enough
def test_killed_at_random(shop, kills):
    """A SIGKILL somewhere between a command's start and its usual end, the end, where the store is changed, more often."""
    usual = {}
    for n in range(kills):
        step = shop.steps.next(shop.state)
        if step.kind not in usual:
            begun = time.monotonic()
            shop.machine.ok(step.command)
            usual[step.kind] = time.monotonic() - begun
            shop.check(step, True, "not killed")
            step = shop.steps.next(shop.state, step.kind)
        share = shop.rng.random() if n % 2 else shop.rng.uniform(0.7, 1.1)
        delay = usual.get(step.kind, 0.1) * share
        process = shop.popen(step.command)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == 0:
            usual[step.kind] = min(usual[step.kind], delay)
        shop.check(step, process.returncode == 0, f"kill {n} after {delay:.4f} s")
        if n % 10 == 9:
            shop.restart()
    shop.restart()


@pytest.mark.host_is_enough
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("shop", [{"count": 2, "noise": 2000}], indirect=True)
@pytest.mark.parametrize("kind", ["load", "import", "tag", "rmi", "commit"])
def test_killed_before_every_call(shop, kind):
    """Systematically: killed before the first, second, ... call of each kind that changes something. Every attempt begins
    with the same store."""
    if not shop.has(kind):
        pytest.skip(f"there is no {kind} yet")
    step = shop.steps.next(shop.state, "load")
    shop.machine.ok(step.command)
    shop.check(step, True, "not killed")
    step = _that_changes_something(shop, kind)
    before, pristine = shop.state, shop.machine.store + ".pristine"
    shop.machine.ok(f"cp -a {shop.machine.store} {pristine}")
    for call in CALLS:
        for n in range(1, 60):
            shop.machine.ok(f"rm -rf {shop.machine.store} && cp -a {pristine} {shop.machine.store}")
            shop.state = before
            process = shop.popen(step.command, ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                                                f"inject={call}:signal=KILL:when={n}"])
            process.communicate()
            shop.check(step, process.returncode == 0, f"killed at {call} {n}")
            if n % 8 == 0:
                shop.restart()
            if process.returncode == 0:
                break
        else:
            raise AssertionError(f"{step.command} makes more than {n} calls of {call}")


def _that_changes_something(shop, kind):
    while True:
        step = shop.steps.next(shop.state, kind)
        if kind == "rmi" and "-f" not in step.command:
            continue
        if kind in ("import", "commit") or step.after(shop.state, []).rows() != shop.state.rows():
            return step


# ---- Volumes

def _volume_state(shop, want):
    """Whether the volume is there: "absent", "whole" with what the image has in /bin, or what is wrong."""
    if "filled" not in shop.machine.ok("docker volume ls -q").split():
        return "absent"
    data = f"{shop.machine.store}/volumes/filled/_data"
    have = shop.machine.run(f"docker volume inspect filled >/dev/null && ls {data} | wc -l && md5sum < {data}/busybox").out
    return "whole" if have == want else f"half: {have}"


@pytest.mark.host_is_enough
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("shop", [{"count": 2, "noise": 2000}], indirect=True)
@pytest.mark.parametrize("command, before, after", [
    ("create --name made -v filled:/bin kept:1", "absent", "whole"),
    ("volume rm filled", "whole", "absent"),
    ("create --name made -v filled:/bin kept:1", "empty", "whole"),
])
def test_volumes_killed_before_every_call(shop, command, before, after):
    """A volume is never half filled nor half removed, and has a name only with all its data."""
    want = shop.machine.ok("docker run --rm kept:1 sh -c 'ls /bin | wc -l; md5sum < /bin/busybox'")
    for call in ("write", "fsync", "flock", "linkat", "renameat", "renameat2", "unlinkat", "mkdirat"):
        # every call at first, then further and further apart: a volume of some hundred files takes many of them
        n, step = 1, 1
        while True:
            shop.machine.run("docker rm -fv made; docker volume rm -f filled")
            if before == "whole":
                shop.machine.ok("docker create --name made -v filled:/bin kept:1 && docker rm made")
            if before == "empty":
                shop.machine.ok("docker volume create filled")
            process = shop.popen("docker " + command, ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                                                       f"inject={call}:signal=KILL:when={n}"])
            process.communicate()
            state, how = _volume_state(shop, want), f"{command} killed at {call} {n}"
            if process.returncode == 0:
                assert state == after, how
                break
            # the empty one stays empty until all is there
            if before == "empty" and state.startswith("half: 0"):
                state = "empty"
            assert state in (before, after), f"{how}: {state}"
            step = step if n < 3 else step * 3
            n += step
            assert n < 10000, how
        result = shop.machine.run("docker fsck -q")
        assert result.status == 0 and not model.left_over(result.out.splitlines()), f"{command}, {call}: {result.out}"
    shop.machine.run("docker rm -fv made")
    shop.restart()
