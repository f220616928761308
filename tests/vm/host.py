# SPDX-License-Identifier: GPL-2.0-or-later
"""build/knarr straight on this machine, as root, with a store of its own in a temporary folder: the quick half of every
container test. Beside it other stores may be in use on the machine; nothing here looks at them."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pexpect

import machine


class HostSession(machine.Session):
    def resize(self, rows, cols):
        self.child.setwinsize(rows, cols)

    def end(self, timeout=None):
        self.child.expect(pexpect.EOF, timeout=timeout or self.deadline)
        self.rest = self.child.before.replace("\r\n", "\n")
        self.child.close()
        return self.child.exitstatus if self.child.signalstatus is None else 128 + self.child.signalstatus

    def drop(self):
        self.child.close(force=True)


class Host(machine.Machine):
    name = "host"

    def __init__(self, binary, keep=None):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="knarr-test-"))
        self.share = self.top / "share"
        self.share.mkdir()
        self.share_path = str(self.share)
        self.store = str(self.top / "store")
        bin_dir = self.top / "bin"
        bin_dir.mkdir()
        # a copy: a test that breaks out must not reach the build's own file, nor a build disturb the tests
        shutil.copy(binary, bin_dir / "knarr")
        for name in ("docker", "knarr-oci"):
            (bin_dir / name).symlink_to("knarr")
        self.binary = str(bin_dir / "knarr")
        (self.top / "home").mkdir()
        self.env = {
            "PATH": f"{bin_dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.top / "home"), "TERM": "vt102", "KNARR_ROOT": self.store,
            "ASAN_OPTIONS": "detect_leaks=0",
        }
        # With DOCKER_HOST set and --knarr=/usr/bin/docker the tests run against a real Docker: that judges the tests.
        self.reference = "DOCKER_HOST" in os.environ
        if self.reference:
            self.env["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
        self.log = open(keep, "a") if keep else None

    def run(self, cmd, timeout=machine.DEADLINE):
        proc = subprocess.Popen(["sh", "-c", cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=self.env, cwd="/", start_new_session=True)
        try:
            out = proc.communicate(timeout=timeout)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(proc.pid, signal.SIGKILL)
            proc.stdout.close()
            proc.wait()
            raise AssertionError(f"{cmd}\ndid not end, or kept its output open, for {timeout} s") from None
        status = proc.returncode if proc.returncode >= 0 else 128 - proc.returncode
        if self.log:
            self.log.write(f"# {cmd}\n{out}[{status}]\n")
            self.log.flush()
        return machine.Result(out, status)

    def split(self, cmd, timeout=machine.DEADLINE):
        with tempfile.TemporaryDirectory(dir=self.top) as tmp:
            status = self.run(f"{{ {cmd}\n}} >{tmp}/out 2>{tmp}/err", timeout).status
            out, err = (pathlib.Path(tmp, n).read_bytes().decode(errors="replace") for n in ("out", "err"))
        if self.log:
            self.log.write(f"stdout: {out}stderr: {err}")
        return machine.Split(out, err, status)

    def spawn(self, cmd, rows=24, cols=80):
        child = pexpect.spawn("/bin/sh", ["-c", cmd], env=self.env, cwd="/", dimensions=(rows, cols),
                              encoding="utf-8", codec_errors="replace")
        child.delaybeforesend = None
        child.logfile_read = self.log
        return HostSession(child)

    def _is_ours(self, mountinfo_line):
        """A layer's mount names a file of our store as its source, or a loop device over one."""
        loop = re.search(r" - \S+ /dev/(loop\d+) ", mountinfo_line)
        if loop:
            backing = pathlib.Path(f"/sys/block/{loop.group(1)}/loop/backing_file")
            if backing.exists() and self.store in backing.read_text():
                return True
        return str(self.top) in mountinfo_line

    def processes(self):
        """Knarr's own processes, which have our store in their environment, and those of containers, which see it in
        their mount table as what their root is made of."""
        found = []
        env, store = f"KNARR_ROOT={self.store}".encode(), self.store.encode()
        for proc in pathlib.Path("/proc").iterdir():
            if not proc.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                foreign = os.readlink(proc / "ns/mnt") != os.readlink("/proc/self/ns/mnt")
                if (env in (proc / "environ").read_bytes().split(b"\0")
                        or foreign and store in (proc / "mountinfo").read_bytes()):
                    found.append(f"{proc.name} {words}")
        return found

    def leftovers(self):
        return [] if self.reference else super().leftovers()

    def mark(self, text):
        if self.log:
            self.log.write(f"\n######## {text}\n")

    def tail(self):
        if not self.log:
            return ""
        self.log.flush()
        return "\n".join(pathlib.Path(self.log.name).read_text(errors="replace").splitlines()[-40:])

    def cgroups(self):
        return []  # the cgroup folder of this machine is shared by all stores; the appliance's test looks

    def close(self):
        """Ends every container and takes the folder away; returns what was left behind."""
        self.remove_containers()
        left = self.leftovers()
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            if self._is_ours(line):
                subprocess.run(["umount", "-l", line.split()[4]], check=False)
        for line in self.processes():
            os.kill(int(line.split()[0]), signal.SIGKILL)
        shutil.rmtree(self.top, ignore_errors=True)
        if self.log:
            self.log.close()
        return left
