# SPDX-License-Identifier: GPL-2.0-or-later
"""Docker, podman, skopeo and umoci from Debian, each with all it keeps in a folder of its own, for tests and benches that
hold Knarr against them. Nothing outside of that folder is touched, and of a running dockerd nothing is seen."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import time

PATH = "/usr/bin:/usr/sbin:/bin:/sbin"


class Unfit(Exception):
    """It cannot run here; the text says why."""


def need(program):
    found = shutil.which(program, path=PATH)
    if not found:
        raise Unfit(f"{program} is not installed")
    return found


def run(argv, env=None, timeout=300, unfit=False):
    """The output of the command. It must succeed: a failure is the test's, or with unfit a reason to do without."""
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        if unfit:
            raise Unfit(f"{pathlib.Path(argv[0]).name}: {(said.splitlines() or ['no message'])[-1]}")
        raise AssertionError(f"{' '.join(map(str, argv))}\nended with {done.returncode} and said:\n{said}")
    return done.stdout.decode(errors="replace")


def environment(top):
    home = top / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": PATH, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(top)}


class Docker:
    """A dockerd of our own; leaves no bridge, no rule of a firewall and no mount behind."""

    def __init__(self, top):
        self.top = top / "docker"
        self.top.mkdir()
        self.socket = f"unix://{self.top}/docker.sock"
        self.env = {**environment(top), "DOCKER_HOST": self.socket}
        self.docker = need("docker")
        self.daemon = None
        self.log = open(self.top / "log", "w")
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        words = [need("dockerd"), "-H", self.socket, "--data-root", self.top / "data", "--exec-root", self.top / "exec",
                 "--pidfile", self.top / "pid", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        self.daemon = subprocess.Popen(words, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                       start_new_session=True)
        end = time.monotonic() + 30
        while subprocess.run([self.docker, "version"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, check=False).returncode:
            if self.daemon.poll() is not None:
                last = (self.top / "log").read_text(errors="replace").strip().splitlines()
                raise Unfit("dockerd: " + (last or ["no message"])[-1][-200:])
            if time.monotonic() > end:
                raise Unfit("dockerd did not answer within 30 s")
            time.sleep(0.1)

    def __call__(self, *words):
        return run([self.docker, *words], self.env)

    def load(self, path):
        return self("load", "-i", path)

    def save(self, path, *names):
        self("save", "-o", path, *names)

    def id(self, name):
        return self("inspect", "--type", "image", "--format", "{{.Id}}", name).strip()

    def close(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.wait(30)
            self.daemon.kill()
            self.daemon.wait()
        self.log.close()


class Podman:
    def __init__(self, top):
        self.top = top / "podman"
        self.top.mkdir()
        self.env = environment(top)
        self.words = [need("podman"), "--root", self.top / "root", "--runroot", self.top / "run", "--storage-driver", "overlay",
                      "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        run([*self.words, "images"], self.env, unfit=True)

    def __call__(self, *words):
        return run([*self.words, *words], self.env)

    def load(self, path):
        return self("load", "-q", "-i", path)

    def save(self, path, *names, form="docker-archive"):
        self("save", "-q", *(["--multi-image-archive"] if len(names) > 1 else []), "--format", form, "-o", path, *names)

    def id(self, name):
        return "sha256:" + json.loads(self("image", "inspect", name))[0]["Id"]

    @contextlib.contextmanager
    def mounted(self, name):
        """The image's file tree."""
        yield pathlib.Path(self("image", "mount", name).strip())
        self("image", "umount", name)

    def close(self):
        subprocess.run([*self.words, "image", "umount", "--all"], env=self.env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Skopeo:
    def __init__(self, top):
        self.top = top / "skopeo"
        self.top.mkdir()
        self.env = environment(top)
        # no policy of this machine's, and none of its registries
        self.policy = self.top / "policy.json"
        self.policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        self.skopeo = need("skopeo")

    def copy(self, source, target):
        run([self.skopeo, "--policy", self.policy, "copy", "-q", source, target], self.env)

    def id(self, source):
        """The digest of the configuration that an image's manifest names."""
        return json.loads(run([self.skopeo, "--policy", self.policy, "inspect", "--raw", source], self.env))["config"]["digest"]

    def close(self):
        pass


class Umoci:
    def __init__(self, top):
        self.env = environment(top)
        self.umoci = need("umoci")

    def __call__(self, *words):
        return run([self.umoci, *words], self.env)

    def unpack(self, image, bundle):
        """The file tree of image ("DIR:TAG", an OCI layout)."""
        self("unpack", "--image", image, bundle)
        return pathlib.Path(bundle) / "rootfs"

    def close(self):
        pass


def unmount_below(top):
    """What an engine that was interrupted has left mounted there."""
    for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{top}/"):
            subprocess.run(["umount", "-l", line.split()[1]], check=False)


def unpack_archive(path, folder):
    """An archive that is an OCI layout, as a folder."""
    with tarfile.open(path) as tar:
        tar.extractall(folder)
    return folder


def pack_folder(folder, path):
    run([need("tar"), "-C", folder, "-cf", path, *sorted(os.listdir(folder))])
    return path
