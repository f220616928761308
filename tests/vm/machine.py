# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test sees of the place it runs on. Two places offer the same: the appliance, typed at over its serial console
(appliance.py), and `build/knarr` straight on this machine (host.py). A test that asks for the `machine` fixture runs on
both, and must use nothing but this and POSIX shell.

    machine.run(cmd)    -> Result(out, status)         both streams as a person sees them
    machine.ok(cmd)     -> out, and the test fails unless cmd succeeded
    machine.split(cmd)  -> Split(out, err, status)     the streams apart
    machine.spawn(cmd)  -> Session, for programs one talks to
    machine.put(name, data) -> the path at which the machine finds a file with that content
"""

import pathlib
import re
import time
from typing import NamedTuple

DEADLINE = 90  # seconds a command may take: emulated on a busy machine


class Result(NamedTuple):
    out: str
    status: int


class Split(NamedTuple):
    out: str
    err: str
    status: int


class Session:
    """A program on a terminal. child is what pexpect spawned; on the appliance that is the whole console."""

    def __init__(self, child, deadline=DEADLINE):
        self.child = child
        self.deadline = deadline

    def expect(self, pattern, timeout=None):
        """Waits for the regular expression; returns what came before it."""
        self.child.expect(pattern, timeout=timeout or self.deadline)
        return self.child.before.replace("\r\n", "\n")

    @property
    def match(self):
        return self.child.match

    def send(self, text):
        self.child.send(text)

    def line(self, text):
        self.child.send(text + "\r")

    def control(self, letter):
        self.child.sendcontrol(letter)

    def resize(self, rows, cols):
        raise NotImplementedError

    def end(self, timeout=None):
        """Waits for the program to end by itself; returns its exit status. What it printed since is in self.rest."""
        raise NotImplementedError

    def drop(self):
        """Gets rid of the program, whatever it is doing."""
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.drop()


class Machine:
    name = ""
    share = None  # pathlib.Path here of the folder that the machine sees at self.share_path
    share_path = ""

    def run(self, cmd, timeout=DEADLINE):
        raise NotImplementedError

    def spawn(self, cmd, rows=24, cols=80):
        raise NotImplementedError

    def ok(self, cmd, timeout=DEADLINE):
        result = self.run(cmd, timeout)
        assert result.status == 0, f"{cmd}\nended with {result.status} and said:\n{result.out}"
        return result.out

    def split(self, cmd, timeout=DEADLINE):
        self.run("rm -f /tmp/.split-*")
        status = self.run(f"{{ {cmd}\n}} >/tmp/.split-out 2>/tmp/.split-err", timeout).status
        return Split(self.ok("cat /tmp/.split-out"), self.ok("cat /tmp/.split-err"), status)

    def put(self, name, data):
        path = self.share / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return f"{self.share_path}/{name}"

    def link(self, path):
        """Brings a file of this machine into the share without a copy where that is possible."""
        path = pathlib.Path(path)
        target = self.share / path.name
        if target.exists():
            have, want = target.stat(), path.stat()
            if target.samefile(path) or have.st_size == want.st_size and have.st_mtime >= want.st_mtime:
                return f"{self.share_path}/{target.name}"
            target.unlink()  # another test's, of the same name
        try:
            target.hardlink_to(path)
        except OSError:
            target.write_bytes(path.read_bytes())
        return f"{self.share_path}/{target.name}"

    def until(self, cmd, pattern, timeout=DEADLINE):
        """Runs cmd again and again until its output matches."""
        end = time.monotonic() + timeout
        while True:
            result = self.run(cmd)
            if re.search(pattern, result.out):
                return result.out
            assert time.monotonic() < end, f"{cmd} never showed {pattern!r}, last:\n{result.out}"
            time.sleep(0.2)

    # -- the store seen from outside

    store = "/var/lib/knarr"
    binary = "/bin/knarr"

    def containers(self):
        return self.ok("docker ps -aq --no-trunc").split()

    def images(self):
        """name:tag and ID of every image."""
        rows = self.ok("docker images --no-trunc").splitlines()[1:]
        return sorted((f"{r.split()[0]}:{r.split()[1]}", r.split()[2]) for r in rows)

    def remove_containers(self):
        left = self.containers()
        if left:
            self.run("docker rm -f " + " ".join(left))
        return left

    def forget_images(self):
        """Takes all images away but the two that every test finds: for tests that count them or remove what is unused."""
        self.remove_containers()
        others = [image for name, image in self.images() if name not in ("busybox:latest", "testbox:latest")]
        for some in (others[at:at + 20] for at in range(0, len(others), 20)):
            self.run("docker rmi -f " + " ".join(dict.fromkeys(some)) + " >/dev/null 2>&1")

    def leftovers(self):
        """What a command that is over should not have left: mounts, processes, cgroups, temporary files. A list of lines,
        empty when all is well. Holds only while no container exists. Idle layers stay mounted for the next container; the
        sweep of `shutdown` takes those away that nobody holds."""
        self.ok("docker shutdown")
        mounts = self.ok("cat /proc/self/mountinfo")
        out = ["mount " + line for line in mounts.splitlines() if self._is_ours(line)]
        out += ["process " + line for line in self.processes()]
        out += ["file " + line for line in self.ok(f"find {self.store}/tmp {self.store}/containers -mindepth 1").split()
                if not line.endswith("/by-name")]
        out += ["cgroup " + line for line in self.cgroups()]
        return out

    def settled_leftovers(self, timeout=10):
        """leftovers(), after what is still ending had its time."""
        end = time.monotonic() + timeout
        while True:
            left = self.leftovers()
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.3)

    def usable(self):
        """False once a test has broken the place so that the next needs a new one."""
        return True

    def mark(self, text):
        """Writes a line into the log of the place."""

    def tail(self):
        """The last lines of the log of the place."""
        return ""

    def _is_ours(self, mountinfo_line):
        raise NotImplementedError

    def processes(self):
        raise NotImplementedError

    def cgroups(self):
        raise NotImplementedError
