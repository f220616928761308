# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian image the tests load: a real bookworm, made with debootstrap from the mirror this machine is set up with.

debian.rootfs_tar() gives the root file system as one tar; debian.docker_archive() and debian.oci_archive() pack it as
`docker save` and OCI tools would. All are kept outside the tree, in ${KNARR_CACHE:-~/.cache/knarr}/images, under the hash
of this recipe, so that only the first run on a machine downloads. Run as a program it makes them all and prints the paths.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import archive

SUITE = "bookworm"
NAME = "debian:bookworm"
CREATED = "2024-01-01T00:00:00Z"
CONFIG = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "Cmd": ["bash"],
}

# What makes two runs differ, and what a container has no use for. The documentation goes because every test loads the
# image under emulation; the package database stays, so that apt and dpkg work inside.
PRUNE = r"""
set -e
cd "$1"
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* var/cache/ldconfig/aux-cache var/cache/debconf/*-old
rm -rf tmp/* var/tmp/* run/* etc/resolv.conf etc/hostname var/lib/dpkg/*-old
rm -rf usr/share/doc/* usr/share/man/* usr/share/locale/* usr/share/info/*
: > etc/machine-id
mkdir -p var/lib/apt/lists/partial var/cache/apt/archives/partial var/log/apt
"""


class NoMirror(Exception):
    """apt on this machine knows no mirror that carries the suite, or debootstrap is missing."""


def cache_dir():
    base = os.environ.get("KNARR_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "knarr")
    path = pathlib.Path(base) / "images"
    path.mkdir(parents=True, exist_ok=True)
    return path


def mirror():
    """The address apt fetches Debian's main archive from: any suite's will do, as a mirror carries them all."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"],
        stdout=subprocess.PIPE, text=True, check=False).stdout
    sites = [line.split() for line in listing.splitlines()]
    sites = [s for s in sites if len(s) == 3 and s[2] == "main" and re.match(r"https?://|file:", s[0])
             and re.fullmatch(r"bookworm|trixie|forky|sid", s[1])]
    sites.sort(key=lambda s: s[1] != SUITE)
    if not sites:
        raise NoMirror("apt on this machine names no Debian mirror")
    return sites[0][0]


def _apt_proxy():
    value = subprocess.run(["apt-config", "shell", "p", "Acquire::http::Proxy"],
                           stdout=subprocess.PIPE, text=True, check=False).stdout
    match = re.match(r"p='(.*)'", value)
    return {"http_proxy": match.group(1)} if match and match.group(1) else {}


@contextlib.contextmanager
def _made_once(path):
    """Yields a temporary name when path is to be made, else None; two test runs at once make it once."""
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            yield None
            return
        tmp = path.with_name(path.name + ".new")
        if tmp.is_dir():
            shutil.rmtree(tmp)
        tmp.unlink(missing_ok=True)
        yield tmp
        tmp.rename(path)


def _recipe():
    recipe = "\n".join([SUITE, PRUNE, CREATED, repr(CONFIG), "minbase,1"])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def rootfs_tar():
    path = cache_dir() / f"debian-{SUITE}-{_recipe()}.tar"
    with _made_once(path) as tmp:
        if tmp:
            _debootstrap(tmp)
    return path


def _debootstrap(tar):
    if not shutil.which("debootstrap"):
        raise NoMirror("debootstrap is not installed")
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    work = tempfile.mkdtemp(prefix="knarr-debootstrap-")
    try:
        root = os.path.join(work, "root")
        log = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--keyring={keyring}", SUITE, root, mirror()],
            env={**os.environ, **_apt_proxy(), "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if log.returncode:
            raise NoMirror("debootstrap failed:\n" + "\n".join(log.stdout.splitlines()[-15:]))
        subprocess.run(["sh", "-c", PRUNE, "sh", root], check=True)
        subprocess.run(
            ["tar", "-C", root, "--sort=name", "--numeric-owner", "--xattrs", "--format=pax",
             "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
             f"--mtime={CREATED}", "-cf", str(tar), "."], check=True)
    finally:
        # debootstrap may leave proc and sys mounted in the target when it is interrupted
        for name in ("proc", "sys"):
            subprocess.run(["umount", "-q", os.path.join(work, "root", name)], check=False)
        shutil.rmtree(work)


def _image():
    return archive.Image([rootfs_tar()], CONFIG, created=CREATED, created_by=f"debootstrap {SUITE}")


def _pack(suffix, write):
    path = cache_dir() / f"debian-{SUITE}-{_recipe()}.{suffix}"
    with _made_once(path) as tmp:
        if tmp:
            write(tmp)
    return path


def docker_archive(compress=""):
    """As `docker save debian:bookworm`; compress: "", "gzip" or "zstd" for the whole file."""
    suffix = {"": "docker.tar", "gzip": "docker.tar.gz", "zstd": "docker.tar.zst"}[compress]
    return _pack(suffix, lambda tmp: archive.docker_archive(tmp, _image(), [NAME], compress))


def oci_archive(compress="gzip"):
    """An OCI archive whose layers are compressed ("", "gzip", "zstd")."""
    return _pack(f"oci-{compress or 'plain'}.tar", lambda tmp: archive.oci_archive(tmp, _image(), NAME, compress))


if __name__ == "__main__":
    for path in (rootfs_tar(), docker_archive(), docker_archive("gzip"), oci_archive("gzip"), oci_archive("zstd")):
        print(path.stat().st_size, path)
    sys.exit(0)
