# SPDX-License-Identifier: GPL-2.0-or-later
"""Bundles and containers of `knarr-oci`: a folder on the machine with a root filesystem out of the image busybox, and the
words to run the runtime on it. For the files test_oci*.py."""

import copy
import json
import shlex
import time

CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_SETPCAP"]

CONFIG = {
    "ociVersion": "1.2.0",
    "process": {
        "terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
        "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS}, "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "bundle",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "namespaces": [{"type": t} for t in ("pid", "ipc", "uts", "mount", "network", "cgroup")],
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
    },
}


class Bundles:
    """A folder on the machine for bundles and states; every container of it has an id that begins with its prefix."""

    def __init__(self, machine):
        self.machine = machine
        self.top = machine.ok("mktemp -d /tmp/knarr-oci.XXXXXX").strip()
        self.prefix = self.top.rsplit(".", 1)[1]
        self.bundle = f"{self.top}/bundle"
        self.oci = f"knarr-oci --root {self.top}/run"
        name = f"for-{self.prefix}"
        machine.ok(f"mkdir -p {self.bundle}/rootfs/etc && docker create --name {name} busybox >/dev/null && "
                   f"docker export {name} | tar -xf - -C {self.bundle}/rootfs && docker rm {name} >/dev/null")

    def id(self, name):
        return f"{self.prefix}-{name}"

    def config(self, *args, change=None, **process):
        """Writes config.json: the program and members of process, and whatever change(config) does."""
        config = copy.deepcopy(CONFIG)
        if args:
            config["process"]["args"] = list(args)
        config["process"].update(process)
        if change:
            change(config)
        return self.write("config.json", json.dumps(config))

    def write(self, name, text, mode=None):
        """A file in the bundle."""
        path = f"{self.bundle}/{name}"
        shared = self.machine.put(f"oci-{self.prefix}-{name.replace('/', '-')}", text)
        self.machine.ok(f"cp {shared} {path} && rm {shared}" + (f" && chmod {mode} {path}" if mode else ""))
        return path

    def shell(self, script, change=None, **process):
        return self.config("sh", "-c", script, change=change, **process)

    def cmd(self, words, name=None, rest=""):
        return f"{self.oci} {words} {self.id(name) if name else ''} {rest}"

    def ok(self, words, name=None, rest="", **more):
        return self.machine.ok(self.cmd(words, name, rest), **more)

    def run(self, words, name=None, rest="", **more):
        return self.machine.run(self.cmd(words, name, rest), **more)

    def fails(self, words, name=None, rest="", status=1):
        """Runs what must fail, in one line; returns the line."""
        result = self.machine.split(self.cmd(words, name, rest))
        assert (result.status, result.out) == (status, ""), result
        lines = [line for line in result.err.splitlines() if "warning: cgroup" not in line]
        assert len(lines) == 1 and lines[0].startswith("knarr-oci: "), result.err
        return lines[0][len("knarr-oci: "):]

    def create(self, name, words=""):
        """create with nothing of ours as the container's stdio."""
        return self.ok(f"create --bundle {self.bundle} {words}", name,
                       f"</dev/null >{self.top}/out 2>&1 || {{ cat {self.top}/out; false; }}")

    def start(self, name, *args, **more):
        self.config(*(args or ("sleep", "1000")), **more)
        self.create(name)
        self.ok("start", name)

    def state(self, name):
        return json.loads(self.ok("state", name))

    def status(self, name):
        return self.state(name)["status"]

    def until(self, name, status, timeout=30):
        end = time.monotonic() + timeout
        while self.status(name) != status:
            assert time.monotonic() < end, f"{name} is {self.status(name)}, not {status}"
            time.sleep(0.1)

    def leftovers(self):
        """What is there of containers of ours: mounts, cgroups, processes, states."""
        script = (f"grep -h {self.top} /proc/self/mountinfo; find /sys/fs/cgroup -name '{self.prefix}-*' 2>/dev/null; "
                  f"for p in $(grep -l /{self.prefix}- /proc/[0-9]*/cgroup 2>/dev/null); do "
                  # whether one that has ended was reaped yet is the machine's PID 1's matter
                  "grep -H State ${p%/cgroup}/status 2>/dev/null | grep -v zombie; done; "
                  f"ls -A {self.top}/run 2>/dev/null; true")
        return self.machine.ok(script)

    def close(self):
        for name in self.machine.run(f"ls {self.top}/run 2>/dev/null").out.split():
            self.machine.run(f"{self.oci} delete --force {shlex.quote(name)}")
        left = self.leftovers()
        self.machine.ok(f"rm -rf {self.top}")
        assert not left, "left behind:\n" + left
