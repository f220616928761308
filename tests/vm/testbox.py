# SPDX-License-Identifier: GPL-2.0-or-later
"""The image `testbox`: BusyBox with everything a configuration can say, so that tests of defaults have something to find.
Two layers; the second hides a file and a folder of the first."""

import pathlib
import subprocess
import tarfile

import archive

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nworker:x:1000:1000::/home/worker:/bin/sh\n"
GROUP = b"root:x:0:\nnogroup:x:65534:\nworker:x:1000:\nextra:x:2000:worker\n"


def _find_busybox():
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if pathlib.Path(path).exists():
            return pathlib.Path(path)
    raise AssertionError("the tests need Debian's busybox-static")


def _base():
    busybox = _find_busybox()
    applets = subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    members = [archive.folder(name) for name in ("bin", "etc", "home", "home/worker", "root", "usr", "var")]
    members.append(archive.folder("tmp", mode=0o1777))
    members.append(archive.entry("bin/busybox", data=busybox.read_bytes(), mode=0o755))
    members += [archive.entry(f"bin/{a}", tarfile.LNKTYPE, link="bin/busybox", mode=0o755)
                for a in applets if a != "busybox"]
    members += [archive.entry("etc/passwd", data=PASSWD), archive.entry("etc/group", data=GROUP)]
    return members


def busybox_image():
    return archive.Image([archive.layer(*_base())], {"Env": ["PATH=/bin"], "Cmd": ["sh"]})


def image():
    lower = _base() + [
        archive.entry("etc/lower-only", data=b"lower\n"),
        archive.entry("etc/hidden", data=b"must not be seen\n"),
        archive.folder("opaque"), archive.entry("opaque/old", data=b"must not be seen\n"),
        archive.entry("etc/not-executable", data=b"#!/bin/sh\n", mode=0o644),
        archive.entry("bin/say", data=b'#!/bin/sh\necho "say:$#:$*"\n', mode=0o755),
        archive.entry("bin/bad-format", data=b"\x00\x01\x02\x03 no program\n", mode=0o755),
        archive.entry("bin/no-interpreter", data=b"#!/no/such/interpreter\n", mode=0o755),
    ]
    upper = [
        archive.folder("etc"), archive.entry("etc/.wh.hidden"),
        archive.folder("opaque"), archive.entry("opaque/.wh..wh..opq"), archive.entry("opaque/new", data=b"new\n"),
        archive.entry("etc/upper-only", data=b"upper\n"),
        archive.entry("etc/xattr", data=b"x\n", pax={"SCHILY.xattr.user.knarr": "seen"}),
        archive.symlink("etc/link", "upper-only"), archive.symlink("etc/absolute", "/etc/upper-only"),
    ]
    config = {
        "User": "worker", "WorkingDir": "/home/worker", "Env": ["PATH=/bin", "FROM_IMAGE=yes", "SHADOWED=image"],
        "Entrypoint": ["say"], "Cmd": ["default", "words"], "StopSignal": "SIGUSR1", "ExposedPorts": {"80/tcp": {}},
    }
    return archive.Image([archive.layer(*lower), archive.layer(*upper)], config)
