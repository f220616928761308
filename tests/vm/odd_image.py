# SPDX-License-Identifier: GPL-2.0-or-later
"""The image `odd`: every kind of entry that a layer can have, in two layers, and one with sparse files between them. They run
(BusyBox is in them), so that their trees can be looked at from outside through a container."""

import os
import pathlib
import subprocess
import tarfile

import archive
import testbox

MTIME = "1704067200.123456789"
# revision 2, effective: cap_net_raw, permitted
CAPABILITY = b"\x01\x00\x00\x02\x00\x20\x00\x00" + bytes(12)


def _entry(name, *args, mtime=MTIME, pax=None, **more):
    return archive.entry(name, *args, pax={"mtime": mtime, **(pax or {})}, **more)


def _folder(name, mode=0o755, **more):
    return _entry(name, tarfile.DIRTYPE, mode=mode, **more)


def _xattr(name, value):
    return {"SCHILY.xattr." + name: value.decode("utf-8", "surrogateescape")}


def _kinds():
    yield _folder("odd", 0o1777)
    yield _folder("odd/set-gid", 0o2775, uid=1000, gid=2000)
    for size in (0, 1, 511, 512, 513, 4095, 4096, 4097, 100000):
        yield _entry(f"odd/{size} bytes", data=(bytes(range(256)) * 400)[:size])
    yield _entry("odd/set-user-id", data=b"x", mode=0o6755, uid=1000, gid=2000)
    yield _entry("odd/no permissions", data=b"x", mode=0)
    yield _entry("odd/huge ids", data=b"x", uid=4294967294, gid=4000000000)
    yield _entry("odd/hard 1", data=b"one file\n", mode=0o640, uid=7)
    yield _entry("odd/hard 2", tarfile.LNKTYPE, link="odd/hard 1", mode=0o640, uid=7)
    yield _entry("odd/set-gid/hard 3", tarfile.LNKTYPE, link="odd/hard 1", mode=0o640, uid=7)
    yield _entry("odd/relative", tarfile.SYMTYPE, link="hard 1", mode=0o777)
    yield _entry("odd/absolute", tarfile.SYMTYPE, link="/odd/hard 1", mode=0o777)
    yield _entry("odd/to nothing", tarfile.SYMTYPE, link="../../../nothing", mode=0o777, uid=3, gid=4)
    yield _entry("odd/to far away", tarfile.SYMTYPE, link="far/" * 200, mode=0o777)
    yield _entry("odd/character", tarfile.CHRTYPE, dev=(1, 3), mode=0o666)
    yield _entry("odd/block", tarfile.BLKTYPE, dev=(7, 1000), mode=0o660, gid=6)
    yield _entry("odd/fifo", tarfile.FIFOTYPE, mode=0o600)
    yield _entry("odd/capability", data=b"x", mode=0o755, pax=_xattr("security.capability", CAPABILITY))
    # none with an empty value: to GNU tar and to us that is one, to Go's reader (Docker, podman, umoci) none
    yield _entry("odd/attributes", data=b"x", pax={**_xattr("user.text", b"seen"), **_xattr("user.long", b"v" * 200)})
    yield _folder("odd/folder with attribute", pax=_xattr("user.folder", b"yes"))
    yield _entry("odd/1969", data=b"x", mtime="-1.5")
    yield _entry("odd/2100", data=b"x", mtime="4102444800.999999999")
    for name in ("n" * 255, "\udcff\udcfe no UTF-8", "ünïcode ☃", "line\nbreak", "back\\slash", " space"):
        yield _entry("odd/" + name, data=b"x")
    deep = "odd"
    for _ in range(20):
        deep += "/" + "d" * 99
        yield _folder(deep)
    yield _entry(deep + "/bottom", data=b"2000 bytes down\n")


def _to_be_changed():
    for name in ("opaque", "gone", "changed"):
        yield _folder(name)
        yield _entry(f"{name}/a", data=b"old\n")
        yield _entry(f"{name}/b", data=b"old\n")
    yield _entry("becomes a folder", data=b"x")
    yield _folder("becomes a file")
    yield _entry("becomes a file/x", data=b"x")
    yield _entry("gone file", data=b"x")
    yield _entry("rewritten", data=b"old\n", uid=5, mode=0o600)


def lower():
    system = [_folder(name) for name in ("bin", "dev", "etc", "proc", "sys", "run")]
    # few links: umoci reads every one of them as a file of its own
    program = [_entry("bin/busybox", data=testbox._find_busybox().read_bytes(), mode=0o755)]
    program += [_entry("bin/" + name, tarfile.LNKTYPE, link="bin/busybox", mode=0o755) for name in ("sh", "sleep", "cat")]
    return archive.layer(_folder("./"), *system, *program, *_kinds(), *_to_be_changed())


def upper(*more):
    return archive.layer(
        _folder("./", 0o755),
        _entry(".wh.gone"), _entry(".wh.gone file"),
        _folder("opaque", 0o750), _entry("opaque/.wh..wh..opq"), _entry("opaque/new", data=b"new\n"),
        _folder("changed", 0o711, uid=9), _entry("changed/.wh.a"), _entry("changed/c", data=b"new\n"),
        _folder("becomes a folder"), _entry("becomes a folder/x", data=b"new\n"),
        _entry("becomes a file", data=b"new\n"), _entry("rewritten", data=b"new content\n", mode=0o755),
        _folder("odd", 0o1777), _entry("odd/hard 2", data=b"no longer the same file\n"),
        _entry("nobody described it/file", data=b"x"),
        *more,
    )


def sparse(folder):
    """A layer that GNU tar writes: sparse files of 3 MiB."""
    root, tar = pathlib.Path(folder) / "sparse", pathlib.Path(folder) / "sparse.tar"
    root.mkdir()
    for name, pieces in (("both", ((1 << 20, b"data" * 1000), ((3 << 20) - 3, b"end"))), ("hole at end", ((5000, b"x"),)),
                         ("all hole", ())):
        with open(root / name, "wb") as file:
            file.truncate(3 << 20)
            for at, data in pieces:
                file.seek(at)
                file.write(data)
        os.utime(root / name, (1704067200, 1704067200))
    os.utime(root, (1704067200, 1704067200))
    subprocess.run(["tar", "-C", folder, "--format=posix", "--sparse", "--sort=name", "--numeric-owner", "--owner=0", "--group=0",
                    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "-cf", tar, "sparse"], check=True)
    return tar.read_bytes()


CONFIG = {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1000"]}


def image():
    return archive.Image([lower(), upper()], CONFIG)


def linked_image():
    """With a link to a file of the layer below."""
    link = _entry("link across layers", tarfile.LNKTYPE, link="odd/set-user-id", mode=0o6755, uid=1000, gid=2000)
    return archive.Image([lower(), upper(link)], CONFIG)


def sparse_image(folder):
    return archive.Image([lower(), sparse(folder), upper()], CONFIG)
