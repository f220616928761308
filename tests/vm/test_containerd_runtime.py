# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's containerd: its runc shim with BinaryName set to knarr-oci. On this machine only."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

import oci

pytestmark = pytest.mark.host_is_enough


class Containerd:
    """A containerd with all that it keeps in a folder of its own, and ctr to talk to it."""

    def __init__(self, machine):
        self.machine = machine
        self.box = oci.Bundles(machine)  # for its root filesystem
        self.top = pathlib.Path(self.box.top)
        config = self.top / "config.toml"
        config.write_text(f'version = 2\nroot = "{self.top}/root"\nstate = "{self.top}/state"\n'
                          'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                          f'[grpc]\naddress = "{self.top}/sock"\n[ttrpc]\naddress = "{self.top}/sock.ttrpc"\n')
        with open(self.top / "log", "w") as log:
            self.daemon = subprocess.Popen(["containerd", "--config", config], stdout=log, stderr=log)
        self.ctr = f"ctr -n {self.box.prefix} -a {self.top}/sock"
        end = time.monotonic() + 30
        while machine.run(f"{self.ctr} version").status and self.daemon.poll() is None:
            if time.monotonic() > end:
                break
            time.sleep(0.2)

    def runs(self):
        return self.machine.run(f"{self.ctr} version").status == 0

    def words(self, words, name, program):
        binary = self.machine.ok("command -v knarr-oci").strip()
        return (f"{self.ctr} run --runc-binary {binary} --runc-root {self.top}/states --env PATH=/bin --rootfs {words} "
                f"{self.box.bundle}/rootfs {name} {program}")

    def close(self):
        for name in self.machine.run(f"{self.ctr} task ls -q").out.split():
            self.machine.run(f"{self.ctr} task kill -s KILL {name}; sleep 0.5; {self.ctr} task rm -f {name}")
        for name in self.machine.run(f"{self.ctr} containers ls -q").out.split():
            self.machine.run(f"{self.ctr} containers rm {name}")
        self.daemon.terminate()
        self.daemon.wait(timeout=30)
        # the parent of its containers' cgroups, which like runc we leave to the caller
        self.machine.run(f"rmdir /sys/fs/cgroup/{self.box.prefix} /sys/fs/cgroup/unified/{self.box.prefix} 2>/dev/null")
        self.box.close()


@pytest.fixture(scope="module")
def ctr(places):
    if not shutil.which("containerd") or not shutil.which("ctr"):
        pytest.skip("no containerd here")
    if os.getuid():
        pytest.skip("needs root")
    ctr = Containerd(places.get("host"))
    if not ctr.runs():
        log = (ctr.top / "log").read_text().splitlines()[-1:]
        ctr.close()
        pytest.skip(f"containerd does not run here: {log}")
    yield ctr
    ctr.close()


def test_run(ctr, place):
    assert ctr.machine.ok(ctr.words("--rm", "a", "echo hello")) == "hello\n"
    assert ctr.machine.run(ctr.words("--rm", "a", "sh -c 'exit 42'")).status == 42


def test_errors_come_through(ctr, place):
    """From --log in JSON, which the shim reads."""
    result = ctr.machine.run(ctr.words("--rm", "a", "no-such-program"))
    assert result.status == 1 and "executable file not found in $PATH" in result.out


def test_life(ctr, place):
    run = ctr.machine.run
    ctr.machine.ok(ctr.words("-d", "web", "sleep 1000"))
    assert ctr.machine.ok(f"{ctr.ctr} task exec --exec-id 1 web echo hi") == "hi\n"
    assert run(f"{ctr.ctr} task exec --exec-id 2 web sh -c 'exit 5'").status == 5
    assert "not found" in run(f"{ctr.ctr} task exec --exec-id 3 web nope").out
    assert "sleep" in ctr.machine.ok(f"cat /proc/$({ctr.ctr} task ps web | sed -n '2s/ .*//p')/cmdline")
    ctr.machine.ok(f"{ctr.ctr} task pause web")
    assert "PAUSED" in ctr.machine.ok(f"{ctr.ctr} task ls")
    ctr.machine.ok(f"{ctr.ctr} task resume web")
    assert "RUNNING" in ctr.machine.ok(f"{ctr.ctr} task ls")
    ctr.machine.ok(f"{ctr.ctr} task kill -s KILL web")
    ctr.machine.until(f"{ctr.ctr} task ls", "STOPPED")
    run(f"{ctr.ctr} task rm web")
    ctr.machine.ok(f"{ctr.ctr} containers rm web")
    assert not ctr.box.leftovers() and not list((ctr.top / "states" / ctr.box.prefix).iterdir())


def test_terminal(ctr, place):
    with ctr.machine.spawn(ctr.words("--rm -t", "a", "sh -c 'tty; exit 3'")) as session:
        session.expect("/dev/pts/0")
        assert session.end() == 3
