# SPDX-License-Identifier: GPL-2.0-or-later
"""The appliance in QEMU, typed at over its serial console. It is started by the program that `make run` starts it with
(rootfs/run-qemu), on a disk image of its own.

Every command is typed at the shell's prompt, as a person would, between two marks whose echo differs from what they
print. Long commands go through a script in the shared folder."""

import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pexpect

import machine

TOP = pathlib.Path(__file__).resolve().parents[2]
RUNNER = TOP / "rootfs" / "run-qemu"
PROMPT = r"[#$] (\x1b\[6n)?$"
WORDS = []  # for rootfs/run-qemu, set by conftest.py
BOOT = 120  # seconds until the prompt, on a busy machine without KVM


class Line(pexpect.spawn):
    """The serial line as the appliance sends it. QEMU leaves the terminal it runs on to put a carriage return before
    every newline; that one is taken away again."""

    held = ""

    def read_nonblocking(self, size=1, timeout=-1):
        text = self.held + super().read_nonblocking(size, timeout)
        self.held = "\r" if text.endswith("\r") else ""
        return text[:len(text) - len(self.held)].replace("\r\n", "\n")


class ConsoleSession(machine.Session):
    def __init__(self, vm, number):
        super().__init__(vm.child)
        self.vm = vm
        self.number = number
        self.over = False

    def resize(self, rows, cols):
        raise NotImplementedError("nobody is at the other end of the console; see test_terminal.py")

    def end(self, timeout=None):
        self.child.expect(rf":E{self.number}:(\d+):\r\n", timeout=timeout or self.deadline)
        self.over = True
        self.rest = self.child.before.replace("\r\n", "\n")
        return int(self.child.match.group(1))

    def drop(self):
        if self.over:
            return
        for attempt in ("\x03", "\x04", "\x03exit\r", "\x1a", "kill -9 %%\r", "\x03"):
            self.child.send(attempt)
            if self.child.expect([rf":E{self.number}:(\d+):\r\n", pexpect.TIMEOUT], timeout=3) == 0:
                self.over = True
                return
        self.vm.broken = True


class Appliance(machine.Machine):
    name = "appliance"
    share_path = "/mnt/share"

    def __init__(self, log, folder=None, disk="disk.img", disk_size="2G", memory=None, append="", cmd=None,
                 kernel=None, extra=()):
        """disk: the name in folder of the disk image, made when missing; None: no disk. append: words for the kernel's
        command line. extra: further words for QEMU."""
        self.top = pathlib.Path(folder or tempfile.mkdtemp(prefix="knarr-vm-"))
        self.own_folder = folder is None
        self.share = self.top / "share"
        self.share.mkdir(exist_ok=True)
        self.disk = self.top / disk if disk else None  # an absolute name stays what it is
        if self.disk and not self.disk.exists():
            with open(self.disk, "wb") as file:
                file.truncate(_bytes(disk_size))
        self.monitor_path = tempfile.mktemp(prefix="monitor-", dir=self.top)
        self.count = 0
        self.broken = False
        self.logged_in = False
        self.log_path = pathlib.Path(log)
        self.log = open(log, "w", encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if k not in ("CMD", "SHARE", "DISK", "MEM", "CPUS", "APPEND")}
        self.child = Line(
            str(RUNNER), self._words(memory, append, cmd, kernel, extra), encoding="utf-8", codec_errors="replace",
            dimensions=(24, 80), env=env, cwd=str(TOP))
        self.child.delaybeforesend = None
        self.child.logfile_read = self.log

    def _words(self, memory, append, cmd, kernel, extra):
        words = ["--share", str(self.share), "--disk", str(self.disk or "none")]
        for name, value in (("mem", memory), ("append", append), ("cmd", cmd), ("kernel", kernel)):
            if value:
                words += [f"--{name}", value]
        own = WORDS[:WORDS.index("--")] if "--" in WORDS else WORDS
        extra = [*WORDS[len(own) + 1:], *extra]
        return [*own, *words, "--", "-monitor", f"unix:{self.monitor_path},server,nowait", *extra]

    # -- boot and end

    def log_in(self):
        """Waits for the first prompt; returns what was on the console until then."""
        self.child.expect(PROMPT, timeout=BOOT)
        greeting = self.child.before
        self.logged_in = True
        # room for long lines, and no kernel messages between them
        self.run("stty cols 500; dmesg -n 1")
        return greeting

    def monitor(self, command):
        """One command of QEMU's human monitor; returns its answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(self.monitor_path)
            answer = b""
            while b"(qemu)" not in answer:
                answer += sock.recv(4096)
            sock.sendall(command.encode() + b"\n")
            answer = b""
            while b"(qemu) " not in answer.partition(b"\n")[2]:
                chunk = sock.recv(4096)
                if not chunk:
                    break
                answer += chunk
            return answer.decode(errors="replace")

    def wait_off(self, timeout=60):
        """Waits until QEMU has ended by itself; returns its exit status."""
        self.child.expect(pexpect.EOF, timeout=timeout)
        self.child.close()
        self.logged_in = False
        return self.child.exitstatus

    def power_off(self):
        self.child.send("poweroff\r")
        return self.wait_off()

    def fsck(self):
        """What e2fsck says of the disk when the appliance is off."""
        done = subprocess.run(["/sbin/e2fsck", "-fn", str(self.disk)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return machine.Result(done.stdout, done.returncode)

    def debugfs(self, request):
        """One request to debugfs on the disk of the appliance that is off."""
        return subprocess.run(["/sbin/debugfs", "-R", request, str(self.disk)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout

    def reboot_expected(self):
        """Waits for the next boot's prompt, after something that reboots."""
        self.logged_in = False
        self.child.expect("Restarting system", timeout=60)
        self.log_in()

    def kill(self):
        """Pulls the plug."""
        if self.child.isalive():
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.child.close()
        self.logged_in = False

    def close(self):
        """Ends QEMU; when a shell is there to ask, returns what containers left behind."""
        left = []
        if self.usable() and self.own_folder:
            self.remove_containers()
            left = self.settled_leftovers()
        self.kill()
        self.log.close()
        if self.own_folder:
            shutil.rmtree(self.top, ignore_errors=True)
        return left

    def usable(self):
        return self.logged_in and not self.broken and self.child.isalive()

    def mark(self, text):
        self.log.write(f"\n######## {text}\n")
        self.log.flush()

    def tail(self):
        self.log.flush()
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-60:])

    # -- commands

    def _type(self, cmd):
        self.count += 1
        if len(cmd) > 300 or re.search(r"[^ -~]", cmd):
            self.put(f".cmd-{self.count}", cmd + "\n")
            cmd = f". {self.share_path}/.cmd-{self.count}"
        number = self.count
        self.child.send(f"echo :B''{number}:; eval {shlex.quote(cmd)}; echo :E''{number}:$?:\r")
        self.child.expect(f":B{number}:\r\n", timeout=30)
        return number

    def run(self, cmd, timeout=machine.DEADLINE):
        assert self.usable(), "the appliance is off, or its console is stuck"
        try:
            number = self._type(cmd)
            self.child.expect(rf":E{number}:(\d+):\r\n", timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as why:
            self.broken = True
            raise AssertionError(f"{cmd}\ndid not end ({type(why).__name__}); last on the console:\n"
                                 + self.child.before[-3000:]) from None
        return machine.Result(self.child.before.replace("\r\n", "\n"), int(self.child.match.group(1)))

    def spawn(self, cmd, rows=24, cols=80):
        self.run(f"stty rows {rows} cols {cols}")
        return _Restoring(self, self._type(cmd))

    def _is_ours(self, mountinfo_line):
        point = mountinfo_line.split()[4]
        return point.startswith((self.store + "/", "/run/knarr/"))

    def processes(self):
        """Knarr's processes, and any in a PID namespace that is not the first."""
        return self.ok("grep -HE '^Name:.(knarr|docker)|^NSpid:.[0-9]+[^0-9]+[0-9]' /proc/[0-9]*/status 2>/dev/null; true").splitlines()

    def cgroups(self):
        return self.ok("ls -d /sys/fs/cgroup/knarr/*/ 2>/dev/null; true").split()


class _Restoring(ConsoleSession):
    def drop(self):
        super().drop()
        if self.vm.usable():
            self.vm.run("stty sane; stty cols 500")


def _bytes(size):
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[size[-1]]
    return int(size[:-1]) * unit


def wait_for(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
