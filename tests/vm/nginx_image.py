# SPDX-License-Identifier: GPL-2.0-or-later
"""The walk-through's nginx_image1, as its Dockerfile would build it on debian.py's Debian: a layer that sets policy-rc.d, a
layer that installs nginx, and a history entry an instruction. umoci makes it: Knarr's own commit is what the test is about.

nginx_image.archive() is the OCI archive, nginx_image.packages(key) the .deb files for what is installed inside."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

import debian

NAME = "nginx_image1"
CREATED = "2024-01-02T00:00:00Z"
PACKAGES = {"nginx": ["nginx", "apt-utils"], "wget": ["wget"]}

# (arguments of `umoci config` or a command for a shell in the root, the instruction as the history shows it)
STEPS = [
    (["--config.env", "DEBIAN_FRONTEND=noninteractive"], "ENV DEBIAN_FRONTEND=noninteractive"),
    ('echo "exit 0" > /usr/sbin/policy-rc.d', None),
    ("dpkg -i /packages/*.deb && rm -rf /tmp/* /var/tmp/*", None),
    (["--config.volume", "/etc/nginx/sites-enabled", "--config.volume", "/etc/nginx/certs",
      "--config.volume", "/etc/nginx/conf.d", "--config.volume", "/var/log/nginx", "--config.volume", "/var/www/html"],
     "VOLUME [/etc/nginx/sites-enabled /etc/nginx/certs /etc/nginx/conf.d /var/log/nginx /var/www/html]"),
    (["--config.workingdir", "/etc/nginx"], "WORKDIR /etc/nginx"),
    (["--config.exposedports", "80"], "EXPOSE map[80/tcp:{}]"),
    (["--clear=config.cmd", "--config.cmd", "nginx", "--config.cmd", "-g", "--config.cmd", "daemon off;"],
     'CMD ["nginx" "-g" "daemon off;"]'),
]


def _run(*words, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\nended with {done.returncode}:\n{done.stdout[-3000:]}"
    return done.stdout


def _recipe():
    text = json.dumps([debian._recipe(), PACKAGES, STEPS, CREATED, NAME])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# ---- The packages: what debootstrap would add to the base image

def _installed():
    """Names of the packages in the base image."""
    with tarfile.open(debian.rootfs_tar()) as tar:
        status = tar.extractfile("./var/lib/dpkg/status").read().decode()
    return set(re.findall(r"^Package: (.+)$", status, re.MULTILINE))


def _download(include, folder):
    root = tempfile.mkdtemp(prefix="knarr-debs-")
    try:
        _run("debootstrap", "--variant=minbase", "--download-only", f"--include={','.join(include)}",
             "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg", debian.SUITE, root, debian.mirror(),
             env={**os.environ, **debian._apt_proxy()})
        base = _installed()
        for file in pathlib.Path(root, "var/cache/apt/archives").glob("*.deb"):
            if file.name.partition("_")[0] not in base:
                shutil.copy(file, folder)
    finally:
        shutil.rmtree(root)


def packages(key):
    """The .deb files that the packages of PACKAGES[key] need beyond the base image, sorted."""
    kept = debian.cache_dir() / f"debs-{key}-{_recipe()}"
    with debian._made_once(kept) as tmp:
        if tmp:
            tmp.mkdir()
            _download(PACKAGES[key], tmp)
    return sorted(kept.glob("*.deb"))


# ---- The image

def archive():
    path = debian.cache_dir() / f"nginx-{_recipe()}.oci.tar"
    with debian._made_once(path) as tmp:
        if tmp:
            with tempfile.TemporaryDirectory(prefix="knarr-nginx-") as work:
                _build(pathlib.Path(work), tmp)
    return path


def _build(work, out):
    layout, bundle = work / "layout", work / "bundle"
    with tarfile.open(debian.oci_archive("gzip")) as tar:
        tar.extractall(layout)
    image = f"{layout}:{_tag(layout)}"
    history = ["--history.created", CREATED, "--history.author", ""]
    for what, instruction in STEPS:
        if isinstance(what, list):
            _run("umoci", "config", "--image", image, *what, *history, "--history.created_by", instruction)
            continue
        shutil.rmtree(bundle, ignore_errors=True)
        _run("umoci", "unpack", "--image", image, str(bundle))
        _in_root(bundle / "rootfs", what)
        _run("umoci", "repack", "--image", image, "--no-mask-volumes", *history,
             "--history.created_by", f"/bin/sh -c {what}", str(bundle))
    _run("umoci", "config", "--image", image, "--no-history", "--created", CREATED)
    _run("umoci", "gc", "--layout", str(layout))
    _name(layout)
    _run("tar", "-C", str(layout), "--sort=name", "-cf", str(out), ".")


def _name(layout):
    path = layout / "index.json"
    index = json.loads(path.read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": f"{NAME}:latest"}
    path.write_text(json.dumps(index))


def _tag(layout):
    index = json.loads((layout / "index.json").read_text())
    return index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]


def _in_root(root, command):
    """Runs command there, with nginx's packages in /packages."""
    aside = root / "packages"
    aside.mkdir()
    for file in packages("nginx"):
        shutil.copy(file, aside)
    _run("chroot", str(root), "/bin/sh", "-c", command,
         env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
    shutil.rmtree(aside)


if __name__ == "__main__":
    print(archive())
    for wanted in PACKAGES:
        print(wanted, *[f.name for f in packages(wanted)])
